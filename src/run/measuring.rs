//! Several evaluators at one moment of a run, and what they have so far.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::RunError;
use super::folder::SeedFolder;
use crate::evaluate::field::{Field, Fields, SCHEMA};
use crate::evaluate::{MeasureError, Measurements, Moment, Notes, Session, Subject, Watch, measure};
use crate::files::Fault;
use crate::lang::program::Measurement;
use crate::ops::Ops;

/// What took longer is noted, so that an interruption of a later evaluator does not cost it.
const LONG: Duration = Duration::from_secs(2);

/// The note of a finished evaluator.
const DONE: &str = "done.json";

/// Where measurements note what they have, and which notes were found damaged.
#[derive(Clone, Copy)]
pub struct Place<'p> {
    pub folder: &'p Path,
    pub damaged: &'p RefCell<Vec<PathBuf>>,
}

/// What each of `measurements` gives, with its place among them; finished and unfinished work is noted in `place`.
///
/// # Errors
/// Data that cannot be read, notes that cannot be written; `watch` stopped it.
pub fn measure_all<'e, B: Ops>(
    measurements: impl Iterator<Item = (usize, &'e Measurement)>,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    watch: &mut Watch<'_>,
    place: Place<'_>,
) -> Result<Vec<(usize, Measurements)>, MeasureError> {
    let mut all = Vec::new();
    for (index, measurement) in measurements {
        let name = measurement.evaluator.name();
        let mut notes = Notes::at(place.folder.join(format!("{index}-{name}")));
        let measured = match notes.read(DONE) {
            Some(known) => Ok(known),
            None => finished(measurement, subject, moment, &mut Session { watch, notes: &mut notes }),
        };
        place.damaged.borrow_mut().extend(notes.damaged());
        all.push((index, measured?));
    }
    Ok(all)
}

fn finished<B: Ops>(
    measurement: &Measurement,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let began = Instant::now();
    let measured = measure(&measurement.evaluator, subject, moment, session)?;
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
pub fn write_fields(
    folder: &SeedFolder,
    name: &str,
    phase: usize,
    step: u64,
    fields: Vec<Field>,
) -> Result<(), RunError> {
    if fields.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_vec(&Fields { schema: SCHEMA, phase, step, fields });
    folder.write(name, &json.map_err(|error| RunError::Internal(error.to_string()))?)
}

/// Brings the fields that a phase measured on the way from one run's folder into another's; `Some` names one that is
/// damaged, after which nothing of them is to be used.
///
/// # Errors
/// Names the file that cannot be written.
pub fn link_fields(
    from: &SeedFolder,
    to: &SeedFolder,
    phase: usize,
) -> Result<Option<(PathBuf, Fault)>, RunError> {
    let prefix = format!("fields/phase-{}-", phase + 1);
    for name in from.records().names().into_iter().filter(|name| name.starts_with(&prefix)) {
        let path = from.path().join(&name);
        let bytes = match from.read(&name) {
            Err(fault) => return Ok(Some((path, fault))),
            Ok(None) => continue,
            Ok(Some(bytes)) => bytes,
        };
        let linked = to.records().link(&name, &path, &bytes);
        linked.map_err(|source| RunError::write(&to.path().join(&name), source))?;
    }
    Ok(None)
}
