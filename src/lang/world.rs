//! The world outside the file, as the checker sees it: data sets and files, behind one trait.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::catalog::Source;
use super::program::{Model, Validation};
use crate::diagnostic::Code;

/// Answers questions about files; the checker itself reads nothing.
pub trait World {
    /// What a data set holds.
    ///
    /// # Errors
    /// The first file that is missing or cannot be read as what it should be.
    fn dataset(&self, source: &Source) -> Result<SourceInfo, WorldError>;

    /// Whether all images have one size; asked where [`SourceInfo::size`] does not tell.
    ///
    /// # Errors
    /// The first image whose header cannot be read.
    fn image_sizes(&self, source: &Source) -> Result<ImageSizes, WorldError> {
        let size = self.dataset(source)?.size;
        Ok(ImageSizes { size, examples: Vec::new() })
    }

    /// What is known of the training and the test part once `validation` is taken.
    fn parts(&self, _source: &Source, _validation: Option<Validation>) -> Parts {
        Parts::default()
    }

    /// Whether a folder holds arrays of so many kinds of corrupted images that fit a data set, whose images are as `info`
    /// says.
    ///
    /// # Errors
    /// The first file that is missing, is no such array, or does not fit.
    fn corruptions(
        &self,
        root: &Path,
        kinds: usize,
        source: &Source,
        info: &DatasetInfo,
    ) -> Result<(), WorldError>;

    /// Whether a network for such images can be built, and whether the weights it starts from are its own.
    ///
    /// # Errors
    /// What is wrong with its size, its layers or its file of weights; the code says which.
    fn network(&self, _model: &Model, _images: &DatasetInfo) -> Result<(), WorldError> {
        Ok(())
    }

    /// Whether weights may be written to a path, by a program that reads the files `read`.
    ///
    /// # Errors
    /// What would be lost there, or why nothing can be written.
    fn output(&self, _path: &Path, _read: &[&Path]) -> Result<(), WorldError> {
        Ok(())
    }

    /// Whether this program can open the card of a number.
    ///
    /// # Errors
    /// What is missing: the number, or what would open cards.
    fn card(&self, _index: usize) -> Result<(), WorldError> {
        Ok(())
    }

    /// Whether a file is there.
    fn exists(&self, path: &Path) -> bool;

    /// Where a symbolic link leads, as it is written there.
    fn link(&self, _path: &Path) -> Option<PathBuf> {
        None
    }

    /// The name beside a path that is not there which was most likely meant.
    fn nearest_sibling(&self, _path: &Path) -> Option<PathBuf> {
        None
    }
}

/// The training and the test part of a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Why the classes cannot be learned: there is one alone, or the validation split takes too much or nothing.
    pub unlearnable: Option<WorldError>,
    /// Classes that come without a training image.
    pub absent: Vec<String>,
    /// What is to be said of test images that are training images too.
    pub shared: Option<String>,
}

/// Height and width in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Size {
    pub height: usize,
    pub width: usize,
}

impl Size {
    pub const fn square(side: usize) -> Self {
        Self { height: side, width: side }
    }

    /// `40 wide and 36 high`: nobody has to know which comes first.
    pub fn in_words(&self) -> String {
        format!("{} wide and {} high", self.width, self.height)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{}", self.height, self.width)
    }
}

/// What a source holds, before anything is done to its images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    pub train: usize,
    pub test: usize,
    pub classes: usize,
    pub channels: usize,
    /// Of every image, where that is known without looking at each.
    pub size: Option<Size>,
    /// Domains that every training batch is shared among; 1 where there are none.
    pub domains: usize,
    /// Samples of the training part that the source itself holds out for validation.
    pub held_out: Option<usize>,
    /// Training samples that an epoch sees, where that is not all that are left.
    pub per_epoch: Option<usize>,
}

/// Sizes of the images of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageSizes {
    /// Of every image; `None` where they differ.
    pub size: Option<Size>,
    /// Two images that differ, with their sizes.
    pub examples: Vec<String>,
}

/// Samples per split and the shape of one sample as the network sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DatasetInfo {
    pub train: usize,
    pub test: usize,
    pub classes: usize,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

impl From<DatasetInfo> for SourceInfo {
    /// A data set of one size without domains.
    fn from(info: DatasetInfo) -> Self {
        Self {
            train: info.train,
            test: info.test,
            classes: info.classes,
            channels: info.channels,
            size: Some(Size { height: info.height, width: info.width }),
            domains: 1,
            held_out: None,
            per_epoch: None,
        }
    }
}

impl SourceInfo {
    /// As the network sees it, with images of `size`.
    pub fn seen_at(&self, size: Size) -> DatasetInfo {
        DatasetInfo {
            train: self.train,
            test: self.test,
            classes: self.classes,
            channels: self.channels,
            height: size.height,
            width: size.width,
        }
    }
}

/// Why a data set cannot be used. Without a path the source itself is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldError {
    pub code: Code,
    pub path: Option<PathBuf>,
    pub message: String,
    pub help: Vec<String>,
}

impl WorldError {
    /// A data set that is not what it should be.
    pub fn unusable(path: Option<PathBuf>, message: impl Into<String>) -> Self {
        Self { code: Code::UnusableData, path, message: message.into(), help: Vec::new() }
    }
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
