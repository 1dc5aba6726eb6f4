//! From a source of the language to its data.

use std::path::{Path, PathBuf};

use crate::diagnostic::nearest;
use crate::lang::catalog::{Idx, Source};
use crate::lang::program::Validation;
use crate::lang::world::{DatasetInfo, ImageSizes, Parts, SourceInfo, World, WorldError};

use super::classes::{learnable, without_images};
use super::corpus::{Dataset, Shape, Traits};
use super::corruption::Arrays;
use super::error::DataError;
use super::facts::Facts;
use super::folder::{self, composed, domains};
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

/// Counts, classes and shape: from lists of files, from arrays, and from the headers of those that are large.
///
/// # Errors
/// As [`open`], as far as is read.
pub fn probe(source: &Source) -> Result<SourceInfo, DataError> {
    Facts::of(source).map(|facts| facts.info)
}

/// The rule by which the classes of a source are in their order.
pub fn class_order(source: &Source, names: &[String]) -> &'static str {
    match source {
        Source::Digits(_)
        | Source::Mnist(_)
        | Source::FashionMnist(_)
        | Source::Cifar10(_)
        | Source::Cifar100(_) => "as published",
        Source::Idx(_) => "as the files number them",
        Source::Folder(_) | Source::Domains(_) => folder::class_order(names),
        Source::Longtail(tail) => class_order(&tail.source, names),
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

    fn parts(&self, source: &Source, validation: Option<Validation>) -> Parts {
        // What is wrong with the files is said of the data set.
        let Ok(facts) = Facts::of(source) else { return Parts::default() };
        let sizes = facts.sizes.as_deref();
        Parts {
            unlearnable: sizes
                .and_then(|sizes| learnable(&facts.classes, sizes, validation).err().map(WorldError::from)),
            absent: sizes.map_or_else(Vec::new, |sizes| without_images(&facts.classes, sizes)),
            shared: facts.shared.clone(),
        }
    }

    fn nearest_sibling(&self, path: &Path) -> Option<PathBuf> {
        let (parent, name) = (path.parent()?, path.file_name()?.to_str()?);
        let folder = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let entries = std::fs::read_dir(folder).ok()?.flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        // What stands there and leads nowhere is not meant.
        let names: Vec<String> = names.filter(|name| folder.join(name).exists()).collect();
        if let Some(same) = names.iter().find(|other| composed(other) == composed(name)) {
            return Some(parent.join(same));
        }
        nearest(name, names.iter().map(String::as_str)).map(|near| parent.join(near))
    }

    fn link(&self, path: &Path) -> Option<PathBuf> {
        std::fs::read_link(path).ok()
    }

    fn corruptions(
        &self,
        root: &Path,
        kinds: usize,
        source: &Source,
        info: &DatasetInfo,
    ) -> Result<(), WorldError> {
        let shape = Shape { height: info.height, width: info.width, channels: info.channels };
        let facts = Facts::of(source)?;
        Arrays::open(root, kinds, shape, facts.test_labels.as_deref(), info.classes)?;
        Ok(())
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
            DataError::Classes { code, message, help } => Self { code, path: None, message, help },
            other => Self::unusable(None, other.to_string()),
        }
    }
}

fn open_mnist(root: &Path, traits: &Traits) -> Result<Dataset, DataError> {
    idx::open_known(mnist::Files::find(root)?.paths(), traits)
}

pub(super) fn idx_files(source: &Idx) -> idx::Files<'_> {
    idx::Files {
        images: &source.images,
        labels: &source.labels,
        test_images: &source.test_images,
        test_labels: &source.test_labels,
        layout: source.layout,
    }
}
