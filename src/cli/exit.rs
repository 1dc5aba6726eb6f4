//! How the program ends.

use std::fmt;
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
pub enum Failure {
    Message { exit: Exit, message: String, help: Option<String> },
    /// Nobody reads the output any more.
    ClosedPipe,
}

impl Failure {
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Message { exit: Exit::Usage, message: message.into(), help: None }
    }

    pub fn run(message: impl Into<String>) -> Self {
        Self::Message { exit: Exit::RunFailed, message: message.into(), help: None }
    }

    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::Message { exit: Exit::Interrupted, message: message.into(), help: None }
    }

    pub fn help(mut self, text: impl Into<String>) -> Self {
        if let Self::Message { help, .. } = &mut self {
            *help = Some(text.into());
        }
        self
    }

    pub fn exit(&self) -> Exit {
        match self {
            Self::Message { exit, .. } => *exit,
            Self::ClosedPipe => Exit::Done,
        }
    }

    pub fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::usage(format!("cannot read `{}`: {}", path.display(), reason(error)))
    }

    pub fn unwritable(path: &Path, error: &io::Error) -> Self {
        Self::usage(format!("cannot write `{}`: {}", path.display(), reason(error)))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { message, .. } => formatter.write_str(message),
            Self::ClosedPipe => formatter.write_str("the output is closed"),
        }
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
