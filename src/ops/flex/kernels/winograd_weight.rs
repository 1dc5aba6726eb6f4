//! The transform of weights to Winograd's domain and its transpose, which brings their gradient back.

use pulp::Simd;

use super::lanes::{BLOCK, WIDEST, load, store};
use super::minimal::Filtering;
use super::tiling::{Taps, Tiling};

/// Nine taps of each of some channels.
type Lines = [[f32; WIDEST]; 9];

/// Weights of the produced channels from `first` on, `width` of them, in Winograd's domain: `G g Gᵀ`, at each point a line
/// for each reduced channel.
#[inline(always)]
pub fn transform_weights<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(
    simd: S,
    tiling: &Tiling,
    taps: &Taps,
    weight: &[f32],
    first: usize,
    width: usize,
    out: &mut [f32],
) {
    assert!(width <= WIDEST);
    let end = tiling.produced().min(first + width);
    let mut produced = [(0, 0); WIDEST];
    let produced = &mut produced[..end - first];
    for (channel, place) in (first..end).zip(produced.iter_mut()) {
        *place = (channel / tiling.outputs, channel % tiling.outputs * taps.output);
    }
    for view in 0..tiling.read.all() {
        // Taps that a view lacks stay zero.
        let mut lines: [Lines; BLOCK] = [[[0.0; WIDEST]; 9]; BLOCK];
        for first in (0..tiling.inputs).step_by(BLOCK) {
            gather(taps, weight, view, first, produced, &mut lines);
            for (channel, g) in (first..).zip(&lines) {
                let line = (view * tiling.inputs + channel) * width;
                transform_weight::<S, F, OUT, IN>(simd, g, tiling.line(width), width, &mut out[line..]);
            }
        }
    }
}

/// The taps of some reduced channels from `first` on, side by side for the produced ones, of which view and place are given.
/// Several at once: a vector read where single values were just written has to wait for them.
#[inline(always)]
fn gather(
    taps: &Taps,
    weight: &[f32],
    view: usize,
    first: usize,
    produced: &[(usize, usize)],
    lines: &mut [Lines; BLOCK],
) {
    assert!(produced.len() <= WIDEST);
    for (lane, &(other, at)) in produced.iter().enumerate() {
        // One of the two has the views.
        let places = &taps.places[view + other];
        for (channel, lines) in (first..).zip(lines.iter_mut()) {
            let kernel = &weight[at + channel * taps.input..][..taps.kernel];
            for (line, place) in lines.iter_mut().zip(places) {
                if let Some(place) = place {
                    line[lane] = kernel[*place];
                }
            }
        }
    }
}

/// `G g Gᵀ` for `width` channels, at points `stride` apart.
#[inline(always)]
fn transform_weight<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(
    simd: S,
    g: &Lines,
    stride: usize,
    width: usize,
    out: &mut [f32],
) {
    assert!(width.is_multiple_of(S::F32_LANES) && out.len() >= (IN * IN - 1) * stride + width);
    for lane in (0..width).step_by(S::F32_LANES) {
        // SAFETY: lines have `WIDEST` values.
        let g = |tap: usize| unsafe { load::<S>(g[tap].as_ptr().add(lane)) };
        let mut rows = [[simd.splat_f32s(0.0); 3]; IN];
        for c in 0..3 {
            let column = F::weight(simd, [g(c), g(3 + c), g(6 + c)]);
            rows.iter_mut().zip(column).for_each(|(row, value)| row[c] = value);
        }
        for (r, row) in rows.into_iter().enumerate() {
            for (c, value) in F::weight(simd, row).into_iter().enumerate() {
                // SAFETY: the last point's vectors end inside `out`, asserted above.
                unsafe { store::<S>(out.as_mut_ptr().add((r * IN + c) * stride + lane), value) };
            }
        }
    }
}

/// `Gᵀ u G`, the transpose of [`transform_weight`]: nine taps for each of `width` output channels.
#[inline(always)]
pub fn transform_weight_grad<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(
    simd: S,
    u: &[f32],
    stride: usize,
    width: usize,
) -> Lines {
    assert!(width <= WIDEST && width.is_multiple_of(S::F32_LANES));
    assert!(u.len() >= (IN * IN - 1) * stride + width);
    let mut g: Lines = [[0.0; WIDEST]; 9];
    for lane in (0..width).step_by(S::F32_LANES) {
        let zero = simd.splat_f32s(0.0);
        let mut rows = [[zero; IN]; 3];
        for c in 0..IN {
            let mut column = [zero; IN];
            for (r, value) in column.iter_mut().enumerate() {
                // SAFETY: the last point's vectors end inside `u`, asserted above.
                *value = unsafe { load::<S>(u.as_ptr().add((r * IN + c) * stride + lane)) };
            }
            let taps = F::weight_grad(simd, column);
            rows.iter_mut().zip(taps).for_each(|(row, value)| row[c] = value);
        }
        for (r, row) in rows.into_iter().enumerate() {
            for (c, value) in F::weight_grad(simd, row).into_iter().enumerate() {
                // SAFETY: lines have `WIDEST` values.
                unsafe { store::<S>(g[r * 3 + c].as_mut_ptr().add(lane), value) };
            }
        }
    }
    g
}
