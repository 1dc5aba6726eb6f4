//! A world for tests: every data set has its published size, and files are there unless a test says otherwise.

#![allow(dead_code, reason = "every test uses another part")]

use std::path::{Path, PathBuf};

use flatrun::diagnostic::{Code, nearest};
use flatrun::lang::catalog::{Domains, Source};
use flatrun::lang::program::{Model, Validation};
use flatrun::lang::{DatasetInfo, ImageSizes, Parts, SourceInfo, World, WorldError};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Files {
    #[default]
    There,
    Missing,
    Broken,
    /// Every data set has two classes.
    TwoClasses,
    /// Every data set has this fault.
    Fault(Code),
}

pub struct TestWorld(pub Files);

const CARDS: usize = 2;

/// The domains of every data set that has some.
const DOMAINS: [&str; 4] = ["art_painting", "cartoon", "photo", "sketch"];

impl World for TestWorld {
    fn dataset(&self, source: &Source) -> Result<SourceInfo, WorldError> {
        if let Source::Digits(_) = source {
            return Ok(info(source));
        }
        let path = Some(first_file(source));
        match self.0 {
            Files::There => known_domains(source).map(|()| info(source)),
            Files::TwoClasses => Ok(SourceInfo { classes: 2, ..info(source) }),
            Files::Missing => Err(WorldError::unusable(path, "there is no such file")),
            Files::Broken => {
                let message = "byte 0: expected the magic number 0x00000803, found 0x00000000";
                Err(WorldError::unusable(path, message))
            }
            Files::Fault(code) => {
                let message = code.info().title.to_owned();
                Err(WorldError { code, path, message, help: Vec::new() })
            }
        }
    }

    fn image_sizes(&self, source: &Source) -> Result<ImageSizes, WorldError> {
        let size = info(source).size;
        let examples =
            ["`train/crow/1.jpg` is 500 wide and 375 high", "`train/crow/2.jpg` is 500 wide and 333 high"];
        Ok(ImageSizes { size, examples: examples.map(str::to_owned).to_vec() })
    }

    fn parts(&self, source: &Source, _: Option<Validation>) -> Parts {
        let Source::Idx(idx) = source else { return Parts::default() };
        let same = idx.images == idx.test_images;
        Parts {
            shared: same.then(|| "all 10000 test images are training images too".to_owned()),
            ..Parts::default()
        }
    }

    fn corruptions(&self, root: &Path, _: usize, _: &Source, _: &DatasetInfo) -> Result<(), WorldError> {
        match self.0 {
            Files::There | Files::TwoClasses | Files::Fault(_) => Ok(()),
            Files::Missing => {
                Err(WorldError::unusable(Some(root.to_owned()), "expected a folder, found nothing"))
            }
            Files::Broken => {
                let path = Some(root.join("fog.npy"));
                Err(WorldError::unusable(path, "wrong magic number at byte 0"))
            }
        }
    }

    fn network(&self, model: &Model, images: &DatasetInfo) -> Result<(), WorldError> {
        match (self.0, &model.from) {
            (Files::Fault(code), Some(path)) => {
                let message = format!("{}: {}", path.display(), code.info().title);
                Err(WorldError { code, path: Some(path.clone()), message, help: Vec::new() })
            }
            _ => flatrun::model::verify(&Model { from: None, ..model.clone() }, images),
        }
    }

    fn output(&self, path: &Path, _: &[&Path]) -> Result<(), WorldError> {
        match self.0 {
            Files::Fault(code @ Code::OutputTaken) => {
                let message = code.info().title.to_owned();
                Err(WorldError { code, path: Some(path.to_owned()), message, help: Vec::new() })
            }
            _ => Ok(()),
        }
    }

    fn card(&self, index: usize) -> Result<(), WorldError> {
        if index < CARDS {
            return Ok(());
        }
        let message = format!("there is no `cuda({index})`: found {CARDS} cards");
        Err(WorldError { code: Code::MissingDevice, path: None, message, help: Vec::new() })
    }

    fn exists(&self, path: &Path) -> bool {
        let domain = path.parent().is_some_and(|parent| parent.ends_with("PACS"));
        self.0 != Files::Missing && (!domain || DOMAINS.iter().any(|name| path.ends_with(name)))
    }

    fn nearest_sibling(&self, path: &Path) -> Option<PathBuf> {
        let name = path.file_name()?.to_str()?;
        nearest(name, DOMAINS.into_iter().chain(["birds"])).map(|near| path.with_file_name(near))
    }
}

fn first_file(source: &Source) -> PathBuf {
    match source {
        Source::Digits(_) => PathBuf::from("digits"),
        Source::Mnist(mnist) => mnist.root.join("train-images-idx3-ubyte"),
        Source::FashionMnist(fashion) => fashion.root.join("train-images-idx3-ubyte"),
        Source::Cifar10(cifar) => cifar.root.join("test_batch.bin"),
        Source::Cifar100(cifar) => cifar.root.join("test.bin"),
        Source::Idx(idx) => idx.images.clone(),
        Source::Folder(folder) => folder.root.clone(),
        Source::Domains(domains) => domains.root.clone(),
        Source::Longtail(tail) => first_file(&tail.source),
    }
}

fn names(domains: &Domains) -> impl Iterator<Item = &String> {
    let listed = domains.test.iter().chain(&domains.train).flat_map(|names| &names.0);
    listed.chain(&domains.validate)
}

fn known_domains(source: &Source) -> Result<(), WorldError> {
    let Source::Domains(domains) = source else { return Ok(()) };
    let Some(name) = names(domains).find(|name| !DOMAINS.contains(&name.as_str())) else { return Ok(()) };
    let message = format!("there is no domain `{name}`");
    let help = nearest(name, DOMAINS).map(|near| format!("the nearest domain is `{near}`"));
    let path = Some(domains.root.clone());
    Err(WorldError { code: Code::UnknownDomain, path, message, help: help.into_iter().collect() })
}

fn trained_domains(domains: &Domains) -> usize {
    let listed = match (&domains.train, &domains.test) {
        (Some(train), _) => train.0.len(),
        (None, Some(test)) => DOMAINS.len() - test.0.len(),
        (None, None) => DOMAINS.len(),
    };
    listed - usize::from(domains.validate.is_some())
}

fn info(source: &Source) -> SourceInfo {
    let (train, test, classes, channels, side) = match source {
        Source::Digits(_) => (1437, 360, 10, 1, 8),
        Source::Mnist(_) | Source::FashionMnist(_) | Source::Idx(_) => (60_000, 10_000, 10, 1, 28),
        Source::Cifar10(_) => (50_000, 10_000, 10, 3, 32),
        Source::Cifar100(_) => (50_000, 10_000, 100, 3, 32),
        Source::Folder(_) => (5994, 5794, 200, 3, 0),
        Source::Domains(_) => (6062, 3929, 7, 3, 0),
        Source::Longtail(tail) => return SourceInfo { train: 12_406, ..info(&tail.source) },
    };
    let known = SourceInfo::from(DatasetInfo { train, test, classes, channels, height: side, width: side });
    match source {
        Source::Folder(_) => SourceInfo { size: None, ..known },
        Source::Domains(spec) => SourceInfo {
            size: None,
            domains: trained_domains(spec),
            held_out: Some(1212),
            per_epoch: Some(4008),
            ..known
        },
        _ => known,
    }
}
