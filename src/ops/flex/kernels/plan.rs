//! A convolution, or the gradient of one for its input, as a list of dot products over a packed source.
//!
//! Every output pixel has a base in the source, every part of the reduction an offset from it, the same for all
//! pixels of a phase. A convolution is one phase. Its input gradient is one phase per residue of the stride: pixels
//! of one residue meet the same taps.

use super::lanes::BLOCK;
use super::source::{Form, Source};
use super::tile::Step;

/// Up to this many input channels a kernel's rows are copied out (`Form::Patches`), so that lanes are not empty.
const FEW_CHANNELS: usize = 4;

/// Sizes of a convolution, `[n, h, w, inputs]` to `[n, h', w', outputs]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    pub images: usize,
    pub input: [usize; 2],
    pub inputs: usize,
    pub output: [usize; 2],
    pub outputs: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

/// Consecutive pixels of an output row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// First pixel's base in an image's packed source.
    pub base: usize,
    /// First pixel's place in an image of the result.
    pub at: usize,
    pub count: usize,
}

/// Output pixels that meet the same taps.
pub struct Phase {
    pub steps: Vec<Step>,
    /// Place of each lane of each step in the weight of output channel 0.
    pub rows: Vec<usize>,
    pub runs: Vec<Run>,
}

pub struct Plan {
    pub images: usize,
    pub source: Source,
    pub phases: Vec<Phase>,
    /// Values of one image of the result.
    pub image: usize,
    /// Distance in the result between pixels of a run.
    pub pixel: usize,
    /// Channels of the result.
    pub channels: usize,
    /// Distance in the weight between these channels.
    pub channel: usize,
}

impl Geometry {
    fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// The convolution itself, in runs of at most `run` pixels.
    pub fn forward(&self, run: usize) -> Plan {
        let patches = self.inputs <= FEW_CHANNELS && self.kernel > 1;
        let source = if patches { self.patches() } else { self.padded_input() };
        let (steps, rows) = if patches { self.patch_steps(&source) } else { self.tap_steps(&source) };
        let runs = self.output_runs(run, |y, x| match source.form {
            Form::Patches { .. } => (y * self.output[1] + x) * BLOCK,
            Form::Pixels => source.at(0, y * self.stride, 0) + x * BLOCK,
        });
        Plan {
            images: self.images,
            source,
            phases: vec![Phase { steps, rows, runs }],
            image: self.output[0] * self.output[1] * self.outputs,
            pixel: self.outputs,
            channels: self.outputs,
            channel: self.inputs * self.taps(),
        }
    }

    fn padded_input(&self) -> Source {
        let reach = |size: usize| (size - 1) * self.stride + self.kernel;
        Source {
            size: self.input,
            channels: self.inputs,
            before: self.padding,
            rows: reach(self.output[0]),
            columns: reach(self.output[1]).div_ceil(self.stride),
            planes: self.stride,
            form: Form::Pixels,
        }
    }

    fn patches(&self) -> Source {
        Source {
            size: self.input,
            channels: self.inputs,
            before: self.padding,
            rows: self.output[0],
            columns: self.output[1],
            planes: 1,
            form: Form::Patches { kernel: self.kernel, stride: self.stride },
        }
    }

    fn patch_steps(&self, source: &Source) -> (Vec<Step>, Vec<usize>) {
        let depth = self.taps() * self.inputs;
        let step = |block: usize| Step {
            offset: block * source.area(),
            lanes: (depth - block * BLOCK).min(BLOCK),
        };
        // A patch holds (row, column, channel); the weight (channel, row, column).
        let row = |index: usize| index % self.inputs * self.taps() + index / self.inputs;
        ((0..depth.div_ceil(BLOCK)).map(step).collect(), (0..depth).map(row).collect())
    }

