//! Labelled images: in memory, or in files that are decoded when they are needed.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::augment::{Draw, render};
use super::error::DataError;
use super::files::ImageFiles;
use super::image::{Raw, pixel_values};
use crate::lang::catalog::Augmentation;
use crate::lang::view::size_after;
use crate::lang::world::Size;

/// Height, width and channels of every image of a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Shape {
    /// Values per image.
    pub fn values(self) -> usize {
        self.height * self.width * self.channels
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}×{}", self.height, self.width, self.channels)
    }
}

/// Where the pixels of a corpus are. Clones share them.
#[derive(Clone, Debug)]
pub enum Images {
    /// N×H×W×C, row-major: the channels of a pixel stand together.
    Memory { bytes: Arc<[u8]>, shape: Shape },
    /// One file per image, of any size.
    Files(Arc<ImageFiles>),
}

/// Labelled images: all that the training or the test part of a data set holds. Clones share the memory.
#[derive(Clone, Debug)]
pub struct Corpus {
    pub images: Images,
    /// One per image, below `classes`.
    pub labels: Arc<[u16]>,
    /// Of an image as a network sees it, after `view`.
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub classes: usize,
    /// The byte that means 1.0; a pixel is `byte / scale`, in [0, 1].
    pub scale: u8,
    /// Per channel, of pixels in [0, 1], over the training part; the test part carries the same.
    pub mean: Vec<f64>,
    /// Likewise; 1 for a channel that never changes, so that dividing by it is safe.
    pub std: Vec<f64>,
    /// In the order of the labels; empty where the source names none.
    pub class_names: Arc<[String]>,
    /// What is done to an image where nothing is drawn.
    pub view: Arc<[Augmentation]>,
    /// What measurements tell apart: domains, or classes with many and with few training images.
    pub groups: Option<Groups>,
}

/// A partition of the samples of a corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    pub names: Arc<[String]>,
    /// One per sample, a place in `names`.
    pub of: Arc<[u16]>,
    /// Whether the accuracy of the whole is the mean over groups, as for domains, instead of the mean over samples.
    pub equal: bool,
}

/// The two parts of a data set: same shape, classes, scale and constants.
#[derive(Clone, Debug)]
pub struct Dataset {
    pub train: Corpus,
    pub test: Corpus,
    /// What the source itself holds out.
    pub held_out: Option<HeldOut>,
    /// How the parts came about, in words, for whoever reads the numbers.
    pub protocol: Vec<String>,
}

/// What a data set of domains holds out of each.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// Of the training corpus, ascending: what is trained on, and what selects.
    pub train: Vec<u32>,
    pub validation: Vec<u32>,
    /// The out split of the test domains.
    pub oracle: Corpus,
}

impl Groups {
    /// The groups of some of the samples.
    fn subset(&self, indices: &[u32]) -> Self {
        let of = indices.iter().filter_map(|&index| self.of.get(index as usize).copied()).collect();
        Self { of, ..self.clone() }
    }
}

impl Corpus {
    /// Images in memory, N×H×W×C, whose pixels are left as they are: mean 0, deviation 1.
    pub fn in_memory(
        bytes: impl Into<Arc<[u8]>>,
        labels: impl Into<Arc<[u16]>>,
        shape: Shape,
        classes: usize,
        scale: u8,
    ) -> Self {
        Self {
            images: Images::Memory { bytes: bytes.into(), shape },
            labels: labels.into(),
            height: shape.height,
            width: shape.width,
            channels: shape.channels,
            classes,
            scale,
            mean: vec![0.0; shape.channels],
            std: vec![1.0; shape.channels],
            class_names: Arc::new([]),
            view: Arc::new([]),
            groups: None,
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Of an image as a network sees it.
    pub fn shape(&self) -> Shape {
        Shape { height: self.height, width: self.width, channels: self.channels }
    }

    /// The stored pixels of sample `index`, decoded where they are in a file.
    ///
    /// # Errors
    /// An index beyond the end; a file that is no readable image.
    pub fn raw(&self, index: u32) -> Result<Raw<'_>, DataError> {
        let beyond = || DataError::Index { index, samples: self.len() };
        match &self.images {
            Images::Memory { bytes, shape } => {
                let start = shape.values().checked_mul(index as usize).ok_or_else(beyond)?;
                let end = start.checked_add(shape.values()).ok_or_else(beyond)?;
                let bytes = bytes.get(start..end).ok_or_else(beyond)?;
                Ok(Raw { bytes: bytes.into(), shape: *shape, scale: self.scale })
            }
            Images::Files(files) => files.decode(index).unwrap_or_else(|| Err(beyond())),
        }
    }

    /// Sample `index` as it is viewed, in bytes that mean `byte / scale`.
    ///
    /// # Errors
    /// As [`Corpus::raw`].
    pub fn seen(&self, index: u32) -> Result<Cow<'_, [u8]>, DataError> {
        let raw = self.raw(index)?;
        if self.view.is_empty() {
            return Ok(raw.bytes);
        }
        let scale = f32::from(self.scale);
        let image = render(&raw, &pixel_values(self.scale), &self.view, Draw::NONE);
        Ok(image.pixels.iter().map(|value| (value * scale).round() as u8).collect::<Vec<u8>>().into())
    }

