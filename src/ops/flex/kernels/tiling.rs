//! How a convolution becomes a 3×3 convolution of stride 1, and that one tiles.
//!
//! A kernel of up to 6×6, or one with a stride of two, is a 3×3 convolution of four views of the image, as if they were
//! channels of one: shifted by three pixels, or every other pixel. Backward, the result has the views.

use super::geometry::Geometry;
use super::lanes::BLOCK;

/// How many tiles cost as much as the transform of the weights.
const WEIGHTS: usize = 40;

/// Where a grid lies in an image that is seen as several, `count` along each axis: position `u` of view `v` at
/// `stride u + shift v - padding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Views {
    pub count: usize,
    pub stride: usize,
    pub shift: usize,
    pub padding: isize,
}

impl Views {
    /// The image itself.
    fn one(padding: isize) -> Self {
        Self { count: 1, stride: 1, shift: 0, padding }
    }

    pub fn all(&self) -> usize {
        self.count * self.count
    }

    /// Place of a row or column, or beyond any image.
    #[inline(always)]
    pub fn at(&self, position: usize, view: usize) -> isize {
        (self.stride * position + self.shift * view) as isize - self.padding
    }
}

/// Where the weights of 3×3 kernels lie in those of the convolution.
pub struct Taps {
    /// Distances between produced and between reduced channels.
    pub output: usize,
    pub input: usize,
    /// Values of a kernel.
    pub kernel: usize,
    /// Of each view, its nine taps in the kernel; some have less.
    pub places: Vec<[Option<usize>; 9]>,
}

impl Taps {
    /// Tap `k` of view `v` is tap `first + step k + shift v` of the kernel, along each axis.
    fn new(
        [output, input]: [usize; 2],
        kernel: usize,
        views: usize,
        [first, step, shift]: [isize; 3],
    ) -> Self {
        let along = |tap: usize, view: usize| {
            let place = first + step * tap as isize + shift * view as isize;
            usize::try_from(place).ok().filter(|&place| place < kernel)
        };
        let place = |view: usize, tap: usize| {
            let (row, column) = (along(tap / 3, view / views)?, along(tap % 3, view % views)?);
            Some(row * kernel + column)
        };
        let of = |view| std::array::from_fn(|tap| place(view, tap));
        Self { output, input, kernel: kernel * kernel, places: (0..views * views).map(of).collect() }
    }
}

/// Where tiles overlap: in what is read, or, transposed, in what is written, which is the sum of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    Read,
    Written,
}

/// Sizes as the transforms see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    pub images: usize,
    /// Height and width of what is read, and its channels.
    pub input: [usize; 2],
    pub inputs: usize,
    /// Height and width of what is written, and its channels.
    pub output: [usize; 2],
    pub outputs: usize,
    pub read: Views,
    pub write: Views,
    pub overlap: Overlap,
    /// Positions of the grid along each axis, for which a 3×3 convolution is computed.
    pub cells: [usize; 2],
    /// Height and width of a tile of them, 2 or 4.
    pub tile: usize,
}

/// Views along an axis, and their distance; `None` where a convolution is none of 3×3 taps.
fn views(geometry: &Geometry) -> Option<[usize; 2]> {
    match (geometry.kernel, geometry.stride) {
        (3, 1) => Some([1, 0]),
        (4..=6, 1) => Some([2, 3]),
        (4..=6, 2) => Some([2, 1]),
        _ => None,
    }
}

impl Tiling {
    /// The convolution; `None` where this method does not apply or saves too little.
    pub fn forward(geometry: &Geometry) -> Option<(Self, Taps)> {
        let Geometry { images, input, inputs, output, outputs, kernel, stride, padding } = *geometry;
        let [count, shift] = views(geometry)?;
        let read = Views { count, stride, shift, padding: padding as isize };
        let write = Views::one(0);
        let (overlap, cells) = (Overlap::Read, output);
        let tiling = Self { images, input, inputs, output, outputs, read, write, overlap, cells, tile: 4 };
        let distances = [inputs * kernel * kernel, kernel * kernel];
        let taps = Taps::new(distances, kernel, count, [0, stride as isize, shift as isize]);
        Some((tiling.sized(geometry)?, taps))
    }

