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
mod shorthand;
mod source;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};

use exit::{Exit, Failure};
use terminal::{Color, Terminal};

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

/// The whole program.
pub fn main() -> ExitCode {
    interrupt::survive_full_files();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    ExitCode::from(perform(arguments) as u8)
}

fn perform(arguments: Vec<OsString>) -> Exit {
    let mut root = Cli::command().color(help_color(&arguments));
    if arguments.len() < 2 {
        let terminal = Terminal::new(Color::Auto);
        let help = root.render_help();
        let text = if terminal.output_color { help.ansi().to_string() } else { help.to_string() };
        return ended(terminal.print(&text).map(|()| Exit::Done), &terminal);
    }
    let arguments = match shorthand::expand(arguments, &root) {
        Ok(arguments) => arguments,
        Err(failure) => return ended(Err(failure), &Terminal::new(Color::Auto)),
    };
    let matches = root.try_get_matches_from_mut(&arguments);
    match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(Cli { color, command }) => {
            let terminal = Terminal::new(color);
            let done = command.map_or(Ok(Exit::Done), |command| dispatch(command, &terminal));
            ended(done, &terminal)
        }
        Err(error) => {
            if let Some(failure) = foreign::option(&error, &arguments) {
                return ended(Err(failure), &Terminal::new(Color::Auto));
            }
            // Help and version are results and end well; everything else is a wrong usage.
            let _ = error.print();
            if error.use_stderr() { Exit::Usage } else { Exit::Done }
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

/// `--color` as clap's own messages must obey it, which it prints before anything is parsed.
fn help_color(arguments: &[OsString]) -> ColorChoice {
    let words: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let given = |value: &str| {
        words.contains(&format!("--color={value}").as_str())
            || words.windows(2).any(|pair| pair == ["--color", value])
    };
    match (given("always"), given("never")) {
        (true, _) => ColorChoice::Always,
        (_, true) => ColorChoice::Never,
        _ => ColorChoice::Auto,
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
        assert_eq!(help_color(&arguments("flatrun --color never --help")), ColorChoice::Never);
        assert_eq!(help_color(&arguments("flatrun --color=always")), ColorChoice::Always);
        assert_eq!(help_color(&arguments("flatrun a.flat")), ColorChoice::Auto);
    }
}
