//! Spatter: drops of water that bend the light at their edges, or mud.

use std::collections::VecDeque;

use super::picture::{Border, Picture, Tap, paint};
use crate::data::corpus::Shape;
use crate::data::random::Generator;

/// Mean and deviation of the noise that drops come from, its blur, the threshold, and the strength of the water or the
/// blur of the mud.
struct Drops {
    mean: f64,
    deviation: f64,
    blur: f64,
    threshold: f64,
    last: f64,
    liquid: Liquid,
}

#[derive(Clone, Copy, PartialEq)]
enum Liquid {
    Water,
    Mud,
}

use Liquid::{Mud, Water};

const SPATTER: [Drops; 5] = [
    Drops { mean: 0.62, deviation: 0.1, blur: 0.7, threshold: 0.7, last: 0.5, liquid: Water },
    Drops { mean: 0.65, deviation: 0.1, blur: 0.8, threshold: 0.7, last: 0.5, liquid: Water },
    Drops { mean: 0.65, deviation: 0.3, blur: 1.0, threshold: 0.69, last: 0.5, liquid: Water },
    Drops { mean: 0.65, deviation: 0.1, blur: 0.7, threshold: 0.69, last: 0.6, liquid: Mud },
    Drops { mean: 0.65, deviation: 0.1, blur: 0.5, threshold: 0.68, last: 0.6, liquid: Mud },
];

const TURQUOISE: [f64; 3] = [175.0 / 255.0, 238.0 / 255.0, 238.0 / 255.0];
const BROWN: [f64; 3] = [63.0 / 255.0, 42.0 / 255.0, 20.0 / 255.0];

/// Mud thinner than this is none.
const THIN: f64 = 0.8;

/// Gradients from which a pixel may be, and is, part of an edge.
const EDGE: (i32, i32) = (50, 150);

/// Distances from an edge count up to here, in pixels.
const FAR: i64 = 20;

/// Relief: light from the upper left.
const RELIEF: [[f64; 3]; 3] = [[-2.0, -1.0, 0.0], [-1.0, 1.0, 1.0], [0.0, 1.0, 2.0]];

pub fn spatter(x: Picture, level: usize, random: &mut Generator) -> Picture {
    let drops = &SPATTER[level];
    let layer = Picture::plane(x.shape, || drops.mean + drops.deviation * random.normal());
    let layer = layer.gaussian(drops.blur, 4.0, Border::Edge);
    match drops.liquid {
        Water => water(x, layer, drops),
        Mud => mud(x, layer, drops),
    }
}

fn mud(x: Picture, layer: Picture, drops: &Drops) -> Picture {
    let thick = layer.map(|value| f64::from(value > drops.threshold));
    let thick = thick.gaussian(drops.last, 4.0, Border::Edge);
    let thick = thick.map(|value| if value < THIN { 0.0 } else { value });
    let brown = paint(BROWN, x.shape.channels);
    x.with_plane(&thick, |pixel, thick| {
        let values = pixel.iter_mut().zip(&brown);
        values.for_each(|(value, brown)| *value = *value * (1.0 - thick) + brown * thick);
    })
}

fn water(x: Picture, layer: Picture, drops: &Drops) -> Picture {
    let layer =
        layer.map(|value| if value < drops.threshold { 0.0 } else { (value * 255.0).floor().min(255.0) });
    let shine = relief(&layer);
    let bright = layer.values.iter().zip(&shine.values).map(|(layer, shine)| layer * shine);
    let bright = Picture { shape: layer.shape, values: bright.collect() };
    let most = bright.values.iter().copied().fold(0.0, f64::max);
    if most == 0.0 {
        return x;
    }
    let turquoise = paint(TURQUOISE, x.shape.channels);
    x.with_plane(&bright, |pixel, bright| {
        let values = pixel.iter_mut().zip(&turquoise);
        values.for_each(|(value, colour)| *value += bright / most * drops.last * colour);
    })
}

/// Distance from the edges of the drops, spread over all levels and lit from a side.
fn relief(layer: &Picture) -> Picture {
    let distances = distances(&edges(layer), layer.shape);
    let level = equalized(mean_of_nine(&distances).map(f64::floor));
    let around = (-1..=1).flat_map(|row| (-1..=1).map(move |column| (row, column)));
    let taps: Vec<Tap> = around
        .map(|(row, column)| (row, column, RELIEF[(row + 1) as usize][(column + 1) as usize]))
        .collect();
    let lit = level.correlate(&taps, Border::Mirror).map(|value| value.clamp(0.0, 255.0));
    mean_of_nine(&lit).map(f64::round)
}

fn mean_of_nine(x: &Picture) -> Picture {
    let around = (-1..=1).flat_map(|row| (-1..=1).map(move |column| (row, column, 1.0 / 9.0)));
    x.correlate(&around.collect::<Vec<Tap>>(), Border::Mirror)
}

/// Canny's edges (1986) of a plane of whole levels: ridges of the gradient, followed from strong to weak.
fn edges(layer: &Picture) -> Vec<bool> {
    let Shape { height, width, .. } = layer.shape;
    let gradients: Vec<(i32, i32)> =
        (0..height * width).map(|at| sobel(layer, (at / width) as i64, (at % width) as i64)).collect();
    let size = |row: i64, column: i64| {
        let inside = row >= 0 && column >= 0 && row < height as i64 && column < width as i64;
        if !inside {
            return 0;
        }
        let (right, down) = gradients[row as usize * width + column as usize];
        right.abs() + down.abs()
    };
    let ridge = |at: usize| {
        let (row, column) = ((at / width) as i64, (at % width) as i64);
        let here = size(row, column);
        let (rows, columns) = across(gradients[at]);
        let (before, after) = (size(row - rows, column - columns), size(row + rows, column + columns));
        let diagonal = rows != 0 && columns != 0;
        let highest = here > before && if diagonal { here > after } else { here >= after };
        if highest && here > EDGE.0 { here } else { 0 }
    };
    let ridges: Vec<i32> = (0..height * width).map(ridge).collect();
    followed(&ridges, layer.shape)
}

