//! Images and labels in memory.

use std::fmt;
use std::sync::Arc;

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

/// Labelled images: all that the training or the test part of a data set holds. Clones share the memory.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// N×H×W×C, row-major: the channels of a pixel stand together.
    pub images: Arc<[u8]>,
    /// One per image, below `classes`.
    pub labels: Arc<[u16]>,
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
    pub class_names: Arc<[&'static str]>,
}

/// The two parts of a data set: same shape, classes, scale and constants.
#[derive(Clone, Debug)]
pub struct Dataset {
    pub train: Corpus,
    pub test: Corpus,
}

impl Corpus {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    pub fn shape(&self) -> Shape {
        Shape { height: self.height, width: self.width, channels: self.channels }
    }

    /// The H×W×C bytes of sample `index`; none beyond the end.
    pub fn image(&self, index: u32) -> Option<&[u8]> {
        let values = self.shape().values();
        let start = values.checked_mul(index as usize)?;
        self.images.get(start..start.checked_add(values)?)
    }

    /// The pixel value of every byte.
    pub(super) fn pixel_values(&self) -> [f32; 256] {
        let scale = f32::from(self.scale);
        std::array::from_fn(|byte| byte as f32 / scale)
    }
}

/// What a reader took from its files: images in N×H×W×C order and their labels.
pub(super) struct Samples {
    pub images: Vec<u8>,
    pub labels: Vec<u16>,
    pub shape: Shape,
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
            images: self.images.into(),
            labels: self.labels.into(),
            height: self.shape.height,
            width: self.shape.width,
            channels: self.shape.channels,
            classes: traits.classes,
            scale: traits.scale,
            mean: traits.channels.mean.clone(),
            std: traits.channels.std.clone(),
            class_names: traits.class_names.into(),
        }
    }
}

impl Traits {
    /// The data set of two parts with these traits.
    pub fn dataset(&self, train: Samples, test: Samples) -> Dataset {
        Dataset { train: train.corpus(self), test: test.corpus(self) }
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

    #[test]
    fn images_are_found_by_index() {
        let traits = Traits {
            classes: 2,
            scale: 16,
            channels: ChannelStatistics::constants(&[0.0], &[1.0]),
            class_names: &[],
        };
        let shape = Shape { height: 1, width: 2, channels: 1 };
        let samples = Samples { images: vec![1, 2, 3, 4], labels: vec![0, 1], shape };
        let corpus = samples.corpus(&traits);
        assert_eq!(corpus.image(1), Some(&[3, 4][..]));
        assert_eq!(corpus.image(2), None);
        assert_eq!(corpus.pixel_values()[8], 0.5);
    }
}
