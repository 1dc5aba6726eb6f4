//! `flatrun run`, or `flatrun FILE`: check, train, evaluate, report.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::exit::{Exit, Failure};
use super::interrupt;
use super::progress::{Display, Progress};
use super::render::FileFindings;
use super::report::unpublished;
use super::resume;
use super::source::Source;
use super::terminal::{Mark, Terminal};
use crate::files::write_atomic;
use crate::lang::{self, Checked, Settings};
use crate::report::notes::{self, Note};
use crate::report::{Measured, Missing, Outcome, RunRecord, Study, Table, long, protocols, publish, read};
use crate::run::device::join_threads;
use crate::run::{Idle, Options, Report, RunError, RunResult, execute};

/// Check, train, evaluate and report; `flatrun FILE` does the same
///
/// Everything is kept in RUNS/<file name>-<key>: events, metrics, checkpoints, weights, the table, which is also
/// printed, and report.html with all plots. Ctrl-C writes a checkpoint; --resume goes on from there.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File to run; `-` reads standard input
    file: PathBuf,
    #[command(flatten)]
    settings: SettingArgs,
    #[command(flatten)]
    runs: RunsArg,
    /// Take one step of every phase and one batch of every evaluator, and keep nothing
    #[arg(long, conflicts_with_all = ["resume", "restart"])]
    smoke: bool,
    /// Go on where the run was interrupted
    #[arg(long, conflicts_with = "restart")]
    resume: bool,
    /// Throw away what an earlier run of the same program left, and begin again
    #[arg(long)]
    restart: bool,
    /// Print the table and errors alone
    #[arg(long)]
    quiet: bool,
    /// `jsonl` prints every event as a line of JSON instead of the table
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    events: Option<Events>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Events {
    Jsonl,
}

/// Flags that change what a file says.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SettingArgs {
    /// Set a value of the file, as `train.0.under.rho=0.1`; may be given again
    #[arg(long, value_name = "PATH=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Run under these seeds: `0..3`, or `0,1,5`
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<String>,
    /// Run on this device: `cpu`, or `cuda(0)`
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
}

/// Where run folders are.
#[derive(Clone, Debug, clap::Args)]
pub struct RunsArg {
    /// Folder of all run folders
    #[arg(long = "runs", value_name = "DIR", default_value = "runs")]
    pub folder: PathBuf,
}

/// A file without errors.
pub struct Program {
    pub source: Source,
    pub program: lang::Program,
}

impl Program {
    /// Reads and checks a file; findings go to standard error. `None` where they include an error.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(file: &Path, settings: &SettingArgs, terminal: &Terminal) -> Result<Option<Self>, Failure> {
        let (program, findings) = Self::check(file, settings)?;
        findings.show(terminal);
        Ok(program)
    }

    fn check(file: &Path, settings: &SettingArgs) -> Result<(Option<Self>, FileFindings), Failure> {
        let source = Source::read(file)?;
        let Checked { program, diagnostics } = source.check(&settings.to_settings());
        let findings = FileFindings { source: source.clone(), diagnostics };
        Ok((program.map(|program| Self { source, program }), findings))
    }
}

impl SettingArgs {
    pub fn to_settings(&self) -> Settings {
        Settings { set: self.set.clone(), seeds: self.seeds.clone(), device: self.device.clone() }
    }

    /// The flags as they would be typed.
    fn typed(&self) -> Vec<String> {
        let set = self
            .set
            .iter()
            .flat_map(|(path, value)| ["--set".to_owned(), quoted(&format!("{path}={value}"))]);
        let flag = |name: &str, value: &Option<String>| {
            value.iter().flat_map(|value| [format!("--{name}"), quoted(value)]).collect::<Vec<_>>()
        };
        set.chain(flag("seeds", &self.seeds)).chain(flag("device", &self.device)).collect()
    }
}

