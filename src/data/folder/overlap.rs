//! Files that are both trained and measured on: folders that are the same, and files of the same content.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use rayon::prelude::*;

use super::super::files::Stamp;
use super::super::pool::pool;
use super::super::shared::told;
use super::listing::joined;
use super::part::Part;

/// Files and bytes that are read at most; of more files that might be the same, an even choice is read.
const MOST_FILES: usize = 512;
const MOST_BYTES: u64 = 64 << 20;

/// Contents that were read, for an editor that asks again and again; given up when they are many.
static READ: LazyLock<Mutex<HashMap<(PathBuf, Stamp), blake3::Hash>>> = LazyLock::new(Mutex::default);
const MOST_READ: usize = 1 << 16;

/// Files of one size in both parts.
#[derive(Default)]
struct Group {
    train: Vec<(String, Stamp)>,
    test: Vec<(String, Stamp)>,
}

/// What is said of test images that are training images too.
pub fn overlap(root: &Path, train: &[&Part], test: &[&Part]) -> Option<String> {
    same_folder(root, train, test).or_else(|| same_content(root, train, test))
}

/// Two parts in one place, by whatever links.
fn same_folder(root: &Path, train: &[&Part], test: &[&Part]) -> Option<String> {
    let place = |part: &Part| root.join(&part.path).canonicalize().ok();
    let pairs = test.iter().flat_map(|one| train.iter().map(move |other| (one, other)));
    let (test, train) =
        pairs.into_iter().find(|(one, other)| place(one).is_some_and(|at| place(other) == Some(at)))?;
    Some(match test.path == train.path {
        true => format!("`{}` is both trained and tested on", test.path),
        false => format!("`{}` and `{}` are the same folder", train.path, test.path),
    })
}

fn same_content(root: &Path, train: &[&Part], test: &[&Part]) -> Option<String> {
    let of: usize = test.iter().map(|part| part.len()).sum();
    let every = of.div_ceil(MOST_FILES).max(1);
    let groups = groups(train, test, every);
    let read = chosen(&groups);
    let found: Vec<(String, String)> =
        pool().install(|| read.par_iter().flat_map_iter(|(_, group)| repeated(root, group)).collect());
    let (one, other) = found.first()?;
    let at_least = if every > 1 || read.len() < groups.len() { "at least " } else { "" };
    Some(format!("{at_least}{}: `{one}` is `{other}`", told(found.len(), of)))
}

/// Every so many test files with the training files of their size, in the order of sizes.
fn groups(train: &[&Part], test: &[&Part], every: usize) -> Vec<(u64, Group)> {
    let mut groups: HashMap<u64, Group> = HashMap::new();
    files(test, |_| true)
        .step_by(every)
        .for_each(|file| groups.entry(file.1.bytes).or_default().test.push(file));
    let alike: Vec<(String, Stamp)> = files(train, |stamp| groups.contains_key(&stamp.bytes)).collect();
    for file in alike {
        groups.entry(file.1.bytes).or_default().train.push(file);
    }
    let mut groups: Vec<(u64, Group)> =
        groups.into_iter().filter(|(_, group)| !group.train.is_empty()).collect();
    groups.sort_unstable_by_key(|(bytes, _)| *bytes);
    groups
}

/// Paths of the files of parts whose stamps are `wanted`.
fn files<'p>(
    parts: &'p [&Part],
    wanted: impl Fn(Stamp) -> bool + Copy + 'p,
) -> impl Iterator<Item = (String, Stamp)> + 'p {
    parts.iter().flat_map(move |part| {
        part.classes.iter().flat_map(move |class| {
            let folder = class.path(&part.path);
            let files = class.files().filter(move |(_, stamp)| wanted(*stamp));
            files.map(move |(name, stamp)| (joined(&folder, name), stamp))
        })
    })
}

/// The groups that are read: all, or every so many within the bounds.
fn chosen(groups: &[(u64, Group)]) -> Vec<&(u64, Group)> {
    let size = |group: &Group| group.train.len() + group.test.len();
    let all: usize = groups.iter().map(|(_, group)| size(group)).sum();
    let (mut files, mut read) = (0, 0);
    let within = |(bytes, group): &&(u64, Group)| {
        let (more, cost) = (size(group), bytes.saturating_mul(size(group) as u64));
        let fits = files + more <= MOST_FILES && read + cost <= MOST_BYTES;
        if fits {
            (files, read) = (files + more, read + cost);
        }
        fits
    };
    groups.iter().step_by(all.div_ceil(MOST_FILES).max(1)).filter(within).collect()
}

/// Test files of a group whose content a training file has, with that file.
fn repeated(root: &Path, group: &Group) -> Vec<(String, String)> {
    let hash = |(path, stamp): &(String, Stamp)| content(root.join(path), *stamp);
    let known: HashMap<blake3::Hash, &String> =
        group.train.iter().filter_map(|file| Some((hash(file)?, &file.0))).collect();
    let same = |file: &(String, Stamp)| Some((file.0.clone(), (*known.get(&hash(file)?)?).clone()));
    group.test.iter().filter_map(same).collect()
}

/// `None` where it cannot be read; what is wrong with a file is said elsewhere.
fn content(path: PathBuf, stamp: Stamp) -> Option<blake3::Hash> {
    let key = (path, stamp);
    let read = || READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(hash) = read().get(&key) {
        return Some(*hash);
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(&key.0).ok()?.take(stamp.bytes)).ok()?;
    let hash = hasher.finalize();
    let mut known = read();
    if known.len() >= MOST_READ {
        known.clear();
    }
    known.insert(key, hash);
    Some(hash)
}
