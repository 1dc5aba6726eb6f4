//! The IDX format of MNIST: a big-endian header, then one byte per pixel or per label.
//!
//! Images: magic 00000803, count, rows, columns, pixels; or 00000804 with a number of channels after the
//! columns, the channels of a pixel together, or before the rows, one plane per channel. Labels: magic 00000801, count, labels.

use std::path::Path;

use super::corpus::{ChannelStatistics, Dataset, Samples, Shape, Traits, append_interleaved};
use super::error::{DataError, Flaw};
use super::input::{Input, LARGEST, hex};
use crate::lang::catalog::Layout;

/// The four files of a data set.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    pub images: &'a Path,
    pub labels: &'a Path,
    pub test_images: &'a Path,
    pub test_labels: &'a Path,
    /// Of files with channels.
    pub layout: Layout,
}

/// What headers and sizes tell of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    pub train: usize,
    pub test: usize,
    pub shape: Shape,
}

const SCALE: u8 = 255;
const GREY: [u8; 4] = [0, 0, 8, 3];
const COLOUR: [u8; 4] = [0, 0, 8, 4];
const LABELS: [u8; 4] = [0, 0, 8, 1];
const LABELS_HEADER: u64 = 8;

/// Reads all four files. There is one class more than the highest training label, and the constants
/// are those of the training images.
pub fn open(files: Files) -> Result<Dataset, DataError> {
    let (train, test) = read(files, None)?;
    let traits = Traits {
        classes: classes(&train.labels),
        scale: SCALE,
        channels: ChannelStatistics::of(&train, SCALE),
        class_names: &[],
    };
    Ok(traits.dataset(train, test))
}

/// Reads all four files of a data set whose classes and constants are known.
pub fn open_known(files: Files, traits: &Traits) -> Result<Dataset, DataError> {
    let (train, test) = read(files, Some(traits.classes))?;
    Ok(traits.dataset(train, test))
}

/// Reads headers, and compares them with each other and with the sizes of plain files.
pub fn outline(files: Files) -> Result<Outline, DataError> {
    let (train, test) = pairs(files)?;
    Ok(Outline { train: train.count, test: test.count, shape: train.shape })
}

/// One class more than the highest label of a label file.
pub fn count_classes(labels: &Path) -> Result<usize, DataError> {
    let (input, count) = open_labels(labels)?;
    let labels = read_labels(input, count, None)?;
    Ok(classes(&labels))
}

fn classes(labels: &[u16]) -> usize {
    labels.iter().max().map_or(0, |&label| label as usize + 1)
}

fn read(files: Files, known: Option<usize>) -> Result<(Samples, Samples), DataError> {
    let (train, test) = pairs(files)?;
    let train = train.read(known)?;
    let limit = known.unwrap_or(classes(&train.labels));
    Ok((train, test.read(Some(limit))?))
}

fn pairs(files: Files) -> Result<(Pair, Pair), DataError> {
    let train = Pair::open(files.images, files.labels, files.layout)?;
    let test = Pair::open(files.test_images, files.test_labels, files.layout)?;
    test.check_shape(train.shape, files.images)?;
    Ok((train, test))
}

/// An image file and its label file, both past their headers.
struct Pair {
    images: Input,
    labels: Input,
    count: usize,
    shape: Shape,
    layout: Layout,
}

impl Pair {
    fn open(image_path: &Path, label_path: &Path, layout: Layout) -> Result<Self, DataError> {
        let (images, count, shape) = open_images(image_path, layout)?;
        let (labels, label_count) = open_labels(label_path)?;
        if label_count != count {
            let expected = format!("{count} labels, as many as `{}` has images", image_path.display());
            let found = label_count.to_string();
            return Err(labels.malformed(Flaw::CountsDiffer, 4, expected, found));
        }
        images.check_size(images.offset() + (count * shape.values()) as u64)?;
        labels.check_size(LABELS_HEADER + count as u64)?;
        Ok(Self { images, labels, count, shape, layout })
    }

    fn check_shape(&self, expected: Shape, like: &Path) -> Result<(), DataError> {
        if self.shape == expected {
            return Ok(());
        }
        let expected = format!("images of {expected}, as in `{}`", like.display());
        let found = self.shape.to_string();
        Err(self.images.malformed(Flaw::ShapesDiffer, 8, expected, found))
    }

