//! From a source of the language to its data.

use std::path::{Path, PathBuf};

use crate::diagnostic::nearest;
use crate::lang::catalog::{Idx, Source};
use crate::lang::world::{DatasetInfo, ImageSizes, SourceInfo, World, WorldError};

use super::corpus::{Dataset, Shape, Traits};
use super::corruption::Arrays;
use super::error::DataError;
use super::folder::{self, domains};
use super::{cifar, digits, idx, longtail, mnist};

/// Reads a data set whole; images in files of their own are listed, and read when they are needed.
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
        Source::Folder(folder) => folder::open(folder),
        Source::Domains(domains) => domains::open(domains),
        Source::Longtail(tail) => longtail::thinned(tail, open(&tail.source)?),
    }
}

/// Counts, classes and shape, from headers, file sizes and lists of files (for `idx` also the training labels, for
/// `longtail` those of its source).
///
/// # Errors
/// As [`open`], as far as headers and sizes tell.
pub fn probe(source: &Source) -> Result<SourceInfo, DataError> {
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
        Source::Folder(folder) => folder::probe(folder),
        Source::Domains(domains) => domains::probe(domains),
        Source::Longtail(tail) => longtail::probe(tail, probe(&tail.source)?, &class_sizes(&tail.source)?),
    }
}

/// Training images of each class.
fn class_sizes(source: &Source) -> Result<Vec<usize>, DataError> {
    match source {
        Source::Folder(folder) => folder::class_sizes(folder),
        other => Ok(open(other)?.train.class_sizes()),
    }
}

fn image_sizes(source: &Source) -> Result<ImageSizes, DataError> {
    match source {
        Source::Folder(folder) => folder::sizes(folder),
        Source::Domains(domains) => domains::sizes(domains),
        Source::Longtail(tail) => image_sizes(&tail.source),
        other => Ok(ImageSizes { size: probe(other)?.size, examples: Vec::new() }),
    }
}

/// The data sets and files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl World for Disk {
    fn dataset(&self, source: &Source) -> Result<SourceInfo, WorldError> {
        probe(source).map_err(WorldError::from)
    }

    fn image_sizes(&self, source: &Source) -> Result<ImageSizes, WorldError> {
        image_sizes(source).map_err(WorldError::from)
    }

    fn nearest_sibling(&self, path: &Path) -> Option<PathBuf> {
        let (parent, name) = (path.parent()?, path.file_name()?.to_str()?);
        let folder = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let entries = std::fs::read_dir(folder).ok()?.flatten();
        let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        nearest(name, names.iter().map(String::as_str)).map(|near| parent.join(near))
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
            DataError::File { path, problem } => Self::unusable(Some(path), problem.to_string()),
            DataError::Images { code, path, message, help } => Self { code, path: Some(path), message, help },
            other => Self::unusable(None, other.to_string()),
        }
    }
}

fn open_mnist(root: &Path, traits: &Traits) -> Result<Dataset, DataError> {
    idx::open_known(mnist::Files::find(root)?.paths(), traits)
}

fn probe_mnist(root: &Path) -> Result<SourceInfo, DataError> {
    probe_idx(mnist::Files::find(root)?.paths(), |_| Ok(mnist::CLASSES))
}

fn probe_cifar(format: &cifar::Format, root: &Path) -> Result<SourceInfo, DataError> {
    Ok(info(format.counts(root)?, format.classes(), cifar::SHAPE))
}

fn probe_idx(
    files: idx::Files,
    classes: impl FnOnce(idx::Files) -> Result<usize, DataError>,
) -> Result<SourceInfo, DataError> {
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

fn info((train, test): (usize, usize), classes: usize, shape: Shape) -> SourceInfo {
    let Shape { height, width, channels } = shape;
    DatasetInfo { train, test, classes, channels, height, width }.into()
}
