//! Images in class folders: ImageNet's layout, and the one folder per domain of DomainBed.

mod cache;
mod classes;
pub mod domains;
mod letters;
mod listing;
mod overlap;
mod part;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::corpus::{Corpus, Dataset, Images};
use super::decode::Form;
use super::error::DataError;
use super::facts::Facts;
use super::files::ImageFiles;
use super::root::lacking;
use crate::diagnostic::Code;
use crate::lang::catalog::{Color, Folder, OnError};
use crate::lang::world::{ImageSizes, SourceInfo};

use classes::same_classes;
pub use letters::composed;
use letters::{is_number, standing};
use listing::{Item, Rejected, items, joined};
use overlap::overlap;
use part::{Class, Part, Trust};

/// ImageNet's constants, and for grey images their means over the channels.
const RGB: ([f64; 3], [f64; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
const GREY: ([f64; 1], [f64; 1]) = ([0.449], [0.226]);

/// Names of a test part, the first that is there.
const TEST: [&str; 2] = ["val", "test"];

/// What others call their parts, in lower case.
const OTHER_TRAIN: [&str; 4] = ["train", "training", "trainset", "train_set"];
const OTHER_TEST: [&str; 8] =
    ["val", "test", "valid", "validation", "testing", "eval", "testset", "test_set"];

/// Files that are named one by one before the rest is counted.
const NAMED: usize = 100;

/// The two parts of a folder.
struct Parts {
    train: Part,
    test: Part,
}

/// Lists all files; images are decoded when they are needed.
///
/// # Errors
/// A part that is not there; what [`part::Part::read`] refuses; parts of different classes.
pub fn open(source: &Folder) -> Result<Dataset, DataError> {
    let root = root(&source.root)?;
    let parts = parts(source, &root, Trust::Nothing)?;
    let form = Form { color: source.color, orientation: source.orientation };
    let mut protocol = Vec::new();
    for part in [&parts.train, &parts.test] {
        protocol.extend(left_out(part.rejected(source.on_error)));
    }
    Ok(Dataset {
        train: corpus(&root, &[&parts.train], form),
        test: corpus(&root, &[&parts.test], form),
        held_out: None,
        protocol,
    })
}

/// Counts and classes, from the list of files that is kept where no folder has changed.
///
/// # Errors
/// As [`open`].
pub fn facts(source: &Folder) -> Result<Facts, DataError> {
    let root = root(&source.root)?;
    let Parts { train, test } = parts(source, &root, Trust::Folders)?;
    let info = SourceInfo {
        train: train.len(),
        test: test.len(),
        classes: train.classes.len(),
        channels: channels(source.color),
        size: None,
        domains: 1,
        held_out: None,
        per_epoch: None,
    };
    Ok(Facts {
        info,
        classes: train.names(),
        sizes: Some(train.classes.iter().map(Class::len).collect()),
        test_labels: Some(test.labels().into()),
        shared: overlap(&root, &[&train], &[&test]),
    })
}

/// Whether all images have one size, by their headers.
pub fn sizes(source: &Folder) -> Result<ImageSizes, DataError> {
    let Dataset { train, test, .. } = open(source)?;
    common_size(&[&train, &test])
}

/// The one size of the images of several corpora.
fn common_size(corpora: &[&Corpus]) -> Result<ImageSizes, DataError> {
    let mut known: Option<(ImageSizes, String)> = None;
    for corpus in corpora {
        let Images::Files(files) = &corpus.images else { continue };
        let sizes = files.sizes()?;
        let Some(size) = sizes.size else { return Ok(sizes) };
        let example = format!("`{}` is {}", files.path(0).unwrap_or_default(), size.in_words());
        match &known {
            Some((other, first)) if other.size != sizes.size => {
                return Ok(ImageSizes { size: None, examples: vec![first.clone(), example] });
            }
            _ => known = Some((sizes, example)),
        }
    }
    Ok(known.unwrap_or_default().0)
}

pub fn channels(color: Color) -> usize {
    match color {
        Color::Rgb => 3,
        Color::Grey => 1,
    }
}

fn parts(source: &Folder, root: &Path, trust: Trust) -> Result<Parts, DataError> {
    let train = Part::read(root, &present(root, "train", &source.train)?, trust, source.on_error)?;
    let test = match &source.test {
        Some(test) => present(root, "test", test)?,
        None => test_part(root)?,
    };
    let test = Part::read(root, &test, trust, source.on_error)?;
    same_classes(root, &[&train, &test])?;
    Ok(Parts { train, test })
}

/// The part that is written as `parameter`, as it stands on disk.
fn present(root: &Path, parameter: &str, part: &str) -> Result<String, DataError> {
    let expected = || format!("a folder with `{part}`, which holds one folder per class");
    standing(root, part).ok_or_else(|| lacking_part(root, parameter, expected()))
}

fn test_part(root: &Path) -> Result<String, DataError> {
    let found = TEST.into_iter().find(|name| root.join(name).is_dir());
    let expected = "a folder with `val` or `test`, which holds one folder per class";
    found.map(str::to_owned).ok_or_else(|| lacking_part(root, "test", expected.into()))
}

/// An error about a part that is not there; it names the folder that may be meant.
fn lacking_part(root: &Path, parameter: &str, expected: String) -> DataError {
    let error = lacking(root, expected);
    let usual: &[&str] = if parameter == "train" { &OTHER_TRAIN } else { &OTHER_TEST };
    let folders = items(root, "").unwrap_or_default().into_iter().filter_map(Item::folder);
    let mut meant: Vec<String> =
        folders.filter(|name| usual.contains(&name.to_lowercase().as_str())).collect();
    meant.sort_unstable();
    match meant.first() {
        None => error,
        Some(meant) => DataError::images(Code::UnusableData, root, error.problem())
            .with_help(format!("`{meant}` is there: write `{parameter} = \"{meant}\"`")),
    }
}

/// The folder that links are followed inside of.
fn root(path: &Path) -> Result<PathBuf, DataError> {
    if !path.is_dir() {
        return Err(lacking(path, "a folder of images".into()));
    }
    path.canonicalize().map_err(|error| DataError::unreadable(path, error))
}

/// All images of parts with the same classes.
fn corpus(root: &Path, parts: &[&Part], form: Form) -> Corpus {
    let mut files = ImageFiles::new(root, form);
    let mut labels = Vec::new();
    for part in parts {
        labels.extend(part.labels());
        for class in &part.classes {
            let folder = class.path(&part.path);
            class.files().for_each(|(name, stamp)| files.push(&joined(&folder, name), stamp));
        }
    }
    let names = parts.first().map_or_else(Vec::new, |part| part.names());
    let (mean, std) = match form.color {
        Color::Rgb => (RGB.0.to_vec(), RGB.1.to_vec()),
        Color::Grey => (GREY.0.to_vec(), GREY.1.to_vec()),
    };
    Corpus {
        images: Images::Files(Arc::new(files)),
        labels: labels.into(),
        height: 0,
        width: 0,
        channels: form.channels(),
        classes: names.len(),
        scale: u8::MAX,
        mean,
        std,
        class_names: names.into(),
        view: Arc::new([]),
        groups: None,
    }
}

/// What `on_error = skip` left out, in words.
fn left_out(rejected: Vec<&Rejected>) -> Vec<String> {
    let count = rejected.len();
    if count == 0 {
        return Vec::new();
    }
    let noun = if count == 1 { "file was" } else { "files were" };
    let mut lines = vec![format!("on_error = skip: {count} {noun} left out")];
    lines.extend(rejected.iter().take(NAMED).map(|one| format!("left out: {}: {}", one.path, one.reason)));
    if count > NAMED {
        lines.push(format!("left out: {} more", count - NAMED));
    }
    lines
}

/// A fault at `path` below the root, in the words of the user's own path.
fn fault(code: Code, root: &Path, path: &str, message: impl Into<String>) -> DataError {
    DataError::images(code, &root.join(path), message)
}

/// The rule that [`letters::sort`] goes by.
pub fn class_order(names: &[String]) -> &'static str {
    match names.iter().all(|name| is_number(name)) {
        true => "in the order of their numbers",
        false => "in the order of their names",
    }
}

/// Whether files that cannot be used are left out.
fn skips(on_error: OnError) -> bool {
    on_error == OnError::Skip
}
