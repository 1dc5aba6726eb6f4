//! Normalisation of rows.

use super::parallel::{Shared, for_each};
use super::rows::{sum, vectorised};

/// Rows of one task.
const ROWS: usize = 16;

/// What is written: rows of `width` values, and one number per row.
pub struct Normalized<'a> {
    pub y: &'a mut [f32],
    pub unit: &'a mut [f32],
    pub rstd: &'a mut [f32],
}

/// `y = unit * scale + shift`, `unit` of mean 0 and variance 1 but for `epsilon`.
pub fn forward(x: &[f32], [scale, shift]: [&[f32]; 2], epsilon: f32, out: Normalized<'_>) {
    let width = scale.len();
    let count = x.len() / width.max(1);
    assert!(shift.len() == width && x.len() == count * width);
    assert!(out.y.len() == x.len() && out.unit.len() == x.len() && out.rstd.len() == count);
    let shared = [Shared::new(out.y), Shared::new(out.unit), Shared::new(out.rstd)];
    for_each(count.div_ceil(ROWS), |task| {
        for row in task * ROWS..((task + 1) * ROWS).min(count) {
            let [y, unit, rstd] = [(0, width), (1, width), (2, 1)].map(|(index, length): (usize, usize)| {
                // SAFETY: rows belong to one task each.
                unsafe { shared[index].slice_mut(row * length, length) }
            });
            let x = &x[row * width..(row + 1) * width];
            rstd[0] = vectorised(
                #[inline(always)]
                || forward_row(x, [scale, shift], epsilon, y, unit),
            );
        }
    });
}

#[inline(always)]
fn forward_row(x: &[f32], [scale, shift]: [&[f32]; 2], epsilon: f32, y: &mut [f32], unit: &mut [f32]) -> f32 {
    let share = 1.0 / x.len() as f32;
    let mean = sum(x, x, |x, _| x) * share;
    let variance = sum(x, x, |x, _| (x - mean) * (x - mean)) * share;
    let rstd = (variance + epsilon).sqrt().recip();
    for (((y, unit), &x), (&scale, &shift)) in y.iter_mut().zip(unit).zip(x).zip(scale.iter().zip(shift)) {
        *unit = (x - mean) * rstd;
        *y = *unit * scale + shift;
    }
    rstd
}

/// Gradient for the input.
pub fn grad(unit: &[f32], rstd: &[f32], grad: &[f32], scale: &[f32], out: &mut [f32]) {
    let width = scale.len();
    let count = rstd.len();
    assert!(unit.len() == count * width && grad.len() == unit.len() && out.len() == unit.len());
    let shared = Shared::new(out);
    for_each(count.div_ceil(ROWS), |task| {
        for (row, &rstd) in rstd.iter().enumerate().skip(task * ROWS).take(ROWS) {
            let range = row * width..(row + 1) * width;
            // SAFETY: rows belong to one task each.
            let out = unsafe { shared.slice_mut(range.start, width) };
            vectorised(
                #[inline(always)]
                || grad_row(&unit[range.clone()], rstd, &grad[range.clone()], scale, out),
            );
        }
    });
}

#[inline(always)]
fn grad_row(unit: &[f32], rstd: f32, grad: &[f32], scale: &[f32], out: &mut [f32]) {
    let share = 1.0 / unit.len() as f32;
    out.iter_mut().zip(grad).zip(scale).for_each(|((out, &grad), &scale)| *out = grad * scale);
    let mean = sum(out, out, |g, _| g) * share;
    let along = sum(out, unit, |g, unit| g * unit) * share;
    out.iter_mut().zip(unit).for_each(|(out, &unit)| *out = (*out - mean - unit * along) * rstd);
}
