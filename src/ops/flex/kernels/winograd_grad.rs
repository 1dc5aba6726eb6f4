//! The gradient of a convolution for its weight in Winograd's domain; chunks as in `weight_grad`.

use std::ops::Range;

use pulp::Simd;

use super::lanes::{BLOCK, load, store, width};
use super::minimal::{Filtering, Tiled, dispatch_tiled};
use super::parallel::{Shared, for_each, threads};
use super::rows::vectorised;
use super::scratch::Scratch;
use super::tile::outer;
use super::tiling::{Taps, Tiling};
use super::weight_grad::{CHUNKS, Shape};
use super::winograd::{Domain, Field, Part, transform_gradient, transform_input, transform_weight_grad};

/// Values of all partial sums together.
const PARTIAL: usize = 1 << 21;

/// Points transformed at a time, of all tiles together.
const BATCH: usize = 2048;

struct Call<'a> {
    tiling: Tiling,
    taps: Taps,
    width: usize,
    x: &'a [f32],
    grad: &'a [f32],
    zeros: Vec<f32>,
    /// `[chunk][tile of channels][point][reduced channel][width]`.
    sums: Shared,
    chunks: usize,
}

/// `dw`, `[outputs, inputs, kernel, kernel]`; every value is written.
pub fn weight_grad((tiling, taps): (Tiling, Taps), x: &[f32], grad: &[f32], dw: &mut [f32]) {
    assert_eq!(x.len(), tiling.images * tiling.input[0] * tiling.input[1] * tiling.inputs);
    assert_eq!(grad.len(), tiling.images * tiling.output[0] * tiling.output[1] * tiling.outputs);
    assert_eq!(dw.len(), tiling.outputs * taps.output);
    let width = Shape::of(width(), tiling.outputs).vectors * width();
    let tiles = tiling.outputs.div_ceil(width);
    let length = tiling.points() * tiling.line(width);
    let chunks = (PARTIAL / (tiles * length)).clamp(1, CHUNKS).min(tiling.images);
    let mut sums = Scratch::take(chunks * tiles * length);
    let zeros = vec![0.0; tiling.inputs.max(tiling.outputs)];
    let call = Call { tiling, taps, width, x, grad, zeros, sums: Shared::new(&mut sums), chunks };
    let splits = (2 * threads()).div_ceil(chunks).clamp(1, tiles);
    for_each(chunks * splits, |index| {
        let (chunk, split) = (index / splits, index % splits);
        let tiles = split * tiles / splits..(split + 1) * tiles / splits;
        dispatch_tiled(tiling.tile, Task { call: &call, chunk, tiles });
    });
    let dw = Shared::new(dw);
    for_each(tiles, |tile| call.collect(tile, &dw));
}

impl Call<'_> {
    fn length(&self) -> usize {
        self.tiling.points() * self.tiling.line(self.width)
    }

    fn place(&self, chunk: usize, tile: usize) -> usize {
        (chunk * self.tiling.outputs.div_ceil(self.width) + tile) * self.length()
    }

    /// Adds the chunks of one tile of channels, in order, and transforms them back.
    fn collect(&self, tile: usize, dw: &Shared) {
        let (length, width) = (self.length(), self.width);
        // SAFETY: each tile is collected once, after all tasks have ended.
        let total = unsafe { self.sums.slice_mut(self.place(0, tile), length) };
        for chunk in 1..self.chunks {
            // SAFETY: as above; chunks do not overlap.
            let part = unsafe { self.sums.slice_mut(self.place(chunk, tile), length) };
            vectorised(
                #[inline(always)]
                || total.iter_mut().zip(part.iter()).for_each(|(sum, value)| *sum += *value),
            );
        }
        let channels = width.min(self.tiling.outputs - tile * width);
        let length = self.taps.output;
        // SAFETY: each output channel belongs to one tile.
        let out = unsafe { dw.slice_mut(tile * width * length, channels * length) };
        dispatch_tiled(self.tiling.tile, Collected { call: self, total, out });
    }
}

/// Sums of one tile of channels, to be transformed back.
struct Collected<'a> {
    call: &'a Call<'a>,
    total: &'a [f32],
    out: &'a mut [f32],
}

impl Tiled for Collected<'_> {
    #[inline(always)]
    fn with_filtering<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(self, simd: S) {
        let Call { tiling, taps, width, .. } = self.call;
        for reduced in 0..tiling.reduced() {
            let total = &self.total[reduced * width..];
            let found = transform_weight_grad::<S, F, OUT, IN>(simd, total, tiling.line(*width), *width);
            let (view, input) = (reduced / tiling.inputs, reduced % tiling.inputs);
            for (channel, out) in self.out.chunks_exact_mut(taps.output).enumerate() {
                for (found, place) in found.iter().zip(&taps.places[view]) {
                    if let Some(place) = place {
                        out[input * taps.input + place] = found[channel];
                    }
                }
            }
        }
    }
}

