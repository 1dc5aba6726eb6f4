//! 3×3 convolutions of stride 1 by Winograd's minimal filtering, Lavin and Gray (CVPR 2016).
//!
//! A 4×4 tile of the output is `Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A` of a 6×6 tile `d` of the input: 36 products instead of
//! 144, and all tiles together are 36 matrix products; or 16 instead of 36 for a 2×2 tile, where images are small.
//! Backward, each linear map is followed by its transpose.

use pulp::Simd;

use super::geometry::Geometry;
use super::lanes::{BLOCK, load, store};
use super::minimal::Filtering;

/// How many tiles cost as much as the transform of the weights.
const WEIGHTS: usize = 80;

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
    /// Height and width of a tile of the output, 2 or 4.
    pub tile: usize,
}

impl Tiling {
    /// The convolution; `None` where this method does not apply.
    pub fn of(geometry: &Geometry) -> Option<Self> {
        let Geometry { images, input, inputs, output, outputs, kernel, stride, padding } = *geometry;
        let whole = inputs.is_multiple_of(BLOCK) && outputs.is_multiple_of(BLOCK);
        let fits = kernel == 3 && stride == 1 && padding <= 2 && whole;
        let sized = |tile| Self { images, input, inputs, output, outputs, padding, tile };
        let cost = |tiling: &Self| tiling.points() * (tiling.tiles() + WEIGHTS);
        let (two, four) = (sized(2), sized(4));
        fits.then(|| if cost(&four) <= cost(&two) { four } else { two })
    }

    /// Points of a transformed tile.
    pub fn points(&self) -> usize {
        (self.tile + 2) * (self.tile + 2)
    }

    /// Distance between points of weights, `width` for each reduced channel: a cache line more than needed, so that points
    /// do not fall on one cache set.
    pub fn line(&self, width: usize) -> usize {
        self.inputs * width + BLOCK
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
            tile: self.tile,
        }
    }

    fn grid(&self) -> [usize; 2] {
        self.output.map(|size| size.div_ceil(self.tile))
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
    pub points: usize,
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
        self.points * self.point()
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

/// A tile's pixels: where each is read, or a line of zeros.
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
pub fn transform_input<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(
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
        let corner = [row, column].map(|at| (OUT * at) as isize - tiling.padding as isize);
        let pixels = pixels::<IN>(&values[image * area..][..area], zeros, tiling.input, channels, corner);
        for channel in (0..channels).step_by(S::F32_LANES) {
            let zero = simd.splat_f32s(0.0);
            let mut d = [[zero; IN]; IN];
            for r in 0..IN {
                for c in 0..IN {
                    // SAFETY: every pixel has `channels` values, a multiple of the vector.
                    d[r][c] = unsafe { load::<S>(pixels[r][c].add(channel)) };
                }
            }
            for row in &mut d {
                *row = F::input(simd, *row);
            }
            let at = channel / BLOCK * domain.block() + index * BLOCK + channel % BLOCK;
            for c in 0..IN {
                let line = F::input(simd, column_of(&d, c));
                for (r, value) in line.into_iter().enumerate() {
                    // SAFETY: point, block and tile are below the domain's counts.
                    unsafe { store::<S>(out.as_mut_ptr().add((r * IN + c) * domain.point() + at), value) };
                }
            }
        }
    }
}

/// `Aᵀ m A` of transformed tiles `[point][tile][width]` to pixels, for the channels from `channel`.
///
/// # Safety
/// No other thread writes these channels of these tiles in `y`.
#[inline(always)]
pub unsafe fn transform_output<
    S: Simd,
    F: Filtering<OUT, IN>,
    const OUT: usize,
    const IN: usize,
    const NV: usize,
