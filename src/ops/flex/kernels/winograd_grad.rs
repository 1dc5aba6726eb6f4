//! The gradient of a convolution for its weight in Winograd's domain.
//!
//! Where the sums of all points stay in a cache, images are dealt to chunks as in `weight_grad`. Where they do not, a
//! thread takes those of some channels, which do, over as many tiles as are transformed at once: sums are read and written
//! once for each such pass, or not at all where there is one.

use std::ops::Range;

use pulp::Simd;

use super::lanes::{BLOCK, load, store, width};
use super::minimal::{Filtering, Tiled, dispatch_tiled};
use super::parallel::{Shared, even, for_each, for_each_part, threads};
use super::rows::vectorised;
use super::scratch::Scratch;
use super::tile::outer;
use super::tiling::{Taps, Tiling};
use super::weight_grad::{CHUNKS, Shape};
use super::winograd::{Domain, Field, Part, in_parts, transform_gradient, transform_input};
use super::winograd_weight::transform_weight_grad;

/// Values of all partial sums together.
const PARTIAL: usize = 1 << 21;

/// Fewest tiles of a chunk: what each adds to the sums must outweigh writing them and adding them up.
const ALONE: usize = 64;

/// Points transformed at a time by a chunk, of all tiles together.
const BATCH: usize = 2048;

/// Most sums of which a chunk's share stays in a second-level cache beside what is added to it.
const CACHED: usize = 1 << 20;

/// The same for the sums of a unit, of which each thread has its own.
const UNIT: usize = 160 << 10;

/// Most values transformed at a time where sums are kept between; half as many as there are sums, at most.
const TRANSFORMED: usize = 1 << 21;

struct Call<'a> {
    tiling: Tiling,
    taps: Taps,
    width: usize,
    /// Parts of equal length that the reduced channels of each view are cut into.
    groups: usize,
    x: &'a [f32],
    grad: &'a [f32],
    zeros: Vec<f32>,
}

/// A tile of produced channels and a group of reduced ones, which have their sums side by side.
#[derive(Clone, Copy)]
struct Unit {
    tile: usize,
    group: usize,
}

/// `dw`, `[outputs, inputs, kernel, kernel]`; every value is written.
pub fn weight_grad((tiling, taps): (Tiling, Taps), x: &[f32], grad: &[f32], dw: &mut [f32]) {
    assert_eq!(x.len(), tiling.images * tiling.input[0] * tiling.input[1] * tiling.inputs);
    assert_eq!(grad.len(), tiling.images * tiling.output[0] * tiling.output[1] * tiling.outputs);
    assert_eq!(dw.len(), tiling.outputs * taps.output);
    let width = Shape::of(width(), tiling.outputs).vectors * width();
    let tiles = tiling.outputs.div_ceil(width);
    let wanted =
        (tiling.points() * tiling.reduced() * width).div_ceil(UNIT).max((2 * threads()).div_ceil(tiles));
    let groups = even(tiling.inputs / BLOCK, wanted);
    let zeros = vec![0.0; tiling.inputs.max(tiling.outputs)];
    let dw = Shared::new(dw);
    let call = Call { tiling, taps, width, groups, x, grad, zeros };
    if call.sums() > CACHED { call.by_units(&dw) } else { call.by_chunks(&dw) }
}

