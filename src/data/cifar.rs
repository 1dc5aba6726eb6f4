//! CIFAR-10 and CIFAR-100 in their binary form: records of labels and 3×32×32 bytes, colour planes in turn.
//!
//! A file may hold any whole number of records, at least one.

use std::path::{Path, PathBuf};

use super::corpus::{ChannelStatistics, Dataset, Samples, Shape, Traits, append_interleaved};
use super::error::{DataError, Flaw};
use super::input::{Input, LARGEST};
use super::names;
use super::root::lacking;

pub const SHAPE: Shape = Shape { height: 32, width: 32, channels: 3 };

const AREA: usize = 32 * 32;
const IMAGE: usize = 3 * AREA;

/// The form of a record and where records are kept. The last label of a record is the class.
pub struct Format {
    /// Number of values of each label.
    labels: &'static [u8],
    train: &'static [&'static str],
    test: &'static str,
    mean: [f64; 3],
    std: [f64; 3],
    class_names: &'static [&'static str],
}

/// Constants of the 50,000 training images.
pub const CIFAR10: Format = Format {
    labels: &[10],
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2470, 0.2435, 0.2616],
    class_names: &names::CIFAR10,
};

/// Constants of the 50,000 training images; a record has a coarse label and a fine one.
pub const CIFAR100: Format = Format {
    labels: &[20, 100],
    train: &["train.bin"],
    test: "test.bin",
    mean: [0.5071, 0.4865, 0.4409],
    std: [0.2673, 0.2564, 0.2762],
    class_names: &names::CIFAR100,
};

impl Format {
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// Reads the training files that exist, in order, and the test file.
    pub fn open(&self, root: &Path) -> Result<Dataset, DataError> {
        let train = self.read(&self.train_files(root)?)?;
        let test = self.read(&[self.test_file(root)?])?;
        let traits = Traits {
            classes: self.classes(),
            scale: u8::MAX,
            channels: ChannelStatistics::constants(&self.mean, &self.std),
            class_names: self.class_names,
        };
        Ok(traits.dataset(train, test))
    }

    /// Numbers of training and test samples, from the sizes of the files.
    pub fn counts(&self, root: &Path) -> Result<(usize, usize), DataError> {
        let train = self.train_files(root)?;
        let test = self.test_file(root)?;
        let count = |path: &PathBuf| self.records(&Input::open(path)?);
        let train = train.iter().map(count).sum::<Result<_, _>>()?;
        Ok((train, count(&test)?))
    }

    /// The training files that exist, and the test file.
    pub fn files(&self, root: &Path) -> Result<Vec<PathBuf>, DataError> {
        let mut files = self.train_files(root)?;
        files.push(self.test_file(root)?);
        Ok(files)
    }

    fn train_files(&self, root: &Path) -> Result<Vec<PathBuf>, DataError> {
        let paths = self.train.iter().map(|name| root.join(name));
        let found: Vec<_> = paths.filter(|path| path.is_file()).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let expected = match self.train {
            [first, .., last] => format!("a folder with any of `{first}` to `{last}`"),
            _ => format!("a folder with `{}`", self.train.concat()),
        };
        Err(lacking(root, expected))
    }

    fn test_file(&self, root: &Path) -> Result<PathBuf, DataError> {
        let path = root.join(self.test);
        match path.is_file() {
            true => Ok(path),
            false => Err(lacking(root, format!("a folder with `{}`", self.test))),
        }
    }

    fn record(&self) -> usize {
        self.labels.len() + IMAGE
    }

    /// Number of records in a file, which must be whole.
    fn records(&self, input: &Input) -> Result<usize, DataError> {
        let record = self.record() as u64;
        let size = input.size().unwrap_or_default();
        let rest = size % record;
        if size == 0 {
            let expected = format!("at least one record of {record} bytes");
            return Err(input.malformed(Flaw::Empty, 0, expected, "an empty file"));
        }
        if rest > 0 {
            let expected = format!("a whole record of {record} bytes");
            let found = format!("{rest} of them");
            return Err(input.malformed(Flaw::Truncated, size - rest, expected, found));
        }
        if size > LARGEST {
            let expected = format!("at most {LARGEST} bytes");
            return Err(input.malformed(Flaw::TooLarge, 0, expected, size.to_string()));
        }
        Ok((size / record) as usize)
    }

    fn read(&self, paths: &[PathBuf]) -> Result<Samples, DataError> {
        let mut samples = Samples { images: Vec::new(), labels: Vec::new(), shape: SHAPE };
        for path in paths {
            let mut input = Input::open(path)?;
            let count = self.records(&input)?;
            samples.images.reserve_exact(count * IMAGE);
            let bytes = input.rest((count * self.record()) as u64)?;
            for (number, record) in bytes.chunks_exact(self.record()).enumerate() {
                self.append(record, number, &input, &mut samples)?;
            }
        }
        Ok(samples)
    }

    fn append(
        &self,
        record: &[u8],
        number: usize,
        input: &Input,
        samples: &mut Samples,
    ) -> Result<(), DataError> {
        let (labels, planes) = record.split_at(self.labels.len());
        for (position, (&label, &limit)) in labels.iter().zip(self.labels).enumerate() {
            if label >= limit {
                let offset = (number * self.record() + position) as u64;
                let expected = format!("a label below {limit}");
                let found = label.to_string();
                return Err(input.malformed(Flaw::LabelOutOfRange, offset, expected, found));
            }
        }
        samples.labels.extend(labels.last().map(|&label| u16::from(label)));
        append_interleaved(planes, SHAPE.channels, &mut samples.images);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Folder, pattern};
    use super::*;

