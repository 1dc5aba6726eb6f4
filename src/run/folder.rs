//! The run folder: where everything of a run lies, and who may write there.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::RunError;
use crate::files::{Fault, Lock, Sealed, sweep, sweep_all, write_atomic};

/// Name of the file that whoever writes in a run folder holds.
pub const LOCK: &str = "lock";

/// Folder in that of all runs where finished stages are noted.
pub const STAGES: &str = ".stages";

/// Folder in that of all runs with the locks of stages that are being trained.
pub const LOCKS: &str = ".locks";

/// Record of the measurements at the end of a run that are more than numbers.
pub const FINAL: &str = "fields/final.json";

/// A folder that another process removes at the same time is made again so often.
const ATTEMPTS: usize = 4;

/// `runs/<name>-<key>`, locked for as long as this value lives.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: Lock,
}

/// `<variant>/seed-<n>` in a run folder.
#[derive(Clone, Debug)]
pub struct SeedFolder(PathBuf);

impl RunFolder {
    /// Creates or enters the folder, and removes what a killed process left half written.
    ///
    /// # Errors
    /// Another process holds it, or it cannot be written.
    pub fn enter(path: PathBuf) -> Result<Self, RunError> {
        let taken = again(|| {
            fs::create_dir_all(&path)?;
            Lock::take(&path.join(LOCK))
        });
        match taken.map_err(|source| RunError::write(&path, source))? {
            Some(lock) => {
                sweep_all(&path);
                path.parent().into_iter().for_each(|runs| sweep(&runs.join(STAGES)));
                Ok(Self { path, _lock: lock })
            }
            None => Err(RunError::Busy(path)),
        }
    }

    /// Removes everything but the lock, so that no other process comes in between.
    ///
    /// # Errors
    /// Names the folder that cannot be removed.
    pub fn clear(&self) -> Result<(), RunError> {
        again(|| clear(&self.path)).map_err(|source| RunError::write(&self.path, source))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of one run, created.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn seed(&self, variant: &str, seed: u64) -> Result<SeedFolder, RunError> {
        let folder = SeedFolder::at(&self.path, variant, seed);
        create(&folder.0.join("checkpoints"))?;
        Ok(folder)
    }
}

/// Tries again where another process, as `flatrun report` or `rm`, changed a folder meanwhile.
fn again<T>(work: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let mut done = work();
    for _ in 1..ATTEMPTS {
        match &done {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
                done = work()
            }
            _ => break,
        }
    }
    done
}

fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

impl SeedFolder {
    /// The folder of one run, which may not be there.
    pub fn at(run: &Path, variant: &str, seed: u64) -> Self {
        SeedFolder(run.join(variant).join(format!("seed-{seed}")))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Checkpoint of a phase, counted from 0.
    pub fn checkpoint(&self, phase: usize) -> PathBuf {
        self.0.join("checkpoints").join(format!("phase-{}.safetensors", phase + 1))
    }

    pub fn weights(&self) -> PathBuf {
        self.0.join("weights.safetensors")
    }

    pub fn events(&self) -> PathBuf {
        self.0.join("events.jsonl")
    }

    /// What the unfinished measurements of a stage have so far.
    pub fn partial(&self, stage: &str) -> PathBuf {
        self.0.join("partial").join(stage)
    }

    /// The folder whose checkpoint this is.
    pub fn of_checkpoint(path: &Path) -> Option<Self> {
        Some(SeedFolder(path.parent()?.parent()?.to_owned()))
    }

    /// The records of the folder with their hashes: all but checkpoints, weights and the log.
    pub fn records(&self) -> Sealed {
        Sealed::new(&self.0)
    }

    /// The record of this name; `None` where there is none.
    ///
    /// # Errors
    /// It is not what was written.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.records().read(name)
    }

    /// Writes a record of the folder with its hash, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        self.records().write(name, bytes).map_err(|source| RunError::write(&self.0.join(name), source))
    }
}

/// Writes a file, whole or not at all.
///
/// # Errors
/// Names the file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    write_atomic(path, bytes).map_err(|source| RunError::write(path, source))
}

/// Creates a folder that all runs have in common.
///
/// # Errors
/// Names the folder.
pub fn shared(runs: &Path, name: &str) -> Result<PathBuf, RunError> {
    let folder = runs.join(name);
    create(&folder)?;
    Ok(folder)
}

fn create(path: &Path) -> Result<(), RunError> {
    fs::create_dir_all(path).map_err(|source| RunError::write(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_cleared_under_its_lock() {
        let runs = tempfile::tempdir().unwrap();
        let path = runs.path().join("a-1");
        let folder = RunFolder::enter(path.clone()).unwrap();
        let seed = folder.seed("main", 0).unwrap();
        seed.write("results.json", b"{}").unwrap();
        folder.clear().unwrap();
        assert!(matches!(RunFolder::enter(path.clone()), Err(RunError::Busy(_))));
        let left: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [LOCK]);
        fs::remove_dir_all(&path).unwrap();
        // What is held was removed: another process begins in a folder of its own.
        RunFolder::enter(path).unwrap();
        drop(folder);
    }
}