    /// The gradient for the input: a convolution of the output's gradient or, where that takes much fewer products, the
    /// transpose of the convolution.
    pub fn input_grad(geometry: &Geometry) -> Option<(Self, Taps)> {
        let products = |(tiling, _): &(Self, Taps)| tiling.products();
        let plain = Self::convolved(geometry);
        let fewer = |other: &_| plain.as_ref().is_none_or(|plain| 4 * products(other) <= 3 * products(plain));
        Self::transposed(geometry).filter(fewer).or(plain)
    }

    fn transposed(geometry: &Geometry) -> Option<(Self, Taps)> {
        let (forward, taps) = Self::forward(geometry)?;
        let tiling = Self {
            input: forward.output,
            inputs: forward.outputs,
            output: forward.input,
            outputs: forward.inputs,
            read: forward.write,
            write: forward.read,
            overlap: Overlap::Written,
            ..forward
        };
        Some((tiling, Taps { output: taps.input, input: taps.output, ..taps }))
    }

    fn convolved(geometry: &Geometry) -> Option<(Self, Taps)> {
        let Geometry { images, input, inputs, output, outputs, kernel, stride, padding } = *geometry;
        let [count, shift] = views(geometry)?;
        let [last, padding] = [kernel - 1, padding].map(|size| size as isize);
        // With a stride, the positions before the image's first pixel are left out.
        let (read, write, cells, order) = if stride == 1 {
            let read = Views { count, stride, shift, padding: last - padding };
            (read, Views::one(0), input, [last, -1, -(shift as isize)])
        } else {
            let write = Views { count, stride, shift, padding: padding % 2 };
            let cells = input.map(|size| (size + write.padding as usize).div_ceil(stride));
            (Views::one(2 - padding / 2), write, cells, [4, -2, 1])
        };
        let tiling = Self {
            images,
            input: output,
            inputs: outputs,
            output: input,
            outputs: inputs,
            read,
            write,
            overlap: Overlap::Read,
            cells,
            tile: 4,
        };
        let taps = Taps::new([kernel * kernel, inputs * kernel * kernel], kernel, count, order);
        Some((tiling.sized(geometry)?, taps))
    }

    /// With the tiles that cost less, where they save a quarter of the products.
    fn sized(self, geometry: &Geometry) -> Option<Self> {
        let whole = self.inputs.is_multiple_of(BLOCK) && self.outputs.is_multiple_of(BLOCK);
        let cost = |tiling: &Self| tiling.points() * (tiling.tiles() + WEIGHTS);
        let (two, four) = (Self { tile: 2, ..self }, self);
        let best = if cost(&four) <= cost(&two) { four } else { two };
        (whole && 4 * best.products() <= 3 * geometry.products()).then_some(best)
    }

    /// Multiplications per image and pair of channels.
    fn products(&self) -> usize {
        self.points() * self.per_image() * self.read.all() * self.write.all()
    }

    /// Channels that are summed over, of all views.
    pub fn reduced(&self) -> usize {
        self.inputs * self.read.all()
    }

    /// Channels that are computed, of all views.
    pub fn produced(&self) -> usize {
        self.outputs * self.write.all()
    }

    /// Points of a transformed tile.
    pub fn points(&self) -> usize {
        (self.tile + 2) * (self.tile + 2)
    }

    /// Distance between points of weights, `width` for each reduced channel: a cache line more than needed, so that points
    /// do not fall on one cache set.
    pub fn line(&self, width: usize) -> usize {
        self.reduced() * width + BLOCK
    }

    fn grid(&self) -> [usize; 2] {
        self.cells.map(|size| size.div_ceil(self.tile))
    }

    /// Tiles of one image.
    pub fn per_image(&self) -> usize {
        let [rows, columns] = self.grid();
        rows * columns
    }

    pub fn tiles(&self) -> usize {
        self.images * self.per_image()
    }

    /// Image, row and column of each tile from `first` on.
    pub fn places(&self, first: usize) -> impl Iterator<Item = [usize; 3]> {
        let [rows, columns] = self.grid();
        let start = [first / (rows * columns), first / columns % rows, first % columns];
        std::iter::successors(Some(start), move |&[image, row, column]| {
            Some(match (row + 1 < rows, column + 1 < columns) {
                (_, true) => [image, row, column + 1],
                (true, false) => [image, row + 1, 0],
                (false, false) => [image + 1, 0, 0],
            })
        })
    }
}
