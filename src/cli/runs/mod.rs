//! `flatrun runs`: what was run, and what of it is still wanted.

pub mod line;
mod show;
mod tidy;

use std::fmt::Write;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};

use super::exit::{Exit, Failure};
use super::terminal::{Terminal, paint};
use crate::report::{RunRecord, State, Table, date, list};
use line::Line;

/// Rows of results shown per run.
const ROWS: usize = 4;

/// List what was run, oldest first; show or remove runs
///
/// A name may be cut short where no other run begins so.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Folder of all run folders
    #[arg(long = "runs", value_name = "DIR", default_value = "runs", global = true)]
    folder: PathBuf,
    /// Several lines per run, with its results
    #[arg(long)]
    long: bool,
    /// text or json
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", hide_possible_values = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the table of a run again, and where everything of it lies
    Show {
        /// Name of the run, or how it begins
        run: PathBuf,
    },
    /// Remove runs; what other runs share with them is kept
    Rm {
        /// Names of runs, or how they begin
        #[arg(required = true, value_name = "RUN")]
        run: Vec<PathBuf>,
    },
    /// Remove what killed processes left, and notes of results that have gone
    Gc {
        /// Runs that were interrupted too
        #[arg(long)]
        unfinished: bool,
        /// Say what would be removed, and remove nothing
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// # Errors
/// A name that is no run's, a folder that cannot be read or removed, or standard output cannot be written.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.action {
        None => all(args, terminal),
        Some(Action::Show { run }) => show::run(run, &args.folder, terminal),
        Some(Action::Rm { run }) => tidy::remove(run, &args.folder, terminal),
        Some(Action::Gc { unfinished, dry_run }) => {
            tidy::collect(&args.folder, *unfinished, *dry_run, terminal)
        }
    }
}

/// What is in the folder of all runs; nothing where there is no such folder.
fn records(runs: &Path) -> Result<Vec<RunRecord>, Failure> {
    match list(runs) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.map_err(|error| Failure::unreadable(runs, &error)),
    }
}

fn all(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let records = records(&args.folder)?;
    let lines = || records.iter().map(Line::of).collect::<Vec<_>>();
    let text = match args.format {
        Format::Json => {
            let json = serde_json::to_string_pretty(&lines());
            json.map_err(|error| Failure::usage(error.to_string()))? + "\n"
        }
        Format::Text if records.is_empty() => {
            terminal.note(&format!("nothing was run in `{}`\n", args.folder.display()));
            return Ok(Exit::Done);
        }
        Format::Text if args.long => {
            records.iter().map(|record| entry(record, ROWS, terminal)).collect::<Vec<_>>().join("\n")
        }
        Format::Text => line::table(&lines(), terminal.width),
    };
    terminal.print(&text)?;
    Ok(Exit::Done)
}

/// A run in several lines, with so many rows of its table.
fn entry(record: &RunRecord, most: usize, terminal: &Terminal) -> String {
    let folder = paint(&record.folder.display().to_string(), "1", terminal.output_color);
    let mut text = format!("{folder}: {}\n", state(record));
    let title = record.title.as_ref().map(|title| format!("{title}; ")).unwrap_or_default();
    let began = record.began().map(|began| format!("; begun {}", date(began))).unwrap_or_default();
    let _ = writeln!(text, "  {title}{}{began}", size(record));
    let table = Table::new(&record.outcomes());
    let rows = table.rows.len();
    let shown = Table { rows: table.rows.into_iter().take(most).collect(), measurements: table.measurements };
    if rows > 0 {
        shown.text(terminal.width.saturating_sub(2)).lines().for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
    }
    if rows > most {
        let _ = writeln!(text, "  and {} more variants", rows - most);
    }
    text
}

/// `finished`, `interrupted at step 40 of phase 2 (sam, seed 1)`, `1 of 6 failed`.
fn state(record: &RunRecord) -> String {
    if record.running {
        return "running".into();
    }
    let interrupted = record.seeds.iter().find_map(|seed| match &seed.state {
        State::Interrupted { phase, step } => Some((seed, phase, step)),
        _ => None,
    });
    if let Some((seed, phase, step)) = interrupted {
        return format!("interrupted at step {step} of phase {phase} ({}, seed {})", seed.variant, seed.seed);
    }
    let damaged = record.seeds.iter().filter(|seed| seed.state == State::Damaged).count();
    match record.seeds.iter().filter(|seed| matches!(seed.state, State::Failed(_))).count() {
        0 if damaged > 0 => format!("results of {damaged} of {} cannot be read", record.seeds.len()),
        0 => "finished".into(),
        failed if failed == record.seeds.len() => "failed".into(),
        failed => format!("{failed} of {} failed", record.seeds.len()),
    }
}

fn size(record: &RunRecord) -> String {
    let mut seeds: Vec<u64> = record.seeds.iter().map(|seed| seed.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let counted =
        |count: usize, noun: &str| if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") };
    format!("{}, {}", counted(record.variants().len(), "variant"), counted(seeds.len(), "seed"))
}
