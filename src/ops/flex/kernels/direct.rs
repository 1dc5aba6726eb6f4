//! Convolutions and their input gradients by direct summation.

use pulp::{Simd, WithSimd};

use super::filters::{Filters, padded};
use super::lanes::{dispatch, load_some, store_some, width};
use super::parallel::{Shared, for_each, threads};
use super::plan::{Phase, Plan, Run};
use super::scratch::Scratch;
use super::tile::multiply;

/// Packed images of one task, in values: half a mebibyte stays in a second-level cache.
const TASK: usize = 1 << 17;

/// Shape of the register tile: segments, pixels per run, vectors of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub segments: usize,
    pub run: usize,
    pub vectors: usize,
}

impl Shape {
    /// The tile for this machine: as many sums as fit the registers beside a line of weights.
    pub fn of(lanes: usize, channels: usize) -> Self {
        match (lanes, channels.div_ceil(lanes)) {
            (16, 1) => Self { segments: 6, run: 4, vectors: 1 },
            (16, _) | (4, _) => Self { segments: 3, run: 4, vectors: 2 },
            (8, 1) => Self { segments: 6, run: 2, vectors: 1 },
            (8, _) => Self { segments: 3, run: 2, vectors: 2 },
            _ => Self { segments: 2, run: 2, vectors: 2 },
        }
    }

    pub fn channels(&self) -> usize {
        self.vectors * width()
    }
}

/// What every task of a call shares.
struct Call<'a> {
    plan: &'a Plan,
    filters: Filters,
    start: Vec<f32>,
    shape: Shape,
    x: &'a [f32],
    y: Shared,
}

/// `y`: every value is written.
pub fn convolve(plan: &Plan, shape: Shape, x: &[f32], weight: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    assert_eq!(y.len(), plan.images * plan.image);
    let filters = Filters::pack(plan, weight, shape.channels());
    let start = padded(bias, plan.channels, shape.channels());
    let call = Call { plan, filters, start, shape, x, y: Shared::new(y) };
    let (group, splits) = call.split();
    for_each(plan.images.div_ceil(group) * splits, |index| {
        let first = index / splits * group;
        let images = [first, plan.images.min(first + group)];
        dispatch(Task { call: &call, images, split: [index % splits, splits] });
    });
}

impl Call<'_> {
    fn tiles(&self) -> usize {
        self.plan.channels.div_ceil(self.shape.channels())
    }

    /// Images per task, and parts that the output channels are split into.
    fn split(&self) -> (usize, usize) {
        let wanted = if threads() == 1 { 1 } else { 4 * threads() };
        let fits = (TASK / self.plan.source.image().max(1)).max(1);
        let group = fits.min(self.plan.images.div_ceil(wanted)).max(1);
        let groups = self.plan.images.div_ceil(group);
        (group, wanted.div_ceil(groups.max(1)).clamp(1, self.tiles().max(1)))
    }
}

struct Task<'a> {
    call: &'a Call<'a>,
    images: [usize; 2],
    /// Which part of the output channels, and of how many.
    split: [usize; 2],
}

impl WithSimd for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (S::F32_LANES, self.call.shape.vectors) {
            (16, 1) => self.run::<S, 6, 4, 1>(simd),
            (16 | 4, _) => self.run::<S, 3, 4, 2>(simd),
            (8, 1) => self.run::<S, 6, 2, 1>(simd),
            (8, _) => self.run::<S, 3, 2, 2>(simd),
            _ => self.run::<S, 2, 2, 2>(simd),
        }
    }
}