    fn tap_steps(&self, source: &Source) -> (Vec<Step>, Vec<usize>) {
        let (mut steps, mut rows) = (Vec::new(), Vec::new());
        for block in 0..source.blocks() {
            let lanes = source.lanes(block);
            for tap in 0..self.taps() {
                let (ky, kx) = (tap / self.kernel, tap % self.kernel);
                let offset = block * source.area() + source.at(kx % self.stride, ky, kx / self.stride);
                steps.push(Step { offset, lanes });
                rows.extend((0..lanes).map(|lane| (block * BLOCK + lane) * self.taps() + tap));
            }
        }
        (steps, rows)
    }

    fn output_runs(&self, run: usize, base: impl Fn(usize, usize) -> usize) -> Vec<Run> {
        let [height, width] = self.output;
        runs(height, width, run, |y, x| (base(y, x), (y * width + x) * self.outputs))
    }

    /// The gradient for the input, in runs of at most `run` pixels; the source is the output's gradient.
    pub fn input_grad(&self, run: usize) -> Plan {
        let source = self.padded_gradient();
        let residues = (0..self.stride).flat_map(|a| (0..self.stride).map(move |b| [a, b]));
        Plan {
            images: self.images,
            phases: residues.map(|residue| self.residue(residue, &source, run)).collect(),
            source,
            image: self.input[0] * self.input[1] * self.inputs,
            pixel: self.inputs * self.stride,
            channels: self.inputs,
            channel: self.taps(),
        }
    }

    /// Taps along one axis that reach one residue, at most.
    fn reach(&self) -> usize {
        self.kernel.div_ceil(self.stride)
    }

    fn padded_gradient(&self) -> Source {
        let last = |axis: usize| (self.input[axis] - 1 + self.padding) / self.stride;
        let before = self.reach() - 1;
        let length = |axis: usize| before + self.output[axis].max(last(axis) + 1);
        Source {
            size: self.output,
            channels: self.outputs,
            before,
            rows: length(0),
            columns: length(1),
            planes: 1,
            form: Form::Pixels,
        }
    }

    /// Input pixels with `(position + padding) mod stride == residue`: tap `residue + m·stride` meets the gradient
    /// `m` pixels before `(position + padding) / stride`.
    fn residue(&self, residue: [usize; 2], source: &Source, run: usize) -> Phase {
        let taps = residue.map(|a| (a..self.kernel).step_by(self.stride).collect::<Vec<_>>());
        let (mut steps, mut rows) = (Vec::new(), Vec::new());
        for block in 0..source.blocks() {
            let lanes = source.lanes(block);
            for (my, ky) in taps[0].iter().enumerate() {
                for (mx, kx) in taps[1].iter().enumerate() {
                    let offset = block * source.area() + source.at(0, source.before - my, source.before - mx);
                    steps.push(Step { offset, lanes });
                    let output = |lane| (block * BLOCK + lane) * self.inputs * self.taps();
                    rows.extend((0..lanes).map(|lane| output(lane) + ky * self.kernel + kx));
                }
            }
        }
        let first = residue.map(|a| (self.stride + a - self.padding % self.stride) % self.stride);
        let count = |axis: usize| self.input[axis].saturating_sub(first[axis]).div_ceil(self.stride);
        let place = |axis: usize, index: usize| first[axis] + index * self.stride;
        let runs = runs(count(0), count(1), run, |y, x| {
            let [top, left] = [(0, y), (1, x)].map(|(axis, index)| place(axis, index));
            let base = source.at(0, (top + self.padding) / self.stride, (left + self.padding) / self.stride);
            (base, (top * self.input[1] + left) * self.inputs)
        });
        Phase { steps, rows, runs }
    }
}

fn runs(height: usize, width: usize, run: usize, place: impl Fn(usize, usize) -> (usize, usize)) -> Vec<Run> {
    let row = |y: usize| {
        let place = &place;
        (0..width).step_by(run).map(move |x| {
            let (base, at) = place(y, x);
            Run { base, at, count: run.min(width - x) }
        })
    };
    (0..height).flat_map(row).collect()
}

impl Plan {
    /// Rows of weights of each phase.
    pub fn depths(&self) -> impl Iterator<Item = usize> + '_ {
        self.phases.iter().map(|phase| phase.rows.len())
    }
}
