//! The gradient of a convolution for its weight by direct summation.
//!
//! Images are dealt to chunks whose number follows from the sizes alone; each chunk sums into its own buffer and
//! the buffers are added in order, so the result is the same on any number of threads.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::geometry::Geometry;
use super::lanes::{BLOCK, WIDEST, dispatch, load, store, width};
use super::parallel::{Shared, for_each, for_each_part, threads};
use super::plan::{Plan, Run};
use super::plans::{Of, plans};
use super::rows::vectorised;
use super::scratch::Scratch;
use super::tile::outer;

/// Packed values of one block of images: stays in a second-level cache.
const TASK: usize = 1 << 17;
/// Values of all partial sums together.
const PARTIAL: usize = 1 << 20;
/// Chunks of images, at most.
pub const CHUNKS: usize = 16;
/// Fewest pixels of a chunk: what each adds to the sums must outweigh writing them and adding them up.
const ALONE: usize = 256;
/// Weights in a row that are collected at a time.
const COLLECTED: usize = 16;
/// Pixels over which source and gradient stay in the first-level cache.
const PIXELS: usize = 128;

/// Shape of the register tile: lanes of the source, vectors of output channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub lanes: usize,
    pub vectors: usize,
}

impl Shape {
    pub fn of(lanes: usize, channels: usize) -> Self {
        match (lanes, channels.div_ceil(lanes)) {
            (16, 1) => Self { lanes: 16, vectors: 1 },
            (8, 1) => Self { lanes: 8, vectors: 1 },
            (16, _) | (4, _) => Self { lanes: 8, vectors: 2 },
            _ => Self { lanes: 4, vectors: 2 },
        }
    }
}

struct Call<'a> {
    plan: &'a Plan,
    /// For every column of steps the columns of the output at which it lies on the image.
    met: Vec<[usize; 2]>,
    shape: Shape,
    x: &'a [f32],
    grad: &'a [f32],
    /// For every value of an output channel's weight the line of sums it is in.
    lines: Vec<usize>,
    /// `[chunk][tile][step][BLOCK][width]`.
    sums: Shared,
    chunks: usize,
}

/// `dw` of a convolution; every value is written.
pub fn weight_grad(geometry: &Geometry, x: &[f32], grad: &[f32], dw: &mut [f32]) {
    let plan = &plans(geometry, Of::WeightGrad)[0];
    assert_eq!(grad.len(), plan.images * plan.image);
    let shape = Shape::of(width(), plan.channels);
    let channels = shape.vectors * width();
    let tiles = plan.channels.div_ceil(channels);
    let length = plan.phases[0].steps.len() * BLOCK * channels;
    let pixels = plan.images * plan.image / plan.channels.max(1);
    let chunks = (PARTIAL / (tiles * length).max(1)).min(pixels / ALONE).min(plan.images).clamp(1, CHUNKS);
    let mut sums = Scratch::take(chunks * tiles * length);
    let met = geometry.met_columns();
    let lines = plan.phases[0].lines(plan.channel);
    let call = Call { plan, met, shape, x, grad, lines, sums: Shared::new(&mut sums), chunks };
    for_each_part(chunks, tiles, 2 * threads(), |chunk, tiles| {
        dispatch(Task { call: &call, chunk, tiles });
    });
    let dw = Shared::new(dw);
    let parts = threads().min(plan.channel.div_ceil(COLLECTED));
    for_each(tiles * parts, |index| {
        let (tile, part) = (index / parts, index % parts);
        let range = part * plan.channel / parts..(part + 1) * plan.channel / parts;
        vectorised(
            #[inline(always)]
            || call.collect(tile, range, &dw),
        );
    });
}

