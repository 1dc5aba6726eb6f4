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
    /// Rows of the kernel that meet the image at all; the others meet zeros.
    pub rows: [usize; 2],
}

/// Output pixels that meet the same taps.
pub struct Phase {
    /// As many for every row of the kernel, row by row.
    pub steps: Vec<Step>,
    /// Rows of the kernel that steps are grouped by.
    pub height: usize,
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
    /// Phases overlap: each adds to what the ones before it left.
    pub adds: bool,
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
            Form::Patches { .. } => ((y * self.output[1] + x) * BLOCK, [0, 1]),
            Form::Pixels => (source.at(0, y * self.stride, x), self.rows_inside(y)),
        });
        let height = if patches { 1 } else { self.kernel };
        Plan {
            images: self.images,
            source,
            phases: vec![Phase { steps, height, rows, runs }],
            image: self.output[0] * self.output[1] * self.outputs,
            pixel: self.outputs,
            channels: self.outputs,
            channel: self.inputs * self.taps(),
            adds: false,
        }
    }

    /// Rows of the kernel that lie on the image at row `y` of the output.
    fn rows_inside(&self, y: usize) -> [usize; 2] {
        let top = y * self.stride;
        let end = (self.input[0] + self.padding).saturating_sub(top).min(self.kernel);
        [self.padding.saturating_sub(top).min(end), end]
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
        let step =
            |block: usize| Step { offset: block * source.area(), lanes: (depth - block * BLOCK).min(BLOCK) };
        // A patch holds (row, column, channel); the weight (channel, row, column).
        let row = |index: usize| index % self.inputs * self.taps() + index / self.inputs;
        ((0..depth.div_ceil(BLOCK)).map(step).collect(), (0..depth).map(row).collect())
    }

    fn tap_steps(&self, source: &Source) -> (Vec<Step>, Vec<usize>) {
        let (mut steps, mut rows) = (Vec::new(), Vec::new());
        for (ky, block) in (0..self.kernel).flat_map(|ky| (0..source.blocks()).map(move |block| (ky, block)))
        {
            let lanes = source.lanes(block);
            for kx in 0..self.kernel {
                let offset = block * source.area() + source.at(kx % self.stride, ky, kx / self.stride);
                steps.push(Step { offset, lanes });
                let tap = ky * self.kernel + kx;
                rows.extend((0..lanes).map(|lane| (block * BLOCK + lane) * self.taps() + tap));
            }
        }
        (steps, rows)
    }

    fn output_runs(&self, run: usize, base: impl Fn(usize, usize) -> (usize, [usize; 2])) -> Vec<Run> {
        let [height, width] = self.output;
        runs(height, width, run, |y, x| {
            let (base, rows) = base(y, x);
            Run { base, at: (y * width + x) * self.outputs, count: 0, rows }
        })
    }

    /// The gradient for the input, in runs of at most `run` pixels; the source is the output's gradient.
    pub fn input_grad(&self, run: usize) -> Plan {
        let (gathered, scattered) = (self.gathered_grad(run), self.scattered_grad(run));
        // Adding into the result costs a little: it must save a quarter of the products.
        if 4 * scattered.products(run) < 3 * gathered.products(run) { scattered } else { gathered }
    }

    /// Every tap adds the gradient's pixels to those of the input it came from: no product with padding.
    fn scattered_grad(&self, run: usize) -> Plan {
        let [rows, columns] = self.output;
        let source = Source {
            size: self.output,
            channels: self.outputs,
            before: 0,
            rows,
            columns,
            planes: 1,
            form: Form::Pixels,
        };
        Plan {
            images: self.images,
            phases: (0..self.taps()).map(|tap| self.tap(tap, &source, run)).collect(),
            source,
            image: self.input[0] * self.input[1] * self.inputs,
            pixel: self.inputs * self.stride,
            channels: self.inputs,
            channel: self.taps(),
            adds: true,
        }
    }

    fn tap(&self, tap: usize, source: &Source, run: usize) -> Phase {
        let (mut steps, mut rows) = (Vec::new(), Vec::new());
        for block in 0..source.blocks() {
            let lanes = source.lanes(block);
            steps.push(Step { offset: block * source.area(), lanes });
            rows.extend((0..lanes).map(|lane| (block * BLOCK + lane) * self.inputs * self.taps() + tap));
        }
        let tap = [tap / self.kernel, tap % self.kernel];
        let first = tap.map(|tap| self.padding.saturating_sub(tap).div_ceil(self.stride));
        let end = |axis: usize| {
            let room = (self.input[axis] + self.padding).saturating_sub(tap[axis]);
            room.div_ceil(self.stride).min(self.output[axis])
        };
        let count = [0, 1].map(|axis| end(axis).saturating_sub(first[axis]));
        let runs = runs(count[0], count[1], run, |y, x| {
            let (row, column) = (first[0] + y, first[1] + x);
            let [top, left] =
                [(row, 0), (column, 1)].map(|(at, axis)| at * self.stride + tap[axis] - self.padding);
            let at = (top * self.input[1] + left) * self.inputs;
            Run { base: source.at(0, row, column), at, count: 0, rows: [0, 1] }
        });
        Phase { steps, height: 1, rows, runs }
    }

    fn gathered_grad(&self, run: usize) -> Plan {
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
            adds: false,
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
        for (my, ky) in taps[0].iter().enumerate() {
            for block in 0..source.blocks() {
                let lanes = source.lanes(block);
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
            let [row, column] = [top, left].map(|at| (at + self.padding) / self.stride);
            let end = taps[0].len().min(row + 1);
            let rows = [(row + 1).saturating_sub(self.output[0]).min(end), end];
            Run {
                base: source.at(0, row, column),
                at: (top * self.input[1] + left) * self.inputs,
                count: 0,
                rows,
            }
        });
        Phase { steps, height: taps[0].len(), rows, runs }
    }
}

/// All pixels of a grid in runs; `place` gives everything but the count.
fn runs(height: usize, width: usize, run: usize, place: impl Fn(usize, usize) -> Run) -> Vec<Run> {
    let row = |y: usize| {
        let place = &place;
        (0..width).step_by(run).map(move |x| Run { count: run.min(width - x), ..place(y, x) })
    };
    (0..height).flat_map(row).collect()
}

impl Phase {
    /// Steps of the kernel's rows `[first, end]`, and the lines of weights before them.
    pub fn part(&self, [first, end]: [usize; 2]) -> (&[Step], usize) {
        let height = self.height.max(1);
        let (steps, lines) = (self.steps.len() / height, self.rows.len() / height);
        (&self.steps[first * steps..end * steps], first * lines)
    }
}

impl Plan {
    /// Multiplications per image and output channel, with runs filled up.
    fn products(&self, run: usize) -> usize {
        let of = |phase: &Phase| {
            let lines = phase.rows.len() / phase.height.max(1);
            phase.runs.iter().map(|at| run * (at.rows[1] - at.rows[0]) * lines).sum::<usize>()
        };
        self.phases.iter().map(of).sum()
    }

    /// Rows of weights of each phase.
    pub fn depths(&self) -> impl Iterator<Item = usize> + '_ {
        self.phases.iter().map(|phase| phase.rows.len())
    }
}
