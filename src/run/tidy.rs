//! Removing what is no longer wanted from the folder of all runs.

use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::RunError;
use super::folder::RunFolder;
use crate::train::state::peek_stage;

/// A temporary file younger than this may be about to get its name.
const YOUNG: Duration = Duration::from_secs(60);

/// Bytes of a folder on disk; a file with several names in it counts once.
pub fn size(folder: &Path) -> u64 {
    distinct(folder).into_iter().map(|(about, _)| about.len()).sum()
}

/// Bytes that are free once a folder has gone: those of files without a name elsewhere.
pub fn freed(folder: &Path) -> u64 {
    let last = distinct(folder).into_iter().filter(|(about, names)| links(about) <= *names);
    last.map(|(about, _)| about.len()).sum()
}

/// The files of a folder, each with the number of its names there.
fn distinct(folder: &Path) -> Vec<(Metadata, u64)> {
    let mut all = Vec::new();
    visit(folder, &mut |_, about| all.push((identity(about), about.clone())));
    all.sort_by_key(|(identity, _)| *identity);
    let same = |one: &(Option<[u64; 2]>, Metadata), other: &(Option<[u64; 2]>, Metadata)| {
        one.0.is_some() && one.0 == other.0
    };
    all.chunk_by(same).map(|names| (names[0].1.clone(), names.len() as u64)).collect()
}

#[cfg(unix)]
fn identity(about: &Metadata) -> Option<[u64; 2]> {
    use std::os::unix::fs::MetadataExt;
    Some([about.dev(), about.ino()])
}

#[cfg(unix)]
fn links(about: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    about.nlink()
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<[u64; 2]> {
    None
}

#[cfg(not(unix))]
fn links(_: &Metadata) -> u64 {
    1
}

/// Calls `see` with every file of a folder; links to folders are not followed.
fn visit(folder: &Path, see: &mut dyn FnMut(&Path, &Metadata)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(about) if about.is_dir() => visit(&entry.path(), see),
            Ok(about) => see(&entry.path(), &about),
            Err(_) => {}
        }
    }
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}

/// Removes a run that no process is at; the bytes that are free then. Stages that other runs share stay theirs.
///
/// # Errors
/// A process is at the run; a file cannot be removed.
pub fn remove(run: RunFolder) -> Result<u64, RunError> {
    let folder = run.path().to_owned();
    let bytes = freed(&folder);
    hand_on(&folder)?;
    fs::remove_dir_all(&folder).map_err(|source| RunError::write(&folder, source))?;
    Ok(bytes)
}

/// Notes of finished stages that point into a folder get the place of an equal stage in another run, or go.
fn hand_on(folder: &Path) -> Result<(), RunError> {
    let inside = folder.canonicalize().map_err(|source| RunError::read(folder, source))?;
    let runs = inside.parent().unwrap_or(Path::new("."));
    for Stage { note, key, place } in stages(runs) {
        if !place.starts_with(&inside) {
            continue;
        }
        let others = folders(runs).into_iter().filter(|other| *other != inside);
        match others.flat_map(|other| checkpoints(&other)).find(|path| is_finished(path, &key)) {
            Some(heir) => {
                let heir = heir.canonicalize().map_err(|source| RunError::read(&heir, source))?;
                super::folder::write(&note, heir.to_string_lossy().as_bytes())?;
            }
            None => fs::remove_file(&note).map_err(|source| RunError::write(&note, source))?,
        }
    }
    Ok(())
}

/// A note of where a finished stage lies.
struct Stage {
    note: PathBuf,
    key: String,
    place: PathBuf,
}

fn stages(runs: &Path) -> Vec<Stage> {
    let entries = fs::read_dir(runs.join(".stages")).into_iter().flatten().flatten();
    let stage = |note: PathBuf| {
        let key = note.file_name()?.to_str()?.to_owned();
        let place = PathBuf::from(fs::read_to_string(&note).ok()?);
        (!key.ends_with(".part")).then_some(Stage { note, key, place })
    };
    entries.filter_map(|entry| stage(entry.path())).collect()
}

fn is_finished(checkpoint: &Path, key: &str) -> bool {
    peek_stage(checkpoint, key).is_some_and(|progress| progress.finished)
}

/// Checkpoints of all variants and seeds of a run.
fn checkpoints(run: &Path) -> Vec<PathBuf> {
    let seeds = folders(run).into_iter().flat_map(|variant| folders(&variant));
    let files = seeds.flat_map(|seed| fs::read_dir(seed.join("checkpoints")).into_iter().flatten().flatten());
    files.map(|file| file.path()).collect()
}

/// Notes of stages whose checkpoint has gone or changed.
pub fn stale_notes(runs: &Path) -> Vec<PathBuf> {
    let stale = stages(runs).into_iter().filter(|stage| !is_finished(&stage.place, &stage.key));
    stale.map(|stage| stage.note).collect()
}

/// Temporary files of processes that died, in runs that nobody is at.
pub fn half_written(runs: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut see = |path: &Path, about: &Metadata| {
        let named = path.extension().is_some_and(|extension| extension == "part");
        let old = about.modified().is_ok_and(|time| time.elapsed().is_ok_and(|age| age > YOUNG));
        if named && old && File::open(path).is_ok_and(|file| file.try_lock().is_ok()) {
            found.push(path.to_owned());
        }
    };
    for folder in folders(runs).into_iter().filter(|folder| !is_held(folder)) {
        visit(&folder, &mut see);
    }
    found
}

/// Folders of smoke runs that were killed.
pub fn dead_smoke_runs() -> Vec<PathBuf> {
    let ours = |folder: &PathBuf| {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("flatrun-smoke-") && folder.join("lock").is_file() && !is_held(folder)
    };
    folders(&std::env::temp_dir()).into_iter().filter(ours).collect()
}

/// Whether a process is at a run.
fn is_held(folder: &Path) -> bool {
    File::open(folder.join("lock")).is_ok_and(|lock| lock.try_lock_shared().is_err())
}
