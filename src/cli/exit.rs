//! How the program ends.

use std::io::{self, ErrorKind};
use std::path::Path;

/// What the process tells its caller; a later variant outweighs an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    Done = 0,
    /// A file has errors, or is not formatted.
    Findings = 1,
    /// Usage, configuration, or a file that cannot be read or written.
    Usage = 2,
    RunFailed = 3,
    Interrupted = 130,
}

/// Why a command gave up.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
    pub help: Vec<String>,
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), help: Vec::new() }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub fn run(message: impl Into<String>) -> Self {
        Self::new(Exit::RunFailed, message)
    }

    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::new(Exit::Interrupted, message)
    }

    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    pub fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::usage(format!("cannot read `{}`: {}", path.display(), reason(error)))
    }

    /// Standard output cannot be written.
    pub fn output(error: &io::Error) -> Self {
        Self::usage(format!("cannot write the output: {}", reason(error)))
    }

    pub fn unwritable(path: &Path, error: &io::Error) -> Self {
        let failure = Self::usage(format!("cannot write `{}`: {}", path.display(), reason(error)));
        remedy(error).into_iter().fold(failure, Self::help)
    }
}

/// What lets a file be written that could not be, where the system's reason tells.
fn remedy(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        ErrorKind::StorageFull => "the disk is full: make room on it",
        ErrorKind::QuotaExceeded => "your share of the disk is used up: make room in it, or ask for more",
        ErrorKind::FileTooLarge => {
            "a limit on the size of files is in force, which `ulimit -f` shows: raise it"
        }
        ErrorKind::PermissionDenied => {
            "you may not write there: change its permissions, or choose another folder"
        }
        ErrorKind::ReadOnlyFilesystem => "nothing can be written on this file system: choose another folder",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a part of this path is a file, not a folder: move it away, or choose another folder"
        }
        ErrorKind::IsADirectory => {
            "a folder of this name is in the way: move it away, or choose another name"
        }
        ErrorKind::InvalidFilename => {
            "the name is too long for this file system, or not allowed there: choose a shorter one"
        }
        ErrorKind::NotFound => "its folder is not there: it was removed, or was never made",
        ErrorKind::DirectoryNotEmpty => "another program writes in this folder: end it first",
        _ => return None,
    })
}

/// What the system says, in the style of the other messages: `permission denied`.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_lose_their_number() {
        assert_eq!(reason(&io::Error::from_raw_os_error(13)), "permission denied");
    }

    /// Each cause has a help of its own, and what is not known is not guessed.
    #[test]
    fn help_belongs_to_the_cause() {
        let help = |number: i32| {
            let failure = Failure::unwritable(Path::new("a"), &io::Error::from_raw_os_error(number));
            failure.help.join("")
        };
        let numbers = if cfg!(target_os = "linux") {
            vec![28, 122, 27, 13, 30, 20, 21, 36, 2, 39]
        } else {
            vec![28, 13]
        };
        let mut all: Vec<String> = numbers.iter().map(|&number| help(number)).collect();
        assert!(all[0].starts_with("the disk is full"), "{all:?}");
        assert!(all.iter().all(|help| !help.is_empty()), "{all:?}");
        assert!(all[1..].iter().all(|help| !help.contains("full")), "{all:?}");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), numbers.len());
        assert_eq!(help(5), "", "an error of the device");
    }

    #[test]
    fn a_worse_end_outweighs() {
        assert_eq!(Exit::Findings.max(Exit::Usage), Exit::Usage);
    }
}
