//! What is in the folder of a class.

use std::ffi::OsString;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::super::decode::{Kind, is_image_name};
use super::super::error::DataError;
use super::super::files::{Stamp, nanoseconds};
use super::fault;
use super::letters::by_letters;
use crate::diagnostic::Code;

/// Folders in folders below a part, at most.
const DEPTH: usize = 16;

/// A folder that changed so recently may change again without its time telling.
const SETTLED: Duration = Duration::from_secs(2);

/// Files and folders that systems keep for themselves, in lower case: Windows, macOS, Linux, and network storage.
const SYSTEM: [&str; 15] = [
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
    "$recycle.bin",
    "system volume information",
    "__macosx",
    "network trash folder",
    "temporary items",
    "lost+found",
    "@eadir",
    "#recycle",
    "#snapshot",
    "@recycle",
    "@recently-snapshot",
];

/// All of a folder and the folders in it.
#[derive(Debug, Default)]
pub struct Listing {
    /// Paths below the folder, in order.
    pub files: Vec<(String, Stamp)>,
    /// Paths below the root, with the time of the last change.
    pub folders: Vec<(String, u64)>,
    pub rejected: Vec<Rejected>,
}

/// A file that is no part of the data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Below the root.
    pub path: String,
    pub reason: String,
}

/// One entry of a folder.
pub enum Item {
    Folder(String),
    Image(String, Stamp),
    /// With the reason why it is none of these.
    Other(String, String),
}

impl Listing {
    /// Everything below `folder`, a path below `root`.
    ///
    /// # Errors
    /// A folder that cannot be read, a link out of the root, folders nested too deep.
    pub fn of(root: &Path, folder: &str) -> Result<Self, DataError> {
        let mut listing = Self::default();
        let mut open = vec![(String::new(), 0)];
        while let Some((inner, depth)) = open.pop() {
            let path = joined(folder, &inner);
            if depth > DEPTH {
                let message = format!("more than {DEPTH} folders in one another");
                return Err(fault(Code::StrayFile, root, &path, message));
            }
            listing.folders.push((path.clone(), changed(root, &path)?));
            for item in items(root, &path)? {
                match item {
                    Item::Folder(name) => open.push((joined(&inner, &name), depth + 1)),
                    Item::Image(name, stamp) => listing.files.push((joined(&inner, &name), stamp)),
                    Item::Other(name, reason) => {
                        listing.rejected.push(Rejected::new(joined(&path, &name), reason));
                    }
                }
            }
        }
        listing.files.sort_unstable_by(|one, other| by_letters(&one.0, &other.0));
        listing.rejected.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Ok(listing)
    }
}

impl Rejected {
    pub fn new(path: String, reason: String) -> Self {
        Self { path, reason }
    }
}

impl Item {
    /// The name of a folder.
    pub fn folder(self) -> Option<String> {
        match self {
            Self::Folder(name) => Some(name),
            Self::Image(..) | Self::Other(..) => None,
        }
    }
}

/// What is wrong with a file whose name is none of an image; its first bytes may say more.
fn no_image(path: &Path) -> String {
    const EXPECTED: &str = "expected .jpg, .jpeg, .png or .webp";
    let kind = Kind::of_file(path);
    match (kind.map(Kind::in_words), kind.and_then(Kind::ending)) {
        (Some(words), Some(ending)) => {
            format!("{words} under another name: rename it so that it ends in {ending}")
        }
        (Some(words), None) => format!("{words}: {EXPECTED}"),
        _ => format!("no image: {EXPECTED}"),
    }
}

/// The entries of a folder below the root, without hidden ones and those that systems make.
pub fn items(root: &Path, folder: &str) -> Result<Vec<Item>, DataError> {
    let path = root.join(folder);
    let unreadable = |error| DataError::unreadable(&path, error);
    let mut items = Vec::new();
    for entry in fs::read_dir(&path).map_err(unreadable)? {
        items.extend(item(root, folder, &entry.map_err(unreadable)?)?);
    }
    Ok(items)
}

fn item(root: &Path, folder: &str, entry: &DirEntry) -> Result<Option<Item>, DataError> {
    let name = utf8(root, folder, entry.file_name())?;
    if name.starts_with('.') || SYSTEM.contains(&name.to_ascii_lowercase().as_str()) {
        return Ok(None);
    }
    let path = entry.path();
    let unreadable = |error| DataError::unreadable(&path, error);
    let mut kind = entry.file_type().map_err(unreadable)?;
    let linked = kind.is_symlink();
    if linked {
        kind = follow(root, &joined(folder, &name), &path)?.file_type();
    }
    if kind.is_dir() {
        return Ok(Some(Item::Folder(name)));
    }
    if !kind.is_file() {
        let reason = "neither a file nor a folder: a pipe, a socket or a device".to_owned();
        return Ok(Some(Item::Other(name, reason)));
    }
    if !is_image_name(&name) {
        return Ok(Some(Item::Other(name, no_image(&path))));
    }
    let about = if linked { fs::metadata(&path) } else { entry.metadata() };
    Ok(Some(Item::Image(name, Stamp::of(&about.map_err(unreadable)?))))
}

fn utf8(root: &Path, folder: &str, name: OsString) -> Result<String, DataError> {
    name.into_string().map_err(|name| {
        let path = joined(folder, &name.to_string_lossy());
        fault(Code::StrayFile, root, &path, "the name is not UTF-8")
    })
}

/// What a link inside the root leads to.
fn follow(root: &Path, below: &str, path: &Path) -> Result<Metadata, DataError> {
    let target = path.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => fault(Code::UnusableData, root, below, "a symbolic link to nothing"),
        _ => DataError::unreadable(path, error),
    })?;
    if !target.starts_with(root) {
        let message = format!("a symbolic link out of the data set, to `{}`", target.display());
        let error = fault(Code::LinkLeavesRoot, root, below, message);
        return Err(error.with_help("copy the files, or make `root` a folder that holds both"));
    }
    fs::metadata(path).map_err(|error| DataError::unreadable(path, error))
}

/// When a folder below the root last changed; 0, which no folder has, where it may be changing.
pub fn changed(root: &Path, folder: &str) -> Result<u64, DataError> {
    let path = root.join(folder);
    let about = fs::metadata(&path).map_err(|error| DataError::unreadable(&path, error))?;
    let age = about.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
    Ok(if age.is_some_and(|age| age > SETTLED) { nanoseconds(&about) } else { 0 })
}

/// `a/b`; one of them alone where the other is empty.
pub fn joined(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", one) | (one, "") => one.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}