    /// The pixels that are in memory; empty where they are in files.
    pub fn bytes(&self) -> &[u8] {
        match &self.images {
            Images::Memory { bytes, .. } => bytes,
            Images::Files(_) => &[],
        }
    }

    /// The corpus as it is seen through `view`.
    ///
    /// # Errors
    /// Images of several sizes that the view does not bring to one.
    pub fn seen_through(mut self, view: &[Augmentation]) -> Result<Self, DataError> {
        let stored = match &self.images {
            Images::Memory { shape, .. } => Some(Size { height: shape.height, width: shape.width }),
            Images::Files(files) if size_after(view, None).is_none() => Some(files.one_size()?),
            Images::Files(_) => None,
        };
        let size = size_after(view, stored).unwrap_or(Size::square(0));
        (self.height, self.width) = (size.height, size.width);
        self.view = view.into();
        Ok(self)
    }

    /// The samples at `indices`, in that order; those beyond the end are left out.
    pub fn subset(&self, indices: &[u32]) -> Self {
        let kept: Vec<u32> = indices.iter().copied().filter(|&index| (index as usize) < self.len()).collect();
        let images = match &self.images {
            Images::Memory { bytes, shape } => {
                let values = shape.values();
                let image = |&index: &u32| &bytes[index as usize * values..(index as usize + 1) * values];
                Images::Memory { bytes: kept.iter().flat_map(image).copied().collect(), shape: *shape }
            }
            Images::Files(files) => Images::Files(Arc::new(files.subset(&kept))),
        };
        Self {
            images,
            labels: kept.iter().map(|&index| self.labels[index as usize]).collect(),
            groups: self.groups.as_ref().map(|groups| groups.subset(&kept)),
            ..self.clone()
        }
    }

    /// Number of samples of each class.
    pub fn class_sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.classes];
        self.labels.iter().for_each(|&label| sizes[usize::from(label)] += 1);
        sizes
    }

    /// Adds all that tells this corpus from another: pixels, or names, sizes and times of files, and labels.
    pub fn add_to(&self, hasher: &mut blake3::Hasher) {
        match &self.images {
            Images::Memory { bytes, .. } => {
                hasher.update(bytes);
            }
            Images::Files(files) => files.add_to(hasher),
        }
        self.labels.iter().for_each(|label| {
            hasher.update(&label.to_le_bytes());
        });
    }
}

/// What a reader took from its files: images in N×H×W×C order and their labels.
pub(super) struct Samples {
    pub images: Vec<u8>,
    pub labels: Vec<u16>,
    pub shape: Shape,
}

/// Appends an image that is stored as one plane per channel, the channels of each pixel together.
pub(super) fn append_interleaved(planes: &[u8], channels: usize, images: &mut Vec<u8>) {
    let start = images.len();
    images.resize(start + planes.len(), 0);
    for (channel, plane) in planes.chunks_exact(planes.len() / channels).enumerate() {
        let pixels = images[start..].chunks_exact_mut(channels);
        pixels.zip(plane).for_each(|(pixel, &value)| pixel[channel] = value);
    }
}

/// What holds for both parts of a data set besides its samples.
pub(super) struct Traits {
    pub classes: usize,
    pub scale: u8,
    pub channels: ChannelStatistics,
    pub class_names: &'static [&'static str],
}

