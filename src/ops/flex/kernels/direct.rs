//! Convolutions and their input gradients by direct summation.

use pulp::{Simd, WithSimd};

use super::filters::{Filters, padded};
use super::lanes::{dispatch, store_some, width};
use super::parallel::{Shared, even, for_each, threads};
use super::plan::{Phase, Plan, Run, Window};
use super::scratch::Scratch;
use super::tile::{keep, kept, multiply, repeated};

/// Packed images of one task, in values: half a mebibyte, so that twice as much stays in a second-level cache.
const TASK: usize = 1 << 17;

/// Weights of one part of the reduction, in values: half of a first-level cache.
const PART: usize = 6 << 10;

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

/// `y`: every value is written. The plan's images come in whole groups.
pub fn convolve(plan: &Plan, x: &[f32], weight: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    let shape = Shape::of(width(), plan.channels);
    assert_eq!(y.len(), plan.images * plan.image);
    assert!(plan.group > 0 && plan.images.is_multiple_of(plan.group));
    let filters = Filters::pack(plan, weight, shape.channels());
    let start = padded(bias, plan.channels, shape.channels());
    let call = Call { plan, filters, start, shape, x, y: Shared::new(y) };
    let groups = plan.images / plan.group;
    let (each, splits) = call.split();
    for_each(groups.div_ceil(each) * splits, |index| {
        let first = index / splits * each;
        let groups = [first, groups.min(first + each)];
        dispatch(Task { call: &call, groups, split: [index % splits, splits] });
    });
}

impl Call<'_> {
    fn tiles(&self) -> usize {
        self.plan.channels.div_ceil(self.shape.channels())
    }

    /// Groups of images per task, and parts that the output channels are split into.
    fn split(&self) -> (usize, usize) {
        let wanted = if threads() == 1 { 1 } else { 2 * threads() };
        let fits = (TASK / self.plan.source.length().max(1)).max(1);
        let groups = self.plan.images / self.plan.group;
        let mut each = fits.min(groups.div_ceil(wanted)).max(1);
        if self.plan.group > 1 {
            // A register tile of one pixel of as many groups as it has segments leaves out most.
            each = each.next_multiple_of(self.shape.segments);
        }
        let tasks = groups.div_ceil(each);
        (each, even(self.tiles(), wanted.div_ceil(tasks.max(1))))
    }
}

struct Task<'a> {
    call: &'a Call<'a>,
    groups: [usize; 2],
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
        let [first, end] = self.groups;
        let source = plan.source;
        let images = plan.group * source.image();
        // The last run may read past its row, and so past the last image.
        let mut packed = Scratch::take((end - first) * source.length() + RUN * super::lanes::BLOCK);
        for (group, part) in (first..end).zip(packed.chunks_exact_mut(source.length().max(1))) {
            source.pack(simd, &self.call.x[group * images..][..images], part);
        }
        let tiles = self.call.tiles();
        let [part, parts] = self.split;
        for tile in part * tiles / parts..(part + 1) * tiles / parts {
            for (index, phase) in plan.phases.iter().enumerate() {
                let weights = self.call.filters.tile(index, tile);
                self.sweep::<S, SEG, RUN, NV>(simd, &packed, phase, weights, tile);
            }
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
        let [first, end] = self.groups;
        let groups = end - first;
        let total = groups * phase.runs.len();
        let channel = tile * NV * S::F32_LANES;
        let start = &self.call.start[channel..][..NV * S::F32_LANES];
        let place = |index: usize| {
            // Neighbours are the same run of several groups: they meet the same part of the kernel.
            let (group, run) = (index % groups, phase.runs[index / groups]);
            let base = group * plan.source.length() + run.base;
            (base, Run { at: (first + group) * plan.group * plan.image + run.at + channel, ..run })
        };
        let parts = phase.parts(PART / (NV * S::F32_LANES));
        let length = SEG * RUN * NV * S::F32_LANES;
        let mut between = Scratch::take(if parts.len() > 1 { total.div_ceil(SEG) * length } else { 0 });
        for (index, &part) in parts.iter().enumerate() {
            for group in (0..total).step_by(SEG) {
                let (base, run) = place(group);
                let (mut bases, mut runs) = ([packed[base..].as_ptr(); SEG], [run; SEG]);
                for segment in 1..SEG {
                    // A short last group repeats its last run.
                    let (base, run) = place((group + segment).min(total - 1));
                    bases[segment] = packed[base..].as_ptr();
                    runs[segment] = run;
                }
                let window = runs[1..].iter().fold(run.window, |all: Window, run| all.hull(run.window));
                let steps = phase.steps(window, part);
                // SAFETY: a plan's offsets stay inside the packed images, but for the columns of a short run, which
                // read at most `RUN` pixels beyond and are there; weights and start were packed for this tile.
                let sums = unsafe {
                    let sums = match index {
                        0 => repeated::<S, SEG, RUN, NV>(simd, start.as_ptr()),
                        _ => kept::<S, SEG, RUN, NV>(simd, between[group / SEG * length..].as_ptr()),
                    };
                    multiply::<S, SEG, RUN, NV>(simd, sums, bases, steps, weights.as_ptr())
                };
                if index + 1 < parts.len() {
                    // SAFETY: a tile's room.
                    unsafe { keep::<S, SEG, RUN, NV>(&sums, between[group / SEG * length..].as_mut_ptr()) };
                    continue;
                }
                for (segment, run) in sums.iter().zip(runs).take(total - group) {
                    self.write::<S, RUN, NV>(segment, run, channel);
                }
            }
        }
    }

    #[inline(always)]
    fn write<S: Simd, const RUN: usize, const NV: usize>(
        &self,
        sums: &[[S::f32s; NV]; RUN],
        run: Run,
        channel: usize,
    ) {
        let plan = self.call.plan;
        let channels = plan.channels - channel;
        let whole = channels >= NV * S::F32_LANES;
        for (r, pixel) in sums.iter().enumerate().take(run.count) {
            let out = self.call.y.at(run.at + r * plan.stride(), channels.min(NV * S::F32_LANES));
            for (v, &value) in pixel.iter().enumerate() {
                let at = out.wrapping_add(v * S::F32_LANES);
                let count = if whole { S::F32_LANES } else { channels.saturating_sub(v * S::F32_LANES) };
                let count = count.min(S::F32_LANES);
                if count > 0 {
                    // SAFETY: `count` values of a pixel and channels that this task alone writes.
                    unsafe { store_some::<S>(at, value, count) };
                }
            }
        }
    }
}
