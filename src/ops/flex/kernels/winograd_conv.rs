//! A convolution in Winograd's domain: transform, multiply, transform back.
//!
//! Of many tiles a task takes a block, with all weights transformed before; of few it takes some channels, whose weights
//! it transforms for itself, so that weights are not written to memory and read from there.

use pulp::Simd;

use super::direct::Shape;
use super::filters::padded;
use super::lanes::{BLOCK, width};
use super::minimal::{Filtering, Tiled, dispatch_tiled};
use super::parallel::{Shared, for_each, threads};
use super::rows::pieces;
use super::scratch::Scratch;
use super::tile::{Step, Steps, keep, multiply, repeated};
use super::tiling::{Overlap, Taps, Tiling};
use super::winograd::{
    Domain, Field, Part, in_parts, transform_gradient, transform_input, transform_input_grad,
    transform_output,
};
use super::winograd_weight::transform_weights;

/// Tiles of one block.
const TILES: usize = 48;

struct Call<'a> {
    tiling: Tiling,
    taps: Taps,
    shape: Shape,
    weight: &'a [f32],
    start: Vec<f32>,
    zeros: Vec<f32>,
    steps: Vec<Step>,
    /// Tiles that are transformed together.
    together: usize,
    /// Of these, with room for whole register tiles.
    domain: Domain,
    x: &'a [f32],
    y: Shared,
}

/// `y`: every value is written. A bias needs tiles that do not overlap in `y`.
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
    assert!(bias.is_none() || tiling.overlap == Overlap::Read);
    let shape = Shape::of(width(), tiling.produced());
    let tasks = by_channels(&tiling, shape.channels());
    let together = if tasks.is_some() { tiling.tiles() } else { block(&tiling, shape) };
    let tiles = together.next_multiple_of(shape.segments * shape.run);
    let domain = Domain { points: tiling.points(), blocks: tiling.reduced() / BLOCK, tiles, width: BLOCK };
    let step = |index: usize| Step { offset: index * domain.block(), lanes: BLOCK, line: index * BLOCK };
    let call = Call {
        start: padded(bias, tiling.produced(), shape.channels()),
        zeros: vec![0.0; tiling.inputs],
        steps: (0..domain.blocks).map(step).collect(),
        y: Shared::new(y),
        tiling,
        taps,
        shape,
        weight,
        together,
        domain,
        x,
    };
    if tiling.overlap == Overlap::Written {
        pieces(
            y.len(),
            #[inline(always)]
            // SAFETY: pieces do not overlap.
            |range| unsafe { call.y.slice_mut(range.start, range.len()).fill(0.0) },
        );
    }
    match tasks {
        Some(tasks) => call.by_channels(tasks),
        None => call.by_tiles(),
    }
}

/// Tiles per task where tasks take all channels: few tasks where there are few tiles, so that weights are read less often.
/// Where tiles overlap, a task takes whole images.
fn block(tiling: &Tiling, shape: Shape) -> usize {
    let share = tiling.tiles().div_ceil(threads());
    let count = if share <= TILES * 3 / 2 { share } else { TILES };
    match tiling.overlap {
        Overlap::Read => count.next_multiple_of(shape.segments * shape.run),
        Overlap::Written => count.next_multiple_of(tiling.per_image()),
    }
}

/// How many tasks there are, if each takes some channels: where all transformed tiles, which each of them reads, are no more
/// than all transformed weights, which each block of tiles would read. Where views overlap, a task takes all of its channels.
fn by_channels(tiling: &Tiling, width: usize) -> Option<usize> {
    let tasks = match tiling.overlap {
        Overlap::Read => Some(tiling.produced().div_ceil(width)),
        Overlap::Written => tiling.outputs.is_multiple_of(width).then_some(tiling.outputs / width),
    };
    tasks.filter(|&tasks| tasks >= threads() && tiling.tiles() <= tiling.produced())
}

impl Call<'_> {
    /// Values of the weights of a tile of channels.
    fn length(&self) -> usize {
        self.tiling.points() * self.tiling.line(self.shape.channels())
    }

    fn channels(&self) -> usize {
        self.tiling.produced().div_ceil(self.shape.channels())
    }

    fn by_tiles(&self) {
        let mut filters = Scratch::take(self.channels() * self.length());
        let shared = Shared::new(&mut filters);
        for_each(self.channels(), |tile| {
            // SAFETY: each index has its own tile.
            let out = unsafe { shared.slice_mut(tile * self.length(), self.length()) };
            dispatch_tiled(self.tiling.tile, Weights { call: self, tile, out });
        });
        for_each(self.tiling.tiles().div_ceil(self.together), |index| {
            let work = Work::Tiles { first: index * self.together, filters: &filters };
            dispatch_tiled(self.tiling.tile, Task { call: self, work });
        });
    }

    fn by_channels(&self, tasks: usize) {
        let mut source = Scratch::take(self.domain.len());
        let shared = Shared::new(&mut source);
        in_parts(0, self.tiling.tiles(), |part| {
            dispatch_tiled(self.tiling.tile, Transform { call: self, part, out: &shared });
        });
        for_each(tasks, |first| {
            for tile in (first..self.channels()).step_by(tasks) {
                let work = Work::Channels { tile, source: &source };
                dispatch_tiled(self.tiling.tile, Task { call: self, work });
            }
        });
    }
}