impl Call<'_> {
    fn tiles(&self) -> usize {
        self.tiling.outputs.div_ceil(self.width)
    }

    fn units(&self) -> usize {
        self.tiles() * self.groups
    }

    fn unit(&self, index: usize) -> Unit {
        Unit { tile: index / self.groups, group: index % self.groups }
    }

    /// Reduced channels of a view in a unit.
    fn channels(&self) -> usize {
        self.tiling.inputs / self.groups
    }

    /// Reduced channels in a unit.
    fn reduced(&self) -> usize {
        self.channels() * self.tiling.read.all()
    }

    /// Distance between the points of a unit's sums: a cache line more than needed, so that they do not fall on one cache set.
    fn line(&self) -> usize {
        self.reduced() * self.width + BLOCK
    }

    /// A unit's sums, `[point][reduced channel][width]`.
    fn length(&self) -> usize {
        self.tiling.points() * self.line()
    }

    /// Sums of all units. What is added to what follows from them, so that their number must not from threads, as that of
    /// groups does.
    fn sums(&self) -> usize {
        self.tiling.points() * self.tiling.reduced() * self.tiles() * self.width
    }

    /// Of source and gradient, for some tiles and tiles of channels.
    fn domains(&self, size: usize, tiles: usize) -> [Domain; 2] {
        let points = self.tiling.points();
        let blocks = self.tiling.reduced() / BLOCK;
        [
            Domain { points, blocks, tiles: size, width: BLOCK },
            Domain { points, blocks: tiles, tiles: size, width: self.width },
        ]
    }

    /// All tiles for a unit at a time, in passes where they are too many to be transformed at once.
    fn by_units(&self, dw: &Shared) {
        let (all, each) =
            (self.tiling.tiles(), self.tiling.points() * (self.tiling.reduced() + self.tiles() * self.width));
        let most = TRANSFORMED.min(self.sums() / 2);
        // A single pass keeps no sums, and may take their memory.
        let passes = if all * each <= self.sums() + most { 1 } else { all.div_ceil((most / each).max(1)) };
        let size = all.div_ceil(passes);
        // The largest first: memory that was larger elsewhere serves it.
        let mut sums = Scratch::take(if passes > 1 { self.units() * self.length() } else { 0 });
        let sums = Shared::new(&mut sums);
        let [source, gradient] = self.domains(size, self.tiles());
        let mut memory = [Scratch::take(source.len()), Scratch::take(gradient.len())];
        let [into_source, into_gradient] = memory.each_mut().map(|memory| Shared::new(memory));
        for first in (0..all).step_by(size) {
            let count = size.min(all - first);
            in_parts(first, count, |part| {
                let into = [(source, &into_source), (gradient, &into_gradient)];
                dispatch_tiled(self.tiling.tile, Transform { call: self, part, into });
            });
            for_each(self.units(), |index| {
                let mut own = Scratch::take(if passes > 1 { 0 } else { self.length() });
                let sums = match passes {
                    1 => &mut own[..],
                    // SAFETY: each index has its own unit.
                    _ => unsafe { sums.slice_mut(index * self.length(), self.length()) },
                };
                let from = [(source, &memory[0][..]), (gradient, &memory[1][..])];
                let work = Sum {
                    call: self,
                    unit: self.unit(index),
                    count,
                    fresh: first == 0,
                    from,
                    start: 0,
                    sums,
                };
                dispatch_tiled(self.tiling.tile, work);
                if first + count == all {
                    dispatch_tiled(
                        self.tiling.tile,
                        Collected { call: self, unit: self.unit(index), total: sums, dw },
                    );
                }
            });
        }
    }

    /// Images dealt to chunks, of each of which there are sums, `[chunk][unit]`.
    fn by_chunks(&self, dw: &Shared) {
        let length = self.units() * self.length();
        let fill = (PARTIAL / self.sums()).min(self.tiling.tiles() / ALONE).min(self.tiling.images);
        let chunks = fill.clamp(1, CHUNKS);
        let mut sums = Scratch::take(chunks * length);
        let sums = &Shared::new(&mut sums);
        for_each_part(chunks, self.tiles(), 2 * threads(), |chunk, tiles| {
            let start = |index: usize| index * self.tiling.images / chunks * self.tiling.per_image();
            let images = start(chunk)..start(chunk + 1);
            // SAFETY: each task has its own chunk and tiles of channels, whose units lie side by side.
            let sums = unsafe {
                let each = self.groups * self.length();
                sums.slice_mut(chunk * length + tiles.start * each, tiles.len() * each)
            };
            dispatch_tiled(self.tiling.tile, Chunk { call: self, range: images, tiles, sums });
        });
        for_each(self.units(), |index| {
            // SAFETY: each unit is collected once, after all tasks have ended; chunks do not overlap.
            let of = |chunk: usize| unsafe {
                sums.slice_mut(chunk * length + index * self.length(), self.length())
            };
            let total = of(0);
            for part in (1..chunks).map(of) {
                vectorised(
                    #[inline(always)]
                    || total.iter_mut().zip(part.iter()).for_each(|(sum, value)| *sum += *value),
                );
            }
            dispatch_tiled(self.tiling.tile, Collected { call: self, unit: self.unit(index), total, dw });
        });
    }
}

/// Sums of a unit, to be transformed back.
struct Collected<'a> {
    call: &'a Call<'a>,
    unit: Unit,
    total: &'a [f32],
    dw: &'a Shared,
}

impl Tiled for Collected<'_> {
    #[inline(always)]
    fn with_filtering<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(self, simd: S) {
        let Self { call, unit: Unit { tile, group }, total, dw } = self;
        let Call { tiling, taps, width, .. } = call;
        let channels = (*width).min(tiling.outputs - tile * width);
        for reduced in 0..call.reduced() {
            let total = &total[reduced * width..];
            let found = transform_weight_grad::<S, F, OUT, IN>(simd, total, call.line(), *width);
            let (view, input) =
                (reduced / call.channels(), group * call.channels() + reduced % call.channels());
            for channel in 0..channels {
                // SAFETY: each pair of channels belongs to one unit.
                let out = unsafe {
                    dw.slice_mut((tile * width + channel) * taps.output + input * taps.input, taps.kernel)
                };
                for (found, place) in found.iter().zip(&taps.places[view]) {
                    if let Some(place) = place {
                        out[*place] = found[channel];
                    }
                }
            }
        }
    }
}

