//! The records of one run: events as they happen, metrics as tables.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::cell;
use crate::train::state::{EpochRow, Measured};

use super::RunError;
use super::event::{Event, SCHEMA};
use super::folder::SeedFolder;

/// `events.jsonl`, append-only. A line cut short by a kill is removed when the log is opened again.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
    next: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    seq: u64,
    /// Seconds since 1970-01-01 UTC.
    time: f64,
    #[serde(flatten)]
    event: &'a Event,
}

impl EventLog {
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(path: PathBuf) -> Result<Self, RunError> {
        let open = || -> io::Result<(File, u64)> {
            let mut file = OpenOptions::new().create(true).read(true).append(true).open(&path)?;
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
            if whole < text.len() {
                file.set_len(whole as u64)?;
            }
            file.seek(SeekFrom::End(0))?;
            let lines = text[..whole].iter().filter(|&&byte| byte == b'\n').count();
            Ok((file, lines as u64))
        };
        let (file, next) = open().map_err(|source| RunError::write(&path, source))?;
        Ok(Self { path, file, next })
    }

    /// Appends an event and returns its line.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(&mut self, event: &Event) -> Result<String, RunError> {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |t| t.as_secs_f64());
        let line = Line { schema: SCHEMA, seq: self.next, time, event };
        let mut text = serde_json::to_string(&line).map_err(|error| RunError::Internal(error.to_string()))?;
        text.push('\n');
        self.file.write_all(text.as_bytes()).map_err(|source| RunError::write(&self.path, source))?;
        self.next += 1;
        text.pop();
        Ok(text)
    }
}

/// `metrics.csv`: one line per epoch, empty where a value does not apply.
///
/// # Errors
/// The file cannot be written.
pub fn write_metrics(folder: &SeedFolder, rows: &[EpochRow]) -> Result<(), RunError> {
    folder.write("metrics.csv", &csv(rows)?)
}

/// `measurements.csv`: what evaluators gave on the way; nothing is written where they gave nothing.
///
/// # Errors
/// The file cannot be written.
pub fn write_measured(folder: &SeedFolder, rows: &[&Measured]) -> Result<(), RunError> {
    if rows.is_empty() {
        return Ok(());
    }
    let named = |row: &&Measured| Measured { name: cell::written(&row.name), ..(*row).clone() };
    folder.write("measurements.csv", &csv(&rows.iter().map(named).collect::<Vec<_>>())?)
}

fn csv<T: Serialize>(rows: &[T]) -> Result<Vec<u8>, RunError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = rows.iter().try_for_each(|row| writer.serialize(row));
    let bytes =
        written.map_err(|e| e.to_string()).and_then(|()| writer.into_inner().map_err(|e| e.to_string()));
    bytes.map_err(RunError::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cut_short_is_removed_and_numbering_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        EventLog::open(path.clone()).unwrap().append(&Event::RunFinished).unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"sche").unwrap();
        let line = EventLog::open(path.clone()).unwrap().append(&Event::RunFinished).unwrap();
        assert!(line.contains("\"seq\":1"), "{line}");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{text}");
    }
}