impl Task<'_> {
    #[inline(always)]
    fn run<S: Simd, const SEG: usize, const RUN: usize, const NV: usize>(&self, simd: S) {
        let plan = self.call.plan;
        let source = plan.source;
        let [first, end] = self.images;
        let pixels = source.size[0] * source.size[1] * source.channels;
        // The last run may read past its row, and so past the last image.
        let mut packed = Scratch::take((end - first) * source.image() + RUN * super::lanes::BLOCK);
        for (image, part) in (first..end).zip(packed.chunks_exact_mut(source.image().max(1))) {
            source.pack(simd, &self.call.x[image * pixels..][..pixels], part);
        }
        let tiles = self.call.tiles();
        let [part, parts] = self.split;
        for tile in part * tiles / parts..(part + 1) * tiles / parts {
            if plan.adds {
                self.clear::<S, NV>(tile);
            }
            for (index, phase) in plan.phases.iter().enumerate() {
                self.sweep::<S, SEG, RUN, NV>(
                    simd,
                    &packed,
                    phase,
                    self.call.filters.tile(index, tile),
                    tile,
                );
            }
        }
    }

    /// Zeros for one tile of channels.
    #[inline(always)]
    fn clear<S: Simd, const NV: usize>(&self, tile: usize) {
        let Plan { image, channels, .. } = *self.call.plan;
        let channel = tile * NV * S::F32_LANES;
        let count = (NV * S::F32_LANES).min(channels - channel);
        for pixel in self.images[0] * image / channels..self.images[1] * image / channels {
            // SAFETY: these images and channels are this task's alone.
            unsafe { self.call.y.slice_mut(pixel * channels + channel, count) }.fill(0.0);
        }
    }

    /// All pixels of a phase, one tile of channels.
    #[inline(always)]
    fn sweep<S: Simd, const SEG: usize, const RUN: usize, const NV: usize>(
        &self,
        simd: S,
        packed: &[f32],
        phase: &Phase,
        weights: &[f32],
        tile: usize,
    ) {
        let plan = self.call.plan;
        let [first, end] = self.images;
        let images = end - first;
        let total = images * phase.runs.len();
        let channel = tile * NV * S::F32_LANES;
        let start = &self.call.start[channel..][..NV * S::F32_LANES];
        let place = |index: usize| {
            // Neighbours are the same run of several images: they meet the same rows of the kernel.
            let (image, run) = (index % images, phase.runs[index / images]);
            let base = image * plan.source.image() + run.base;
            (base, Run { at: (first + image) * plan.image + run.at + channel, ..run })
        };
        for group in (0..total).step_by(SEG) {
            let mut bases = [packed.as_ptr(); SEG];
            let mut runs = [Run { base: 0, at: 0, count: 0, rows: [0; 2] }; SEG];
            let mut rows = [usize::MAX, 0];
            for segment in 0..SEG {
                // A short last group repeats its last run.
                let (base, run) = place((group + segment).min(total - 1));
                bases[segment] = packed[base..].as_ptr();
                runs[segment] = run;
                rows = [rows[0].min(run.rows[0]), rows[1].max(run.rows[1])];
            }
            let (steps, line) = phase.part([rows[0].min(rows[1]), rows[1]]);
            let weights = weights[line * NV * S::F32_LANES..].as_ptr();
            // SAFETY: a plan's offsets stay inside the packed image, but for the columns of a short run, which
            // read at most `RUN` pixels beyond and are there; weights and start were packed for this tile.
            let sums = unsafe { multiply::<S, SEG, RUN, NV>(simd, bases, steps, weights, start.as_ptr()) };
            for (segment, run) in sums.iter().zip(runs).take(total - group) {
                self.write::<S, RUN, NV>(simd, segment, run, channel);
            }
        }
    }

    #[inline(always)]
    fn write<S: Simd, const RUN: usize, const NV: usize>(
        &self,
        simd: S,
        sums: &[[S::f32s; NV]; RUN],
        run: Run,
        channel: usize,
    ) {
        let plan = self.call.plan;
        let channels = plan.channels - channel;
        let whole = channels >= NV * S::F32_LANES;
        for (r, pixel) in sums.iter().enumerate().take(run.count) {
            let out = self.call.y.at(run.at + r * plan.pixel, channels.min(NV * S::F32_LANES));
            for (v, &value) in pixel.iter().enumerate() {
                let at = out.wrapping_add(v * S::F32_LANES);
                let count = if whole { S::F32_LANES } else { channels.saturating_sub(v * S::F32_LANES) };
                let count = count.min(S::F32_LANES);
                if count > 0 {
                    // SAFETY: `count` values of a pixel and channels that this task alone writes.
                    unsafe {
                        let value =
                            if plan.adds { simd.add_f32s(value, load_some(simd, at, count)) } else { value };
                        store_some::<S>(at, value, count);
                    }
                }
            }
        }
    }
}