/// Mean and standard deviation of each channel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ChannelStatistics {
    pub mean: Vec<f64>,
    pub std: Vec<f64>,
}

impl Samples {
    fn corpus(self, traits: &Traits) -> Corpus {
        Corpus {
            mean: traits.channels.mean.clone(),
            std: traits.channels.std.clone(),
            class_names: traits.class_names.iter().map(|name| (*name).to_owned()).collect(),
            ..Corpus::in_memory(self.images, self.labels, self.shape, traits.classes, traits.scale)
        }
    }
}

impl Traits {
    /// The data set of two parts with these traits.
    pub fn dataset(&self, train: Samples, test: Samples) -> Dataset {
        Dataset { train: train.corpus(self), test: test.corpus(self), held_out: None, protocol: Vec::new() }
    }
}

impl ChannelStatistics {
    pub fn constants(mean: &[f64], std: &[f64]) -> Self {
        Self { mean: mean.to_vec(), std: std.to_vec() }
    }

    /// Of all pixels of `samples`, exact up to the last rounding: sums are kept as integers.
    pub fn of(samples: &Samples, scale: u8) -> Self {
        let channels = samples.shape.channels;
        let (mean, std) = (0..channels)
            .map(|channel| {
                let bytes = samples.images.iter().skip(channel).step_by(channels);
                moments(bytes, f64::from(scale))
            })
            .unzip();
        Self { mean, std }
    }
}

fn moments<'a>(bytes: impl Iterator<Item = &'a u8>, scale: f64) -> (f64, f64) {
    let (mut count, mut sum, mut squares) = (0u128, 0u128, 0u128);
    for &byte in bytes {
        count += 1;
        sum += u128::from(byte);
        squares += u128::from(byte) * u128::from(byte);
    }
    let deviation = ((count * squares - sum * sum) as f64).sqrt();
    let scale = scale * count.max(1) as f64;
    let std = if deviation > 0.0 { deviation / scale } else { 1.0 };
    (sum as f64 / scale, std)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(images: &[u8], channels: usize) -> Samples {
        let shape = Shape { height: 1, width: images.len() / channels, channels };
        Samples { images: images.to_vec(), labels: vec![0], shape }
    }

    #[test]
    fn statistics_are_per_channel_and_in_pixels() {
        let found = ChannelStatistics::of(&samples(&[0, 10, 20, 10], 2), 20);
        assert_eq!(found.mean, [0.5, 0.5]);
        assert_eq!(found.std, [0.5, 1.0]);
    }

    #[test]
    fn a_constant_channel_is_not_divided_by_rounding_errors() {
        let found = ChannelStatistics::of(&samples(&[77; 1000], 1), 255);
        assert_eq!(found.std, [1.0]);
    }

    fn two() -> Corpus {
        let traits = Traits {
            classes: 2,
            scale: 16,
            channels: ChannelStatistics::constants(&[0.0], &[1.0]),
            class_names: &[],
        };
        let shape = Shape { height: 1, width: 2, channels: 1 };
        Samples { images: vec![1, 2, 3, 4], labels: vec![0, 1], shape }.corpus(&traits)
    }

    #[test]
    fn images_are_found_by_index() {
        let corpus = two();
        assert_eq!(corpus.raw(1).unwrap().bytes[..], [3, 4]);
        let error = corpus.raw(2).unwrap_err();
        assert_eq!(error.to_string(), "sample 2 of a corpus of 2 samples: expected an index below 2");
    }

    #[test]
    fn a_subset_keeps_images_with_their_labels() {
        let some = two().subset(&[1, 7, 1]);
        assert_eq!((some.bytes(), &some.labels[..]), (&[3, 4, 3, 4][..], &[1, 1][..]));
        assert_eq!(some.class_sizes(), [0, 2]);
    }

    #[test]
    fn a_view_decides_the_shape() {
        let resize = crate::lang::catalog::Resize { size: 3, fit: crate::lang::catalog::Fit::Shorter };
        let seen = two().seen_through(&[Augmentation::Resize(resize)]).unwrap();
        assert_eq!(seen.shape(), Shape { height: 3, width: 6, channels: 1 });
    }
}
