//! 3×3 convolutions of stride 1 by Winograd's minimal filtering F(2×2, 3×3), Lavin and Gray (CVPR 2016).
//!
//! A 2×2 tile of the output is `Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A` of a 4×4 tile `d` of the input: 16 products instead of
//! 36, and all tiles together are 16 matrix products. The transforms are additions and halves, so the rounding
//! error stays that of a plain sum. Backward, each linear map is followed by its transpose.

use pulp::Simd;

use super::geometry::Geometry;
use super::lanes::{BLOCK, load, store};

/// Points of the transformed tile.
pub const POINTS: usize = 16;

/// Sizes as the transforms see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    pub images: usize,
    /// Height and width of what is read, and its channels.
    pub input: [usize; 2],
    pub inputs: usize,
    pub output: [usize; 2],
    pub outputs: usize,
    pub padding: usize,
}

impl Tiling {
    /// The convolution; `None` where this method does not apply.
    pub fn of(geometry: &Geometry) -> Option<Self> {
        let Geometry { images, input, inputs, output, outputs, kernel, stride, padding } = *geometry;
        let whole = inputs.is_multiple_of(BLOCK) && outputs.is_multiple_of(BLOCK);
        let fits = kernel == 3 && stride == 1 && padding <= 2 && whole;
        fits.then_some(Self { images, input, inputs, output, outputs, padding })
    }

    /// The gradient for the input, a convolution of the output's gradient.
    pub fn transposed(&self) -> Self {
        Self {
            images: self.images,
            input: self.output,
            inputs: self.outputs,
            output: self.input,
            outputs: self.inputs,
            padding: 2 - self.padding,
        }
    }

    fn grid(&self) -> [usize; 2] {
        self.output.map(|size| size.div_ceil(2))
    }

    /// Tiles of one image.
    pub fn per_image(&self) -> usize {
        let [rows, columns] = self.grid();
        rows * columns
    }

    pub fn tiles(&self) -> usize {
        self.images * self.per_image()
    }

    /// Image, row and column of a tile.
    fn place(&self, tile: usize) -> (usize, usize, usize) {
        let (image, rest) = (tile / self.per_image(), tile % self.per_image());
        let [_, columns] = self.grid();
        (image, rest / columns, rest % columns)
    }
}

/// Transformed activations, `[point][block of width channels][tile][width]`.
#[derive(Clone, Copy, Debug)]
pub struct Domain {
    pub blocks: usize,
    pub tiles: usize,
    pub width: usize,
}

impl Domain {
    /// Distance between blocks.
    pub fn block(&self) -> usize {
        self.tiles * self.width
    }

    /// Distance between points; a line more than needed, so that points do not fall on one cache set.
    pub fn point(&self) -> usize {
        self.blocks * self.block() + BLOCK
    }

    pub fn len(&self) -> usize {
        POINTS * self.point()
    }
}

/// Activations, and a line of zeros for what lies outside the image.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    pub values: &'a [f32],
    pub zeros: &'a [f32],
}

/// Tiles from `first` on, channels from `channel` on.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub first: usize,
    pub count: usize,
    pub channel: usize,
}

/// `[r][c]` of a column.
#[inline(always)]
fn column_of<V: Copy, const R: usize, const C: usize>(rows: &[[V; C]; R], c: usize) -> [V; R] {
    let mut out = [rows[0][c]; R];
    for (out, row) in out.iter_mut().zip(rows) {
        *out = row[c];
    }
    out
}

/// A 4×4 or smaller tile's pixels: where each is read, or a line of zeros.
#[inline(always)]
fn pixels<const N: usize>(
    from: &[f32],
    zeros: &[f32],
    [height, width]: [usize; 2],
    channels: usize,
    [top, left]: [isize; 2],
) -> [[*const f32; N]; N] {
    let mut out = [[zeros.as_ptr(); N]; N];
    for (r, row) in out.iter_mut().enumerate() {
        for (c, pixel) in row.iter_mut().enumerate() {
            let (y, x) = ((top + r as isize) as usize, (left + c as isize) as usize);
            // Positions before 0 wrap to far beyond the end.
            if y < height && x < width {
                *pixel = from[(y * width + x) * channels..][..channels].as_ptr();
            }
        }
    }
    out
}