/// # Errors
/// The file cannot be read, the run did not happen or did not finish, or standard output cannot be written.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let (program, findings) = Program::check(&args.file, &args.settings)?;
    if program.is_none() || !args.quiet {
        findings.show(terminal);
    }
    let Some(Program { source, program }) = program else { return Ok(Exit::Findings) };
    let options = Options {
        name: source.stem(),
        source: source.text,
        runs: args.runs.folder.clone(),
        resume: args.resume,
        restart: args.restart,
        smoke: args.smoke,
    };
    if args.resume && !resume::has_begun(&program, &options)? && !args.quiet {
        terminal.note("nothing of this program was interrupted: it begins now\n");
    }
    let mut progress = Progress::new(display(args, &program, terminal));
    let stop = interrupt::watch()?;
    join_threads();
    let report = execute(&program, &options, &mut progress, stop);
    match (report, progress.unread) {
        (Err(error), Some(unread)) if error.is_interruption() => unheard(&unread, args),
        (Err(error), _) => Err(failure(error, args)),
        // The lock is held to the end: nobody throws away what the table tells of.
        (Ok((report, _folder)), unread) => {
            let exit = finish(args, &program, &report, terminal)?;
            let lost = unread.filter(|error| error.kind() != ErrorKind::BrokenPipe);
            lost.map_or(Ok(exit), |error| Err(Failure::output(&error)))
        }
    }
}

fn display(args: &Args, program: &lang::Program, terminal: &Terminal) -> Display {
    let phases = |variant: &lang::program::Variant| (variant.slug.clone(), variant.experiment.phases.len());
    Display {
        events: args.events.is_some(),
        quiet: args.quiet,
        bars: terminal.watched && args.events.is_none(),
        variants: program.variants.len() > 1,
        seeds: program.seeds.len() > 1,
        phases: program.variants.iter().map(phases).collect::<BTreeMap<_, _>>(),
    }
}

/// Prints and keeps the table; says what failed.
fn finish(
    args: &Args,
    program: &lang::Program,
    report: &Report,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let failed = report_failures(args, program, report, terminal);
    let exit = if failed { Exit::RunFailed } else { Exit::Done };
    if args.smoke {
        if !failed && args.events.is_none() {
            let runs = program.variants.len();
            let noun = if runs == 1 { "variant" } else { "variants" };
            terminal.print(&format!("every stage of {runs} {noun} works\n"))?;
        }
        return Ok(exit);
    }
    report_idle(program, report, terminal);
    let table = table(program, report);
    let below = protocols::text(&protocols_of(program, report));
    let doubts = doubts(program, report);
    keep(
        &report.folder,
        &table,
        long_of(program, report),
        &(protocols::markdown(&below) + &notes::markdown(&doubts)),
    )?;
    let page = draw(&report.folder, terminal);
    if !args.quiet {
        let place = page.unwrap_or_else(|| report.folder.clone());
        terminal.note(&format!("{}\n", place.display()));
    }
    if args.events.is_none() {
        terminal.print(&(table.text(terminal.width) + &below + &notes::section(&doubts)))?;
    }
    Ok(exit)
}

fn report_failures(args: &Args, program: &lang::Program, report: &Report, terminal: &Terminal) -> bool {
    let mut failed = false;
    for result in &report.results {
        if let Err(cause) = &result.outcome {
            let variant = &program.variants[result.variant].slug;
            terminal.say(Mark::Error, &format!("{variant}, seed {}: {cause}", result.seed));
            failed = true;
        }
    }
    if failed && !args.smoke {
        let again = again(args, "--restart");
        terminal.say(
            Mark::Help,
            &format!("what failed would fail again: change the file, or begin again with `{again}`"),
        );
    }
    failed
}

/// A run that trained little must not look like one that trained.
fn report_idle(program: &lang::Program, report: &Report, terminal: &Terminal) {
    for result in &report.results {
        let Idle { steps, skipped, empty } = result.idle;
        let variant = &program.variants[result.variant].slug;
        let counts = [skipped, empty].into_iter().zip(notes::IDLE);
        for (count, (_, cause)) in counts.filter(|(count, _)| *count > 0) {
            let text =
                format!("{variant}, seed {}: {count} of {steps} steps changed nothing: {cause}", result.seed);
            terminal.say(Mark::Warning, &text);
        }
    }
}

fn table(program: &lang::Program, report: &Report) -> Table {
    let outcomes = report.results.iter().map(|result| Outcome {
        variant: program.variants[result.variant].slug.clone(),
        values: result.outcome.as_ref().map(|measured| measured.values.clone()).map_err(|_| Missing::Failed),
    });
    Table::new(&outcomes.collect::<Vec<_>>())
}

fn protocols_of(program: &lang::Program, report: &Report) -> Vec<(String, Vec<String>)> {
    let slug = |variant: usize| program.variants[variant].slug.clone();
    let of = |result: &RunResult| {
        let protocol = report.protocols.get(result.variant).cloned().unwrap_or_default();
        (slug(result.variant), protocol)
    };
    report.results.iter().filter(|result| result.outcome.is_ok()).map(of).collect()
}

