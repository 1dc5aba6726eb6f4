//! What is done to images before a network sees them. Each draw is from a generator of its own.

use crate::lang::catalog::{Augmentation, Cutout};

use super::corpus::Shape;
use super::image::{Image, Raw};
use super::random::{Generator, Purpose};
use super::window::resized;
use super::{affine, color};

/// What the draws of one sample in one epoch depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    pub seed: u64,
    pub epoch: u64,
    /// In the training corpus.
    pub index: u32,
}

impl Draw {
    /// In evaluation nothing draws: what could is not part of a view.
    pub const NONE: Self = Self { seed: 0, epoch: 0, index: 0 };

    /// The generator of the augmentation at `position` in its list.
    pub fn generator(self, position: usize) -> Generator {
        let key = [self.seed, self.epoch, self.index.into(), position as u64];
        Generator::keyed(Purpose::Augmentation, &key)
    }
}

/// The image after `augmentations` in order; `values` is the pixel value of every byte.
///
/// A first augmentation that makes another size reads the bytes: a large image is never held as floats.
pub fn render(raw: &Raw<'_>, values: &[f32; 256], augmentations: &[Augmentation], draw: Draw) -> Image {
    let first = augmentations.first().and_then(|first| {
        resized(first, &raw.bytes, raw.shape, f32::from(raw.scale), &mut draw.generator(0))
    });
    let done = usize::from(first.is_some());
    let mut image = first.unwrap_or_else(|| raw.image(values));
    for (position, augmentation) in augmentations.iter().enumerate().skip(done) {
        apply(augmentation, &mut image, &mut draw.generator(position));
    }
    image
}

fn apply(augmentation: &Augmentation, image: &mut Image, random: &mut Generator) {
    match augmentation {
        Augmentation::Crop(crop) => {
            let rows = offset(crop.pad, random);
            let columns = offset(crop.pad, random);
            shift(&mut image.pixels, image.shape, rows, columns);
        }
        Augmentation::Flip(flip) => {
            if random.unit() < flip.p {
                mirror(&mut image.pixels, image.shape);
            }
        }
        Augmentation::RandomResizedCrop(_) | Augmentation::Resize(_) | Augmentation::CenterCrop(_) => {
            if let Some(other) = resized(augmentation, &image.pixels, image.shape, 1.0, random) {
                *image = other;
            }
        }
        Augmentation::Jitter(jitter) => color::jitter(jitter, image, random),
        Augmentation::Grayscale(grayscale) => {
            if random.unit() < grayscale.p {
                color::grayscale(image);
            }
        }
        Augmentation::Affine(spec) => affine::affine(spec, image, random),
        Augmentation::Brightness(brightness) => color::brightness(brightness.amount, image, random),
        Augmentation::Cutout(cutout) => black_out(cutout, image, random),
        // Of samples and labels, not of an image: see `soft`.
        Augmentation::Mixup(_) | Augmentation::LabelSmoothing(_) => {}
    }
}

/// Zeros in the square about a random pixel, as far as it lies inside.
fn black_out(cutout: &Cutout, image: &mut Image, random: &mut Generator) {
    let Shape { height, width, channels } = image.shape;
    if random.unit() >= cutout.p {
        return;
    }
    let (row, column) = (random.below(height as u64) as usize, random.below(width as u64) as usize);
    let half = cutout.size / 2;
    let span = |centre: usize, side: usize| {
        let end = centre.saturating_add(cutout.size - half).min(side);
        (centre.saturating_sub(half).min(end), end)
    };
    let ((top, bottom), (left, right)) = (span(row, height), span(column, width));
    for row in top..bottom {
        image.pixels[(row * width + left) * channels..(row * width + right) * channels].fill(0.0);
    }
}

/// Uniform in `-pad..=pad`: where a crop of the original size begins, seen from the corner of the image
/// before padding.
fn offset(pad: usize, random: &mut Generator) -> i64 {
    let pad = pad.min(u32::MAX as usize) as u64;
    random.below(2 * pad + 1) as i64 - pad as i64
}

