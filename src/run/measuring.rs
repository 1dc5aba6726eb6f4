//! Several evaluators at one moment of a run, and what they have so far.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::folder::SeedFolder;
use super::{RunError, folder};
use crate::evaluate::field::{Field, Fields, SCHEMA};
use crate::evaluate::{MeasureError, Measurements, Moment, Notes, Session, Subject, Watch, measure};
use crate::lang::catalog::Evaluator;
use crate::ops::Ops;

/// What took longer is noted, so that an interruption of a later evaluator does not cost it.
const LONG: Duration = Duration::from_secs(2);

/// The note of a finished evaluator.
const DONE: &str = "done.json";

/// What each of `evaluators` gives, with its place among them; finished and unfinished work is noted in `notes`.
///
/// # Errors
/// Data that cannot be read, notes that cannot be written; `watch` stopped it.
pub fn measure_all<'e, B: Ops>(
    evaluators: impl Iterator<Item = (usize, &'e Evaluator)>,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    watch: &mut Watch<'_>,
    notes: Option<&Path>,
) -> Result<Vec<(usize, Measurements)>, MeasureError> {
    let mut all = Vec::new();
    for (index, evaluator) in evaluators {
        let folder = notes.map(|notes| notes.join(format!("{index}-{}", evaluator.name())));
        let mut notes = folder.map_or_else(Notes::none, Notes::at);
        let known = notes.read(DONE);
        let measured = match known {
            Some(known) => known,
            None => finished(evaluator, subject, moment, &mut Session { watch, notes: &mut notes })?,
        };
        all.push((index, measured));
    }
    Ok(all)
}

fn finished<B: Ops>(
    evaluator: &Evaluator,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let began = Instant::now();
    let measured = measure(evaluator, subject, moment, session)?;
    session.notes.clear();
    if began.elapsed() > LONG {
        session.notes.write(DONE, &measured)?;
    }
    Ok(measured)
}

/// Keeps what is more than numbers; nothing is written where there is nothing.
///
/// # Errors
/// Names the file that cannot be written.
pub fn write_fields(path: &Path, phase: usize, step: u64, fields: Vec<Field>) -> Result<(), RunError> {
    if fields.is_empty() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(|source| RunError::write(parent, source))?;
    let json = serde_json::to_vec(&Fields { schema: SCHEMA, phase, step, fields });
    folder::write(path, &json.map_err(|error| RunError::Internal(error.to_string()))?)
}

/// Brings the fields that a phase measured on the way from one run's folder into another's.
///
/// # Errors
/// Names the file that cannot be read or written.
pub fn link_fields(from: &SeedFolder, to: &SeedFolder, phase: usize) -> Result<(), RunError> {
    let prefix = format!("phase-{}-", phase + 1);
    for path in fields_of(from, &prefix) {
        let name = path.file_name().unwrap_or_default();
        let target = to.fields();
        std::fs::create_dir_all(&target).map_err(|source| RunError::write(&target, source))?;
        folder::link(&path, &target.join(name))?;
    }
    Ok(())
}

fn fields_of(folder: &SeedFolder, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.fields()).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    named.map(|entry| entry.path()).collect()
}
