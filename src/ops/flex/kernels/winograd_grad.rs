//! The gradient of a convolution for its weight in Winograd's domain.
//!
//! Where the sums of all points stay in a cache, images are dealt to chunks as in `weight_grad`. Where they do not, a
//! thread takes one point of all tiles at a time, so that they are read and written as seldom as can be.

use std::ops::Range;

use pulp::Simd;

use super::lanes::{BLOCK, load, store, width};
use super::minimal::{Filtering, Tiled, dispatch_tiled};
use super::parallel::{Shared, for_each, for_each_part, threads};
use super::rows::vectorised;
use super::scratch::Scratch;
use super::tile::outer;
use super::tiling::{Taps, Tiling};
use super::weight_grad::{CHUNKS, Shape};
use super::winograd::{
    Domain, Field, Part, in_parts, transform_gradient, transform_input, transform_weight_grad,
};

/// Values of all partial sums together.
const PARTIAL: usize = 1 << 21;

/// Fewest tiles of a chunk: what each adds to the sums must outweigh writing them and adding them up.
const ALONE: usize = 64;

/// Points transformed at a time, of all tiles together.
const BATCH: usize = 2048;

/// Most sums that stay in a second-level cache beside what is added to them.
const CACHED: usize = 1 << 20;

/// Most values transformed at a time where a thread takes a point; half as many as there are sums, at most.
const TRANSFORMED: usize = 1 << 21;

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
    let wide = tiles * length > CACHED;
    let fill = (PARTIAL / (tiles * length)).min(tiling.tiles() / ALONE).min(tiling.images);
    let chunks = if wide { 1 } else { fill.clamp(1, CHUNKS) };
    let mut sums = Scratch::take(chunks * tiles * length);
    let zeros = vec![0.0; tiling.inputs.max(tiling.outputs)];
    let call = Call { tiling, taps, width, x, grad, zeros, sums: Shared::new(&mut sums), chunks };
    if wide {
        call.by_points(tiles);
    } else {
        for_each_part(chunks, tiles, 2 * threads(), |chunk, tiles| {
            dispatch_tiled(tiling.tile, Chunk { call: &call, chunk, tiles });
        });
    }
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

    /// Sums of a single chunk, of `tiles` tiles of channels.
    fn by_points(&self, tiles: usize) {
        let (points, all) = (self.tiling.points(), self.tiling.tiles());
        let each = points * (self.tiling.reduced() + tiles * self.width);
        let most = TRANSFORMED.min(tiles * self.length() / 2);
        let passes = all.div_ceil((most / each).max(1));
        let size = all.div_ceil(passes);
        let [source, gradient] = self.domains(size, tiles);
        let mut memory = [Scratch::take(source.len()), Scratch::take(gradient.len())];
        let [into_source, into_gradient] = memory.each_mut().map(|memory| Shared::new(memory));
        for first in (0..all).step_by(size) {
            let count = size.min(all - first);
            in_parts(first, count, |part| {
                let into = [(source, &into_source), (gradient, &into_gradient)];
                dispatch_tiled(self.tiling.tile, Transform { call: self, part, into });
            });
            for_each_part(points, tiles, 2 * threads(), |point, tiles| {
                let from = [(source, &memory[0][..]), (gradient, &memory[1][..])];
                dispatch_tiled(
                    self.tiling.tile,
                    Point { call: self, chunk: 0, point, tiles, count, fresh: first == 0, from },
                );
            });
        }
    }

    /// Of source and gradient.
    fn domains(&self, size: usize, tiles: usize) -> [Domain; 2] {
        let points = self.tiling.points();
        let blocks = self.tiling.reduced() / BLOCK;
        [
            Domain { points, blocks, tiles: size, width: BLOCK },
            Domain { points, blocks: tiles, tiles: size, width: self.width },
        ]
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

/// Images of a chunk, and tiles of channels, of which the gradient is summed.
struct Chunk<'a> {
    call: &'a Call<'a>,
    chunk: usize,
    tiles: Range<usize>,
}

