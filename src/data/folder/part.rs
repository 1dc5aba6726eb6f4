//! One part of a data set: a folder with one folder per class.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::decode::Form;
use super::super::error::DataError;
use super::super::files::{ImageFiles, Stamp};
use super::super::pool::pool;
use super::classes::{check_count, check_names, empty_class};
use super::letters::{composed, sort};
use super::listing::{Item, Listing, Rejected, changed, items, joined};
use super::{cache, fault, skips};
use crate::diagnostic::Code;
use crate::lang::catalog::{Color, OnError, Orientation};

/// What of a list that was kept needs no second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Folders whose time has not changed hold what they held: enough to check a file by.
    Folders,
    /// Every file is looked at: a run must notice one that was rewritten in its place.
    Nothing,
}

/// A folder with one folder per class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Below the root.
    pub path: String,
    modified: u64,
    /// In the order of their numbers, where all names are whole numbers, else of their names.
    pub classes: Vec<Class>,
    /// Files beside the classes.
    strays: Vec<Rejected>,
}

/// The files of one class, names one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// Composed.
    pub name: String,
    /// Below the part, as it stands on disk.
    folder: String,
    folders: Vec<(String, u64)>,
    names: String,
    ends: Vec<usize>,
    bytes: Vec<u64>,
    modified: Vec<u64>,
    strays: Vec<Rejected>,
    /// Images that cannot be decoded, once all were tried.
    unreadable: Option<Vec<Rejected>>,
}

impl Part {
    /// The part at `path` below `root`. With `on_error = skip` every image is decoded once, unless it was before.
    ///
    /// # Errors
    /// A class without images, names that read the same or differ in case alone, a file that is no image (unless such are left
    /// out), a link out of the root, a folder that cannot be read.
    pub fn read(root: &Path, path: &str, trust: Trust, on_error: OnError) -> Result<Self, DataError> {
        let known = cache::load(root, path);
        let mut part = match known.clone().filter(|known| trust == Trust::Folders && known.is_settled(root)) {
            Some(part) => part,
            None => Self::list(root, path)?.with_verdicts_of(known.as_ref()),
        };
        if skips(on_error) && trust == Trust::Nothing {
            part.verify(root);
        }
        if known.as_ref() != Some(&part) {
            cache::store(root, &part);
        }
        part.check(root, on_error)?;
        if skips(on_error) {
            part.classes.iter_mut().for_each(|class| class.drop_unreadable(path));
        }
        match part.classes.iter().find(|class| class.is_empty()) {
            Some(class) => Err(empty_class(root, &class.path(path), class)),
            None => Ok(part),
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.classes.iter().map(Class::len).sum()
    }

    /// Names of the classes.
    pub fn names(&self) -> Vec<String> {
        self.classes.iter().map(|class| class.name.clone()).collect()
    }

    /// The class of every image.
    pub fn labels(&self) -> Vec<u16> {
        let classes = self.classes.iter().enumerate();
        classes.flat_map(|(label, class)| std::iter::repeat_n(label as u16, class.len())).collect()
    }

    /// What was left out.
    pub fn rejected(&self, on_error: OnError) -> Vec<&Rejected> {
        if !skips(on_error) {
            return Vec::new();
        }
        self.strays.iter().chain(self.classes.iter().flat_map(Class::rejected)).collect()
    }

    /// Whether no folder has changed since the list was made.
    fn is_settled(&self, root: &Path) -> bool {
        let holds = |(folder, modified): &(String, u64)| {
            *modified != 0 && changed(root, folder).ok() == Some(*modified)
        };
        holds(&(self.path.clone(), self.modified))
            && self.classes.iter().flat_map(|class| &class.folders).all(holds)
    }

    fn list(root: &Path, path: &str) -> Result<Self, DataError> {
        let modified = changed(root, path)?;
        let (mut names, mut strays) = (Vec::new(), Vec::new());
        for item in items(root, path)? {
            match item {
                Item::Folder(name) => names.push(name),
                Item::Image(name, _) => strays.push(Rejected {
                    path: joined(path, &name),
                    reason: "an image outside of any class folder".into(),
                }),
                Item::Other(name, reason) => strays.push(Rejected::new(joined(path, &name), reason)),
            }
        }
        sort(&mut names, |name| name);
        strays.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        check_count(root, path, names.len())?;
        check_names(root, path, &names, "classes")?;
        let list = |name: &String| Class::list(root, path, name);
        let classes: Vec<_> = pool().install(|| names.par_iter().map(list).collect());
        let classes = classes.into_iter().collect::<Result<_, _>>()?;
        Ok(Self { path: path.to_owned(), modified, classes, strays })
    }

    /// Which images can be decoded, where the files are the same as before.
    fn with_verdicts_of(mut self, known: Option<&Self>) -> Self {
        let classes = known.map_or(&[][..], |known| &known.classes);
        let before: HashMap<&str, &Class> =
            classes.iter().map(|class| (class.folder.as_str(), class)).collect();
        for class in &mut self.classes {
            if let Some(before) = before.get(class.folder.as_str()).filter(|before| before.same_files(class))
            {
                class.unreadable.clone_from(&before.unreadable);
            }
        }
        self
    }

    fn verify(&mut self, root: &Path) {
        for class in self.classes.iter_mut().filter(|class| class.unreadable.is_none()) {
            class.verify(root, &self.path);
        }
    }

    /// A file that has no place, unless such are left out.
    fn check(&self, root: &Path, on_error: OnError) -> Result<(), DataError> {
        if self.classes.is_empty() {
            let message = "expected one folder per class, found none";
            return Err(fault(Code::EmptyClass, root, &self.path, message));
        }
        let strays = self.strays.iter().chain(self.classes.iter().flat_map(|class| &class.strays));
        match strays.into_iter().next().filter(|_| !skips(on_error)) {
            None => Ok(()),
            Some(stray) => Err(fault(Code::StrayFile, root, &stray.path, stray.reason.clone())
                .with_help("remove it, or write `on_error = skip` to leave such files out")),
        }
    }
}

impl Class {
    fn list(root: &Path, part: &str, name: &str) -> Result<Self, DataError> {
        let Listing { files, folders, rejected } = Listing::of(root, &joined(part, name))?;
        let mut class = Self {
            name: composed(name),
            folder: name.to_owned(),
            folders,
            names: String::new(),
            ends: Vec::with_capacity(files.len()),
            bytes: Vec::with_capacity(files.len()),
            modified: Vec::with_capacity(files.len()),
            strays: rejected,
            unreadable: None,
        };
        files.iter().for_each(|(name, stamp)| class.push(name, *stamp));
        Ok(class)
    }

