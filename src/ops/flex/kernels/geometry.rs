//! Sizes of a convolution, and how it and its gradients are laid out as dot products.

use super::lanes::BLOCK;
use super::plan::{Phase, Plan, Run, Window, runs};
use super::source::{Form, Source};
use super::tile::Step;

/// Up to this many input channels a kernel's rows are copied out (`Form::Patches`), so that lanes are not empty.
const FEW_CHANNELS: usize = 4;

/// Sizes of a convolution, `[n, h, w, inputs]` to `[n, h', w', outputs]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

impl Geometry {
    fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Rows of the matrix product that this is where each pixel is taken alone.
    pub fn pixels(&self) -> Option<usize> {
        let alone = (self.kernel, self.stride, self.padding) == (1, 1, 0);
        alone.then_some(self.images * self.input[0] * self.input[1])
    }

    /// Whether pixels of the input would leave vectors of channels empty.
    pub fn takes_patches(&self) -> bool {
        self.inputs <= FEW_CHANNELS && self.kernel > 1
    }

    /// The convolution itself, in runs of at most `run` pixels, or of `group` images.
    pub fn forward(&self, run: usize, group: usize) -> Plan {
        let (source, phase) = if self.takes_patches() {
            self.forward_by_patches(run, group)
        } else {
            self.forward_by_taps(run, group)
        };
        Plan {
            images: self.images,
            group,
            source,
            phases: vec![phase],
            image: self.output[0] * self.output[1] * self.outputs,
            pixel: self.outputs,
            channels: self.outputs,
            channel: self.inputs * self.taps(),
        }
    }

    fn forward_by_taps(&self, run: usize, group: usize) -> (Source, Phase) {
        let source = self.padded_input(group);
        let (steps, rows) = self.tap_steps(&source);
        let runs = runs(self.output, run, group, |y, x| Run {
            base: source.at(0, y * self.stride, x),
            at: (y * self.output[1] + x) * self.outputs,
            count: 0,
            window: Window { rows: self.inside(0, y), columns: self.inside(1, x) },
        });
        (source, Phase { steps, size: [self.kernel; 2], rows, runs })
    }

    fn forward_by_patches(&self, run: usize, group: usize) -> (Source, Phase) {
        let source = self.patches(group);
        let (steps, rows) = self.patch_steps(&source);
        let window = Window { rows: [0, 1], columns: [0, steps.len()] };
        let runs = runs(self.output, run, group, |y, x| Run {
            base: source.at(0, y, x),
            at: (y * self.output[1] + x) * self.outputs,
            count: 0,
            window,
        });
        (source, Phase { size: [1, steps.len()], steps, rows, runs })
    }

    /// Taps of the kernel along `axis` that lie on the image at place `at` of the output.
    fn inside(&self, axis: usize, at: usize) -> [usize; 2] {
        let first = at * self.stride;
        let end = (self.input[axis] + self.padding).saturating_sub(first).min(self.kernel);
        [self.padding.saturating_sub(first).min(end), end]
    }

    /// Multiplications per image and pair of channels.
    pub fn products(&self) -> usize {
        let along = |axis: usize| {
            let taps = |at| self.inside(axis, at);
            (0..self.output[axis]).map(taps).map(|[first, end]| end - first).sum::<usize>()
        };
        along(0) * along(1)
    }

    /// For every column of steps the columns of the output at which it lies on the image.
    pub fn met_columns(&self) -> Vec<[usize; 2]> {
        if self.takes_patches() {
            return vec![[0, self.output[1]]; (self.taps() * self.inputs).div_ceil(BLOCK)];
        }
        let met = |tap: usize| {
            let first = self.padding.saturating_sub(tap).div_ceil(self.stride);
            let room = (self.input[1] + self.padding).saturating_sub(tap);
            let end = room.div_ceil(self.stride).min(self.output[1]);
            [first.min(end), end]
        };
        (0..self.kernel).map(met).collect()
    }

