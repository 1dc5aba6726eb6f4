//! A world for tests: every data set has its published size, and files are there unless a test says otherwise.

#![allow(dead_code, reason = "every test uses another part")]

use std::path::Path;

use flatrun::lang::catalog::Source;
use flatrun::lang::{DatasetInfo, World, WorldError};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Files {
    #[default]
    There,
    Missing,
    Broken,
    /// Every data set has two classes.
    TwoClasses,
}

pub struct TestWorld(pub Files);

impl World for TestWorld {
    fn dataset(&self, source: &Source) -> Result<DatasetInfo, WorldError> {
        let path = match source {
            Source::Digits(_) => return Ok(shape(source)),
            Source::Mnist(mnist) => mnist.root.join("train-images-idx3-ubyte"),
            Source::FashionMnist(fashion) => fashion.root.join("train-images-idx3-ubyte"),
            Source::Cifar10(cifar) => cifar.root.join("test_batch.bin"),
            Source::Cifar100(cifar) => cifar.root.join("test.bin"),
            Source::Idx(idx) => idx.images.clone(),
        };
        match self.0 {
            Files::There => Ok(shape(source)),
            Files::TwoClasses => Ok(DatasetInfo { classes: 2, ..shape(source) }),
            Files::Missing => Err(WorldError { path: Some(path), message: "there is no such file".into() }),
            Files::Broken => {
                let message = "byte 0: expected the magic number 0x00000803, found 0x00000000".into();
                Err(WorldError { path: Some(path), message })
            }
        }
    }

    fn corruptions(&self, root: &Path, _: usize, _: &DatasetInfo) -> Result<(), WorldError> {
        match self.0 {
            Files::There | Files::TwoClasses => Ok(()),
            Files::Missing => Err(WorldError {
                path: Some(root.to_owned()),
                message: "expected a folder, found nothing".into(),
            }),
            Files::Broken => Err(WorldError {
                path: Some(root.join("fog.npy")),
                message: "wrong magic number at byte 0".into(),
            }),
        }
    }

    fn exists(&self, _: &Path) -> bool {
        self.0 != Files::Missing
    }
}

fn shape(source: &Source) -> DatasetInfo {
    let (train, test, classes, channels, side) = match source {
        Source::Digits(_) => (1437, 360, 10, 1, 8),
        Source::Mnist(_) | Source::FashionMnist(_) | Source::Idx(_) => (60_000, 10_000, 10, 1, 28),
        Source::Cifar10(_) => (50_000, 10_000, 10, 3, 32),
        Source::Cifar100(_) => (50_000, 10_000, 100, 3, 32),
    };
    DatasetInfo { train, test, classes, channels, height: side, width: side }
}