/// `Bᵀ d B` of the tiles from `first`, `count` of them, into `[point][block][tile][BLOCK]`.
#[inline(always)]
pub fn transform_input<S: Simd>(
    simd: S,
    tiling: &Tiling,
    field: Field<'_>,
    part: Part,
    domain: Domain,
    out: &mut [f32],
) {
    let (channels, area) = (tiling.inputs, tiling.input[0] * tiling.input[1] * tiling.inputs);
    let (Field { values, zeros }, Part { first, count, .. }) = (field, part);
    assert!(zeros.len() >= channels && out.len() >= domain.len() && count <= domain.tiles);
    for index in 0..count {
        let (image, row, column) = tiling.place(first + index);
        let corner = [row, column].map(|at| 2 * at as isize - tiling.padding as isize);
        let pixels = pixels::<4>(&values[image * area..][..area], zeros, tiling.input, channels, corner);
        for channel in (0..channels).step_by(S::F32_LANES) {
            let zero = simd.splat_f32s(0.0);
            let mut d = [[zero; 4]; 4];
            for r in 0..4 {
                for c in 0..4 {
                    // SAFETY: every pixel has `channels` values, a multiple of the vector.
                    d[r][c] = unsafe { load::<S>(pixels[r][c].add(channel)) };
                }
            }
            for row in &mut d {
                *row = input_axis(simd, *row);
            }
            let at = channel / BLOCK * domain.block() + index * BLOCK + channel % BLOCK;
            for c in 0..4 {
                let line = input_axis(simd, column_of(&d, c));
                for (r, value) in line.into_iter().enumerate() {
                    // SAFETY: point, block and tile are below the domain's counts.
                    unsafe { store::<S>(out.as_mut_ptr().add((r * 4 + c) * domain.point() + at), value) };
                }
            }
        }
    }
}

#[inline(always)]
fn input_axis<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
    [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
}