/// Moves the image so that its pixel at (`rows`, `columns`) becomes the corner; what comes in from outside
/// is 0.
fn shift(image: &mut [f32], shape: Shape, rows: i64, columns: i64) {
    let pitch = shape.width * shape.channels;
    let shift_row = |image: &mut [f32], row: usize| {
        let source = row as i64 + rows;
        let target = row * pitch..(row + 1) * pitch;
        if source < 0 || source >= shape.height as i64 {
            return image[target].fill(0.0);
        }
        let start = source as usize * pitch;
        image.copy_within(start..start + pitch, target.start);
        shift_columns(&mut image[target], columns, shape.channels);
    };
    // A row is read before it is overwritten: from the top when rows move up, else from the bottom.
    if rows >= 0 {
        (0..shape.height).for_each(|row| shift_row(image, row));
    } else {
        (0..shape.height).rev().for_each(|row| shift_row(image, row));
    }
}

fn shift_columns(row: &mut [f32], columns: i64, channels: usize) {
    let distance = columns.unsigned_abs().saturating_mul(channels as u64);
    let distance = distance.min(row.len() as u64) as usize;
    let kept = row.len() - distance;
    if columns >= 0 {
        row.copy_within(distance.., 0);
        row[kept..].fill(0.0);
    } else {
        row.copy_within(..kept, distance);
        row[..distance].fill(0.0);
    }
}