    fn push(&mut self, name: &str, stamp: Stamp) {
        self.names.push_str(name);
        self.ends.push(self.names.len());
        self.bytes.push(stamp.bytes);
        self.modified.push(stamp.modified);
    }

    /// Below the root, where its part is at `part`.
    pub fn path(&self, part: &str) -> String {
        joined(part, &self.folder)
    }

    /// Images that cannot be decoded, once all were tried.
    pub fn left_out(&self) -> usize {
        self.unreadable.as_ref().map_or(0, Vec::len)
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Path below the class and stamp of every image, in order.
    pub fn files(&self) -> impl Iterator<Item = (&str, Stamp)> {
        let starts = std::iter::once(&0).chain(&self.ends);
        let names =
            starts.zip(&self.ends).map(|(start, end)| self.names.get(*start..*end).unwrap_or_default());
        let stamps = self.bytes.iter().zip(&self.modified);
        names.zip(stamps.map(|(&bytes, &modified)| Stamp { bytes, modified }))
    }

    /// What was found beside its images or could not be decoded.
    fn rejected(&self) -> impl Iterator<Item = &Rejected> {
        self.strays.iter().chain(self.unreadable.iter().flatten())
    }

    fn same_files(&self, other: &Self) -> bool {
        (&self.names, &self.ends, &self.bytes, &self.modified)
            == (&other.names, &other.ends, &other.bytes, &other.modified)
    }

    fn verify(&mut self, root: &Path, part: &str) {
        // Whether it can be decoded depends on neither colour nor orientation.
        let form = Form { color: Color::Rgb, orientation: Orientation::Stored };
        let mut files = ImageFiles::new(root, form);
        let folder = self.path(part);
        self.files().for_each(|(name, stamp)| files.push(&joined(&folder, name), stamp));
        let rejected = |(index, reason): (u32, String)| {
            let path = files.path(index).unwrap_or_default().to_owned();
            // The path is said beside the reason.
            let reason = reason.split_once("`: ").map_or(reason.clone(), |(_, reason)| reason.to_owned());
            Rejected { path, reason }
        };
        self.unreadable = Some(files.unreadable().into_iter().map(rejected).collect());
    }

    fn drop_unreadable(&mut self, part: &str) {
        let folder = self.path(part) + "/";
        let unreadable = self.unreadable.iter().flatten();
        let bad: HashSet<&str> = unreadable.filter_map(|bad| bad.path.strip_prefix(&folder)).collect();
        if bad.is_empty() {
            return;
        }
        let kept: Vec<(String, Stamp)> = self
            .files()
            .filter(|(name, _)| !bad.contains(name))
            .map(|(name, stamp)| (name.to_owned(), stamp))
            .collect();
        self.names.clear();
        self.ends.clear();
        self.bytes.clear();
        self.modified.clear();
        kept.iter().for_each(|(name, stamp)| self.push(name, *stamp));
    }
}
