//! The published arrays of corrupted images: one `.npy` per kind, the images of each severity after those of the one
//! before, and `labels.npy`.

use std::path::{Path, PathBuf};

use super::npy::Npy;
use super::{Corruption, SEVERITIES, batch};
use crate::data::batch::Batch;
use crate::data::corpus::Shape;
use crate::data::error::{DataError, Flaw};
use crate::data::root::lacking;

/// Pixels are bytes; labels may be wider.
const PIXELS: &[&str] = &["|u1"];
const LABELS: &[&str] = &["|u1", "<i4", "<i8"];

/// A folder of arrays that fit a data set.
#[derive(Debug)]
pub struct Arrays {
    shape: Shape,
    labels: Vec<i64>,
    files: Vec<(Corruption, Npy)>,
}

impl Arrays {
    /// Opens the arrays of the first `kinds` kinds; images stay in their files.
    ///
    /// # Errors
    /// A folder that is not there or lacks kinds; an array that is no such array, or not of this shape and these
    /// classes; labels that are not those of the test images, where they are known, for each severity.
    pub fn open(
        root: &Path,
        kinds: usize,
        shape: Shape,
        test: Option<&[u16]>,
        classes: usize,
    ) -> Result<Self, DataError> {
        let kinds = &Corruption::ALL[..kinds.min(Corruption::ALL.len())];
        present(root, kinds.len())?;
        let written = Npy::open(&root.join("labels.npy"), LABELS)?;
        let labels = labels(&written, classes)?;
        if let Some(test) = test {
            same_labels(&written, &labels, test)?;
        }
        let open = |&kind: &Corruption| {
            let npy = Npy::open(&root.join(format!("{}.npy", kind.name())), PIXELS)?;
            check(&npy, labels.len(), shape)?;
            Ok((kind, npy))
        };
        let files = kinds.iter().map(open).collect::<Result<_, DataError>>()?;
        Ok(Self { shape, labels, files })
    }

    /// The files of the first `kinds` kinds, and that of the labels.
    pub fn paths(root: &Path, kinds: usize) -> Vec<PathBuf> {
        let kinds = &Corruption::ALL[..kinds.min(Corruption::ALL.len())];
        let names = kinds.iter().map(|kind| format!("{}.npy", kind.name()));
        names.chain(["labels.npy".into()]).map(|name| root.join(name)).collect()
    }

