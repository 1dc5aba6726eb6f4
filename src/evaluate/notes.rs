//! What a long measurement has so far, kept so that an interrupted one goes on.
//!
//! A note is a line with the BLAKE3 hash of what follows, then the content: numbers in JSON, or a vector's bytes.

use std::cell::RefCell;
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
    /// Notes that are not what was written.
    damaged: RefCell<Vec<PathBuf>>,
}

/// Length of a hash in hexadecimal, and of the line end behind it.
const SEAL: usize = 65;

fn sealed(content: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{}\n", blake3::hash(content).to_hex()).into_bytes();
    bytes.extend_from_slice(content);
    bytes
}

/// The content of a note that is what was written.
fn opened(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let seal = bytes.get(..SEAL)?;
    let hash = blake3::hash(&bytes[SEAL..]).to_hex();
    (seal[..SEAL - 1] == *hash.as_bytes() && seal[SEAL - 1] == b'\n').then(|| bytes.split_off(SEAL))
}

impl Notes {
    /// Notes in `folder`; those that are there were left by the same measurement.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder: Some(folder), ..Self::none() }
    }

    /// For a measurement that is never continued.
    pub fn none() -> Self {
        Self { folder: None, written: Instant::now(), damaged: RefCell::default() }
    }

    /// The note of this name; `None` where there is none that is what was written.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.folder.as_ref()?.join(name);
        let content = opened(fs::read(&path).ok()?);
        if content.is_none() {
            self.damaged.borrow_mut().push(path);
        }
        content
    }

    /// A note that holds JSON.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&self.bytes(name)?).ok()
    }

    /// The notes that were asked for and are not what was written.
    pub fn damaged(self) -> Vec<PathBuf> {
        self.damaged.into_inner()
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
        write_atomic(&path, &sealed(bytes)).map_err(failed(&path))
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

    /// Notes `state` as that of the part that is called `name`.
    ///
    /// # Errors
    /// The note cannot be written.
    pub fn note(&self, name: &str, state: &impl Serialize) -> Result<(), MeasureError> {
        self.notes.write(&format!("{name}.json"), state)
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

    #[test]
    fn a_note_that_is_not_what_was_written_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("done.json");
        let written = || {
            let notes = Notes::at(folder.path().to_owned());
            notes.write("done.json", &0.358).unwrap();
            notes
        };
        assert_eq!(written().read::<f64>("done.json"), Some(0.358));
        let good = fs::read(&path).unwrap();
        let edited = String::from_utf8(good.clone()).unwrap().replace("0.358", "0.958").into_bytes();
        let longer = [&good[..], b"9"].concat();
        let unsealed = b"0.958".to_vec();
        for bytes in [edited, longer, unsealed, good[..good.len() - 1].to_vec(), Vec::new()] {
            let notes = written();
            fs::write(&path, bytes).unwrap();
            assert_eq!(notes.read::<f64>("done.json"), None);
            assert_eq!(notes.damaged(), std::slice::from_ref(&path));
        }
    }
}
