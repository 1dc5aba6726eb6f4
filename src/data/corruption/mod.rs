//! Common corruptions: the 15 kinds of CIFAR-10-C and its 4 extra ones at five severities (Hendrycks and Dietterich,
//! ICLR 2019), generated with the parameters of the published script, and a reader for the published arrays.
//!
//! Generated images are in the style of CIFAR-10-C and not those of its files, which came out of an unseeded generator
//! and of image libraries whose versions differ. What an image becomes depends on `(kind, severity, index)` alone.

mod arrays;
mod blur;
mod colour;
mod digital;
mod fractal;
mod noise;
mod npy;
mod picture;
mod spatter;
mod warp;
mod weather;

use rayon::prelude::*;

use super::batch::{Batch, labels};
use super::corpus::{Corpus, Shape};
use super::error::DataError;
use super::random::{Generator, Purpose};
use crate::stop::Point;
use picture::Picture;

pub use arrays::Arrays;

/// Severities of every kind, from 1.
pub const SEVERITIES: usize = 5;

macro_rules! corruptions {
    ($($kind:ident $name:literal)*) => {
        /// What happens to an image. The first 15 are the core set; the number of a kind is part of its random key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Corruption {
            $(#[doc = concat!("`", $name, "`")] $kind,)*
        }

        impl Corruption {
            /// In the order of the published script; the extra kinds last.
            pub const ALL: [Corruption; [$($name),*].len()] = [$(Corruption::$kind),*];

            /// The name of its published array.
            pub fn name(self) -> &'static str {
                match self {
                    $(Corruption::$kind => $name,)*
                }
            }
        }
    };
}

corruptions! {
    GaussianNoise "gaussian_noise"
    ShotNoise "shot_noise"
    ImpulseNoise "impulse_noise"
    DefocusBlur "defocus_blur"
    GlassBlur "glass_blur"
    MotionBlur "motion_blur"
    ZoomBlur "zoom_blur"
    Snow "snow"
    Frost "frost"
    Fog "fog"
    Brightness "brightness"
    Contrast "contrast"
    ElasticTransform "elastic_transform"
    Pixelate "pixelate"
    JpegCompression "jpeg_compression"
    SpeckleNoise "speckle_noise"
    GaussianBlur "gaussian_blur"
    Spatter "spatter"
    Saturate "saturate"
}

use Corruption::*;

impl Corruption {
    /// The corrupted image of sample `index`: 256 levels, cut off and not rounded, as the published script does.
    ///
    /// `bytes` are H×W×C with `scale` for 1.0, of one channel or of three (red, green, blue); `severity` is 1 to 5.
    pub fn apply(self, severity: usize, index: u32, bytes: &[u8], scale: u8, shape: Shape) -> Vec<u8> {
        let level = severity.clamp(1, SEVERITIES) - 1;
        let mut random =
            Generator::keyed(Purpose::Corruption, &[self as u64, severity as u64, u64::from(index)]);
        self.change(level, Picture::of(bytes, scale, shape), &mut random).bytes()
    }

    fn change(self, level: usize, x: Picture, random: &mut Generator) -> Picture {
        match self {
            GaussianNoise => noise::gaussian(x, level, random),
            ShotNoise => noise::shot(x, level, random),
            ImpulseNoise => noise::impulse(x, level, random),
            SpeckleNoise => noise::speckle(x, level, random),
            DefocusBlur => blur::defocus(&x, level),
            GlassBlur => blur::glass(&x, level, random),
            MotionBlur => blur::motion(&x, level, random),
            ZoomBlur => blur::zoom(x, level),
            GaussianBlur => blur::gaussian(&x, level),
            Snow => weather::snow(x, level, random),
            Frost => weather::frost(x, level, random),
            Fog => weather::fog(x, level, random),
            Brightness => colour::brightness(x, level),
            Contrast => colour::contrast(x, level),
            Saturate => colour::saturate(x, level),
            ElasticTransform => warp::elastic(&x, level, random),
            Pixelate => digital::pixelate(&x, level),
            JpegCompression => digital::jpeg(x, level),
            Spatter => spatter::spatter(x, level, random),
        }
    }
}

/// Samples of a corpus, corrupted.
///
/// # Errors
/// An index beyond the end of the corpus; an image that cannot be read.
pub fn corrupted(
    corpus: &Corpus,
    kind: Corruption,
    severity: usize,
    indices: &[u32],
) -> Result<Batch, DataError> {
    let shape = corpus.shape();
    let point = Point::here();
    let change = |&index: &u32| {
        point.pass();
        let bytes = corpus.seen(index)?;
        Ok(kind.apply(severity, index, &bytes, corpus.scale, shape))
    };
    let images: Vec<Result<Vec<u8>, DataError>> = indices.par_iter().map(change).collect();
    let images = images.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(batch(indices, &images.concat(), labels(corpus, indices)?, shape))
}

/// Bytes of 256 levels as the model takes them.
fn batch(indices: &[u32], bytes: &[u8], labels: Vec<i64>, shape: Shape) -> Batch {
    Batch {
        indices: indices.to_vec(),
        pixels: bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect(),
        labels,
        soft: None,
        height: shape.height,
        width: shape.width,
        channels: shape.channels,
    }
}

#[cfg(test)]
mod tests;
