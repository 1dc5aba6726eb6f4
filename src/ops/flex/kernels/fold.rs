//! The gradient of a convolution for an input of few channels, whose pixels alone would leave vectors empty: a matrix
//! product gives what every output pixel owes to all it sees, and each is added where it belongs.

use super::geometry::Geometry;
use super::parallel::{Shared, for_each};
use super::product::{Matrix, product};
use super::rows::vectorised;
use super::scratch::Scratch;

/// Values owed by the rows of the output that are worked on together.
const PATCHES: usize = 1 << 15;

/// `dx`: every value is written.
pub fn input_grad(geometry: &Geometry, grad: &[f32], weight: &[f32], dx: &mut [f32]) {
    let weight = &by_place(geometry, weight);
    let [image, source] = [geometry.input, geometry.output].map(|[height, width]| height * width);
    let (image, source) = (image * geometry.inputs, source * geometry.outputs);
    assert!(dx.len() == geometry.images * image && grad.len() == geometry.images * source);
    let dx = Shared::new(dx);
    for_each(geometry.images, |index| {
        // SAFETY: images do not overlap.
        let dx = unsafe { dx.slice_mut(index * image, image) };
        one_image(geometry, &grad[index * source..][..source], weight, dx);
    });
}

/// Weights as (output, row, column, input), the order of what an output pixel sees.
fn by_place(geometry: &Geometry, weight: &[f32]) -> Scratch {
    let (inputs, taps) = (geometry.inputs, geometry.kernel * geometry.kernel);
    let mut out = Scratch::take(weight.len());
    for (from, to) in weight.chunks_exact(inputs * taps).zip(out.chunks_exact_mut(inputs * taps)) {
        for (place, value) in to.iter_mut().enumerate() {
            *value = from[place % inputs * taps + place / inputs];
        }
    }
    out
}

fn one_image(geometry: &Geometry, grad: &[f32], weight: &[f32], dx: &mut [f32]) {
    let Geometry { input: [height, width], inputs, output, outputs, kernel, stride, padding, .. } = *geometry;
    let (reach, depth) = (kernel * inputs, kernel * kernel * inputs);
    let line = ((output[1] - 1) * stride + kernel).max(padding + width) * inputs;
    let mut padded = Scratch::zeroed(((output[0] - 1) * stride + kernel).max(padding + height) * line);
    let rows = (PATCHES / (output[1] * depth)).clamp(1, output[0]);
    let mut patches = Scratch::take(rows * output[1] * depth);
    for first in (0..output[0]).step_by(rows) {
        let rows = rows.min(output[0] - first);
        let grad = Matrix::new(&grad[first * output[1] * outputs..], outputs);
        let sizes = [rows * output[1], depth, outputs];
        product((&mut patches, depth), sizes, 1.0, [grad, Matrix::new(weight, depth)]);
        vectorised(
            #[inline(always)]
            || {
                for (pixel, patch) in patches.chunks_exact(depth).enumerate().take(rows * output[1]) {
                    let [y, x] = [(first + pixel / output[1]) * stride, pixel % output[1] * stride];
                    for (ky, part) in patch.chunks_exact(reach).enumerate() {
                        let to = &mut padded[(y + ky) * line + x * inputs..][..reach];
                        to.iter_mut().zip(part).for_each(|(to, value)| *to += value);
                    }
                }
            },
        );
    }
    for (y, row) in dx.chunks_exact_mut(width * inputs).enumerate() {
        row.copy_from_slice(&padded[(y + padding) * line + padding * inputs..][..row.len()]);
    }
}
