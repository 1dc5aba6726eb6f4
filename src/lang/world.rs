//! The world outside the file, as the checker sees it: data sets and files, behind one trait.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::catalog::Source;

/// Answers questions about files; the checker itself reads nothing.
pub trait World {
    /// Size and shape of a data set.
    ///
    /// # Errors
    /// The first file that is missing or cannot be read as what it should be.
    fn dataset(&self, source: &Source) -> Result<DatasetInfo, WorldError>;

    /// Whether a folder holds arrays of so many kinds of corrupted images that fit a data set.
    ///
    /// # Errors
    /// The first file that is missing, is no such array, or does not fit.
    fn corruptions(&self, root: &Path, kinds: usize, info: &DatasetInfo) -> Result<(), WorldError>;

    /// Whether a file is there.
    fn exists(&self, path: &Path) -> bool;
}

/// Samples per split and the shape of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DatasetInfo {
    pub train: usize,
    pub test: usize,
    pub classes: usize,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

/// Why a data set cannot be used. Without a path the source itself is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldError {
    pub path: Option<PathBuf>,
    pub message: String,
}

impl fmt::Display for WorldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(formatter, "{}: {}", path.display(), self.message),
            None => formatter.write_str(&self.message),
        }
    }
}

impl std::error::Error for WorldError {}
