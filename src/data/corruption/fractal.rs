//! Clouds and ice: random surfaces that are rough at every scale.

use super::picture::Picture;
use crate::data::corpus::Shape;
use crate::data::random::Generator;

/// Displacement of the coarsest points; each halving of the distance divides it by the decay.
const WIBBLE: f64 = 100.0;

/// Plasma: midpoint displacement on a torus of the next power of two (diamonds and squares; Fournier, Fussell and
/// Carpenter, 1982), scaled to [0, 1] and cut to the size of `shape`.
pub fn plasma(shape: Shape, decay: f64, random: &mut Generator) -> Picture {
    let side = shape.height.max(shape.width).next_power_of_two();
    let mut heights = vec![0.0; side * side];
    let (mut step, mut wibble) = (side, WIBBLE);
    while step >= 2 {
        let half = step / 2;
        let mut displace = |row: usize, column: usize, around: [(usize, usize); 4]| {
            let sum: f64 = around.map(|(y, x)| heights[(y % side) * side + x % side]).iter().sum();
            let moved = wibble * wibble * (2.0 * random.unit() - 1.0);
            heights[row % side * side + column % side] = sum / 4.0 + moved;
        };
        let grid = || (0..side).step_by(step).flat_map(|y| (0..side).step_by(step).map(move |x| (y, x)));
        for (y, x) in grid() {
            displace(y + half, x + half, [(y, x), (y + step, x), (y, x + step), (y + step, x + step)]);
        }
        for (y, x) in grid() {
            let cross = |y: usize, x: usize| {
                [(y + side - half, x), (y + half, x), (y, x + side - half), (y, x + half)]
            };
            displace(y, x + half, cross(y, x + half));
            displace(y + half, x, cross(y + half, x));
        }
        step = half;
        wibble /= decay;
    }
    cut(&normalized(heights), side, shape)
}

fn normalized(heights: Vec<f64>) -> Vec<f64> {
    let low = heights.iter().copied().fold(f64::INFINITY, f64::min);
    let high = heights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = if high > low { high - low } else { 1.0 };
    heights.into_iter().map(|height| (height - low) / range).collect()
}

fn cut(heights: &[f64], side: usize, shape: Shape) -> Picture {
    let rows = heights.chunks(side).take(shape.height);
    let values = rows.flat_map(|row| &row[..shape.width]).copied().collect();
    Picture { shape: Shape { channels: 1, ..shape }, values }
}

/// How fast the surface of ice loses its roughness.
const CRYSTALS: f64 = 1.6;

/// Share of the variance of ice that neighbours have in common.
const COMMON: f64 = 0.36;

/// Ice on a window: a rough surface and grains as fine as pixels, of mean 0 and standard deviation 1.
///
/// Crops of the photographs that the published script lays over images have correlations of 0.34, 0.24, 0.17 and 0.11
/// at distances of 1, 2, 4 and 8 pixels; the shares of surface and grains follow from the first.
pub fn ice(shape: Shape, random: &mut Generator) -> Picture {
    let surface = standardized(plasma(shape, CRYSTALS, random));
    let grains = Picture::plane(shape, || random.normal());
    let mixed = surface.values.iter().zip(&grains.values);
    let values = mixed.map(|(surface, grain)| COMMON.sqrt() * surface + (1.0 - COMMON).sqrt() * grain);
    Picture { shape: surface.shape, values: values.collect() }
}

/// Mean 0 and standard deviation 1; 0 where nothing varies.
fn standardized(plane: Picture) -> Picture {
    let n = plane.values.len().max(1) as f64;
    let mean = plane.values.iter().sum::<f64>() / n;
    let deviation = (plane.values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    plane.map(|value| if deviation > 0.0 { (value - mean) / deviation } else { 0.0 })
}
