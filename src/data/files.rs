//! The files of a corpus: names, sizes and times, and the images in them.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rayon::prelude::*;

use super::decode::{Form, decode, size};
use super::error::DataError;
use super::image::Raw;
use super::pool::pool;
use crate::diagnostic::Code;
use crate::lang::world::{ImageSizes, Size};
use crate::stop::Point;

/// Image files below one folder, numbered from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFiles {
    root: PathBuf,
    form: Form,
    /// Paths below the root, one after the other, and where each ends.
    paths: String,
    ends: Vec<usize>,
    stamps: Vec<Stamp>,
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    pub bytes: u64,
    /// Nanoseconds since 1970.
    pub modified: u64,
}

impl Stamp {
    /// Of what is known about a file.
    pub fn of(about: &Metadata) -> Self {
        Self { bytes: about.len(), modified: nanoseconds(about) }
    }
}

/// When something last changed, in nanoseconds since 1970; 0 where the system does not tell.
pub fn nanoseconds(about: &Metadata) -> u64 {
    let since = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_nanos() as u64)
}

impl ImageFiles {
    /// No file yet.
    pub fn new(root: &Path, form: Form) -> Self {
        Self { root: root.to_owned(), form, paths: String::new(), ends: Vec::new(), stamps: Vec::new() }
    }

    /// Adds the file `path` below the root.
    pub fn push(&mut self, path: &str, stamp: Stamp) {
        self.paths.push_str(path);
        self.ends.push(self.paths.len());
        self.stamps.push(stamp);
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Path of a file below the root.
    pub fn path(&self, index: u32) -> Option<&str> {
        let index = index as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends.get(before).copied().unwrap_or(0));
        self.paths.get(start..*self.ends.get(index)?)
    }

    /// The image in a file; `None` beyond the end.
    pub fn decode(&self, index: u32) -> Option<Result<Raw<'static>, DataError>> {
        self.path(index).map(|path| decode(&self.root.join(path), self.form))
    }

    /// The files at `indices`, in that order; those beyond the end are left out.
    pub fn subset(&self, indices: &[u32]) -> Self {
        let mut some = Self::new(&self.root, self.form);
        for &index in indices {
            if let (Some(path), Some(stamp)) = (self.path(index), self.stamps.get(index as usize)) {
                some.push(path, *stamp);
            }
        }
        some
    }

    /// Whether all images have one size, by their headers.
    ///
    /// # Errors
    /// The first file that is no image.
    pub fn sizes(&self) -> Result<ImageSizes, DataError> {
        let point = Point::here();
        let measure = |index: u32| {
            point.pass();
            let path = self.path(index).unwrap_or_default();
            size(&self.root.join(path), self.form)
        };
        let found: Vec<Result<Size, DataError>> =
            pool().install(|| (0..self.len() as u32).into_par_iter().map(measure).collect());
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        let Some(first) = found.first().copied() else { return Ok(ImageSizes::default()) };
        let Some(other) = found.iter().position(|size| *size != first) else {
            return Ok(ImageSizes { size: Some(first), examples: Vec::new() });
        };
        let shown = |index: usize| {
            format!("`{}` is {}", self.path(index as u32).unwrap_or_default(), found[index].in_words())
        };
        Ok(ImageSizes { size: None, examples: vec![shown(0), shown(other)] })
    }

    /// The size of all images.
    ///
    /// # Errors
    /// Images of several sizes, or a file that is no image.
    pub fn one_size(&self) -> Result<Size, DataError> {
        let ImageSizes { size, examples } = self.sizes()?;
        size.ok_or_else(|| {
            let message = format!("the images are of several sizes: {}", examples.join(", "));
            DataError::images(Code::MixedSizes, &self.root, message)
        })
    }

    /// The images that cannot be decoded, with the reason.
    pub fn unreadable(&self) -> Vec<(u32, String)> {
        let point = Point::here();
        let failure = |index: u32| {
            point.pass();
            let error = self.decode(index)?.err()?;
            Some((index, error.to_string()))
        };
        pool().install(|| (0..self.len() as u32).into_par_iter().filter_map(failure).collect())
    }

    /// A file that has another size or time than when it was listed, or is gone.
    pub fn changed(&self) -> Option<PathBuf> {
        let changed = |index: usize| {
            let path = self.root.join(self.path(index as u32)?);
            let now = fs::metadata(&path).ok().as_ref().map(Stamp::of);
            (now.as_ref() != self.stamps.get(index)).then_some(path)
        };
        pool().install(|| (0..self.len()).into_par_iter().find_map_first(changed))
    }

    /// Adds names, sizes and times of all files.
    pub fn add_to(&self, hasher: &mut blake3::Hasher) {
        hasher.update(self.paths.as_bytes());
        for (end, stamp) in self.ends.iter().zip(&self.stamps) {
            hasher.update(&(*end as u64).to_le_bytes());
            hasher.update(&stamp.bytes.to_le_bytes());
            hasher.update(&stamp.modified.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::catalog::{Color, Orientation};

    fn files(names: &[&str]) -> ImageFiles {
        let mut files =
            ImageFiles::new(Path::new("root"), Form { color: Color::Rgb, orientation: Orientation::Stored });
        for (number, name) in names.iter().enumerate() {
            files.push(name, Stamp { bytes: number as u64, modified: 7 });
        }
        files
    }

    fn hash(files: &ImageFiles) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        files.add_to(&mut hasher);
        hasher.finalize()
    }

    #[test]
    fn files_are_found_by_number() {
        let files = files(&["a/1.png", "a/2.png", "b/é.png"]);
        assert_eq!(
            [0, 1, 2, 3].map(|index| files.path(index)),
            [Some("a/1.png"), Some("a/2.png"), Some("b/é.png"), None]
        );
        let some = files.subset(&[2, 9, 0]);
        assert_eq!([0, 1, 2].map(|index| some.path(index)), [Some("b/é.png"), Some("a/1.png"), None]);
    }

    #[test]
    fn the_hash_tells_names_sizes_and_times_apart() {
        let one = files(&["a1", "b"]);
        assert_eq!(hash(&one), hash(&files(&["a1", "b"])));
        assert_ne!(hash(&one), hash(&files(&["a", "1b"])));
        let mut touched = one.clone();
        touched.stamps[0].modified += 1;
        assert_ne!(hash(&one), hash(&touched));
    }
}
