//! From a source of the language to its data.

use std::path::Path;

use crate::lang::catalog::{Idx, Source};
use crate::lang::world::{DatasetInfo, World, WorldError};

use super::corpus::{Dataset, Shape, Traits};
use super::corruption::Arrays;
use super::error::DataError;
use super::{cifar, digits, idx, mnist};

/// Reads a data set whole.
///
/// # Errors
/// The first file that is missing, unreadable or not what its format says; nothing partial is returned.
pub fn open(source: &Source) -> Result<Dataset, DataError> {
    match source {
        Source::Digits(_) => digits::open(),
        Source::Mnist(at) => open_mnist(&at.root, &mnist::mnist()),
        Source::FashionMnist(at) => open_mnist(&at.root, &mnist::fashion_mnist()),
        Source::Cifar10(at) => cifar::CIFAR10.open(&at.root),
        Source::Cifar100(at) => cifar::CIFAR100.open(&at.root),
        Source::Idx(at) => idx::open(idx_files(at)),
    }
}

/// Counts, classes and shape, from headers and file sizes (for `idx` also the training labels).
///
/// # Errors
/// As [`open`], as far as headers and sizes tell.
pub fn probe(source: &Source) -> Result<DatasetInfo, DataError> {
    match source {
        Source::Digits(_) => Ok(info((digits::TRAIN, digits::TEST), digits::CLASSES, digits::SHAPE)),
        Source::Mnist(at) => probe_mnist(&at.root),
        Source::FashionMnist(at) => probe_mnist(&at.root),
        Source::Cifar10(at) => probe_cifar(&cifar::CIFAR10, &at.root),
        Source::Cifar100(at) => probe_cifar(&cifar::CIFAR100, &at.root),
        Source::Idx(at) => {
            let classes = |files: idx::Files| idx::count_classes(files.labels);
            probe_idx(idx_files(at), classes)
        }
    }
}

/// The data sets and files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl World for Disk {
    fn dataset(&self, source: &Source) -> Result<DatasetInfo, WorldError> {
        probe(source).map_err(WorldError::from)
    }

    fn corruptions(&self, root: &Path, kinds: usize, info: &DatasetInfo) -> Result<(), WorldError> {
        let shape = Shape { height: info.height, width: info.width, channels: info.channels };
        Arrays::open(root, kinds, shape, info.classes).map(drop).map_err(WorldError::from)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }
}

impl From<DataError> for WorldError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::File { path, problem } => Self { path: Some(path), message: problem.to_string() },
            other => Self { path: None, message: other.to_string() },
        }
    }
}

fn open_mnist(root: &Path, traits: &Traits) -> Result<Dataset, DataError> {
    idx::open_known(mnist::Files::find(root)?.paths(), traits)
}

fn probe_mnist(root: &Path) -> Result<DatasetInfo, DataError> {
    probe_idx(mnist::Files::find(root)?.paths(), |_| Ok(mnist::CLASSES))
}

fn probe_cifar(format: &cifar::Format, root: &Path) -> Result<DatasetInfo, DataError> {
    Ok(info(format.counts(root)?, format.classes(), cifar::SHAPE))
}

fn probe_idx(
    files: idx::Files,
    classes: impl FnOnce(idx::Files) -> Result<usize, DataError>,
) -> Result<DatasetInfo, DataError> {
    let outline = idx::outline(files)?;
    let counts = (outline.train, outline.test);
    Ok(info(counts, classes(files)?, outline.shape))
}

fn idx_files(source: &Idx) -> idx::Files<'_> {
    idx::Files {
        images: &source.images,
        labels: &source.labels,
        test_images: &source.test_images,
        test_labels: &source.test_labels,
    }
}

fn info((train, test): (usize, usize), classes: usize, shape: Shape) -> DatasetInfo {
    DatasetInfo { train, test, classes, channels: shape.channels, height: shape.height, width: shape.width }
}
