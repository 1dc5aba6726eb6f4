//! What is known of a source before anything is trained on it.
//!
//! Arrays are read by the reader of a run, whole, as far as that is quick: a check then knows what a run will meet.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::lang::catalog::Source;
use crate::lang::world::{DatasetInfo, SourceInfo};

use super::corpus::{Corpus, Dataset, Shape};
use super::error::DataError;
use super::files::Stamp;
use super::folder::{self, domains};
use super::shared::shared;
use super::source::{idx_files, open};
use super::{cifar, digits, idx, longtail, mnist};

/// Arrays of more bytes are judged by headers, sizes and labels until a run reads them.
const WHOLE: u64 = 512 << 20;

/// Data sets of arrays that are remembered, for an editor that asks again and again.
const REMEMBERED: usize = 8;

/// A source, the state of its files, and what they told.
type Remembered = (Source, Vec<Option<Stamp>>, Arc<Facts>);

static READ: Mutex<Vec<Remembered>> = Mutex::new(Vec::new());

#[derive(Clone, Debug)]
pub struct Facts {
    pub info: SourceInfo,
    /// Names of the classes; empty where the source has none.
    pub classes: Vec<String>,
    /// Images of each class that train; `None` where arrays were not read.
    pub sizes: Option<Vec<usize>>,
    /// Classes of the test images, in their order; `None` where arrays were not read.
    pub test_labels: Option<Arc<[u16]>>,
    /// What is said of test images that are training images too.
    pub shared: Option<String>,
}

impl Facts {
    /// Reads headers, file sizes, lists of files, and arrays that are not too large.
    ///
    /// # Errors
    /// As [`open`], as far as is read.
    pub fn of(source: &Source) -> Result<Arc<Self>, DataError> {
        match source {
            Source::Folder(folder) => folder::facts(folder).map(Arc::new),
            Source::Domains(domains) => domains::facts(domains).map(Arc::new),
            Source::Longtail(tail) => {
                let whole = Self::of(&tail.source)?;
                let sizes = match &whole.sizes {
                    Some(sizes) => sizes.clone(),
                    None => open(&tail.source)?.train.class_sizes(),
                };
                let sizes = longtail::class_sizes(tail, &sizes)?;
                let info = SourceInfo { train: sizes.iter().sum(), ..whole.info };
                Ok(Arc::new(Self { info, sizes: Some(sizes), ..(*whole).clone() }))
            }
            Source::Digits(_)
            | Source::Mnist(_)
            | Source::FashionMnist(_)
            | Source::Cifar10(_)
            | Source::Cifar100(_)
            | Source::Idx(_) => of_arrays(source),
        }
    }
}

fn of_arrays(source: &Source) -> Result<Arc<Facts>, DataError> {
    let stamps: Vec<Option<Stamp>> =
        files(source)?.iter().map(|path| fs::metadata(path).ok().as_ref().map(Stamp::of)).collect();
    let read = || READ.lock().unwrap_or_else(PoisonError::into_inner);
    let known = read()
        .iter()
        .find(|(known, then, _)| known == source && *then == stamps)
        .map(|(.., facts)| facts.clone());
    if let Some(facts) = known {
        return Ok(facts);
    }
    let outline = outline(source)?;
    let facts = Arc::new(match outline.bytes() <= WHOLE {
        true => read_whole(open(source)?),
        false => outline.facts(),
    });
    let mut all = read();
    all.retain(|(known, ..)| known != source);
    all.truncate(REMEMBERED - 1);
    all.insert(0, (source.clone(), stamps, facts.clone()));
    Ok(facts)
}

fn read_whole(dataset: Dataset) -> Facts {
    let Dataset { train, test, .. } = dataset;
    let Shape { height, width, channels } = train.shape();
    let (classes, shared) = (train.classes, shared(&train, &test));
    let info = DatasetInfo { train: train.len(), test: test.len(), classes, channels, height, width };
    let Corpus { class_names, .. } = &train;
    Facts {
        info: info.into(),
        classes: class_names.to_vec(),
        sizes: Some(train.class_sizes()),
        test_labels: Some(test.labels),
        shared,
    }
}

/// The files of arrays that the program does not hold itself.
fn files(source: &Source) -> Result<Vec<PathBuf>, DataError> {
    let four = |files: idx::Files| {
        [files.images, files.labels, files.test_images, files.test_labels].map(ToOwned::to_owned).to_vec()
    };
    match source {
        Source::Mnist(at) => Ok(four(mnist::Files::find(&at.root)?.paths())),
        Source::FashionMnist(at) => Ok(four(mnist::Files::find(&at.root)?.paths())),
        Source::Cifar10(at) => cifar::CIFAR10.files(&at.root),
        Source::Cifar100(at) => cifar::CIFAR100.files(&at.root),
        Source::Idx(at) => Ok(four(idx_files(at))),
        Source::Digits(_) | Source::Folder(_) | Source::Domains(_) | Source::Longtail(_) => Ok(Vec::new()),
    }
}

/// What headers and sizes tell of arrays.
#[derive(Clone, Copy)]
struct Outline {
    train: usize,
    test: usize,
    shape: Shape,
    classes: usize,
}

fn outline(source: &Source) -> Result<Outline, DataError> {
    let of_idx = |files: idx::Files, classes| -> Result<Outline, DataError> {
        let idx::Outline { train, test, shape } = idx::outline(files)?;
        Ok(Outline { train, test, shape, classes })
    };
    let of_cifar = |format: &cifar::Format, at: &Path| -> Result<Outline, DataError> {
        let (train, test) = format.counts(at)?;
        Ok(Outline { train, test, shape: cifar::SHAPE, classes: format.classes() })
    };
    match source {
        Source::Mnist(at) => of_idx(mnist::Files::find(&at.root)?.paths(), mnist::CLASSES),
        Source::FashionMnist(at) => of_idx(mnist::Files::find(&at.root)?.paths(), mnist::CLASSES),
        Source::Cifar10(at) => of_cifar(&cifar::CIFAR10, &at.root),
        Source::Cifar100(at) => of_cifar(&cifar::CIFAR100, &at.root),
        Source::Idx(at) => {
            let outline = of_idx(idx_files(at), 0)?;
            Ok(Outline { classes: idx::count_classes(&at.labels)?, ..outline })
        }
        Source::Digits(_) | Source::Folder(_) | Source::Domains(_) | Source::Longtail(_) => {
            let (train, test) = (digits::TRAIN, digits::TEST);
            Ok(Outline { train, test, shape: digits::SHAPE, classes: digits::CLASSES })
        }
    }
}

impl Outline {
    fn bytes(&self) -> u64 {
        ((self.train + self.test) * self.shape.values()) as u64
    }

    fn facts(&self) -> Facts {
        let (Self { train, test, classes, .. }, Shape { height, width, channels }) = (*self, self.shape);
        let info = DatasetInfo { train, test, classes, channels, height, width }.into();
        Facts { info, classes: Vec::new(), sizes: None, test_labels: None, shared: None }
    }
}
