//! The run folder: where everything of a run lies, and who may write there.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::RunError;

/// `runs/<name>-<key>`, locked for as long as this value lives.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Released by the system when the process ends, however it ends.
    _lock: File,
}

/// `<variant>/seed-<n>` in a run folder.
#[derive(Clone, Debug)]
pub struct SeedFolder(PathBuf);

impl RunFolder {
    /// Creates or enters the folder.
    ///
    /// # Errors
    /// Another process holds it, or it cannot be written.
    pub fn enter(path: PathBuf) -> Result<Self, RunError> {
        create(&path)?;
        let lock_path = path.join("lock");
        let lock = File::create(&lock_path).map_err(|source| RunError::write(&lock_path, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(RunError::Busy(path)),
            Err(TryLockError::Error(source)) => Err(RunError::write(&lock_path, source)),
        }
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

    pub fn results(&self) -> PathBuf {
        self.0.join("results.json")
    }

    /// Measurements that are more than numbers.
    pub fn fields(&self) -> PathBuf {
        self.0.join("fields")
    }

    /// What the unfinished measurements of a stage have so far.
    pub fn partial(&self, stage: &str) -> PathBuf {
        self.0.join("partial").join(stage)
    }

    /// The folder whose checkpoint this is.
    pub fn of_checkpoint(path: &Path) -> Option<Self> {
        Some(SeedFolder(path.parent()?.parent()?.to_owned()))
    }

    /// Writes a file of the folder, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        write(&self.0.join(name), bytes)
    }
}

/// Writes a file, whole or not at all.
///
/// # Errors
/// Names the file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    crate::files::write_atomic(path, bytes).map_err(|source| RunError::write(path, source))
}

fn create(path: &Path) -> Result<(), RunError> {
    fs::create_dir_all(path).map_err(|source| RunError::write(path, source))
}

/// Makes `to` the same file as `from`: a hard link where the file system has them, else a copy.
///
/// # Errors
/// Names the file that cannot be written.
pub fn link(from: &Path, to: &Path) -> Result<(), RunError> {
    if from == to {
        return Ok(());
    }
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(RunError::write(to, error)),
        _ => {}
    }
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let bytes = fs::read(from).map_err(|source| RunError::read(from, source))?;
    write(to, &bytes)
}