/// Sobel's gradient to the right and downward.
fn sobel(layer: &Picture, row: i64, column: i64) -> (i32, i32) {
    let at = |rows: i64, columns: i64| layer.beyond(row + rows, column + columns, 0, Border::Edge) as i32;
    let right = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1);
    let down = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1);
    (right, down)
}

/// The neighbour that a gradient points to, in rows and columns.
fn across((right, down): (i32, i32)) -> (i64, i64) {
    let (x, y) = (f64::from(right.abs()), f64::from(down.abs()));
    let tangent = std::f64::consts::FRAC_PI_8.tan();
    if y < x * tangent {
        (0, 1)
    } else if y * tangent > x {
        (1, 0)
    } else if (right < 0) == (down < 0) {
        (1, 1)
    } else {
        (1, -1)
    }
}

/// Strong pixels and the weak ones that hang together with them.
fn followed(ridges: &[i32], shape: Shape) -> Vec<bool> {
    let mut edge: Vec<bool> = ridges.iter().map(|&size| size > EDGE.1).collect();
    let mut open: VecDeque<usize> = (0..edge.len()).filter(|&at| edge[at]).collect();
    while let Some(at) = open.pop_front() {
        let (row, column) = (at / shape.width, at % shape.width);
        for y in row.saturating_sub(1)..(row + 2).min(shape.height) {
            for x in column.saturating_sub(1)..(column + 2).min(shape.width) {
                let next = y * shape.width + x;
                if ridges[next] > 0 && !edge[next] {
                    edge[next] = true;
                    open.push_back(next);
                }
            }
        }
    }
    edge
}

/// Distance of every pixel from the nearest edge, up to [`FAR`]: first along rows, then over them.
fn distances(edges: &[bool], shape: Shape) -> Picture {
    let Shape { height, width, .. } = shape;
    let along = |row: usize, column: usize| {
        let hit = |offset: &i64| {
            [column as i64 - offset, column as i64 + offset]
                .into_iter()
                .any(|x| x >= 0 && x < width as i64 && edges[row * width + x as usize])
        };
        (0..FAR).find(hit).unwrap_or(FAR)
    };
    let rows: Vec<i64> = (0..height * width).map(|at| along(at / width, at % width)).collect();
    let distance = |at: usize| {
        let (row, column) = (at / width, at % width);
        let near = row.saturating_sub(FAR as usize)..(row + FAR as usize).min(height);
        let squares = near.map(|y| rows[y * width + column].pow(2) + (y.abs_diff(row) as i64).pow(2));
        (squares.min().unwrap_or(FAR * FAR) as f64).sqrt().min(FAR as f64)
    };
    Picture { shape: Shape { channels: 1, ..shape }, values: (0..height * width).map(distance).collect() }
}

/// Levels spread so that as many pixels lie below each as its share of 255; one level alone stays.
fn equalized(x: Picture) -> Picture {
    let mut counts = [0usize; 256];
    x.values.iter().for_each(|&value| counts[value as usize] += 1);
    let lowest = counts.iter().position(|&count| count > 0).unwrap_or(0);
    let above = x.values.len() - counts[lowest];
    if above == 0 {
        return x;
    }
    let mut sum = 0;
    let levels: Vec<f64> = (0..256)
        .map(|level| {
            sum += if level > lowest { counts[level] } else { 0 };
            (sum as f64 * 255.0 / above as f64).round()
        })
        .collect();
    x.map(|value| levels[value as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square() -> Picture {
        let shape = Shape { height: 12, width: 12, channels: 1 };
        let plane = Picture { shape, values: vec![0.0; 144] };
        plane.map_places(
            |row, column, _| {
                if (4..8).contains(&row) && (4..8).contains(&column) { 200.0 } else { 0.0 }
            },
        )
    }

    #[test]
    fn edges_go_once_around_a_square() {
        let found = edges(&square());
        let count = found.iter().filter(|edge| **edge).count();
        assert!((8..=16).contains(&count), "{count}");
        let far = |at: usize| !(3..9).contains(&(at / 12)) || !(3..9).contains(&(at % 12));
        assert!(found.iter().enumerate().all(|(at, edge)| !edge || !far(at)));
        assert!(!found[5 * 12 + 5] || !found[6 * 12 + 6]);
    }

    #[test]
    fn distances_are_euclidean() {
        let shape = Shape { height: 30, width: 30, channels: 1 };
        let mut edges = vec![false; 900];
        edges[0] = true;
        edges[29] = true;
        let found = distances(&edges, shape);
        assert_eq!([found.at(0, 0, 0), found.at(3, 4, 0), found.at(3, 25, 0)], [0.0, 5.0, 5.0]);
        assert_eq!(found.at(29, 15, 0), FAR as f64);
        assert!(distances(&[false; 900], shape).values.iter().all(|distance| *distance == FAR as f64));
    }

    #[test]
    fn levels_are_spread_by_their_counts() {
        let shape = Shape { height: 1, width: 4, channels: 1 };
        let levels = |values: [f64; 4]| equalized(Picture { shape, values: values.to_vec() }).values;
        assert_eq!(levels([3.0, 5.0, 5.0, 9.0]), [0.0, 170.0, 170.0, 255.0]);
        assert_eq!(levels([7.0; 4]), [7.0; 4]);
    }
}