impl Tiled for Chunk<'_> {
    #[inline(always)]
    fn with_filtering<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(self, simd: S) {
        let Self { call, chunk, tiles } = self;
        let Call { tiling, chunks, .. } = call;
        let start = |index: usize| index * tiling.images / chunks * tiling.per_image();
        let range = start(chunk)..start(chunk + 1);
        let size = (BATCH / tiling.points()).min(range.len());
        let [source, gradient] = call.domains(size, tiles.len());
        let mut memory = [Scratch::take(source.len()), Scratch::take(gradient.len())];
        for first in range.clone().step_by(size.max(1)) {
            let count = size.min(range.end - first);
            let part = Part { first, count, place: 0, channel: tiles.start * call.width };
            let [a, b] = memory.each_mut().map(|memory| Shared::new(memory));
            let into = [(source, &a), (gradient, &b)];
            Transform { call, part, into }.with_filtering::<S, F, OUT, IN>(simd);
            for point in 0..tiling.points() {
                let from = [(source, &memory[0][..]), (gradient, &memory[1][..])];
                let fresh = first == range.start;
                Point { call, chunk, point, tiles: tiles.clone(), count, fresh, from }
                    .with_filtering::<S, F, OUT, IN>(simd);
            }
        }
    }
}

/// Tiles of source and gradient that are transformed, into memory that no other thread uses.
struct Transform<'a> {
    call: &'a Call<'a>,
    part: Part,
    into: [(Domain, &'a Shared); 2],
}

impl Tiled for Transform<'_> {
    #[inline(always)]
    fn with_filtering<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(self, simd: S) {
        let Self { call: Call { tiling, x, grad, zeros, .. }, part, into: [source, gradient] } = self;
        let field = |values| Field { values, zeros };
        // SAFETY: whoever made this promises that these tiles of the memory are its own.
        unsafe {
            transform_input::<S, F, OUT, IN>(simd, tiling, field(x), part, source.0, source.1);
            transform_gradient::<S, F, OUT, IN>(simd, tiling, field(grad), part, gradient.0, gradient.1);
        }
    }
}

/// One point of `count` transformed tiles, summed for some tiles of channels.
struct Point<'a> {
    call: &'a Call<'a>,
    chunk: usize,
    point: usize,
    tiles: Range<usize>,
    count: usize,
    /// Whether nothing has been summed yet.
    fresh: bool,
    from: [(Domain, &'a [f32]); 2],
}

impl Tiled for Point<'_> {
    #[inline(always)]
    fn with_filtering<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(self, simd: S) {
        match (S::F32_LANES, self.call.width / S::F32_LANES) {
            (16, 1) => self.run::<S, 16, 1>(simd),
            (8, 1) => self.run::<S, 8, 1>(simd),
            (16 | 4, _) => self.run::<S, 8, 2>(simd),
            _ => self.run::<S, 4, 2>(simd),
        }
    }
}

impl Point<'_> {
    #[inline(always)]
    fn run<S: Simd, const RI: usize, const NV: usize>(&self, simd: S) {
        let Self { call, point, ref tiles, .. } = *self;
        let [source, gradient] =
            self.from.map(|(domain, memory)| &memory[point * domain.point()..][..domain.point()]);
        let blocks = self.from.map(|(domain, _)| domain.block());
        let length = call.tiling.reduced() * call.width;
        for (tile, gradient) in tiles.clone().zip(gradient.chunks_exact(blocks[1])) {
            let at = call.place(self.chunk, tile) + point * call.tiling.line(call.width);
            // SAFETY: each task has its own chunk or point, and tiles of channels.
            let sums = unsafe { call.sums.slice_mut(at, length) };
            for (part, sums) in sums.chunks_exact_mut(RI * call.width).enumerate() {
                let lane = part * RI;
                let source = &source[lane / BLOCK * blocks[0] + lane % BLOCK..];
                self.accumulate::<S, RI, NV>(simd, source, gradient, sums);
            }
        }
    }

    #[inline(always)]
    fn accumulate<S: Simd, const RI: usize, const NV: usize>(
        &self,
        simd: S,
        source: &[f32],
        gradient: &[f32],
        sums: &mut [f32],
    ) {
        let Self { count, fresh, .. } = *self;
        assert!(gradient.len() >= count * NV * S::F32_LANES);
        assert!(source.len() >= (count - 1) * BLOCK + RI && sums.len() == RI * NV * S::F32_LANES);
        let mut tile = [[simd.splat_f32s(0.0); NV]; RI];
        // SAFETY: `count` tiles of `RI` lanes and `NV` vectors, asserted above.
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
