//! A convolution in Winograd's domain: transform, multiply, transform back, a block of tiles at a time.

use pulp::Simd;

use super::direct::Shape;
use super::filters::padded;
use super::lanes::{BLOCK, width};
use super::minimal::{Filtering, Tiled, dispatch_tiled};
use super::parallel::{Shared, for_each, threads};
use super::scratch::Scratch;
use super::tile::{Step, Steps, keep, multiply, repeated};
use super::tiling::{Taps, Tiling};
use super::winograd::{Domain, Field, Part, transform_input, transform_output, transform_weights};

/// Tiles of one block.
const TILES: usize = 48;

struct Call<'a> {
    tiling: Tiling,
    shape: Shape,
    /// `[tile of channels][point][reduced channel][width]`.
    filters: Scratch,
    start: Vec<f32>,
    zeros: Vec<f32>,
    steps: Vec<Step>,
    block: usize,
    x: &'a [f32],
    y: Shared,
}

/// `y`: every value is written.
pub fn convolve(
    (tiling, taps): (Tiling, Taps),
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let [height, width_] = tiling.output;
    assert_eq!(y.len(), tiling.images * height * width_ * tiling.outputs);
    assert_eq!(x.len(), tiling.images * tiling.input[0] * tiling.input[1] * tiling.inputs);
    let shape = Shape::of(width(), tiling.produced());
    let block = block(&tiling, shape.segments * shape.run);
    let domain =
        Domain { points: tiling.points(), blocks: tiling.reduced() / BLOCK, tiles: block, width: BLOCK };
    let step = |index: usize| Step { offset: index * domain.block(), lanes: BLOCK, line: index * BLOCK };
    let call = Call {
        tiling,
        shape,
        filters: filters(&tiling, &taps, weight, shape.channels()),
        start: padded(bias, tiling.produced(), shape.channels()),
        zeros: vec![0.0; tiling.inputs],
        steps: (0..domain.blocks).map(step).collect(),
        block,
        x,
        y: Shared::new(y),
    };
    for_each(tiling.tiles().div_ceil(block), |index| {
        dispatch_tiled(tiling.tile, Task { call: &call, first: index * block, domain })
    });
}

/// Tiles per task, a multiple of `tile`: few tasks where there are few tiles, so that weights are read less often.
fn block(tiling: &Tiling, tile: usize) -> usize {
    let share = tiling.tiles().div_ceil(threads());
    if share <= TILES * 3 / 2 { share.next_multiple_of(tile) } else { TILES.next_multiple_of(tile) }
}

fn filters(tiling: &Tiling, taps: &Taps, weight: &[f32], width: usize) -> Scratch {
    let tiles = tiling.produced().div_ceil(width);
    let length = tiling.points() * tiling.line(width);
    let mut out = Scratch::take(tiles * length);
    let shared = Shared::new(&mut out);
    for_each(tiles, |tile| {
        // SAFETY: each index has its own tile.
        let out = unsafe { shared.slice_mut(tile * length, length) };
        dispatch_tiled(tiling.tile, Weights { tiling, taps, weight, first: tile * width, width, out });
    });
    out
}

/// The weights of the `width` produced channels from `first` on, to be transformed.
struct Weights<'a> {
    tiling: &'a Tiling,
    taps: &'a Taps,
    weight: &'a [f32],
    first: usize,
    width: usize,
    out: &'a mut [f32],
}

impl Tiled for Weights<'_> {
    #[inline(always)]
    fn with_filtering<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(self, simd: S) {
        let Self { tiling, taps, weight, first, width, out } = self;
        transform_weights::<S, F, OUT, IN>(simd, tiling, taps, weight, first, width, out);
    }
}

struct Task<'a> {
    call: &'a Call<'a>,
    first: usize,
    domain: Domain,
}

impl Tiled for Task<'_> {
    #[inline(always)]
    fn with_filtering<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(self, simd: S) {
        match (S::F32_LANES, self.call.shape.vectors) {
            (16, 1) => self.run::<S, F, OUT, IN, 6, 4, 1>(simd),
            (16 | 4, _) => self.run::<S, F, OUT, IN, 3, 4, 2>(simd),
            (8, 1) => self.run::<S, F, OUT, IN, 6, 2, 1>(simd),
            (8, _) => self.run::<S, F, OUT, IN, 3, 2, 2>(simd),
            _ => self.run::<S, F, OUT, IN, 2, 2, 2>(simd),
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
        const SEG: usize,
        const RUN: usize,
        const NV: usize,
    >(
        &self,
        simd: S,
    ) {
        let Call { tiling, shape, filters, zeros, x, .. } = self.call;
        let width = NV * S::F32_LANES;
        let count = self.call.block.min(tiling.tiles() - self.first);
        let field = Field { values: x, zeros };
        let part = Part { first: self.first, count, channel: 0 };
        let mut source = Scratch::take(self.domain.len());
        transform_input::<S, F, OUT, IN>(simd, tiling, field, part, self.domain, &mut source);
        let result = Domain { points: tiling.points(), blocks: 1, tiles: self.call.block, width };
        let mut product = Scratch::take(result.len());
        debug_assert_eq!(width, shape.channels());
        for (tile, filters) in filters.chunks_exact(tiling.points() * tiling.line(width)).enumerate() {
            for (point, weights) in filters.chunks_exact(tiling.line(width)).enumerate() {
                let source =
                    &source[point * self.domain.point()..][..self.domain.blocks * self.domain.block()];
                let product = &mut product[point * result.point()..][..result.block()];
                self.product::<S, SEG, RUN, NV>(simd, source, weights, product, count);
            }
            let start = &self.call.start[tile * width..][..width];
            // SAFETY: these tiles are this task's, and tasks do not overlap.
            unsafe {
                let part = Part { channel: tile * width, ..part };
                transform_output::<S, F, OUT, IN, NV>(
                    simd,
                    tiling,
                    &product,
                    part,
                    result,
                    start,
                    &self.call.y,
                );
            }
        }
    }

    /// `[tile][channels] · [channels][width]` at one point.
    #[inline(always)]
    fn product<S: Simd, const SEG: usize, const RUN: usize, const NV: usize>(
        &self,
        simd: S,
        source: &[f32],
        weights: &[f32],
        out: &mut [f32],
        count: usize,
    ) {
        let width = NV * S::F32_LANES;
        let zeros = [0.0; 64];
        for first in (0..count).step_by(SEG * RUN) {
            let mut bases = [source.as_ptr(); SEG];
            for (segment, base) in bases.iter_mut().enumerate() {
                *base = source[(first + segment * RUN) * BLOCK..].as_ptr();
            }
            let out = &mut out[first * width..][..SEG * RUN * width];
            // SAFETY: a block holds a multiple of `SEG · RUN` tiles, the weights a line per channel, `zeros` at
            // least `NV` vectors.
            unsafe {
                let zeros = repeated::<S, SEG, RUN, NV>(simd, zeros.as_ptr());
                let steps = Steps::all(&self.call.steps);
                let sums = multiply::<S, SEG, RUN, NV>(simd, zeros, bases, steps, weights.as_ptr());
                keep::<S, SEG, RUN, NV>(&sums, out.as_mut_ptr());
            }
        }
    }
}
