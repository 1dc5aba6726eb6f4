//! How the program ends.

use std::io;
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

    pub fn unwritable(path: &Path, error: &io::Error) -> Self {
        Self::usage(format!("cannot write `{}`: {}", path.display(), reason(error)))
    }
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

    #[test]
    fn a_worse_end_outweighs() {
        assert_eq!(Exit::Findings.max(Exit::Usage), Exit::Usage);
    }
}