    fn record(labels: &[u8], first: usize) -> Vec<u8> {
        let planes = pattern(first + IMAGE)[first..].to_vec();
        [labels.to_vec(), planes].concat()
    }

    /// A folder with three training records in two files and one test record.
    fn cifar10() -> Folder {
        let folder = Folder::new();
        folder.write("data_batch_2.bin", &[record(&[9], 1), record(&[0], 2)].concat());
        folder.write("data_batch_5.bin", &record(&[4], 3));
        folder.write("test_batch.bin", &record(&[7], 4));
        folder
    }

    #[test]
    fn files_that_exist_are_read_in_order() {
        let folder = cifar10();
        let Dataset { train, test, .. } = CIFAR10.open(folder.root()).unwrap();
        assert_eq!((&train.labels[..], &test.labels[..]), (&[9, 0, 4][..], &[7][..]));
        assert_eq!(CIFAR10.counts(folder.root()).unwrap(), (3, 1));
        assert_eq!((train.classes, train.class_names[9].as_str()), (10, "truck"));
    }

    #[test]
    fn planes_become_channels() {
        let folder = cifar10();
        let train = CIFAR10.open(folder.root()).unwrap().train;
        let planes = &record(&[0], 2)[1..];
        let image = train.raw(1).unwrap().bytes;
        for (row, column, channel) in [(0, 0, 0), (0, 1, 2), (17, 5, 1), (31, 31, 2)] {
            let expected = planes[channel * 1024 + row * 32 + column];
            assert_eq!(image[(row * 32 + column) * 3 + channel], expected);
        }
    }

    #[test]
    fn the_fine_label_of_cifar100_is_the_class() {
        let folder = Folder::new();
        folder.write("train.bin", &record(&[19, 99], 1));
        folder.write("test.bin", &[record(&[0, 3], 1), record(&[1, 2], 5)].concat());
        let Dataset { train, test, .. } = CIFAR100.open(folder.root()).unwrap();
        assert_eq!((&train.labels[..], &test.labels[..]), (&[99][..], &[3, 2][..]));
        assert_eq!((train.classes, train.class_names[99].as_str()), (100, "worm"));
        assert_eq!(CIFAR100.counts(folder.root()).unwrap(), (1, 2));
    }

    #[test]
    fn parts_of_records() {
        let folder = cifar10();
        folder.write("data_batch_2.bin", &record(&[1], 0)[..3000]);
        let message = "`DIR/data_batch_2.bin`: truncated at byte 0: expected a whole record of 3073 bytes, found 3000 \
                       of them";
        assert_eq!(folder.message(CIFAR10.open(folder.root())), message);
        assert_eq!(folder.message(CIFAR10.counts(folder.root())), message);
        let mut oversized = record(&[1], 0);
        oversized.push(3);
        folder.write("data_batch_2.bin", &oversized);
        assert_eq!(
            folder.message(CIFAR10.open(folder.root())),
            "`DIR/data_batch_2.bin`: truncated at byte 3073: expected a whole record of 3073 bytes, found 1 of them"
        );
        folder.write("data_batch_2.bin", &[]);
        assert_eq!(
            folder.message(CIFAR10.open(folder.root())),
            "`DIR/data_batch_2.bin`: empty at byte 0: expected at least one record of 3073 bytes, found an empty file"
        );
    }

    #[test]
    fn labels_out_of_range() {
        let folder = cifar10();
        folder.write("test_batch.bin", &[record(&[1], 0), record(&[10], 0)].concat());
        assert_eq!(
            folder.message(CIFAR10.open(folder.root())),
            "`DIR/test_batch.bin`: label out of range at byte 3073: expected a label below 10, found 10"
        );
        let folder = Folder::new();
        folder.write("train.bin", &[record(&[0, 0], 0), record(&[19, 100], 0)].concat());
        folder.write("test.bin", &record(&[20, 0], 0));
        assert_eq!(
            folder.message(CIFAR100.open(folder.root())),
            "`DIR/train.bin`: label out of range at byte 3075: expected a label below 100, found 100"
        );
        folder.write("train.bin", &record(&[0, 0], 0));
        assert_eq!(
            folder.message(CIFAR100.open(folder.root())),
            "`DIR/test.bin`: label out of range at byte 0: expected a label below 20, found 20"
        );
    }

    #[test]
    fn folders_without_the_files() {
        let folder = Folder::new();
        folder.write("data_batch_1", &[]);
        folder.write("batches.meta", &[]);
        assert_eq!(
            folder.message(CIFAR10.open(folder.root())),
            "`DIR`: expected a folder with any of `data_batch_1.bin` to `data_batch_5.bin`, found `batches.meta`, \
             `data_batch_1`"
        );
        assert_eq!(
            folder.message(CIFAR100.counts(folder.root())),
            "`DIR`: expected a folder with `train.bin`, found `batches.meta`, `data_batch_1`"
        );
        (0..5).for_each(|name| drop(folder.write(&name.to_string(), &[])));
        folder.write("data_batch_1.bin", &record(&[0], 0));
        assert_eq!(
            folder.message(CIFAR10.open(folder.root())),
            "`DIR`: expected a folder with `test_batch.bin`, found `0`, `1`, `2`, `3`, `4`, `batches.meta` and 2 more"
        );
    }
}
