//! What a long measurement has so far, kept so that an interrupted one goes on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::measure::{Headway, MeasureError, Watch};
use crate::files::write_atomic;

/// Between two records of a measurement lies at least this.
const PAUSE: Duration = Duration::from_secs(2);

/// A folder of notes, which is made when the first is written.
#[derive(Debug)]
pub struct Notes {
    folder: Option<PathBuf>,
    written: Instant,
}

impl Notes {
    /// Notes in `folder`; those that are there were left by the same measurement.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder: Some(folder), written: Instant::now() }
    }

    /// For a measurement that is never continued.
    pub fn none() -> Self {
        Self { folder: None, written: Instant::now() }
    }

    /// The note of this name; `None` where there is none.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.as_ref()?.join(name)).ok()
    }

    /// A note that holds JSON.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&self.bytes(name)?).ok()
    }

    /// Writes a note, whole or not at all.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), MeasureError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source: io::Error| MeasureError::Write { path, source }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let path = folder.join(name);
        write_atomic(&path, bytes).map_err(failed(&path))
    }

    /// Writes JSON.
    ///
    /// # Errors
    /// As [`Notes::put`].
    pub fn write(&self, name: &str, value: &impl Serialize) -> Result<(), MeasureError> {
        // Measurements hold nothing that JSON cannot express.
        self.put(name, &serde_json::to_vec(value).unwrap_or_default())
    }

    /// Removes a note; whether there was one.
    pub fn remove(&self, name: &str) -> bool {
        self.folder.as_ref().is_some_and(|folder| fs::remove_file(folder.join(name)).is_ok())
    }

    /// Removes all notes.
    pub fn clear(&self) {
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// One evaluator at work: who watches it, and what it has noted.
pub struct Session<'s, 'w> {
    pub watch: &'s mut Watch<'w>,
    pub notes: &'s mut Notes,
}

impl Session<'_, '_> {
    /// Where an earlier session stood in the part of the measurement that is called `name`.
    pub fn state<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.notes.read(&format!("{name}.json"))
    }

    /// Tells how far the measurement is.
    ///
    /// # Errors
    /// It is to stop.
    pub fn tell(&mut self, headway: Headway<'_>) -> Result<(), MeasureError> {
        if (self.watch)(&headway) { Ok(()) } else { Err(MeasureError::Stopped) }
    }

    /// As [`Session::tell`]; notes `state` as that of `name` where the last note is old or the measurement stops.
    ///
    /// # Errors
    /// It is to stop; the note cannot be written.
    pub fn advance(
        &mut self,
        name: &str,
        headway: Headway<'_>,
        state: &impl Serialize,
    ) -> Result<(), MeasureError> {
        self.advance_with(headway, |notes| notes.write(&format!("{name}.json"), state))
    }

    /// As [`Session::advance`], for what is more than one note.
    ///
    /// # Errors
    /// As [`Session::advance`].
    pub fn advance_with(
        &mut self,
        headway: Headway<'_>,
        note: impl FnOnce(&Notes) -> Result<(), MeasureError>,
    ) -> Result<(), MeasureError> {
        let told = self.tell(headway);
        if told.is_err() || self.notes.written.elapsed() > PAUSE {
            note(self.notes)?;
            self.notes.written = Instant::now();
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_measurement_finds_its_state_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut notes = Notes::at(folder.path().join("a/b"));
        let headway = Headway { what: "draws", unit: "draws", done: 1, of: 3 };
        let mut session = Session { watch: &mut |_| true, notes: &mut notes };
        session.advance("draws", headway, &[1.5]).unwrap();
        assert_eq!(session.state::<Vec<f64>>("draws"), None, "a young note is not worth a write");
        let mut session = Session { watch: &mut |_| false, notes: &mut notes };
        assert!(matches!(session.advance("draws", headway, &[2.5]), Err(MeasureError::Stopped)));
        assert_eq!(session.state::<Vec<f64>>("draws"), Some(vec![2.5]));
        notes.clear();
        assert!(!folder.path().join("a/b").exists());
    }
}
