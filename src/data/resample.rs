//! Bilinear resizing with antialiasing: the triangle filter of Pillow, widened where the image shrinks.

use super::corpus::Shape;
use super::image::Image;
use crate::lang::world::Size;

/// A part of an image, in whole pixels, inside of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub top: usize,
    pub left: usize,
    pub size: Size,
}

impl Window {
    /// All of an image.
    pub fn whole(shape: Shape) -> Self {
        Self { top: 0, left: 0, size: Size { height: shape.height, width: shape.width } }
    }
}

/// The pixels that one pixel of the result is a mean of, and their weights.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// Resizes a window to `size`; values are divided by `scale`.
///
/// Sums are taken along columns first, then along rows, in f32 and without rounding to bytes in between.
pub fn resample<T: Copy + Into<f32>>(
    pixels: &[T],
    shape: Shape,
    window: Window,
    size: Size,
    scale: f32,
) -> Image {
    let channels = shape.channels;
    let (rows, columns) = (taps(window.size.height, size.height), taps(window.size.width, size.width));
    let mut row = vec![0.0; window.size.width * channels];
    let result = Shape { height: size.height, width: size.width, channels };
    let mut resized = vec![0.0; result.values()];
    for (taps, resized) in rows.iter().zip(resized.chunks_exact_mut((size.width * channels).max(1))) {
        row.fill(0.0);
        for (tap, &weight) in taps.weights.iter().enumerate() {
            let start = ((window.top + taps.first + tap) * shape.width + window.left) * channels;
            add(&mut row, &pixels[start..start + window.size.width * channels], weight);
        }
        blend(&row, &columns, resized, channels, scale);
    }
    Image { pixels: resized, shape: result }
}

fn add<T: Copy + Into<f32>>(row: &mut [f32], pixels: &[T], weight: f32) {
    row.iter_mut().zip(pixels).for_each(|(sum, &pixel)| *sum += weight * pixel.into());
}

fn blend(row: &[f32], columns: &[Taps], resized: &mut [f32], channels: usize, scale: f32) {
    for (taps, pixel) in columns.iter().zip(resized.chunks_exact_mut(channels)) {
        for (tap, weight) in taps.weights.iter().enumerate() {
            let start = (taps.first + tap) * channels;
            pixel
                .iter_mut()
                .zip(&row[start..start + channels])
                .for_each(|(sum, value)| *sum += weight * value);
        }
        pixel.iter_mut().for_each(|value| *value /= scale);
    }
}

/// Of every pixel along one side.
fn taps(from: usize, to: usize) -> Vec<Taps> {
    let ratio = from as f64 / to.max(1) as f64;
    let support = ratio.max(1.0);
    let tap = |target: usize| {
        let centre = (target as f64 + 0.5) * ratio;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from);
        let distance = |pixel: usize| (pixel as f64 + 0.5 - centre) / support;
        let weights: Vec<f64> = (first..end).map(|pixel| (1.0 - distance(pixel).abs()).max(0.0)).collect();
        let total: f64 = weights.iter().sum();
        Taps { first, weights: weights.iter().map(|weight| (weight / total) as f32).collect() }
    };
    (0..to).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: Shape = Shape { height: 1, width: 4, channels: 1 };

    fn line(pixels: &[u8], width: usize) -> Vec<f32> {
        resample(pixels, LINE, Window::whole(LINE), Size { height: 1, width }, 1.0).pixels
    }

    #[test]
    fn the_own_size_changes_nothing() {
        assert_eq!(line(&[3, 1, 4, 1], 4), [3.0, 1.0, 4.0, 1.0]);
    }

    #[test]
    fn half_the_size_is_a_triangle_over_four_pixels() {
        // Weights 1/4, 3/4, 3/4, 1/4 about the border between two pixels; what lies outside is left out.
        let expected: [f32; 2] =
            [(0.75 * 8.0 + 0.75 * 0.0 + 0.25 * 4.0) / 1.75, (0.25 * 0.0 + 0.75 * 4.0) / 1.75];
        let close = |(one, other): (&f32, f32)| (one - other).abs() < 1e-6;
        assert!(line(&[8, 0, 4, 0], 2).iter().zip(expected).all(close));
    }

    #[test]
    fn twice_the_size_interpolates() {
        let expected = [0.0, 1.0, 3.0, 4.0, 4.0, 4.0, 4.0, 4.0];
        assert_eq!(line(&[0, 4, 4, 4], 8), expected);
    }

    #[test]
    fn a_window_sees_nothing_of_its_surroundings() {
        let shape = Shape { height: 3, width: 3, channels: 1 };
        let pixels = [9u8, 9, 9, 9, 2, 9, 9, 9, 9];
        let window = Window { top: 1, left: 1, size: Size::square(1) };
        let image = resample(&pixels, shape, window, Size::square(3), 2.0);
        assert_eq!(image.pixels, [1.0; 9]);
    }
}