>(
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
            let zero = simd.splat_f32s(0.0);
            let mut rows = [[zero; OUT]; IN];
            for (r, row) in rows.iter_mut().enumerate() {
                let mut line = [zero; IN];
                line.iter_mut().enumerate().for_each(|(c, value)| *value = read(r * IN + c));
                *row = F::output(simd, line);
            }
            // SAFETY: `start` has `NV` vectors.
            let start = unsafe { load::<S>(start.as_ptr().add(v * S::F32_LANES)) };
            for c in 0..OUT {
                let line = F::output(simd, column_of(&rows, c));
                for (r, value) in line.into_iter().enumerate() {
                    let (py, px) = (OUT * row + r, OUT * column + c);
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

/// `A g Aᵀ` of tiles of the output's gradient, the transpose of [`transform_output`], for the vectors of channels
/// from `channel`, into `[point][block][tile][width]`.
#[inline(always)]
pub fn transform_gradient<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(
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
        let corner = [row, column].map(|at| (OUT * at) as isize);
        let pixels = pixels::<OUT>(&values[image * area..][..area], zeros, tiling.output, channels, corner);
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
            let zero = simd.splat_f32s(0.0);
            let mut rows = [[zero; IN]; OUT];
            for (r, row) in rows.iter_mut().enumerate() {
                let mut line = [zero; OUT];
                line.iter_mut().enumerate().for_each(|(c, value)| *value = read(r, c));
                *row = F::gradient(simd, line);
            }
            let at = offset / domain.width * domain.block() + index * domain.width + offset % domain.width;
            for c in 0..IN {
                let line = F::gradient(simd, column_of(&rows, c));
                for (r, value) in line.into_iter().enumerate() {
                    // SAFETY: point, block and tile are below the domain's counts.
                    unsafe { store::<S>(out.as_mut_ptr().add((r * IN + c) * domain.point() + at), value) };
                }
            }
        }
    }
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

/// `G g Gᵀ` for one reduced channel and a tile of output channels: a line of `out` for each point, `stride` apart.
#[inline(always)]
pub fn transform_weight<F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(
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
    let mut rows = [[[0.0f32; WIDEST]; 3]; IN];
    for c in 0..3 {
        for j in 0..width {
            let column = F::weight([g[c][j], g[3 + c][j], g[6 + c][j]]);
            rows.iter_mut().zip(column).for_each(|(row, value)| row[c][j] = value);
        }
    }
    for (r, row) in rows.iter().enumerate() {
        let mut lines = [[0.0f32; WIDEST]; IN];
        for j in 0..width {
            let line = F::weight([row[0][j], row[1][j], row[2][j]]);
            lines.iter_mut().zip(line).for_each(|(to, value)| to[j] = value);
        }
        for (c, line) in lines.iter().enumerate() {
            out[(r * IN + c) * stride..][..width].copy_from_slice(&line[..width]);
        }
    }
}

/// `Gᵀ u G`, the transpose of [`transform_weight`]: nine taps for each of `width` output channels.
#[inline(always)]
pub fn transform_weight_grad<F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(
    u: &[f32],
    stride: usize,
    width: usize,
) -> [[f32; WIDEST]; 9] {
    let mut rows = [[[0.0f32; WIDEST]; IN]; 3];
    for c in 0..IN {
        let mut lines = [[0.0f32; WIDEST]; IN];
        for (r, line) in lines.iter_mut().enumerate() {
            line[..width].copy_from_slice(&u[(r * IN + c) * stride..][..width]);
        }
        for j in 0..width {
            let mut column = [0.0; IN];
            column.iter_mut().zip(&lines).for_each(|(value, line)| *value = line[j]);
            let taps = F::weight_grad(column);
            rows.iter_mut().zip(taps).for_each(|(row, value)| row[c][j] = value);
        }
    }
    let mut g = [[0.0f32; WIDEST]; 9];
    for (r, row) in rows.iter().enumerate() {
        for j in 0..width {
            let mut line = [0.0; IN];
            line.iter_mut().zip(row).for_each(|(value, row)| *value = row[j]);
            let taps = F::weight_grad(line);
            taps.into_iter().enumerate().for_each(|(c, value)| g[r * 3 + c][j] = value);
        }
    }
    g
}
