//! `flatrun runs show`: one run, and where everything of it lies.

use std::fmt::Write;
use std::path::Path;

use super::entry;
use crate::cli::exit::{Exit, Failure};
use crate::cli::named::{find, missing};
use crate::cli::terminal::Terminal;
use crate::report::{Study, notes, protocols, read};

/// # Errors
/// A name that is no run's, a folder that cannot be read, or standard output cannot be written.
pub fn run(run: &Path, runs: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let folder = find(run, runs)?;
    let record = read(&folder).map_err(|error| Failure::unreadable(&folder, &error))?;
    let record = record.ok_or_else(|| missing(run, runs))?;
    let mut text = entry(&record, usize::MAX, terminal);
    let study = Study::read(vec![record]);
    text += &protocols::text(&study.protocols());
    text += &notes::section(&study.notes());
    text += "\nFiles\n\n";
    let shared = ["report.html", "table.md", "table.csv"].map(|name| folder.join(name));
    let records = ["weights.safetensors", "metrics.csv", "results.json", "pipeline.flat"];
    let of_seeds = study.runs.iter().flat_map(|run| &run.seeds);
    let of_seeds = of_seeds.flat_map(|seed| records.map(|name| seed.folder.join(name)));
    for path in shared.into_iter().chain(of_seeds).filter(|path| path.exists()) {
        let _ = writeln!(text, "- {}", path.display());
    }
    terminal.print(&text)?;
    Ok(Exit::Done)
}