impl Call<'_> {
    fn channels(&self) -> usize {
        self.shape.vectors * width()
    }

    fn tiles(&self) -> usize {
        self.plan.channels.div_ceil(self.channels())
    }

    /// Values of one tile of sums.
    fn length(&self) -> usize {
        self.plan.phases[0].steps.len() * BLOCK * self.channels()
    }

    fn place(&self, chunk: usize, tile: usize) -> usize {
        (chunk * self.tiles() + tile) * self.length()
    }

    /// Adds the chunks of one tile, in order, and writes a range of each channel's weight.
    #[inline(always)]
    fn collect(&self, tile: usize, range: Range<usize>, dw: &Shared) {
        let (plan, width) = (self.plan, self.channels());
        let channels = width.min(plan.channels - tile * width);
        let part = |chunk: usize| {
            let (at, len) = (self.sums.at(self.place(chunk, tile), self.length()), self.length());
            // SAFETY: in bounds; nobody writes sums once all tasks have ended.
            unsafe { std::slice::from_raw_parts(at, len) }
        };
        for first in range.clone().step_by(COLLECTED) {
            let count = COLLECTED.min(range.end - first);
            let mut found = [[0.0; WIDEST]; COLLECTED];
            for chunk in 0..self.chunks {
                let part = part(chunk);
                for (found, line) in found.iter_mut().zip(&self.lines[first..first + count]) {
                    let line = &part[line * width..][..width];
                    found.iter_mut().zip(line).for_each(|(sum, value)| *sum += *value);
                }
            }
            for channel in 0..channels {
                // SAFETY: each channel and range is written once.
                let out = unsafe { dw.slice_mut((tile * width + channel) * plan.channel + first, count) };
                out.iter_mut().zip(&found).for_each(|(out, found)| *out = found[channel]);
            }
        }
    }
}

/// A row of the output: where its first pixel is in the packed source and gradient, and the rows of the kernel it
/// meets.
#[derive(Clone, Copy)]
struct Span {
    source: usize,
    gradient: usize,
    rows: [usize; 2],
}

struct Task<'a> {
    call: &'a Call<'a>,
    chunk: usize,
    tiles: Range<usize>,
}

impl WithSimd for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (S::F32_LANES, self.call.shape) {
            (16, Shape { vectors: 1, .. }) => self.run::<S, 16, 1>(simd),
            (8, Shape { vectors: 1, .. }) => self.run::<S, 8, 1>(simd),
            (16 | 4, _) => self.run::<S, 8, 2>(simd),
            _ => self.run::<S, 4, 2>(simd),
        }
    }
}

