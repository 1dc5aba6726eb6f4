//! Records that are not what was written, and what becomes of them.

use std::fs;

use super::RunError;
use super::evaluation::RESULTS;
use super::folder::{FINAL, SeedFolder};
use super::monitor::Journal;
use crate::files::TABLE;
use crate::train::state::{CheckpointError, was_finished};

/// What becomes of a damaged record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// Every run writes it.
    Write,
    /// The checkpoints have what it holds.
    Copy,
    Measure,
    /// Of this phase, counted from 0, which measured it on the way.
    Train(usize),
    /// It held the hashes of all others.
    All,
}

impl Remedy {
    /// `None` for a file that is none of the run's.
    fn of(name: &str) -> Option<Self> {
        match name {
            TABLE => Some(Self::All),
            "pipeline.flat" | "resolved.json" => Some(Self::Write),
            "metrics.csv" | "measurements.csv" => Some(Self::Copy),
            RESULTS | FINAL => Some(Self::Measure),
            name => {
                let (phase, _) = name.strip_prefix("fields/phase-")?.split_once("-step-")?;
                phase.parse::<usize>().ok()?.checked_sub(1).map(Self::Train)
            }
        }
    }

    fn text(self) -> String {
        match self {
            Self::Write => "it is written anew".into(),
            Self::Copy => "it is written anew from the checkpoints".into(),
            Self::Measure => "the run is measured anew".into(),
            Self::Train(phase) => format!("phase {} is trained anew", phase + 1),
            Self::All => "what it vouched for is computed anew".into(),
        }
    }

    fn apply(self, folder: &SeedFolder) -> Result<(), RunError> {
        match self {
            Self::Write | Self::Copy | Self::All => Ok(()),
            Self::Measure => remove(folder, RESULTS),
            Self::Train(phase) => remove(folder, &format!("checkpoints/phase-{}.safetensors", phase + 1)),
        }
    }
}

fn remove(folder: &SeedFolder, name: &str) -> Result<(), RunError> {
    let path = folder.path().join(name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(RunError::write(&path, error)),
        _ => Ok(()),
    }
}

/// Looks at all records of a run before any is used: those that are not what was written are computed anew.
///
/// # Errors
/// A file that cannot be removed, a log that cannot be written.
pub fn inspect(folder: &SeedFolder, journal: &mut Journal<'_>) -> Result<(), RunError> {
    for (name, fault) in folder.records().damaged() {
        let Some(remedy) = Remedy::of(&name) else { continue };
        journal.damaged(&folder.path().join(&name), &fault, &remedy.text())?;
        remedy.apply(folder)?;
    }
    Ok(())
}

/// Removes the damaged checkpoint of a phase that is known to have been finished, so that it is trained anew.
///
/// # Errors
/// It may have been unfinished: whether to throw it away is for the user to say.
pub fn discard(
    folder: &SeedFolder,
    phase: usize,
    error: CheckpointError,
    journal: &mut Journal<'_>,
) -> Result<(), RunError> {
    let path = folder.checkpoint(phase);
    // All of these are written after it.
    let followed = [folder.checkpoint(phase + 1), folder.weights(), folder.path().join(RESULTS)];
    let followed = followed.iter().any(|path| path.exists());
    if !followed && !was_finished(&path) {
        return Err(RunError::Damaged { path, error });
    }
    journal.damaged(&path, &error, &Remedy::Train(phase).text())?;
    fs::remove_file(&path).map_err(|source| RunError::write(&path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_has_a_remedy() {
        let of = |name| Remedy::of(name).map(Remedy::text);
        assert_eq!(of("fields/phase-2-step-40.json").unwrap(), "phase 2 is trained anew");
        assert_eq!(of("results.json"), of("fields/final.json"));
        assert_eq!((of("fields/mine.json"), of("fields/phase-0-step-1.json")), (None, None));
    }
}