/// The weights of a tile of channels, to be transformed.
struct Weights<'a> {
    call: &'a Call<'a>,
    tile: usize,
    out: &'a mut [f32],
}

impl Tiled for Weights<'_> {
    #[inline(always)]
    fn with_filtering<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(self, simd: S) {
        let Self { call: Call { tiling, taps, weight, shape, .. }, tile, out } = self;
        let width = shape.channels();
        transform_weights::<S, F, OUT, IN>(simd, tiling, taps, weight, tile * width, width, out);
    }
}

/// Tiles that are transformed, into memory that no other thread uses.
struct Transform<'a> {
    call: &'a Call<'a>,
    part: Part,
    out: &'a Shared,
}

impl Tiled for Transform<'_> {
    #[inline(always)]
    fn with_filtering<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(self, simd: S) {
        let Self { call: Call { tiling, zeros, x: values, domain, .. }, part, out } = self;
        let field = Field { values, size: tiling.input, channels: tiling.inputs, zeros };
        // SAFETY: whoever made this promises that these tiles of the memory are its own.
        unsafe {
            match tiling.overlap {
                Overlap::Read => transform_input::<S, F, OUT, IN>(simd, tiling, field, part, *domain, out),
                Overlap::Written => {
                    transform_gradient::<S, F, OUT, IN>(simd, tiling, field, part, *domain, out)
                }
            }
        }
    }
}

enum Work<'a> {
    /// All channels of a block of tiles, by all weights.
    Tiles { first: usize, filters: &'a [f32] },
    /// One tile of channels of all tiles, which are transformed.
    Channels { tile: usize, source: &'a [f32] },
}

struct Task<'a> {
    call: &'a Call<'a>,
    work: Work<'a>,
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
        let Self { call, ref work } = *self;
        match *work {
            Work::Tiles { first, filters } => {
                let count = call.together.min(call.tiling.tiles() - first);
                let part = Part { first, count, place: 0, channel: 0 };
                let mut source = Scratch::take(call.domain.len());
                let out = &Shared::new(&mut source);
                Transform { call, part, out }.with_filtering::<S, F, OUT, IN>(simd);
                for (tile, filters) in filters.chunks_exact(call.length()).enumerate() {
                    self.produce::<S, F, OUT, IN, SEG, RUN, NV>(simd, &source, filters, part, tile);
                }
            }
            Work::Channels { tile, source } => {
                let mut filters = Scratch::take(call.length());
                let part = Part { first: 0, count: call.tiling.tiles(), place: 0, channel: 0 };
                Weights { call, tile, out: &mut filters }.with_filtering::<S, F, OUT, IN>(simd);
                self.produce::<S, F, OUT, IN, SEG, RUN, NV>(simd, source, &filters, part, tile);
            }
        }
    }

    /// A tile of channels of some tiles, by its weights.
    #[inline(always)]
    fn produce<
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
        source: &[f32],
        filters: &[f32],
        part: Part,
        tile: usize,
    ) {
        let Call { tiling, domain, start, y, .. } = self.call;
        let width = NV * S::F32_LANES;
        debug_assert_eq!(width, self.call.shape.channels());
        let result = Domain { blocks: 1, width, ..*domain };
        let mut product = Scratch::take(result.len());
        for (point, weights) in filters.chunks_exact(tiling.line(width)).enumerate() {
            let source = &source[point * domain.point()..][..domain.blocks * domain.block()];
            let product = &mut product[point * result.point()..][..result.block()];
            self.product::<S, SEG, RUN, NV>(simd, source, weights, product, part.count);
        }
        let part = Part { channel: tile * width, ..part };
        let start = &start[tile * width..][..width];
        // SAFETY: these channels of these tiles are this task's, or of whole images and all views where they overlap.
        unsafe {
            match tiling.overlap {
                Overlap::Read => {
                    transform_output::<S, F, OUT, IN, NV>(simd, tiling, &product, part, result, start, y)
                }
                Overlap::Written => {
                    transform_input_grad::<S, F, OUT, IN, NV>(simd, tiling, &product, part, result, y)
                }
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