/// What casts doubt on the results, in the order of the runs.
fn doubts(program: &lang::Program, report: &Report) -> Vec<Note> {
    let of_run = |result: &RunResult| -> Vec<Note> {
        let variant = &program.variants[result.variant].slug;
        let measured = result.outcome.iter();
        measured.flat_map(|measured| notes::warnings(variant, result.seed, &measured.warnings)).collect()
    };
    report.results.iter().flat_map(of_run).collect()
}

/// Every number of every run that finished.
fn long_of(program: &lang::Program, report: &Report) -> String {
    let runs = report.results.iter().map(|result| Measured {
        variant: &program.variants[result.variant].slug,
        seed: result.seed,
        values: result.outcome.as_ref().map_or(&[][..], |measured| &measured.values),
    });
    long(runs)
}

fn keep(folder: &Path, table: &Table, long: String, below: &str) -> Result<(), Failure> {
    let markdown = table.markdown() + below;
    for (name, text) in [("table.csv", table.csv()), ("results.csv", long), ("table.md", markdown)] {
        let path = folder.join(name);
        write_atomic(&path, text.as_bytes()).map_err(|error| Failure::unwritable(&path, &error))?;
    }
    Ok(())
}

/// Where the page of the run lies; the run is good without it.
fn draw(folder: &Path, terminal: &Terminal) -> Option<PathBuf> {
    let drawn = match read(folder) {
        // It is this process that holds the folder.
        Ok(Some(record)) => publish(&Study::read(vec![RunRecord { running: false, ..record }]), folder)
            .map_err(|error| unpublished(&error)),
        Ok(None) => return None,
        Err(error) => Err(Failure::unreadable(folder, &error)),
    };
    drawn.map_err(|failure| terminal.say(Mark::Warning, &failure.message)).ok()
}

/// The end of a run whose events nobody takes: without a word where whoever read them has gone, as `head` does.
fn unheard(error: &io::Error, args: &Args) -> Result<Exit, Failure> {
    match error.kind() {
        ErrorKind::BrokenPipe => Ok(Exit::Interrupted),
        _ => Err(Failure::output(error).help(format!("go on with `{}`", again(args, "--resume")))),
    }
}

fn failure(error: RunError, args: &Args) -> Failure {
    match error {
        error if error.is_interruption() && args.smoke => Failure::interrupted("interrupted"),
        RunError::Preparing => Failure::interrupted(error.to_string()),
        error if error.is_interruption() => {
            Failure::interrupted(error.to_string()).help(format!("go on with `{}`", again(args, "--resume")))
        }
        RunError::Write { path, source } => {
            let failure = Failure::unwritable(&path, &source);
            if args.smoke {
                return failure;
            }
            failure.help(format!("what is finished is kept; then go on with `{}`", again(args, "--resume")))
        }
        RunError::Damaged { ref path, .. } => Failure::usage(error.to_string())
            .help(format!("put a whole copy in its place, and go on with `{}`", again(args, "--resume")))
            .help(format!("or remove `{}`, and its phase is trained from its beginning", path.display())),
        RunError::Phase(_) | RunError::Internal(_) => explained(Failure::run(error.to_string()), &error),
        error => explained(Failure::usage(error.to_string()), &error),
    }
}

/// With what a check would have said beside the message.
pub(super) fn explained(failure: Failure, error: &RunError) -> Failure {
    let Some((code, help)) = error.finding() else { return failure };
    let failure = help.into_iter().fold(failure, Failure::help);
    failure.help(format!("`flatrun explain {}` says more", code.info().id))
}

/// The command that runs the same once more, with a flag.
fn again(args: &Args, flag: &str) -> String {
    let mut words = vec!["flatrun".to_owned(), quoted(&args.file.to_string_lossy())];
    words.extend(args.settings.typed());
    if args.runs.folder != Path::new("runs") {
        words.extend(["--runs".to_owned(), quoted(&args.runs.folder.to_string_lossy())]);
    }
    words.push(flag.into());
    words.join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=,:%+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (path, value) = text.split_once('=').ok_or("expected PATH=VALUE, as `model=mlp`")?;
    Ok((path.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("a.flat"), "a.flat");
        assert_eq!(quoted("cuda(0)"), "'cuda(0)'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }

    #[test]
    fn an_assignment_splits_at_its_first_sign() {
        assert_eq!(assignment("model = mlp(hidden = [8])"), Ok(("model".into(), "mlp(hidden = [8])".into())));
        assert!(assignment("model").is_err());
    }
}