impl Task<'_> {
    #[inline(always)]
    fn run<S: Simd, const RI: usize, const NV: usize>(&self, simd: S) {
        let Call { plan, chunks, .. } = *self.call;
        let (source, pixels) = (plan.source, plan.image / plan.channels.max(1));
        let channels = NV * S::F32_LANES;
        let images = self.chunk * plan.images / chunks..(self.chunk + 1) * plan.images / chunks;
        // From the sizes alone: how images are blocked decides the order of the sums.
        let each = source.length() + plan.image;
        let block = (TASK / each.max(1)).clamp(1, images.len().max(1));
        let mut packed = Scratch::take(block * source.length());
        let mut gradient = Scratch::take(block * pixels * channels * self.tiles.len());
        // SAFETY: each task has its own chunk and tiles.
        let sums = unsafe {
            let start = self.call.place(self.chunk, self.tiles.start);
            self.call.sums.slice_mut(start, self.tiles.len() * self.call.length())
        };
        sums.fill(0.0);
        let area = source.image();
        for first in images.clone().step_by(block) {
            let count = block.min(images.end - first);
            for (image, part) in packed.chunks_exact_mut(source.length().max(1)).take(count).enumerate() {
                source.pack(simd, &self.call.x[(first + image) * area..][..area], part);
            }
            self.pack_gradient::<S, NV>(first..first + count, &mut gradient);
            self.accumulate::<S, RI, NV>(simd, &packed, &gradient, count, sums);
        }
    }

    /// `[tile][image][pixel][width]`, zero beyond the last channel.
    #[inline(always)]
    fn pack_gradient<S: Simd, const NV: usize>(&self, images: Range<usize>, out: &mut [f32]) {
        let plan = self.call.plan;
        let channels = NV * S::F32_LANES;
        let grad = &self.call.grad[images.start * plan.image..images.end * plan.image];
        let pixels = grad.len() / plan.channels;
        for (tile, part) in self.tiles.clone().zip(out.chunks_exact_mut((pixels * channels).max(1))) {
            let first = tile * channels;
            let count = channels.min(plan.channels - first);
            for (pixel, line) in grad.chunks_exact(plan.channels).zip(part.chunks_exact_mut(channels)) {
                if count == channels {
                    let from = &pixel[first..first + channels];
                    for v in 0..NV {
                        // SAFETY: `from` and `line` hold `NV` vectors.
                        unsafe {
                            let value = load::<S>(from.as_ptr().add(v * S::F32_LANES));
                            store::<S>(line.as_mut_ptr().add(v * S::F32_LANES), value);
                        }
                    }
                } else {
                    line[..count].copy_from_slice(&pixel[first..first + count]);
                    line[count..].fill(0.0);
                }
            }
        }
    }

    /// Adds what a packed block of images contributes.
    #[inline(always)]
    fn accumulate<S: Simd, const RI: usize, const NV: usize>(
        &self,
        simd: S,
        packed: &[f32],
        gradient: &[f32],
        images: usize,
        sums: &mut [f32],
    ) {
        let plan = self.call.plan;
        let phase = &plan.phases[0];
        let channels = NV * S::F32_LANES;
        let pixels = plan.image / plan.channels;
        let spans = self.spans(images, channels);
        let together = (PIXELS * phase.runs.len() / pixels.max(1)).max(1);
        let [height, width] = phase.size;
        let per_row = phase.steps.len() / height.max(1);
        for spans in spans.chunks(together) {
            for (tile, sums) in sums.chunks_exact_mut(self.call.length()).enumerate() {
                let gradient = &gradient[tile * images * pixels * channels..][..images * pixels * channels];
                for (index, sums) in sums.chunks_exact_mut(BLOCK * channels).enumerate() {
                    let (step, row) = (phase.steps[index], index / per_row);
                    let columns = self.call.met[index % width];
                    let start = spans.partition_point(|span| row < span.rows[0]);
                    let count = spans[start..].partition_point(|span| row < span.rows[1]);
                    for lane in (0..step.lanes).step_by(RI) {
                        let source = &packed[step.offset + lane..];
                        let sums = &mut sums[lane * channels..][..RI * channels];
                        let spans = &spans[start..start + count];
                        self.tile::<S, RI, NV>(simd, source, gradient, spans, columns, sums);
                    }
                }
            }
        }
    }

    /// Rows of the output of a block of images, the same row of all images together.
    #[inline(always)]
    fn spans(&self, images: usize, channels: usize) -> Vec<Span> {
        let plan = self.call.plan;
        let pixels = plan.image / plan.channels;
        let of = |run: &Run, image: usize| Span {
            source: image * plan.source.length() + run.base,
            gradient: (image * pixels + run.at / plan.channels) * channels,
            rows: run.window.rows,
        };
        plan.phases[0].runs.iter().flat_map(|run| (0..images).map(move |image| of(run, image))).collect()
    }

    /// One register tile over some columns of some rows of the output.
    #[inline(always)]
    fn tile<S: Simd, const RI: usize, const NV: usize>(
        &self,
        simd: S,
        source: &[f32],
        gradient: &[f32],
        spans: &[Span],
        [first, end]: [usize; 2],
        sums: &mut [f32],
    ) {
        let channels = NV * S::F32_LANES;
        let mut tile = [[simd.splat_f32s(0.0); NV]; RI];
        for span in spans {
            let source = &source[span.source + first * BLOCK..];
            let gradient = &gradient[span.gradient + first * channels..];
            // SAFETY: a plan's runs stay inside the packed images, the gradient holds a line per pixel.
            unsafe { outer::<S, RI, NV>(simd, &mut tile, source.as_ptr(), gradient.as_ptr(), end - first) };
        }
        for (line, tile) in sums.chunks_exact_mut(channels).zip(tile) {
            for (v, value) in tile.into_iter().enumerate() {
                // SAFETY: `line` holds `NV` vectors.
                unsafe {
                    let at = line.as_mut_ptr().add(v * S::F32_LANES);
                    store::<S>(at, simd.add_f32s(load::<S>(at), value));
                }
            }
        }
    }
}