/// Exchanges left and right.
fn mirror(image: &mut [f32], shape: Shape) {
    for row in image.chunks_exact_mut(shape.width * shape.channels) {
        for left in 0..shape.width / 2 {
            let right = shape.width - 1 - left;
            for channel in 0..shape.channels {
                row.swap(left * shape.channels + channel, right * shape.channels + channel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lang::catalog::{Crop, Flip};

    fn augment(augmentations: &[Augmentation], image: &mut [f32], shape: Shape, draw: Draw) {
        let mut whole = Image { pixels: image.to_vec(), shape };
        for (position, augmentation) in augmentations.iter().enumerate() {
            apply(augmentation, &mut whole, &mut draw.generator(position));
        }
        image.copy_from_slice(&whole.pixels);
    }

    /// Pixel by pixel, from the definition: pad with zeros, cut out at the offset, mirror the columns.
    fn reference(image: &[f32], shape: Shape, rows: i64, columns: i64, mirrored: bool) -> Vec<f32> {
        let Shape { height, width, channels } = shape;
        let mut result = Vec::new();
        for row in 0..height as i64 {
            for column in 0..width as i64 {
                let column = if mirrored { width as i64 - 1 - column } else { column };
                for channel in 0..channels {
                    let (y, x) = (row + rows, column + columns);
                    let inside = (0..height as i64).contains(&y) && (0..width as i64).contains(&x);
                    let at = (y * width as i64 + x) * channels as i64 + channel as i64;
                    result.push(if inside { image[at as usize] } else { 0.0 });
                }
            }
        }
        result
    }

    fn numbered(shape: Shape) -> Vec<f32> {
        (1..=shape.values()).map(|value| value as f32).collect()
    }

    prop_compose! {
        fn shapes()(height in 1usize..9, width in 1usize..9, channels in 1usize..4) -> Shape {
            Shape { height, width, channels }
        }
    }

    proptest! {
        #[test]
        fn shift_and_mirror_are_the_reference(
            shape in shapes(), rows in -10i64..=10, columns in -10i64..=10, mirrored: bool,
        ) {
            let mut image = numbered(shape);
            let expected = reference(&image, shape, rows, columns, mirrored);
            shift(&mut image, shape, rows, columns);
            if mirrored {
                mirror(&mut image, shape);
            }
            prop_assert_eq!(image, expected);
        }

        #[test]
        fn crop_then_flip_draws_per_position(shape in shapes(), pad in 0usize..5, seed: u64, index: u32) {
            let draw = Draw { seed, epoch: 3, index };
            let mut random = draw.generator(0);
            let rows = random.below(2 * pad as u64 + 1) as i64 - pad as i64;
            let columns = random.below(2 * pad as u64 + 1) as i64 - pad as i64;
            let mirrored = draw.generator(1).unit() < 0.5;
            let mut image = numbered(shape);
            let expected = reference(&image, shape, rows, columns, mirrored);
            let list = [Augmentation::Crop(Crop { pad }), Augmentation::Flip(Flip { p: 0.5 })];
            augment(&list, &mut image, shape, draw);
            prop_assert_eq!(image, expected);
        }
    }

    #[test]
    fn draws_are_fixed_for_all_versions() {
        let drawn = [0, 1, 2, 3].map(|index| {
            let draw = Draw { seed: 0, epoch: 0, index };
            let mut crop = draw.generator(0);
            let mirrored = draw.generator(1).unit() < 0.5;
            (offset(4, &mut crop), offset(4, &mut crop), mirrored)
        });
        assert_eq!(drawn, [(4, 4, false), (1, 1, true), (1, -3, false), (1, 0, false)]);
    }

    #[test]
    fn every_offset_is_equally_likely() {
        let mut counts = [0u32; 9];
        for index in 0..18_000 {
            let draw = Draw { seed: 0, epoch: 0, index };
            counts[(offset(4, &mut draw.generator(0)) + 4) as usize] += 1;
        }
        assert!(counts.iter().all(|count| count.abs_diff(2000) < 200), "{counts:?}");
    }

    #[test]
    fn p_is_the_share_of_flipped_images() {
        let shape = Shape { height: 1, width: 2, channels: 1 };
        let flipped = |p| {
            let flip = [Augmentation::Flip(Flip { p })];
            let mut count = 0;
            for index in 0..10_000 {
                let mut image = [0.0, 1.0];
                augment(&flip, &mut image, shape, Draw { seed: 1, epoch: 2, index });
                count += u32::from(image[0] == 1.0);
            }
            count
        };
        assert_eq!(flipped(0.0), 0);
        assert_eq!(flipped(1.0), 10_000);
        assert!(flipped(0.3).abs_diff(3000) < 200);
    }

    #[test]
    fn a_pad_larger_than_any_image_leaves_it_black_or_shifted() {
        let shape = Shape { height: 2, width: 2, channels: 1 };
        let mut image = [1.0; 4];
        let crop = Augmentation::Crop(Crop { pad: usize::MAX });
        augment(&[crop], &mut image, shape, Draw { seed: 0, epoch: 0, index: 0 });
        assert_eq!(image, [0.0; 4]);
    }

    #[test]
    fn cutout_covers_its_share_and_may_leave_the_image() {
        let shape = Shape { height: 32, width: 32, channels: 3 };
        let cutout = [Augmentation::Cutout(Cutout { size: 16, p: 0.5 })];
        let mut counts = Vec::new();
        for index in 0..4000 {
            let mut image = [1.0; 32 * 32 * 3];
            augment(&cutout, &mut image, shape, Draw { seed: 0, epoch: 0, index });
            counts.push(image.iter().filter(|value| **value == 0.0).count() / 3);
        }
        let untouched = counts.iter().filter(|count| **count == 0).count();
        assert!(untouched.abs_diff(2000) < 120, "{untouched}");
        assert_eq!(
            (counts.iter().max(), counts.iter().filter(|count| **count > 0).min()),
            (Some(&256), Some(&64))
        );
        // A side of the square is 8 + min(8, distance to the border) long: 14 on average of the 32 centres, squared.
        let mean = counts.iter().sum::<usize>() as f64 / (counts.len() - untouched) as f64;
        assert!((mean / 196.0 - 1.0).abs() < 0.03, "{mean}");
    }
}
