//! Files that are read again and again while a run goes on, and whether they are still what they were.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::corpus::{Corpus, Images};
use super::error::DataError;
use super::files::{ImageFiles, Stamp};
use crate::diagnostic::Code;

/// The state of files when a run opened them.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    images: Vec<Arc<ImageFiles>>,
    /// `None` where a file could not be looked at.
    others: Vec<(PathBuf, Option<Stamp>)>,
}

impl Watched {
    /// The images of corpora, and other files as they are now.
    pub fn new<'c>(corpora: impl IntoIterator<Item = &'c Corpus>, others: Vec<PathBuf>) -> Self {
        let images = corpora.into_iter().filter_map(|corpus| match &corpus.images {
            Images::Files(files) => Some(files.clone()),
            Images::Memory { .. } => None,
        });
        let others = others.into_iter().map(|path| {
            let stamp = stamp(&path);
            (path, stamp)
        });
        Self { images: images.collect(), others: others.collect() }
    }

    /// These files and others.
    pub fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.images.extend(other.images.iter().cloned());
        both.others.extend(other.others.iter().cloned());
        both
    }

    /// Looks at the size and time of every file again.
    ///
    /// # Errors
    /// The first that is another one now, or is gone.
    pub fn unchanged(&self) -> Result<(), DataError> {
        let image = self.images.iter().find_map(|files| files.changed());
        let other =
            || self.others.iter().find(|(path, then)| stamp(path) != *then).map(|(path, _)| path.clone());
        match image.or_else(other) {
            None => Ok(()),
            Some(path) => Err(changed(&path)),
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().as_ref().map(Stamp::of)
}

fn changed(path: &Path) -> DataError {
    let what = if path.exists() { "has changed" } else { "is gone" };
    let message = format!("the file {what} since the run began: nothing is kept of the stage that used it");
    DataError::images(Code::ChangedData, path, message)
        .with_help("run it again: the stage then begins anew with the data as they are")
}

#[cfg(test)]
mod tests {
    use super::super::decode::Form;
    use super::super::fixture::Folder;
    use super::*;
    use crate::lang::catalog::{Color, Orientation};

    fn corpus(folder: &Folder, names: &[&str]) -> Corpus {
        let mut files =
            ImageFiles::new(folder.root(), Form { color: Color::Rgb, orientation: Orientation::Stored });
        for name in names {
            files.push(name, stamp(&folder.root().join(name)).unwrap());
        }
        let shape = super::super::corpus::Shape { height: 1, width: 1, channels: 3 };
        let corpus = Corpus::in_memory([0, 0, 0], [0], shape, 2, 255);
        Corpus { images: Images::Files(Arc::new(files)), ..corpus }
    }

    #[test]
    fn another_size_time_or_absence_is_told() {
        let folder = Folder::new();
        for name in ["a.png", "b.png", "c.npy"] {
            folder.write(name, b"before");
        }
        let corpus = corpus(&folder, &["a.png", "b.png"]);
        let watched = Watched::new([&corpus], Vec::new());
        let watched = watched.and(&Watched::new([], vec![folder.root().join("c.npy")]));
        assert!(watched.unchanged().is_ok());
        let sorry = "since the run began: nothing is kept of the stage that used it";
        let told = || folder.message(watched.unchanged());
        let file = fs::File::options().write(true).open(folder.root().join("b.png")).unwrap();
        let before = file.metadata().unwrap().modified().unwrap();
        file.set_modified(before + std::time::Duration::from_secs(1)).unwrap();
        assert_eq!(told(), format!("`DIR/b.png`: the file has changed {sorry}"));
        file.set_modified(before).unwrap();
        folder.write("c.npy", b"after");
        assert_eq!(told(), format!("`DIR/c.npy`: the file has changed {sorry}"));
        fs::remove_file(folder.root().join("a.png")).unwrap();
        assert_eq!(told(), format!("`DIR/a.png`: the file is gone {sorry}"));
    }

    #[test]
    fn what_is_in_memory_is_not_watched() {
        let shape = super::super::corpus::Shape { height: 1, width: 1, channels: 1 };
        let corpus = Corpus::in_memory([0], [0], shape, 2, 255);
        assert!(Watched::new([&corpus], Vec::new()).unchanged().is_ok());
    }
}
