//! `flatrun report`: the tables of runs.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::report::{Outcome, RunRecord, Table, protocols, read};

/// Print the tables of runs again; several runs are joined into one table
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run folders, as `flatrun runs` lists them
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// text, csv, markdown or json
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
/// A folder that is no run, or standard output cannot be written.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let records = args.runs.iter().map(|run| record(run)).collect::<Result<Vec<_>, _>>()?;
    let several = records.len() > 1;
    let outcomes: Vec<Outcome> = records.iter().flat_map(|record| outcomes(record, several)).collect();
    let table = Table::new(&outcomes);
    let of_runs: Vec<_> = records.iter().flat_map(|record| protocols_of(record, several)).collect();
    let below = protocols::text(&of_runs);
    let text = match args.format {
        Format::Text => table.text(terminal.width) + &below,
        Format::Csv => table.csv(),
        Format::Markdown => table.markdown() + &protocols::markdown(&below),
        Format::Json => json(&table)?,
    };
    terminal.print(&text)?;
    Ok(Exit::Done)
}

fn record(run: &Path) -> Result<RunRecord, Failure> {
    let shown = run.display();
    let missing =
        || Failure::usage(format!("there is no run in `{shown}`")).help("`flatrun runs` lists what was run");
    if !run.is_dir() {
        return Err(missing());
    }
    let record = read(run).map_err(|error| Failure::unreadable(run, &error))?.ok_or_else(missing)?;
    if record.outcomes().is_empty() {
        return Err(Failure::usage(format!("the run in `{shown}` has no results yet")));
    }
    Ok(record)
}

/// Variants are named with their run where there are several.
fn named(record: &RunRecord, variant: String, several: bool) -> String {
    let run = record.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if several { format!("{run}/{variant}") } else { variant }
}

fn outcomes(record: &RunRecord, several: bool) -> Vec<Outcome> {
    let named = |outcome: Outcome| Outcome { variant: named(record, outcome.variant, several), ..outcome };
    record.outcomes().into_iter().map(named).collect()
}

fn protocols_of(record: &RunRecord, several: bool) -> Vec<(String, Vec<String>)> {
    let named = |(variant, lines)| (named(record, variant, several), lines);
    record.protocols().into_iter().map(named).collect()
}

fn json(table: &Table) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(table).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(text + "\n")
}
