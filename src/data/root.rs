//! Folders that lack the files of their data set.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::error::DataError;
use super::input::kind;

/// An error about a folder without the files that `expected` describes; it lists what is there.
pub fn lacking(root: &Path, expected: String) -> DataError {
    match fs::read_dir(root) {
        Ok(entries) => {
            let names = entries.flatten().map(|entry| entry.file_name());
            let names = names.map(|name| name.to_string_lossy().into_owned());
            DataError::missing(root, expected, listing(names.collect()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => DataError::missing(root, expected, "nothing"),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            DataError::missing(root, expected, fs::metadata(root).map_or("a file", |about| kind(&about)))
        }
        Err(error) => DataError::unreadable(root, error),
    }
}

fn listing(mut names: Vec<String>) -> String {
    const SHOWN: usize = 6;
    names.sort();
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => "an empty folder".into(),
        count if count > SHOWN => format!("{} and {} more", shown.join(", "), count - SHOWN),
        _ => shown.join(", "),
    }
}
