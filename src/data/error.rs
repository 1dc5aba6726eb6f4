//! What can be wrong with data on disk: each error names the file, the place, what was expected and what
//! was found.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::diagnostic::Code;

#[derive(Debug, Error)]
pub enum DataError {
    #[error("`{path}`: {problem}", path = path.display())]
    File { path: PathBuf, problem: Problem },
    /// A validation split that leaves one of its parts empty.
    #[error(
        "a validation split of {wanted} out of {available} samples: expected 1 to {most}",
        most = available.saturating_sub(1)
    )]
    Split { wanted: usize, available: usize },
    /// Classes that cannot be learned or told apart.
    #[error("{message}")]
    Classes { code: Code, message: String, help: Vec<String> },
    /// An index that the corpus does not hold.
    #[error("sample {index} of a corpus of {samples} samples: expected an index below {samples}")]
    Index { index: u32, samples: usize },
    /// An image that is not as large as its corpus says.
    #[error("sample {index}: expected {expected}, found {found}")]
    Shape { index: u32, expected: String, found: String },
    /// A file or folder of images with a fault of its own.
    #[error("`{path}`: {message}", path = path.display())]
    Images { code: Code, path: PathBuf, message: String, help: Vec<String> },
    /// The loading thread could not start or did not reach its end.
    #[error("loading of batches stopped: {reason}")]
    Loader { reason: String },
}

/// What is wrong with a file or folder.
#[derive(Debug, Error)]
pub enum Problem {
    /// It is not there, or is a folder without the files of its data set.
    #[error("expected {expected}, found {found}")]
    Missing { expected: String, found: String },
    /// The system refused to read it.
    #[error("cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// Its content is not what the format says.
    #[error("{flaw} at {place}: expected {expected}, found {found}")]
    Malformed { flaw: Flaw, place: Place, expected: String, found: String },
}

impl DataError {
    pub(super) fn file(path: &Path, problem: Problem) -> Self {
        let path = path.to_path_buf();
        Self::File { path, problem }
    }

    pub(super) fn missing(path: &Path, expected: impl Into<String>, found: impl Into<String>) -> Self {
        let (expected, found) = (expected.into(), found.into());
        Self::file(path, Problem::Missing { expected, found })
    }

    /// A fault of images, with its code.
    pub(super) fn images(code: Code, path: &Path, message: impl Into<String>) -> Self {
        Self::Images { code, path: path.to_path_buf(), message: message.into(), help: Vec::new() }
    }

    /// What is wrong, without the path.
    pub(super) fn problem(&self) -> String {
        match self {
            Self::File { problem, .. } => problem.to_string(),
            Self::Images { message, .. } => message.clone(),
            Self::Classes { message, .. } => message.clone(),
            Self::Split { .. } | Self::Index { .. } | Self::Shape { .. } | Self::Loader { .. } => {
                self.to_string()
            }
        }
    }

    pub(super) fn with_help(mut self, text: impl Into<String>) -> Self {
        if let Self::Images { help, .. } | Self::Classes { help, .. } = &mut self {
            help.push(text.into());
        }
        self
    }

    /// The finding that a check makes of it, with its help; `None` for faults of the program itself.
    pub fn finding(&self) -> Option<(Code, &[String])> {
        match self {
            Self::Images { code, help, .. } | Self::Classes { code, help, .. } => Some((*code, help)),
            Self::File { .. } => Some((Code::UnusableData, &[])),
            Self::Split { wanted: 0, .. } => Some((Code::EmptyValidation, &[])),
            Self::Split { .. } => Some((Code::ValidationTakesAll, &[])),
            Self::Index { .. } | Self::Shape { .. } | Self::Loader { .. } => None,
        }
    }

    /// An error about the byte at `offset` of a plain file.
    pub(super) fn malformed(
        path: &Path,
        flaw: Flaw,
        offset: u64,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let (place, expected, found) = (Place::File(offset), expected.into(), found.into());
        Self::file(path, Problem::Malformed { flaw, place, expected, found })
    }

    /// The error of the system about `path`, which should be a file.
    pub(super) fn unreadable(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::missing(path, "a file", "nothing"),
            _ => Self::file(path, Problem::Unreadable(source)),
        }
    }
}

/// The ways in which a file breaks its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    Truncated,
    TrailingBytes,
    WrongMagic,
    Empty,
    TooLarge,
    CountsDiffer,
    ShapesDiffer,
    LabelOutOfRange,
    OtherLabels,
    NotGzip,
    CorruptGzip,
    MalformedHeader,
    WrongType,
    WrongOrder,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "truncated",
            Self::TrailingBytes => "trailing bytes",
            Self::WrongMagic => "wrong magic number",
            Self::Empty => "empty",
            Self::TooLarge => "too large",
            Self::CountsDiffer => "counts that differ",
            Self::ShapesDiffer => "shapes that differ",
            Self::LabelOutOfRange => "label out of range",
            Self::OtherLabels => "labels of other images",
            Self::NotGzip => "not gzip data",
            Self::CorruptGzip => "corrupt gzip data",
            Self::MalformedHeader => "malformed header",
            Self::WrongType => "wrong type of numbers",
            Self::WrongOrder => "wrong order of dimensions",
        })
    }
}

/// A byte offset from 0: in the file, or in what a gzip file decompresses to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    File(u64),
    Decompressed(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(offset) => write!(f, "byte {offset}"),
            Self::Decompressed(offset) => write!(f, "byte {offset} of the decompressed data"),
        }
    }
}