/// Tiles of a chunk's images, and tiles of channels, of which the gradient is summed.
struct Chunk<'a> {
    call: &'a Call<'a>,
    range: Range<usize>,
    tiles: Range<usize>,
    /// Of the units of these tiles of channels.
    sums: &'a mut [f32],
}

impl Tiled for Chunk<'_> {
    #[inline(always)]
    fn with_filtering<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(self, simd: S) {
        let Self { call, range, tiles, sums } = self;
        let size = (BATCH / call.tiling.points()).min(range.len());
        let [source, gradient] = call.domains(size, tiles.len());
        let mut memory = [Scratch::take(source.len()), Scratch::take(gradient.len())];
        for first in range.clone().step_by(size.max(1)) {
            let count = size.min(range.end - first);
            let part = Part { first, count, place: 0, channel: tiles.start * call.width };
            let [a, b] = memory.each_mut().map(|memory| Shared::new(memory));
            let into = [(source, &a), (gradient, &b)];
            Transform { call, part, into }.with_filtering::<S, F, OUT, IN>(simd);
            for (index, sums) in sums.chunks_exact_mut(call.length()).enumerate() {
                let unit = call.unit(tiles.start * call.groups + index);
                let from = [(source, &memory[0][..]), (gradient, &memory[1][..])];
                Sum { call, unit, count, fresh: first == range.start, from, start: tiles.start, sums }
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
        let source_field = Field { values: x, size: tiling.input, channels: tiling.inputs, zeros };
        let gradient_field = Field { values: grad, size: tiling.output, channels: tiling.outputs, zeros };
        // SAFETY: whoever made this promises that these tiles of the memory are its own.
        unsafe {
            transform_input::<S, F, OUT, IN>(simd, tiling, source_field, part, source.0, source.1);
            transform_gradient::<S, F, OUT, IN>(simd, tiling, gradient_field, part, gradient.0, gradient.1);
        }
    }
}

/// Adds `count` transformed tiles to the sums of a unit.
struct Sum<'a> {
    call: &'a Call<'a>,
    unit: Unit,
    count: usize,
    /// Whether nothing has been summed yet.
    fresh: bool,
    from: [(Domain, &'a [f32]); 2],
    /// The first of the gradient's tiles of channels.
    start: usize,
    sums: &'a mut [f32],
}

impl Tiled for Sum<'_> {
    #[inline(always)]
    fn with_filtering<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(mut self, simd: S) {
        match (S::F32_LANES, self.call.width / S::F32_LANES) {
            (16, 1) => self.run::<S, 16, 1>(simd),
            (8, 1) => self.run::<S, 8, 1>(simd),
            (16 | 4, _) => self.run::<S, 8, 2>(simd),
            _ => self.run::<S, 4, 2>(simd),
        }
    }
}

impl Sum<'_> {
    #[inline(always)]
    fn run<S: Simd, const RI: usize, const NV: usize>(&mut self, simd: S) {
        let Self {
            call,
            unit,
            count,
            fresh,
            from: [(domain, source), (other, gradient)],
            start,
            ref mut sums,
        } = *self;
        let (channels, inputs) = (call.channels(), call.tiling.inputs);
        let length = call.reduced() * call.width;
        for (point, sums) in sums.chunks_exact_mut(call.line()).enumerate() {
            let source = &source[point * domain.point()..][..domain.point()];
            let gradient =
                &gradient[point * other.point() + (unit.tile - start) * other.block()..][..other.block()];
            for (part, sums) in sums[..length].chunks_exact_mut(RI * call.width).enumerate() {
                let (view, lane) = (part * RI / channels, part * RI % channels);
                let lane = view * inputs + unit.group * channels + lane;
                let source = &source[lane / BLOCK * domain.block() + lane % BLOCK..];
                accumulate::<S, RI, NV>(simd, source, gradient, count, fresh, sums);
            }
        }
    }
}

/// One register tile over `count` transformed tiles; of `fresh` sums, what they hold is not read.
#[inline(always)]
fn accumulate<S: Simd, const RI: usize, const NV: usize>(
    simd: S,
    source: &[f32],
    gradient: &[f32],
    count: usize,
    fresh: bool,
    sums: &mut [f32],
) {
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
