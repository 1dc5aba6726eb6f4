//! A convolution, or the gradient of one for its input, as a list of dot products over a packed source.
//!
//! Every output pixel has a base in the source, every part of the reduction an offset from it, the same for all
//! pixels of a phase. Taps that meet nothing but padding are left out, run by run; where there are many, a run is
//! one pixel of several images, which all miss the same taps.

use super::lanes::BLOCK;
use super::source::Source;
use super::tile::{Step, Steps};

/// Consecutive pixels of an output row, or one pixel of consecutive images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// First pixel's base in the packed source of its group of images.
    pub base: usize,
    /// First pixel's place in an image of the result.
    pub at: usize,
    pub count: usize,
    /// The part of the kernel that meets the image at all; the rest meets zeros.
    pub window: Window,
}

/// Rows and columns of a kernel; each a first and an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub rows: [usize; 2],
    pub columns: [usize; 2],
}

/// Output pixels that meet the same taps.
pub struct Phase {
    /// By row of the kernel, block of channels, column of the kernel.
    pub steps: Vec<Step>,
    /// Rows and columns of the kernel.
    pub size: [usize; 2],
    /// Place of each lane of each step in the weight of output channel 0.
    pub rows: Vec<usize>,
    pub runs: Vec<Run>,
}

pub struct Plan {
    pub images: usize,
    /// Images that are packed together; runs are theirs where there are several.
    pub group: usize,
    pub source: Source,
    pub phases: Vec<Phase>,
    /// Values of one image of the result.
    pub image: usize,
    /// Distance in the result between neighbouring pixels of a phase.
    pub pixel: usize,
    /// Channels of the result.
    pub channels: usize,
    /// Distance in the weight between these channels.
    pub channel: usize,
}

impl Window {
    /// The smallest window that holds both.
    #[inline(always)]
    pub fn hull(self, other: Self) -> Self {
        let hull = |a: [usize; 2], b: [usize; 2]| [a[0].min(b[0]), a[1].max(b[1])];
        Self { rows: hull(self.rows, other.rows), columns: hull(self.columns, other.columns) }
    }

    fn taps(&self) -> usize {
        (self.rows[1] - self.rows[0]) * (self.columns[1] - self.columns[0])
    }
}

/// All pixels of a grid, in runs of `run` pixels of a row, or, of several images packed together, one run for each.
pub fn runs(
    [height, width]: [usize; 2],
    run: usize,
    group: usize,
    place: impl Fn(usize, usize) -> Run,
) -> Vec<Run> {
    let each = if group == 1 { run } else { 1 };
    let row = |y: usize| {
        let place = &place;
        (0..width).step_by(each).map(move |x| {
            let (count, first) = (each.min(width - x), place(y, x));
            let window = first.window.hull(place(y, x + count - 1).window);
            Run { count: count * group, window, ..first }
        })
    };
    (0..height).flat_map(row).collect()
}

impl Phase {
    /// Steps that follow each other along a row of the kernel.
    fn width(&self) -> usize {
        self.size[1].max(1)
    }

    fn blocks(&self) -> usize {
        self.steps.len() / (self.size[0].max(1) * self.width())
    }

    /// Of a phase that has every tap: for each of `length` places in the weight the line of sums, `BLOCK` for each step, that
    /// is its gradient's.
    pub fn lines(&self, length: usize) -> Vec<usize> {
        let mut lines = vec![0; length];
        for (index, step) in self.steps.iter().enumerate() {
            for (lane, row) in self.rows[step.line..][..step.lanes].iter().enumerate() {
                lines[*row] = index * BLOCK + lane;
            }
        }
        lines
    }

    /// Rows of steps, in parts of at most `most` lines of weights; one part at least.
    pub fn parts(&self, most: usize) -> Vec<[usize; 2]> {
        let rows = self.size[0] * self.blocks();
        let each = (most * rows / self.rows.len().max(1)).max(1);
        (0..rows.max(1)).step_by(each).map(|first| [first, rows.min(first + each)]).collect()
    }

    /// Steps of a window that lie in a part.
    #[inline(always)]
    pub fn steps(&self, window: Window, [first, end]: [usize; 2]) -> Steps<'_> {
        let (width, blocks) = (self.width(), self.blocks());
        let first = first.max(window.rows[0] * blocks);
        let end = end.min(window.rows[1] * blocks).max(first);
        Steps { steps: &self.steps[first * width..end * width], width, columns: window.columns }
    }
}

impl Plan {
    /// Distance in the result between the pixels of a run.
    pub fn stride(&self) -> usize {
        if self.group == 1 { self.pixel } else { self.image }
    }

    /// Multiplications per image and output channel, with runs filled up to `run`.
    pub fn products(&self, run: usize) -> usize {
        let of = |phase: &Phase| {
            let tap = phase.rows.len() / phase.size.iter().product::<usize>().max(1);
            phase.runs.iter().map(|at| run * at.window.taps() * tap).sum::<usize>()
        };
        self.phases.iter().map(of).sum::<usize>() / self.group
    }

    /// Rows of weights of each phase.
    pub fn depths(&self) -> impl Iterator<Item = usize> + '_ {
        self.phases.iter().map(|phase| phase.rows.len())
    }
}
