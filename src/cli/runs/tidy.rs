//! `flatrun runs rm` and `flatrun runs gc`.

use std::fs;
use std::path::{Path, PathBuf};

use super::line::{Line, State, bytes};
use super::records;
use crate::cli::exit::{Exit, Failure};
use crate::cli::named::{find, missing};
use crate::cli::terminal::Terminal;
use crate::report::read;
use crate::run::folder::RunFolder;
use crate::run::{RunError, tidy};

/// Removes runs, all of them or none where a name is wrong or a process is at one.
///
/// # Errors
/// A name that is no run's, a process at a run, a file that cannot be removed.
pub fn remove(names: &[PathBuf], runs: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut folders = Vec::new();
    for name in names {
        let folder = find(name, runs)?;
        if !is_run(&folder)? {
            return Err(missing(name, runs));
        }
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    let held: Vec<RunFolder> =
        folders.into_iter().map(RunFolder::enter).collect::<Result<_, _>>().map_err(failure)?;
    for run in held {
        let name = run.path().display().to_string();
        let freed = tidy::remove(run).map_err(failure)?;
        terminal.print(&format!("removed {name}: {} freed\n", bytes(freed)))?;
    }
    Ok(Exit::Done)
}

/// A run, or what a process that was killed at its beginning left of one.
fn is_run(folder: &Path) -> Result<bool, Failure> {
    let unreadable = |error| Failure::unreadable(folder, &error);
    if read(folder).map_err(unreadable)?.is_some() {
        return Ok(true);
    }
    let mut names = fs::read_dir(folder).map_err(unreadable)?;
    Ok(names.all(|entry| entry.is_ok_and(|entry| entry.file_name() == "lock"))
        && folder.join("lock").is_file())
}

fn failure(error: RunError) -> Failure {
    let busy = matches!(error, RunError::Busy(_));
    let failure = Failure::usage(error.to_string());
    if busy { failure.help("nothing was removed: end that process first") } else { failure }
}

/// Something that may go.
struct Rubbish {
    path: PathBuf,
    why: &'static str,
    bytes: u64,
}

impl Rubbish {
    fn new(path: PathBuf, why: &'static str) -> Self {
        let bytes = match path.is_dir() {
            true => tidy::freed(&path),
            false => fs::metadata(&path).map_or(0, |about| about.len()),
        };
        Self { path, why, bytes }
    }
}

/// Removes what no run needs.
///
/// # Errors
/// A folder that cannot be read, or standard output cannot be written.
pub fn collect(runs: &Path, unfinished: bool, dry_run: bool, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut freed = 0;
    if unfinished {
        let all = records(runs)?;
        for record in all.into_iter().filter(|record| Line::of(record).state == State::Interrupted) {
            let rubbish = Rubbish::new(record.folder, "interrupted");
            let done =
                || tidy::remove(RunFolder::enter(rubbish.path.clone()).map_err(failure)?).map_err(failure);
            if !dry_run {
                done()?;
            }
            freed += told(&rubbish, dry_run, terminal)?;
        }
    }
    let notes = tidy::stale_notes(runs).into_iter().map(|path| Rubbish::new(path, "its result has gone"));
    let halves = tidy::half_written(runs).into_iter().map(|path| Rubbish::new(path, "half written"));
    let smoke =
        tidy::dead_smoke_runs().into_iter().map(|path| Rubbish::new(path, "a smoke run that was killed"));
    for rubbish in notes.chain(halves).chain(smoke) {
        let path = &rubbish.path;
        let done = || if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        if !dry_run {
            done().map_err(|error| Failure::unwritable(path, &error))?;
        }
        freed += told(&rubbish, dry_run, terminal)?;
    }
    let would = if dry_run { "would be freed" } else { "freed" };
    terminal.print(&format!("{} {would}\n", bytes(freed)))?;
    Ok(Exit::Done)
}

fn told(rubbish: &Rubbish, dry_run: bool, terminal: &Terminal) -> Result<u64, Failure> {
    let did = if dry_run { "would remove" } else { "removed" };
    let Rubbish { path, why, bytes: size } = rubbish;
    terminal.print(&format!("{did} {} ({why}, {})\n", path.display(), bytes(*size)))?;
    Ok(*size)
}
