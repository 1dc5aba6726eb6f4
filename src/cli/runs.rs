//! `flatrun runs`: what was run.

use std::fmt::Write;
use std::io::ErrorKind;

use super::exit::{Exit, Failure};
use super::run::RunsArg;
use super::terminal::{Terminal, paint};
use crate::report::{RunRecord, State, Table, date, list};

/// Rows of results shown per run.
const ROWS: usize = 4;

/// List what was run, oldest first
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    runs: RunsArg,
}

/// # Errors
/// The folder cannot be read, or standard output cannot be written.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let records = match list(&args.runs.folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        listed => listed.map_err(|error| Failure::unreadable(&args.runs.folder, &error))?,
    };
    if records.is_empty() {
        terminal.note(&format!("nothing was run in `{}`\n", args.runs.folder.display()));
        return Ok(Exit::Done);
    }
    let entries: Vec<String> = records.iter().map(|record| entry(record, terminal)).collect();
    terminal.print(&entries.join("\n"))?;
    Ok(Exit::Done)
}

fn entry(record: &RunRecord, terminal: &Terminal) -> String {
    let folder = paint(&record.folder.display().to_string(), "1", terminal.output_color);
    let mut text = format!("{folder}: {}\n", state(record));
    let title = record.title.as_ref().map(|title| format!("{title}; ")).unwrap_or_default();
    let began = record.seeds.first().map_or(0.0, |seed| seed.began);
    let _ = writeln!(text, "  {title}{}; begun {}", size(record), date(began));
    let table = Table::new(&record.outcomes());
    let rows = table.rows.len();
    let shown = Table { rows: table.rows.into_iter().take(ROWS).collect(), measurements: table.measurements };
    if rows > 0 {
        shown.text(terminal.width.saturating_sub(2)).lines().for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
    }
    if rows > ROWS {
        let _ = writeln!(text, "  and {} more variants", rows - ROWS);
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