    fn padded_input(&self, group: usize) -> Source {
        let reach = |size: usize| (size - 1) * self.stride + self.kernel;
        Source {
            size: self.input,
            channels: self.inputs,
            before: self.padding,
            rows: reach(self.output[0]),
            columns: reach(self.output[1]).div_ceil(self.stride),
            planes: self.stride,
            group,
            form: Form::Pixels,
        }
    }

    fn patches(&self, group: usize) -> Source {
        Source {
            size: self.input,
            channels: self.inputs,
            before: self.padding,
            rows: self.output[0],
            columns: self.output[1],
            planes: 1,
            group,
            form: Form::Patches { kernel: self.kernel, stride: self.stride },
        }
    }

    fn patch_steps(&self, source: &Source) -> (Vec<Step>, Vec<usize>) {
        let depth = self.taps() * self.inputs;
        let step = |block: usize| Step {
            offset: block * source.area(),
            lanes: (depth - block * BLOCK).min(BLOCK),
            line: block * BLOCK,
        };
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
                steps.push(Step { offset, lanes, line: rows.len() });
                let tap = ky * self.kernel + kx;
                rows.extend((0..lanes).map(|lane| (block * BLOCK + lane) * self.taps() + tap));
            }
        }
        (steps, rows)
    }

    /// The gradient for the input, in runs of at most `run` pixels, or of `group` images; the source is the
    /// output's gradient. One phase per residue of the stride: pixels of one residue meet the same taps.
    pub fn input_grad(&self, run: usize, group: usize) -> Plan {
        let source = self.padded_gradient(group);
        let residues = (0..self.stride).flat_map(|a| (0..self.stride).map(move |b| [a, b]));
        Plan {
            images: self.images,
            group,
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

    fn padded_gradient(&self, group: usize) -> Source {
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
            group,
            form: Form::Pixels,
        }
    }

    /// Input pixels with `(position + padding) mod stride == residue`: tap `residue + m·stride` meets the gradient
    /// `m` pixels before `(position + padding) / stride`.
    fn residue(&self, residue: [usize; 2], source: &Source, run: usize) -> Phase {
        let taps = residue.map(|a| (a..self.kernel).step_by(self.stride).collect::<Vec<_>>());
        let (steps, rows) = self.residue_steps(&taps, source);
        let first = residue.map(|a| (self.stride + a - self.padding % self.stride) % self.stride);
        let count = [0, 1].map(|axis| self.input[axis].saturating_sub(first[axis]).div_ceil(self.stride));
        let runs = runs(count, run, source.group, |y, x| {
            let [top, left] = [(0, y), (1, x)].map(|(axis, index)| first[axis] + index * self.stride);
            let [row, column] = [top, left].map(|at| (at + self.padding) / self.stride);
            let inside = |axis: usize, at: usize| {
                let end = taps[axis].len().min(at + 1);
                [(at + 1).saturating_sub(self.output[axis]).min(end), end]
            };
            Run {
                base: source.at(0, row, column),
                at: (top * self.input[1] + left) * self.inputs,
                count: 0,
                window: Window { rows: inside(0, row), columns: inside(1, column) },
            }
        });
        Phase { steps, size: [taps[0].len(), taps[1].len()], rows, runs }
    }

    fn residue_steps(&self, taps: &[Vec<usize>; 2], source: &Source) -> (Vec<Step>, Vec<usize>) {
        let (mut steps, mut rows) = (Vec::new(), Vec::new());
        for (my, ky) in taps[0].iter().enumerate() {
            for block in 0..source.blocks() {
                let lanes = source.lanes(block);
                for (mx, kx) in taps[1].iter().enumerate() {
                    let offset = block * source.area() + source.at(0, source.before - my, source.before - mx);
                    steps.push(Step { offset, lanes, line: rows.len() });
                    let output = |lane| (block * BLOCK + lane) * self.inputs * self.taps();
                    rows.extend((0..lanes).map(|lane| output(lane) + ky * self.kernel + kx));
                }
            }
        }
        (steps, rows)
    }
}
