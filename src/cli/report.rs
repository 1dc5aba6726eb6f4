//! `flatrun report`: tables and plots of runs.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::ValueEnum;

use super::exit::{Exit, Failure};
use super::named::{find, missing};
use super::run::RunsArg;
use super::terminal::{Mark, Terminal};
use crate::report::{
    PublishError, RunRecord, State, Study, Table, notes, protocols, publish, read, write_events,
};

/// Print the tables of runs again, and draw what they recorded
///
/// One page of HTML with all figures goes into the run folder as report.html, each figure as SVG into its folder
/// report/. Several runs are joined: their page goes into the current folder, or into --out.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run folders, or their names, as `flatrun runs` lists them, or how a name begins
    #[arg(required = true, value_name = "RUN")]
    run: Vec<PathBuf>,
    #[command(flatten)]
    runs: RunsArg,
    /// Write report.html and report/ here
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write event files for TensorBoard here, one folder per run, variant and seed
    #[arg(long, value_name = "DIR")]
    tensorboard: Option<PathBuf>,
    /// text; csv, markdown or json print the table and write no page without --out
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", hide_possible_values = true)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Csv,
    Markdown,
    Json,
}

/// # Errors
/// A folder that is no run, a report that cannot be written, or standard output cannot be written.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let study = Study::read(records(args)?);
    warn(&study, terminal);
    let table = study.table();
    let below = protocols::text(&study.protocols());
    let mut doubts = study.notes();
    // What has no results was warned of.
    doubts.retain(|note| !note.grave);
    match args.format {
        Format::Text => terminal.print(&(table.text(terminal.width) + &below + &notes::section(&doubts)))?,
        Format::Csv => terminal.data(&table.csv())?,
        Format::Markdown => {
            let below = protocols::markdown(&below) + &notes::markdown(&doubts);
            terminal.data(&(table.markdown() + &below))?
        }
        Format::Json => terminal.data(&json(&table)?)?,
    }
    if args.format == Format::Text || args.out.is_some() {
        let page = publish(&study, &folder(args, &study)).map_err(|error| unpublished(&error))?;
        terminal.note(&format!("{}\n", page.display()));
    }
    if let Some(folder) = &args.tensorboard {
        write_events(&study, folder).map_err(|(path, error)| Failure::unwritable(&path, &error))?;
        terminal.note(&format!("{}\n", folder.display()));
    }
    Ok(Exit::Done)
}

/// The runs in the order given, each once.
fn records(args: &Args) -> Result<Vec<RunRecord>, Failure> {
    let (mut known, mut records) = (BTreeSet::new(), Vec::new());
    for run in &args.run {
        let folder = find(run, &args.runs.folder)?;
        if known.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())) {
            let record = read(&folder).map_err(|error| Failure::unreadable(&folder, &error))?;
            records.push(record.ok_or_else(|| missing(run, &args.runs.folder))?);
        }
    }
    Ok(records)
}

/// Where the page goes.
fn folder(args: &Args, study: &Study) -> PathBuf {
    match (&args.out, study.runs.as_slice()) {
        (Some(folder), _) => folder.clone(),
        (None, [run]) => run.folder.clone(),
        (None, _) => PathBuf::from("."),
    }
}

/// A run that is not whole must not look like one that is.
fn warn(study: &Study, terminal: &Terminal) {
    for damage in study.damage() {
        terminal.say(Mark::Warning, &format!("`{}` is damaged: {}", damage.path.display(), damage.cause));
    }
    for (variant, seed) in study.all() {
        let state = match &seed.record.state {
            State::Finished | State::Damaged => continue,
            State::Failed(message) => format!("failed: {message}"),
            State::Interrupted { phase, step } => format!("is not finished: step {step} of phase {phase}"),
        };
        terminal.say(Mark::Warning, &format!("{}, seed {} {state}", variant.name, seed.record.seed));
    }
}

/// What the command says of a page that was not written.
pub fn unpublished(error: &PublishError) -> Failure {
    match error {
        PublishError::Write { path, source } => Failure::unwritable(path, source),
        PublishError::Foreign { .. } => {
            Failure::usage(error.to_string()).help("write elsewhere with `--out DIR`")
        }
    }
}

fn json(table: &Table) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(table).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(text + "\n")
}
