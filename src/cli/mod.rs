//! The command line: one file per command. The only place that prints.
//!
//! Results go to standard output, everything else to standard error.

mod catalog;
mod check;
mod completions;
mod diff;
mod exit;
mod explain;
mod fill;
mod fix;
mod fmt;
mod foreign;
mod graph;
mod interrupt;
mod lsp;
mod named;
mod pace;
mod plan;
mod progress;
mod render;
mod report;
mod resume;
mod run;
mod runs;
mod safe;
mod shorthand;
mod source;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;
use std::thread;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use exit::{Exit, Failure};
use safe::safe_line;
use terminal::{Color, Terminal};

use crate::run::device::bound_threads;

/// What a process that panicked tells its caller, as Rust does by itself.
const PANICKED: u8 = 101;

const USAGE: &str = "flatrun FILE [OPTIONS]\n       flatrun COMMAND ..";

/// Checks, plans, trains and measures what a file of Flat describes.
///
/// `flatrun FILE` is `flatrun run FILE`.
#[derive(Debug, Parser)]
#[command(name = "flatrun", version, override_usage = USAGE, max_term_width = 100)]
struct Cli {
    /// Colour: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = true
    )]
    color: Color,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    #[command(visible_alias = "lint")]
    Check(check::Args),
    Fmt(fmt::Args),
    Plan(plan::Args),
    Graph(graph::Args),
    Explain(explain::Args),
    Catalog(catalog::Args),
    Runs(runs::Args),
    Report(report::Args),
    Completions(completions::Args),
    Lsp(lsp::Args),
}

/// Stack of the thread that does the work. Brackets nest up to [`crate::syntax::MAX_DEPTH`] deep, which takes a part of
/// it; the stack that the system gives to a program may be far smaller (`ulimit -s`).
const STACK: usize = 16 << 20;

/// The whole program.
pub fn main() -> ExitCode {
    interrupt::survive_full_files();
    bound_threads();
    let work = || perform(std::env::args_os().collect());
    let exit = match thread::Builder::new().name("flatrun".into()).stack_size(STACK).spawn(work) {
        // A panic has said what happened.
        Ok(thread) => thread.join().map_or(PANICKED, |exit| exit as u8),
        Err(error) => {
            let failure = Failure::usage(format!("cannot start a thread: {}", exit::reason(&error)));
            let failure = failure.help(format!("it needs {} MiB for its stack (`ulimit -v`)", STACK >> 20));
            ended(Err(failure), &Terminal::new(Color::Auto)) as u8
        }
    };
    ExitCode::from(exit)
}

fn perform(arguments: Vec<OsString>) -> Exit {
    let color = asked_color(&arguments);
    let mut root = Cli::command();
    if arguments.len() < 2 {
        let terminal = Terminal::new(color);
        let help = root.render_help();
        let text = if terminal.output_color { help.ansi().to_string() } else { help.to_string() };
        return ended(terminal.print(&text).map(|()| Exit::Done), &terminal);
    }
    let arguments = match shorthand::expand(arguments, &root) {
        Ok(arguments) => arguments,
        Err(failure) => return ended(Err(failure), &Terminal::new(color)),
    };
    let mut parse = |arguments: &[OsString]| {
        let matches = root.try_get_matches_from_mut(arguments);
        matches.and_then(|matches| Cli::from_arg_matches(&matches))
    };
    match parse(&arguments) {
        Ok(Cli { color, command }) => {
            let terminal = Terminal::new(color);
            let done = command.map_or(Ok(Exit::Done), |command| dispatch(command, &terminal));
            ended(done, &terminal)
        }
        Err(error) => {
            if let Some(failure) = foreign::option(&error, &arguments) {
                return ended(Err(failure), &Terminal::new(color));
            }
            // Help and version are results and end well; everything else is a wrong usage.
            // They repeat what was written, which a terminal must not obey.
            let shown = |argument: &OsString| safe_line(&argument.to_string_lossy()).into_owned().into();
            let error = parse(&arguments.iter().map(shown).collect::<Vec<_>>()).err().unwrap_or(error);
            let (text, terminal) = (error.render(), Terminal::new(color));
            let colored = if error.use_stderr() { terminal.error_color } else { terminal.output_color };
            let text = if colored { text.ansi().to_string() } else { text.to_string() };
            if error.use_stderr() {
                terminal.note(&text);
                return Exit::Usage;
            }
            ended(terminal.print(&text).map(|()| Exit::Done), &terminal)
        }
    }
}

fn dispatch(command: Command, terminal: &Terminal) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => run::run(&args, terminal),
        Command::Check(args) => check::run(&args, terminal),
        Command::Fmt(args) => fmt::run(&args, terminal),
        Command::Plan(args) => plan::run(&args, terminal),
        Command::Graph(args) => graph::run(&args, terminal),
        Command::Explain(args) => explain::run(&args, terminal),
        Command::Catalog(args) => catalog::run(&args, terminal),
        Command::Runs(args) => runs::run(&args, terminal),
        Command::Report(args) => report::run(&args, terminal),
        Command::Completions(args) => completions::run(&args, terminal),
        Command::Lsp(args) => lsp::run(&args),
    }
}

fn ended(done: Result<Exit, Failure>, terminal: &Terminal) -> Exit {
    done.unwrap_or_else(|failure| {
        terminal.failure(&failure);
        failure.exit
    })
}

/// `--color` as clap's own messages must obey it, which are written where nothing could be parsed.
fn asked_color(arguments: &[OsString]) -> Color {
    let words: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let given = |value: &str| {
        words.contains(&format!("--color={value}").as_str())
            || words.windows(2).any(|pair| pair == ["--color", value])
    };
    match (given("always"), given("never")) {
        (true, _) => Color::Always,
        (_, true) => Color::Never,
        _ => Color::Auto,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn color_is_known_before_parsing() {
        let arguments = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(asked_color(&arguments("flatrun --color never --help")), Color::Never);
        assert_eq!(asked_color(&arguments("flatrun --color=always")), Color::Always);
        assert_eq!(asked_color(&arguments("flatrun a.flat")), Color::Auto);
    }
}
