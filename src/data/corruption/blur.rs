//! Blur: each pixel a mean of those around it.

use super::picture::{Border, Picture, Tap, bell};
use crate::data::corpus::Shape;
use crate::data::random::Generator;

const GAUSSIAN: [f64; 5] = [0.4, 0.6, 0.7, 0.8, 1.0];

/// Radius of the disk, and of the Gaussian that softens its edge.
const DEFOCUS: [(f64, f64); 5] = [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1)];

/// Blur before and after, and rounds of copying.
const GLASS: [(f64, usize); 5] = [(0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2)];

/// Radius and width of the trail.
const MOTION: [(usize, f64); 5] = [(6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5)];

/// Hundredths up to which is zoomed.
const ZOOM: [usize; 5] = [5, 10, 15, 20, 25];

/// Standard deviations after which a Gaussian is cut off.
const TRUNCATE: f64 = 4.0;

pub fn gaussian(x: &Picture, level: usize) -> Picture {
    x.gaussian(GAUSSIAN[level], TRUNCATE, Border::Edge)
}

pub fn defocus(x: &Picture, level: usize) -> Picture {
    let (radius, softness) = DEFOCUS[level];
    x.correlate(&disk(radius, softness), Border::Mirror)
}

/// A disk, softened by a Gaussian of 3×3; its weights sum to one.
fn disk(radius: f64, softness: f64) -> Vec<Tap> {
    let reach = radius.floor() as i64;
    let around = |reach: i64| (-reach..=reach).flat_map(move |y| (-reach..=reach).map(move |x| (y, x)));
    let inside: Vec<_> = around(reach).filter(|(y, x)| (y * y + x * x) as f64 <= radius * radius).collect();
    let soft = bell(-1..=1, softness);
    let weight = |at: i64| soft.iter().find(|(place, _)| *place == at).map_or(0.0, |(_, weight)| *weight);
    let share = 1.0 / inside.len() as f64;
    let blurred = |(y, x): (i64, i64)| {
        let sum: f64 = inside.iter().map(|(v, u)| weight(y - v) * weight(x - u)).sum();
        (y, x, share * sum)
    };
    around(reach + 1).map(blurred).collect()
}

/// Each pixel becomes a copy of one of its upper left neighbours or stays, from the lower right corner upward.
///
/// The published script means to exchange the two, but both sides of its exchange are views of one array: the second
/// pixel is written onto itself. Its images are the benchmark, so pixels are copied here too.
pub fn glass(x: &Picture, level: usize, random: &mut Generator) -> Picture {
    let (sigma, rounds) = GLASS[level];
    let blurred = x.gaussian(sigma, TRUNCATE, Border::Edge);
    let mut mixed = Picture::of(&blurred.bytes(), 255, x.shape);
    let Shape { height, width, channels } = x.shape;
    for _ in 0..rounds {
        for row in (2..height).rev() {
            for column in (2..width).rev() {
                let (right, down) = (random.below(2) as usize, random.below(2) as usize);
                let (here, there) = (row * width + column, (row - down) * width + column - right);
                (0..channels)
                    .for_each(|c| mixed.values[here * channels + c] = mixed.values[there * channels + c]);
            }
        }
    }
    mixed.gaussian(sigma, TRUNCATE, Border::Edge)
}

/// A trail in a direction within 45 degrees of the horizontal.
pub fn motion(x: &Picture, level: usize, random: &mut Generator) -> Picture {
    let (radius, sigma) = MOTION[level];
    x.correlate(&trail(radius, sigma, 90.0 * random.unit() - 45.0), Border::Edge)
}

/// One half of a Gaussian along a line, at the pixels nearest to it; its weights sum to one.
pub fn trail(radius: usize, sigma: f64, degrees: f64) -> Vec<Tap> {
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let at = |distance: i64, along: f64| (distance as f64 * along - 0.5).ceil() as i64;
    let taps = bell(0..2 * radius as i64 + 1, sigma);
    taps.into_iter().map(|(distance, weight)| (at(distance, sine), at(distance, cosine), weight)).collect()
}

/// The mean of the image and of the image at every zoom from 1 in steps of 0.01.
pub fn zoom(x: Picture, level: usize) -> Picture {
    let steps = ZOOM[level];
    let mut sum = x.values.clone();
    for step in 0..=steps {
        let zoomed = zoomed(&x, 1.0 + step as f64 / 100.0);
        sum.iter_mut().zip(&zoomed.values).for_each(|(sum, value)| *sum += value);
    }
    Picture { shape: x.shape, values: sum }.map(|value| value / (steps + 2) as f64)
}

/// The middle of the image, enlarged by `factor` to the size it had; bilinear.
pub fn zoomed(x: &Picture, factor: f64) -> Picture {
    let (rows, columns) = (Cut::of(x.shape.height, factor), Cut::of(x.shape.width, factor));
    x.map_places(|row, column, channel| {
        x.between(rows.source(row), columns.source(column), channel, Border::Edge)
    })
}

/// A part of a line of pixels that is stretched, and where the result is cut to its old length.
struct Cut {
    start: f64,
    /// Distance between sources of neighbours.
    pitch: f64,
    skipped: usize,
}

impl Cut {
    fn of(length: usize, factor: f64) -> Self {
        let part = ((length as f64 / factor).ceil() as usize).min(length);
        let stretched = (part as f64 * factor).round() as usize;
        let pitch = if stretched > 1 { (part - 1) as f64 / (stretched - 1) as f64 } else { 0.0 };
        Self { start: ((length - part) / 2) as f64, pitch, skipped: stretched.saturating_sub(length) / 2 }
    }

    fn source(&self, place: usize) -> f64 {
        self.start + (self.skipped + place) as f64 * self.pitch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_sum_to_one() {
        for (radius, softness) in DEFOCUS {
            let sum: f64 = disk(radius, softness).iter().map(|(_, _, weight)| weight).sum();
            assert!((sum - 1.0).abs() < 1e-12, "disk {radius}: {sum}");
        }
        for (radius, sigma) in MOTION {
            let sum: f64 = trail(radius, sigma, 30.0).iter().map(|(_, _, weight)| weight).sum();
            assert!((sum - 1.0).abs() < 1e-12, "trail {radius}: {sum}");
        }
    }

    #[test]
    fn a_trail_runs_along_its_angle() {
        let ends = |degrees| trail(6, 1.0, degrees).last().map(|&(rows, columns, _)| (rows, columns));
        assert_eq!([0.0, 45.0, -90.0].map(ends), [Some((0, 12)), Some((8, 8)), Some((-12, 0))]);
    }

    #[test]
    fn glass_copies_neighbours_above_and_to_the_left() {
        let shape = Shape { height: 9, width: 9, channels: 1 };
        let bytes: Vec<u8> = (0..81).map(|k| 3 * k).collect();
        let mut random = Generator::keyed(crate::data::random::Purpose::Corruption, &[0]);
        let mixed = glass(&Picture::of(&bytes, 255, shape), 0, &mut random).bytes();
        let moved = |k: usize| usize::from((bytes[k] - mixed[k]) / 3);
        assert!((0..81).all(|k| [0, 1, 9, 10].contains(&moved(k))), "{mixed:?}");
        assert!(
            (0..81).filter(|k| k / 9 < 2 || k % 9 < 2).all(|k| moved(k) == 0),
            "the script leaves two lines"
        );
        // A copy loses what it covers; an exchange would lose nothing.
        let mut kept = mixed.clone();
        kept.sort();
        kept.dedup();
        assert!(kept.len() < 70, "{} levels of 81", kept.len());
    }
}
