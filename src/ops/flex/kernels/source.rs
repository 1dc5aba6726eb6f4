//! Activations packed for the register tiles: zero-padded, in blocks of [`BLOCK`] channels, so that neighbouring
//! pixels lie one cache line apart whatever the number of channels and the stride.

use pulp::Simd;

use super::lanes::{BLOCK, load, store};
use super::scratch::Scratch;

/// What a packed pixel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Channels of an input pixel. Columns are dealt to `planes` by their residue.
    Pixels,
    /// Everything the kernel sees at an output pixel: (row, column, channel).
    Patches { kernel: usize, stride: usize },
}

/// Layout of packed images: `[block][plane][row][column][image][BLOCK]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Height and width of the image.
    pub size: [usize; 2],
    pub channels: usize,
    /// Zeros before the first row and column.
    pub before: usize,
    pub rows: usize,
    pub columns: usize,
    pub planes: usize,
    /// Images packed together.
    pub group: usize,
    pub form: Form,
}

impl Source {
    /// Values per packed pixel, without filling.
    pub fn depth(&self) -> usize {
        match self.form {
            Form::Pixels => self.channels,
            Form::Patches { kernel, .. } => kernel * kernel * self.channels,
        }
    }

    pub fn blocks(&self) -> usize {
        self.depth().div_ceil(BLOCK)
    }

    pub fn lanes(&self, block: usize) -> usize {
        (self.depth() - block * BLOCK).min(BLOCK)
    }

    /// Length of one block.
    pub fn area(&self) -> usize {
        self.planes * self.rows * self.line()
    }

    /// Length of one row.
    fn line(&self) -> usize {
        self.columns * self.group * BLOCK
    }

    /// Length of one packed group.
    pub fn length(&self) -> usize {
        self.blocks() * self.area()
    }

    /// Place of a pixel of the first image in a block.
    pub fn at(&self, plane: usize, row: usize, column: usize) -> usize {
        ((plane * self.rows + row) * self.columns + column) * self.group * BLOCK
    }

    /// Values of one image.
    pub fn image(&self) -> usize {
        self.size[0] * self.size[1] * self.channels
    }

    /// Packs one group.
    #[inline(always)]
    pub fn pack<S: Simd>(&self, simd: S, images: &[f32], packed: &mut [f32]) {
        assert_eq!(images.len(), self.group * self.image());
        assert_eq!(packed.len(), self.length());
        for (place, image) in images.chunks_exact(self.image().max(1)).enumerate() {
            match self.form {
                Form::Pixels => self.pack_pixels(simd, image, place, packed),
                Form::Patches { kernel, stride } => self.pack_patches(image, place, packed, kernel, stride),
            }
        }
    }

    #[inline(always)]
    fn pack_pixels<S: Simd>(&self, simd: S, image: &[f32], place: usize, packed: &mut [f32]) {
        let width = self.size[1] * self.channels;
        for (block, area) in packed.chunks_exact_mut(self.area()).enumerate() {
            for (index, out) in area.chunks_exact_mut(self.line()).enumerate() {
                let (plane, row) = (index / self.rows, index % self.rows);
                match row.checked_sub(self.before).filter(|&y| y < self.size[0]) {
                    // The same zeros for all images of the group.
                    None if place == 0 => out.fill(0.0),
                    None => {}
                    Some(y) => self.pack_row(simd, &image[y * width..][..width], place, out, [block, plane]),
                }
            }
        }
    }

    #[inline(always)]
    fn pack_row<S: Simd>(
        &self,
        simd: S,
        row: &[f32],
        place: usize,
        out: &mut [f32],
        [block, plane]: [usize; 2],
    ) {
        let (lanes, width, column) = (self.lanes(block), self.size[1], self.group * BLOCK);
        let x = |column: usize| (column * self.planes + plane).wrapping_sub(self.before);
        let first = (0..self.columns).position(|column| x(column) < width).unwrap_or(self.columns);
        let end =
            (first..self.columns).position(|column| x(column) >= width).map_or(self.columns, |n| first + n);
        if place == 0 {
            out[..first * column].fill(0.0);
            out[end * column..].fill(0.0);
        }
        let inside = &mut out[first * column..end * column];
        if inside.is_empty() {
            return;
        }
        let inside = &mut inside[place * BLOCK..];
        let start = x(first) * self.channels + block * BLOCK;
        let step = self.planes * self.channels;
        if lanes == BLOCK {
            copy_blocks(simd, &row[start..], step, inside, column);
        } else {
            for (index, pixel) in inside.chunks_mut(column).enumerate() {
                pixel[..lanes].copy_from_slice(&row[start + index * step..][..lanes]);
                pixel[lanes..BLOCK].fill(0.0);
            }
        }
    }

    #[inline(always)]
    fn pack_patches(&self, image: &[f32], place: usize, packed: &mut [f32], kernel: usize, stride: usize) {
        let [height, width] = self.size;
        let line = ((self.columns - 1) * stride + kernel).max(width + self.before) * self.channels;
        let mut padded =
            Scratch::zeroed(((self.rows - 1) * stride + kernel).max(height + self.before) * line);
        for (y, row) in image.chunks_exact(width * self.channels).enumerate() {
            padded[(y + self.before) * line + self.before * self.channels..][..row.len()]
                .copy_from_slice(row);
        }
        let mut patch = Scratch::zeroed(self.blocks() * BLOCK);
        let reach = kernel * self.channels;
        for y in 0..self.rows {
            for x in 0..self.columns {
                for ky in 0..kernel {
                    let start = (y * stride + ky) * line + x * stride * self.channels;
                    patch[ky * reach..][..reach].copy_from_slice(&padded[start..][..reach]);
                }
                for (block, part) in patch.chunks_exact(BLOCK).enumerate() {
                    let at = block * self.area() + self.at(0, y, x) + place * BLOCK;
                    packed[at..at + BLOCK].copy_from_slice(part);
                }
            }
        }
    }
}

/// Copies `BLOCK` values from places `step` apart to places `apart` apart, as many as there are in `out`.
#[inline(always)]
fn copy_blocks<S: Simd>(_: S, from: &[f32], step: usize, out: &mut [f32], apart: usize) {
    let count = out.len().div_ceil(apart);
    assert!((count - 1) * step + BLOCK <= from.len() && (count - 1) * apart + BLOCK <= out.len());
    let (mut from, mut to) = (from.as_ptr(), out.as_mut_ptr());
    for _ in 0..count {
        for lane in (0..BLOCK).step_by(S::F32_LANES) {
            // SAFETY: block `count - 1` ends inside both slices, asserted above.
            unsafe { store::<S>(to.add(lane), load::<S>(from.add(lane))) };
        }
        (from, to) = (from.wrapping_add(step), to.wrapping_add(apart));
    }
}
