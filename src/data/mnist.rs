//! MNIST and Fashion-MNIST: four IDX files in a folder, plain or gzip, in either published spelling.

use std::path::{Path, PathBuf};

use super::corpus::{ChannelStatistics, Traits};
use super::error::DataError;
use super::idx;
use super::names;
use super::root::lacking;
use crate::lang::catalog::Layout;

pub const CLASSES: usize = 10;

/// The four files of a folder.
pub struct Files {
    images: PathBuf,
    labels: PathBuf,
    test_images: PathBuf,
    test_labels: PathBuf,
}

impl Files {
    /// # Errors
    /// A folder that is not there or lacks one of the files.
    pub fn find(root: &Path) -> Result<Self, DataError> {
        Ok(Self {
            images: find(root, "train-images", "idx3-ubyte")?,
            labels: find(root, "train-labels", "idx1-ubyte")?,
            test_images: find(root, "t10k-images", "idx3-ubyte")?,
            test_labels: find(root, "t10k-labels", "idx1-ubyte")?,
        })
    }

    pub fn paths(&self) -> idx::Files<'_> {
        idx::Files {
            images: &self.images,
            labels: &self.labels,
            test_images: &self.test_images,
            test_labels: &self.test_labels,
            layout: Layout::Nhwc,
        }
    }
}

/// Constants of MNIST's 60,000 training images.
pub fn mnist() -> Traits {
    Traits {
        classes: CLASSES,
        scale: u8::MAX,
        channels: ChannelStatistics::constants(&[0.1307], &[0.3081]),
        class_names: &names::DIGITS,
    }
}

/// Constants of Fashion-MNIST's 60,000 training images.
pub fn fashion_mnist() -> Traits {
    Traits {
        channels: ChannelStatistics::constants(&[0.2860], &[0.3530]),
        class_names: &names::FASHION_MNIST,
        ..mnist()
    }
}

fn find(root: &Path, stem: &str, kind: &str) -> Result<PathBuf, DataError> {
    let spellings = ["-", "."].map(|joint| format!("{stem}{joint}{kind}"));
    let candidates = spellings.iter().flat_map(|name| [root.join(name), root.join(format!("{name}.gz"))]);
    for candidate in candidates {
        if candidate.is_file() {
            return Ok(candidate);
        }
    }
    let expected = format!("a folder with `{}` or `{}`, plain or `.gz`", spellings[0], spellings[1]);
    Err(lacking(root, expected))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Folder;
    use super::*;

    #[test]
    fn either_spelling_plain_or_gzip() {
        let folder = Folder::new();
        let names = [
            "train-images.idx3-ubyte",
            "train-labels-idx1-ubyte.gz",
            "t10k-images-idx3-ubyte",
            "t10k-labels.idx1-ubyte.gz",
        ];
        let paths = names.map(|name| folder.write(name, &[]));
        let files = Files::find(folder.root()).unwrap();
        let found = files.paths();
        assert_eq!(
            [found.images, found.labels, found.test_images, found.test_labels],
            paths.each_ref().map(PathBuf::as_path)
        );
    }

    #[test]
    fn folders_without_the_files() {
        let folder = Folder::new();
        let find = |root: &Path| folder.message(Files::find(root));
        assert_eq!(
            find(folder.root()),
            "`DIR`: expected a folder with `train-images-idx3-ubyte` or `train-images.idx3-ubyte`, plain or `.gz`, \
             found an empty folder"
        );
        assert_eq!(
            find(&folder.root().join("mnist")),
            "`DIR/mnist`: expected a folder with `train-images-idx3-ubyte` or `train-images.idx3-ubyte`, plain or \
             `.gz`, found nothing"
        );
        let file = folder.write("train-images-idx3-ubyte", &[]);
        assert_eq!(
            find(folder.root()),
            "`DIR`: expected a folder with `train-labels-idx1-ubyte` or `train-labels.idx1-ubyte`, plain or `.gz`, \
             found `train-images-idx3-ubyte`"
        );
        assert_eq!(
            find(&file),
            "`DIR/train-images-idx3-ubyte`: expected a folder with `train-images-idx3-ubyte` or \
             `train-images.idx3-ubyte`, plain or `.gz`, found a file"
        );
    }
}