    /// Images of each kind and severity.
    pub fn len(&self) -> usize {
        self.labels.len() / SEVERITIES
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The images at `indices`, each below [`Arrays::len`], of a kind that was opened.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    pub fn batch(&self, kind: Corruption, severity: usize, indices: &[u32]) -> Result<Batch, DataError> {
        let first = (severity.clamp(1, SEVERITIES) - 1) * self.len();
        let rows = || indices.iter().map(|&index| first + index as usize);
        let lost = || DataError::Index { index: indices.first().copied().unwrap_or(0), samples: self.len() };
        let (_, npy) = self.files.iter().find(|(known, _)| *known == kind).ok_or_else(lost)?;
        let images = rows().map(|row| npy.row(row)).collect::<Result<Vec<_>, _>>()?.concat();
        let labels =
            rows().map(|row| self.labels.get(row).copied()).collect::<Option<_>>().ok_or_else(lost)?;
        Ok(batch(indices, &images, labels, self.shape))
    }
}

/// All files are there.
fn present(root: &Path, count: usize) -> Result<(), DataError> {
    let missing = Arrays::paths(root, count).into_iter().filter(|path| !path.is_file());
    let name = |path: PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let missing: Vec<String> = missing.map(name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if missing.len() > count {
        let expected =
            format!("a folder with `gaussian_noise.npy` and so on, {count} kinds, and `labels.npy`");
        return Err(lacking(root, expected));
    }
    let missing: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
    let expected = format!("`labels.npy` and the arrays of all {count} kinds");
    Err(DataError::missing(root, expected, format!("no {}", missing.join(", no "))))
}

fn labels(npy: &Npy, classes: usize) -> Result<Vec<i64>, DataError> {
    let &[count] = npy.shape.as_slice() else {
        let found = format!("shape {:?}", npy.shape);
        return Err(npy.malformed(Flaw::ShapesDiffer, "labels in one dimension", found));
    };
    if count == 0 || !count.is_multiple_of(SEVERITIES) {
        let expected = format!("labels for {SEVERITIES} severities of as many images each");
        return Err(npy.malformed(Flaw::CountsDiffer, expected, format!("{count} labels")));
    }
    let labels = npy.numbers()?;
    let wrong = labels.iter().position(|label| !(0..classes as i64).contains(label));
    match wrong {
        Some(at) => {
            let (expected, found) = (format!("a label below {classes}"), labels[at].to_string());
            Err(npy.malformed_at(at, Flaw::LabelOutOfRange, expected, found))
        }
        None => Ok(labels),
    }
}

/// Every severity has the labels of the test images, in their order.
fn same_labels(npy: &Npy, labels: &[i64], test: &[u16]) -> Result<(), DataError> {
    if labels.len() != test.len() * SEVERITIES {
        let expected = format!(
            "{} labels: {SEVERITIES} severities of the {} test images",
            test.len() * SEVERITIES,
            test.len()
        );
        let one = if labels.len() == test.len() { ", as many as one severity has" } else { "" };
        return Err(npy.malformed(Flaw::CountsDiffer, expected, format!("{}{one}", labels.len())));
    }
    let other = labels.iter().zip(test.iter().cycle()).position(|(label, test)| *label != i64::from(*test));
    let Some(at) = other else { return Ok(()) };
    let image = at % test.len();
    let expected = format!("the labels of the test images in their order, {} for image {image}", test[image]);
    Err(npy.malformed_at(at, Flaw::OtherLabels, expected, labels[at].to_string()))
}

fn check(npy: &Npy, count: usize, shape: Shape) -> Result<(), DataError> {
    let expected = [count, shape.height, shape.width, shape.channels];
    // Grey images may come without a dimension for their one channel.
    let grey = shape.channels == 1 && npy.shape == expected[..3];
    if npy.shape == expected || grey {
        return Ok(());
    }
    let expected = format!("shape {expected:?}: a row per label, images as those of the data set");
    Err(npy.malformed(Flaw::ShapesDiffer, expected, format!("shape {:?}", npy.shape)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::fixture::{Folder, pattern};

    const SHAPE: Shape = Shape { height: 2, width: 3, channels: 3 };

    fn npy(descr: &str, fortran: &str, shape: &str, body: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), body].concat()
    }

    /// Ten images of each kind, two for each severity.
    fn published() -> Folder {
        let folder = Folder::new();
        folder.write("labels.npy", &npy("|u1", "False", "(10,)", &[0, 1, 0, 1, 0, 1, 0, 1, 0, 2]));
        for (number, kind) in Corruption::ALL.iter().take(15).enumerate() {
            let images = pattern(180 + number)[number..].to_vec();
            folder.write(&format!("{}.npy", kind.name()), &npy("|u1", "False", "(10, 2, 3, 3)", &images));
        }
        folder
    }

    fn open(folder: &Folder) -> Result<Arrays, DataError> {
        Arrays::open(folder.root(), 15, SHAPE, None, 3)
    }

    #[test]
    fn severities_follow_each_other() {
        let arrays = open(&published()).unwrap();
        assert_eq!(arrays.len(), 2);
        let batch = arrays.batch(Corruption::ShotNoise, 5, &[1, 0]).unwrap();
        assert_eq!((batch.indices.as_slice(), batch.labels.as_slice()), (&[1, 0][..], &[2, 0][..]));
        assert_eq!(batch.pixels[..2], [163.0 / 255.0, 164.0 / 255.0]);
        assert_eq!(batch.pixels[18], 145.0 / 255.0);
    }

    #[test]
    fn labels_may_be_wide() {
        let folder = published();
        let body: Vec<u8> = (0..10i64).flat_map(|k| (k % 3).to_le_bytes()).collect();
        folder.write("labels.npy", &npy("<i8", "False", "(10,)", &body));
        let batch = open(&folder).unwrap().batch(Corruption::Fog, 2, &[0, 1]).unwrap();
        assert_eq!(batch.labels, [2, 0]);
    }

    #[test]
    fn folders_that_lack_files() {
        let folder = published();
        std::fs::remove_file(folder.root().join("snow.npy")).unwrap();
        std::fs::remove_file(folder.root().join("fog.npy")).unwrap();
        assert_eq!(
            folder.message(open(&folder)),
            "`DIR`: expected `labels.npy` and the arrays of all 15 kinds, found no `snow.npy`, no `fog.npy`"
        );
        let all = Arrays::open(folder.root(), 19, SHAPE, None, 3);
        assert!(folder.message(all).ends_with("no `gaussian_blur.npy`, no `spatter.npy`, no `saturate.npy`"));
        let empty = Folder::new();
        let expected =
            "expected a folder with `gaussian_noise.npy` and so on, 15 kinds, and `labels.npy`, found";
        assert_eq!(empty.message(open(&empty)), format!("`DIR`: {expected} an empty folder"));
        let nowhere = Arrays::open(&empty.root().join("x"), 15, SHAPE, None, 3);
        assert_eq!(empty.message(nowhere), format!("`DIR/x`: {expected} nothing"));
    }

    /// Every way in which one array may be wrong, and what is said.
    #[test]
    fn arrays_that_are_wrong() {
        let right = npy("|u1", "False", "(10, 2, 3, 3)", &pattern(180));
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (Vec::new(), "truncated at byte 0: expected 10 bytes, found 0"),
            (
                b"PK\x03\x04 and more".to_vec(),
                "wrong magic number at byte 0: expected 934e554d5059, the start of a `.npy` file, found 504b03042061",
            ),
            (right[..40].to_vec(), "truncated at byte 40: expected 77 bytes, found 40"),
            (right[..right.len() - 1].to_vec(), "truncated at byte 256: expected 257 bytes, found 256"),
            (
                [&right[..], &[0]].concat(),
                "trailing bytes at byte 257: expected the file to end after 257 bytes, found more",
            ),
            (
                b"\x93NUMPY\x09\x00\x00\x00".to_vec(),
                "malformed header at byte 6: expected version 1, 2 or 3, found 9.0",
            ),
            (
                b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(),
                "too large at byte 8: expected a header of at most 65536 bytes, found 4294967295",
            ),
            (
                npy("<f4", "False", "(10, 2, 3, 3)", &[]),
                "wrong type of numbers at byte 10: expected numbers of type `|u1`, found `<f4`",
            ),
            (
                npy("|u1", "True", "(10, 2, 3, 3)", &[]),
                "wrong order of dimensions at byte 10: expected rows first, `'fortran_order': False`, found columns first",
            ),
            (
                npy("|u1", "False", "(10, 2", &[]),
                "malformed header at byte 10: expected a tuple of sizes under `'shape'`, found `(10, 2, }`",
            ),
            (
                npy("|u1", "False", "(4294967296, 4294967296, 4)", &[]),
                "too large at byte 10: expected an array of less than 2^64 bytes, found [4294967296, 4294967296, 4]",
            ),
            (
                npy("|u1", "False", "(9, 2, 3, 3)", &pattern(162)),
                "shapes that differ at byte 76: expected shape [10, 2, 3, 3]: a row per label, images as those of the data set, found shape [9, 2, 3, 3]",
            ),
        ];
        for (bytes, expected) in cases {
            let folder = published();
            folder.write("gaussian_noise.npy", &bytes);
            assert_eq!(folder.message(open(&folder)), format!("`DIR/gaussian_noise.npy`: {expected}"));
        }
        let folder = published();
        folder.write("gaussian_noise.npy", b"\x93NUMPY\x01\x00\x04\x00{}\n ");
        assert!(
            folder.message(open(&folder)).contains("expected a type of numbers under `'descr'`, found `{}`")
        );
    }

    #[test]
    fn labels_are_those_of_the_test_images_for_each_severity() {
        let folder = published();
        let labels = npy("|u1", "False", "(10,)", &[2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
        folder.write("labels.npy", &labels);
        let open = |test: &[u16]| Arrays::open(folder.root(), 15, SHAPE, Some(test), 3);
        assert_eq!(open(&[2, 1]).unwrap().len(), 2);
        assert_eq!(
            folder.message(open(&[1, 2])),
            "`DIR/labels.npy`: labels of other images at byte 69: expected the labels of the test images in their order, 1 \
             for image 0, found 2"
        );
        assert_eq!(
            folder.message(open(&[2; 10])),
            "`DIR/labels.npy`: counts that differ at byte 69: expected 50 labels: 5 severities of the 10 test images, found \
             10, as many as one severity has"
        );
    }

    #[test]
    fn labels_that_are_wrong() {
        let cases = [
            (
                npy("|u1", "False", "(9,)", &[0; 9]),
                "counts that differ at byte 68: expected labels for 5 severities of as many images each, found 9 labels",
            ),
            (
                npy("|u1", "False", "(5, 2)", &[0; 10]),
                "shapes that differ at byte 70: expected labels in one dimension, found shape [5, 2]",
            ),
            (
                npy("|u1", "False", "(5,)", &[0, 1, 2, 3, 0]),
                "label out of range at byte 71: expected a label below 3, found 3",
            ),
        ];
        for (bytes, expected) in cases {
            let folder = published();
            folder.write("labels.npy", &bytes);
            assert_eq!(folder.message(open(&folder)), format!("`DIR/labels.npy`: {expected}"));
        }
    }
}