/// `Aᵀ m A` of transformed tiles `[point][tile][width]` to pixels, for the channels from `channel`.
///
/// # Safety
/// No other thread writes these channels of these tiles in `y`.
#[inline(always)]
pub unsafe fn transform_output<S: Simd, const NV: usize>(
    simd: S,
    tiling: &Tiling,
    m: &[f32],
    part: Part,
    domain: Domain,
    start: &[f32],
    y: &super::parallel::Shared,
) {
    let [height, width] = tiling.output;
    let channels = tiling.outputs;
    let Part { first, count, channel } = part;
    let vectors = ((channels - channel) / S::F32_LANES).min(NV);
    assert!(m.len() >= domain.len() && count <= domain.tiles && start.len() >= NV * S::F32_LANES);
    for index in 0..count {
        let (image, row, column) = tiling.place(first + index);
        for v in 0..vectors {
            let at = index * domain.width + v * S::F32_LANES;
            // SAFETY: point, tile and vector are below the domain's counts.
            let read = |point: usize| unsafe { load::<S>(m.as_ptr().add(point * domain.point() + at)) };
            let mut rows = [[simd.splat_f32s(0.0); 2]; 4];
            for (r, row) in rows.iter_mut().enumerate() {
                *row = output_axis(simd, [read(r * 4), read(r * 4 + 1), read(r * 4 + 2), read(r * 4 + 3)]);
            }
            // SAFETY: `start` has `NV` vectors.
            let start = unsafe { load::<S>(start.as_ptr().add(v * S::F32_LANES)) };
            for c in 0..2 {
                let pair = output_axis(simd, column_of(&rows, c));
                for (r, value) in pair.into_iter().enumerate() {
                    let (py, px) = (2 * row + r, 2 * column + c);
                    if py < height && px < width {
                        let at = ((image * height + py) * width + px) * channels + channel + v * S::F32_LANES;
                        // SAFETY: this thread's alone, by the caller's promise; one vector long.
                        unsafe {
                            let out = y.slice_mut(at, S::F32_LANES);
                            store::<S>(out.as_mut_ptr(), simd.add_f32s(value, start));
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn output_axis<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 2] {
    [simd.add_f32s(simd.add_f32s(a, b), c), simd.sub_f32s(simd.sub_f32s(b, c), d)]
}

/// `A g Aᵀ` of 2×2 tiles of the output's gradient, the transpose of [`transform_output`], for the vectors of channels
/// from `channel`, into `[point][block][tile][width]`.
#[inline(always)]
pub fn transform_gradient<S: Simd>(
    simd: S,
    tiling: &Tiling,
    field: Field<'_>,
    part: Part,
    domain: Domain,
    out: &mut [f32],
) {
    let (channels, area) = (tiling.outputs, tiling.output[0] * tiling.output[1] * tiling.outputs);
    let (Field { values, zeros }, Part { first, count, .. }) = (field, part);
    assert!(zeros.len() >= channels && out.len() >= domain.len() && count <= domain.tiles);
    for index in 0..count {
        let (image, row, column) = tiling.place(first + index);
        let corner = [row, column].map(|at| 2 * at as isize);
        let pixels = pixels::<2>(&values[image * area..][..area], zeros, tiling.output, channels, corner);
        for offset in (0..domain.blocks * domain.width).step_by(S::F32_LANES) {
            let inside = part.channel + offset < channels;
            let read = |r: usize, c: usize| {
                // SAFETY: every pixel has `channels` values, a multiple of the vector.
                if inside {
                    unsafe { load::<S>(pixels[r][c].add(part.channel + offset)) }
                } else {
                    simd.splat_f32s(0.0)
                }
            };
            let rows = [
                gradient_axis(simd, [read(0, 0), read(0, 1)]),
                gradient_axis(simd, [read(1, 0), read(1, 1)]),
            ];
            let at = offset / domain.width * domain.block() + index * domain.width + offset % domain.width;
            for c in 0..4 {
                let line = gradient_axis(simd, column_of(&rows, c));
                for (r, value) in line.into_iter().enumerate() {
                    // SAFETY: point, block and tile are below the domain's counts.
                    unsafe { store::<S>(out.as_mut_ptr().add((r * 4 + c) * domain.point() + at), value) };
                }
            }
        }
    }
}

#[inline(always)]
fn gradient_axis<S: Simd>(simd: S, [a, b]: [S::f32s; 2]) -> [S::f32s; 4] {
    [a, simd.add_f32s(a, b), simd.sub_f32s(a, b), simd.neg_f32s(b)]
}

/// Where a weight lies: of output channel `o` and reduced channel `i` at `o · output + i · input + tap`.
#[derive(Clone, Copy, Debug)]
pub struct Taps {
    pub output: usize,
    pub input: usize,
    pub flipped: bool,
}

/// Most channels of a tile of weights.
const WIDEST: usize = 32;

/// `G g Gᵀ` for one reduced channel and a tile of output channels: `POINTS` lines of `out`, `stride` apart.
#[inline(always)]
pub fn transform_weight(
    weight: &[f32],
    taps: Taps,
    [first, channels, reduced]: [usize; 3],
    width: usize,
    stride: usize,
    out: &mut [f32],
) {
    assert!(width <= WIDEST);
    let mut g = [[0.0f32; WIDEST]; 9];
    for channel in first..channels.min(first + width) {
        let at = channel * taps.output + reduced * taps.input;
        for (tap, value) in weight[at..at + 9].iter().enumerate() {
            g[if taps.flipped { 8 - tap } else { tap }][channel - first] = *value;
        }
    }
    let mut rows = [[[0.0f32; WIDEST]; 3]; 4];
    for c in 0..3 {
        for j in 0..width {
            let (a, b, d) = (g[c][j], g[3 + c][j], g[6 + c][j]);
            (rows[0][c][j], rows[3][c][j]) = (a, d);
            (rows[1][c][j], rows[2][c][j]) = (0.5 * (a + b + d), 0.5 * (a - b + d));
        }
    }
    for (r, row) in rows.iter().enumerate() {
        for c in 0..4 {
            let line = &mut out[(r * 4 + c) * stride..][..width];
            for (j, to) in line.iter_mut().enumerate() {
                let (a, b, d) = (row[0][j], row[1][j], row[2][j]);
                *to = match c {
                    0 => a,
                    1 => 0.5 * (a + b + d),
                    2 => 0.5 * (a - b + d),
                    _ => d,
                };
            }
        }
    }
}

/// `Gᵀ u G`, the transpose of [`transform_weight`]: nine taps for each of `width` output channels.
#[inline(always)]
pub fn transform_weight_grad(u: &[f32], stride: usize, width: usize) -> [[f32; WIDEST]; 9] {
    let mut rows = [[[0.0f32; WIDEST]; 4]; 3];
    for c in 0..4 {
        let lines = [0, 1, 2, 3].map(|r| &u[(r * 4 + c) * stride..][..width]);
        for j in 0..width {
            let (a, b, d, e) = (lines[0][j], lines[1][j], lines[2][j], lines[3][j]);
            rows[0][c][j] = a + 0.5 * (b + d);
            rows[1][c][j] = 0.5 * (b - d);
            rows[2][c][j] = 0.5 * (b + d) + e;
        }
    }
    let mut g = [[0.0f32; WIDEST]; 9];
    for (r, row) in rows.iter().enumerate() {
        for j in 0..width {
            let (a, b, d, e) = (row[0][j], row[1][j], row[2][j], row[3][j]);
            g[r * 3][j] = a + 0.5 * (b + d);
            g[r * 3 + 1][j] = 0.5 * (b - d);
            g[r * 3 + 2][j] = 0.5 * (b + d) + e;
        }
    }
    g
}
