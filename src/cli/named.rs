//! Run folders as users name them.

use std::fs;
use std::path::{Path, PathBuf};

use super::exit::Failure;
use crate::diagnostic::nearest;

/// A folder, the name of one among all run folders, or a beginning that one name alone has.
///
/// # Errors
/// There is none, with the names that may be meant.
pub fn find(run: &Path, runs: &Path) -> Result<PathBuf, Failure> {
    let exact = [run.to_owned(), runs.join(run)].into_iter().find(|path| path.is_dir());
    if let Some(path) = exact {
        return Ok(path);
    }
    match beginning(run, runs).as_slice() {
        [name] => Ok(runs.join(name)),
        _ => Err(missing(run, runs)),
    }
}

/// What to say where a name leads to no run.
pub fn missing(run: &Path, runs: &Path) -> Failure {
    let failure = Failure::usage(format!("there is no run in `{}`", run.display()));
    let meant = match beginning(run, runs) {
        names if names.len() > 1 => format!("these names begin so: {}", listed(&names)),
        _ => match near(run, runs).as_slice() {
            [] => "`flatrun runs` lists what was run".into(),
            [name] => format!("the nearest name is `{name}`"),
            names => format!("the nearest names are {}", listed(names)),
        },
    };
    failure.help(meant)
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn beginning(run: &Path, runs: &Path) -> Vec<String> {
    let shown = run.display().to_string();
    names(runs).into_iter().filter(|name| !shown.is_empty() && name.starts_with(&shown)).collect()
}

/// Names of one program, which is nearest to what was written, with its key or without.
fn near(run: &Path, runs: &Path) -> Vec<String> {
    let (shown, names) = (run.display().to_string(), names(runs));
    if let Some(name) = nearest(&shown, names.iter().map(String::as_str)) {
        return vec![name.to_owned()];
    }
    let program =
        |name: &str| name.rsplit_once('-').map_or(name.to_owned(), |(program, _)| program.to_owned());
    let programs: Vec<String> = names.iter().map(|name| program(name)).collect();
    let meant = nearest(&shown, programs.iter().map(String::as_str));
    names.iter().filter(|name| meant.is_some_and(|meant| program(name) == meant)).cloned().collect()
}

/// All run folders, without what the program keeps beside them.
fn names(runs: &Path) -> Vec<String> {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let named = folders.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = named.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}