    fn read(mut self, limit: Option<usize>) -> Result<Samples, DataError> {
        let pixels = (self.count * self.shape.values()) as u64;
        let labels = read_labels(self.labels, self.count, limit)?;
        let stored = self.images.rest(pixels)?;
        let images = match self.layout {
            Layout::Nchw if self.shape.channels > 1 => interleaved(&stored, self.shape),
            Layout::Nchw | Layout::Nhwc => stored,
        };
        Ok(Samples { labels, images, shape: self.shape })
    }
}

/// Images of one plane per channel as pixels of channels.
fn interleaved(planes: &[u8], shape: Shape) -> Vec<u8> {
    let mut images = Vec::with_capacity(planes.len());
    planes
        .chunks_exact(shape.values())
        .for_each(|image| append_interleaved(image, shape.channels, &mut images));
    images
}

fn open_images(path: &Path, layout: Layout) -> Result<(Input, usize, Shape), DataError> {
    let mut input = Input::open(path)?;
    let header = check_magic(&mut input, &[GREY, COLOUR])?;
    let count = dimension(&mut input, header, "image")?;
    let mut axis = |of| dimension(&mut input, header, of);
    let [height, width, channels] = match (header, layout) {
        (16, _) => [axis("row")?, axis("column")?, 1],
        (_, Layout::Nhwc) => [axis("row")?, axis("column")?, axis("channel")?],
        (_, Layout::Nchw) => {
            let channels = axis("channel")?;
            [axis("row")?, axis("column")?, channels]
        }
    };
    let sizes = [count, height, width, channels];
    let values = sizes.iter().try_fold(1u64, |product, &size| product.checked_mul(size));
    if values.is_none_or(|values| values > LARGEST) {
        let expected = format!("at most {LARGEST} values");
        let found = format!("{count} images of {height}×{width}×{channels}");
        return Err(input.malformed(Flaw::TooLarge, 4, expected, found));
    }
    let shape = Shape { height: height as usize, width: width as usize, channels: channels as usize };
    Ok((input, count as usize, shape))
}

fn open_labels(path: &Path) -> Result<(Input, usize), DataError> {
    let mut input = Input::open(path)?;
    let header = check_magic(&mut input, &[LABELS])?;
    let count = dimension(&mut input, header, "label")?;
    Ok((input, count as usize))
}

/// All labels of the file, below `limit` where one is given.
fn read_labels(mut input: Input, count: usize, limit: Option<usize>) -> Result<Vec<u16>, DataError> {
    let bytes = input.rest(count as u64)?;
    let limit = limit.unwrap_or(usize::from(u8::MAX) + 1);
    match bytes.iter().position(|&byte| usize::from(byte) >= limit) {
        Some(position) => {
            let offset = LABELS_HEADER + position as u64;
            let expected = format!("a label below {limit}");
            let found = bytes[position].to_string();
            Err(input.malformed(Flaw::LabelOutOfRange, offset, expected, found))
        }
        None => Ok(bytes.into_iter().map(u16::from).collect()),
    }
}

/// Reads the magic number, which must be one of `expected`, and returns the length of the whole header.
fn check_magic(input: &mut Input, expected: &[[u8; 4]]) -> Result<u64, DataError> {
    let header = |magic: [u8; 4]| 4 + 4 * u64::from(magic[3]);
    let found = input.header::<4>(header(expected[0]))?;
    if expected.contains(&found) {
        return Ok(header(found));
    }
    let expected: Vec<String> = expected.iter().map(|&magic| describe(magic)).collect();
    Err(input.malformed(Flaw::WrongMagic, 0, expected.join(" or "), describe(found)))
}

fn describe(magic: [u8; 4]) -> String {
    let meaning = match magic {
        GREY => " (images)",
        COLOUR => " (images with channels)",
        LABELS => " (labels)",
        [0x1f, 0x8b, ..] => " (gzip data, whose name should end in `.gz`)",
        _ => "",
    };
    hex(&magic) + meaning
}

fn dimension(input: &mut Input, header: u64, of: &str) -> Result<u64, DataError> {
    let offset = input.offset();
    let value = u32::from_be_bytes(input.header(header)?);
    if value == 0 {
        return Err(input.malformed(Flaw::Empty, offset, format!("at least one {of}"), "0"));
    }
    Ok(value.into())
}

#[cfg(test)]
mod tests;
