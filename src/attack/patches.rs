//! The l2 moves of Square Attack (Andriushchenko et al., ECCV 2020, section 3.4): bumps of two signs, whose mass is
//! taken from one window and put into another.

use super::square::{Canvas, sign};
use crate::data::Generator;

/// The image a search begins at has a grid of this many bumps a side.
const GRID: usize = 5;

const TINY: f64 = 1e-12;

/// A bump on the left or upper half of a window and its negative on the other, of norm 1, `[side, side]`.
fn bumps(side: usize, generator: &mut Generator) -> Vec<f64> {
    let first = side / 2;
    let (upper, lower) = (bump(first, side), bump(side - first, side));
    let mut values: Vec<f64> = upper.into_iter().chain(lower.into_iter().map(|value| -value)).collect();
    scale(&mut values, 1.0);
    if generator.unit() > 0.5 {
        values = (0..side * side).map(|k| values[k % side * side + k / side]).collect();
    }
    values
}

/// Nested rectangles around the middle: ring k adds 1 / (k + 1)^2 to all inside it, `[h, w]`, norm 1.
fn bump(h: usize, w: usize) -> Vec<f64> {
    let mut values = vec![0.0; h * w];
    let (row, column) = (h as isize / 2, w as isize / 2);
    for ring in 0..(h.max(w) / 2 + 1) as isize {
        let near = |at: usize, middle: isize| (at as isize - middle).abs() <= ring;
        let height = ((ring + 1) as f64).powi(-2);
        for (k, value) in values.iter_mut().enumerate() {
            if near(k / w, row) && near(k % w, column) {
                *value += height;
            }
        }
    }
    scale(&mut values, 1.0);
    values
}

fn norm(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().map(|value| value * value).sum::<f64>().sqrt()
}

fn scale(values: &mut [f64], size: f64) {
    let factor = size / norm(values.iter().copied()).max(TINY);
    values.iter_mut().for_each(|value| *value *= factor);
}

/// A perturbation at length `eps` from the clean image, then inside the pixel range.
fn applied(clean: &[f64], mut perturbation: Vec<f64>, eps: f64) -> Vec<f64> {
    scale(&mut perturbation, eps);
    clean.iter().zip(perturbation).map(|(clean, moved)| (clean + moved).clamp(0.0, 1.0)).collect()
}

/// A grid of bumps, each channel of each with its own sign.
pub(super) fn mosaic(clean: &[f64], canvas: Canvas, eps: f64, generator: &mut Generator) -> Vec<f64> {
    let side = (canvas.h.min(canvas.w) / GRID).max(1);
    let mut perturbation = vec![0.0; clean.len()];
    let margin = |extent: usize| extent % side / 2;
    for top in (0..canvas.h / side).map(|tile| margin(canvas.h) + tile * side) {
        for left in (0..canvas.w / side).map(|tile| margin(canvas.w) + tile * side) {
            let pattern = bumps(side, generator);
            for channel in 0..canvas.c {
                let sign = sign(generator);
                let places = window(canvas, (top, left), side, channel);
                places.zip(&pattern).for_each(|(at, value)| perturbation[at] += sign * value);
            }
        }
    }
    applied(clean, perturbation, eps)
}

/// Puts bumps into one window, with the mass of another that is emptied and what the ball has left.
pub(super) fn moved(
    clean: &[f64],
    x: &[f64],
    canvas: Canvas,
    side: usize,
    eps: f64,
    generator: &mut Generator,
) -> Vec<f64> {
    let side = if side > canvas.h.min(canvas.w) { side - 2 } else { side };
    let mut perturbation: Vec<f64> = x.iter().zip(clean).map(|(x, clean)| x - clean).collect();
    let (target, source) = (canvas.corner(side, generator), canvas.corner(side, generator));
    let pattern = bumps(side, generator);
    let unused = (eps * eps - norm(perturbation.iter().copied()).powi(2)).max(0.0) / canvas.c as f64;
    for channel in 0..canvas.c {
        let sign = sign(generator);
        let filled: Vec<usize> = window(canvas, target, side, channel).collect();
        let emptied: Vec<usize> = window(canvas, source, side, channel).collect();
        let beside = emptied.iter().filter(|at| !filled.contains(at));
        let mass = norm(filled.iter().chain(beside).map(|&at| perturbation[at]));
        let old = norm(filled.iter().map(|&at| perturbation[at])).max(TINY);
        let mut bump: Vec<f64> =
            filled.iter().zip(&pattern).map(|(&at, value)| sign * value + perturbation[at] / old).collect();
        scale(&mut bump, (unused + mass * mass).sqrt());
        emptied.iter().for_each(|&at| perturbation[at] = 0.0);
        filled.iter().zip(bump).for_each(|(&at, value)| perturbation[at] = value);
    }
    applied(clean, perturbation, eps)
}

/// Places of a window's pixels of one channel, row by row.
fn window(
    canvas: Canvas,
    (top, left): (usize, usize),
    side: usize,
    channel: usize,
) -> impl Iterator<Item = usize> {
    (0..side * side).map(move |k| canvas.at(top + k / side, left + k % side, channel))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Purpose;

    #[test]
    fn moves_stay_in_the_ball_and_in_the_pixel_range() {
        let canvas = Canvas { h: 9, w: 9, c: 2 };
        let mut generator = Generator::keyed(Purpose::Attack, &[1]);
        let clean: Vec<f64> = (0..162).map(|_| generator.unit()).collect();
        let mut x = mosaic(&clean, canvas, 0.7, &mut generator);
        for query in 0..200 {
            let side = canvas.side(query, 3) | 1;
            x = moved(&clean, &x, canvas, side, 0.7, &mut generator);
            let size = norm(x.iter().zip(&clean).map(|(x, clean)| x - clean));
            assert!(size <= 0.7 + 1e-9 && x.iter().all(|x| (0.0..=1.0).contains(x)), "{size}");
        }
    }

    #[test]
    fn bumps_have_two_signs_and_norm_one() {
        let mut generator = Generator::keyed(Purpose::Attack, &[2]);
        for side in [1, 2, 3, 7] {
            let values = bumps(side, &mut generator);
            assert!((norm(values.iter().copied()) - 1.0).abs() < 1e-12);
            assert_eq!(values.iter().any(|value| *value > 0.0), side > 1, "side {side}");
        }
    }
}