struct Task<'a> {
    call: &'a Call<'a>,
    chunk: usize,
    tiles: Range<usize>,
}

impl Tiled for Task<'_> {
    #[inline(always)]
    fn with_filtering<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(self, simd: S) {
        match (S::F32_LANES, self.call.width / S::F32_LANES) {
            (16, 1) => self.run::<S, F, OUT, IN, 16, 1>(simd),
            (8, 1) => self.run::<S, F, OUT, IN, 8, 1>(simd),
            (16 | 4, _) => self.run::<S, F, OUT, IN, 8, 2>(simd),
            _ => self.run::<S, F, OUT, IN, 4, 2>(simd),
        }
    }
}

impl Task<'_> {
    #[inline(always)]
    fn run<
        S: Simd,
        F: Filtering<OUT, IN>,
        const OUT: usize,
        const IN: usize,
        const RI: usize,
        const NV: usize,
    >(
        &self,
        simd: S,
    ) {
        let Call { tiling, zeros, x, grad, chunks, width, .. } = self.call;
        let chunk = |index: usize| index * tiling.images / chunks * tiling.per_image();
        let range = chunk(self.chunk)..chunk(self.chunk + 1);
        let points = tiling.points();
        let size = (BATCH / points).min(range.len());
        let source_domain = Domain { points, blocks: tiling.reduced() / BLOCK, tiles: size, width: BLOCK };
        let grad_domain = Domain { points, blocks: self.tiles.len(), tiles: size, width: *width };
        let mut source = Scratch::take(source_domain.len());
        let mut gradient = Scratch::take(grad_domain.len());
        // SAFETY: each task has its own chunk and tiles of channels.
        let sums = unsafe {
            let start = self.call.place(self.chunk, self.tiles.start);
            self.call.sums.slice_mut(start, self.tiles.len() * self.call.length())
        };
        for first in range.clone().step_by(size.max(1)) {
            let count = size.min(range.end - first);
            let part = Part { first, count, channel: self.tiles.start * width };
            transform_input::<S, F, OUT, IN>(
                simd,
                tiling,
                Field { values: x, zeros },
                part,
                source_domain,
                &mut source,
            );
            transform_gradient::<S, F, OUT, IN>(
                simd,
                tiling,
                Field { values: grad, zeros },
                part,
                grad_domain,
                &mut gradient,
            );
            for point in 0..points {
                let source = &source[point * source_domain.point()..][..source_domain.point()];
                let gradient = &gradient[point * grad_domain.point()..][..grad_domain.point()];
                for (tile, sums) in sums.chunks_exact_mut(self.call.length()).enumerate() {
                    let sums = &mut sums[point * tiling.line(*width)..][..tiling.reduced() * width];
                    let gradient = &gradient[tile * grad_domain.block()..][..count * width];
                    for (part, sums) in sums.chunks_exact_mut(RI * width).enumerate() {
                        let lane = part * RI;
                        let source = &source[lane / BLOCK * source_domain.block() + lane % BLOCK..];
                        let fresh = first == range.start;
                        self.accumulate::<S, RI, NV>(simd, source, gradient, count, fresh, sums);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn accumulate<S: Simd, const RI: usize, const NV: usize>(
        &self,
        simd: S,
        source: &[f32],
        gradient: &[f32],
        count: usize,
        fresh: bool,
        sums: &mut [f32],
    ) {
        assert!(source.len() >= (count - 1) * BLOCK + RI && sums.len() == RI * NV * S::F32_LANES);
        let mut tile = [[simd.splat_f32s(0.0); NV]; RI];
        // SAFETY: `count` tiles of `RI` lanes and `NV` vectors, asserted above and by the caller's slices.
        unsafe { outer::<S, RI, NV>(simd, &mut tile, source.as_ptr(), gradient.as_ptr(), count) };
        for (at, value) in tile.as_flattened().iter().enumerate() {
            // SAFETY: `sums` has `RI · NV` vectors.
            unsafe {
                let to = sums.as_mut_ptr().add(at * S::F32_LANES);
                let before = if fresh { simd.splat_f32s(0.0) } else { load::<S>(to) };
                store::<S>(to, simd.add_f32s(before, *value));
            }
        }
    }
}
