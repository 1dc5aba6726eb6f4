//! The transforms of Winograd's minimal filtering of 3×3 convolutions, Lavin and Gray (CVPR 2016).
//!
//! A 4×4 tile of the output is `Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A` of a 6×6 tile `d` of the input: 36 products instead of
//! 144, and all tiles together are 36 matrix products; or 16 instead of 36 for a 2×2 tile, where images are small.
//! Backward, each linear map is followed by its transpose.

use pulp::Simd;

use super::lanes::{BLOCK, load, store};
use super::minimal::Filtering;
use super::tiling::{Taps, Tiling};

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

/// A tile's pixels, `step` apart: where each is read, or a line of zeros.
#[inline(always)]
fn pixels<const N: usize>(
    from: &[f32],
    zeros: &[f32],
    [height, width]: [usize; 2],
    channels: usize,
    [top, left]: [isize; 2],
    step: usize,
) -> [[*const f32; N]; N] {
    let mut out = [[zeros.as_ptr(); N]; N];
    for (r, row) in out.iter_mut().enumerate() {
        for (c, pixel) in row.iter_mut().enumerate() {
            let (y, x) = ((top + (r * step) as isize) as usize, (left + (c * step) as isize) as usize);
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
    let read = tiling.read;
    for (index, view) in (0..count).flat_map(|index| (0..read.all()).map(move |view| (index, view))) {
        let (image, row, column) = tiling.place(first + index);
        let corner = [read.at(OUT * row, view / read.count), read.at(OUT * column, view % read.count)];
        let image = &values[image * area..][..area];
        let pixels = pixels::<IN>(image, zeros, tiling.input, channels, corner, read.stride);
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
            let place = view * channels + channel;
            let at = place / BLOCK * domain.block() + index * BLOCK + place % BLOCK;
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
    let ([height, width], write) = (tiling.output.map(|size| size as isize), tiling.write);
    let Part { first, count, channel } = part;
    let vectors = ((tiling.produced() - channel) / S::F32_LANES).min(NV);
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
            let place = channel + v * S::F32_LANES;
            let (view, place) = (place / tiling.outputs, place % tiling.outputs);
            for c in 0..OUT {
                let line = F::output(simd, column_of(&rows, c));
                for (r, value) in line.into_iter().enumerate() {
                    let y_at = write.at(OUT * row + r, view / write.count);
                    let x_at = write.at(OUT * column + c, view % write.count);
                    if (0..height).contains(&y_at) && (0..width).contains(&x_at) {
                        let pixel = (image as isize * height + y_at) * width + x_at;
                        let at = pixel as usize * tiling.outputs + place;
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
        let pixels =
            pixels::<OUT>(&values[image * area..][..area], zeros, tiling.output, channels, corner, 1);
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

/// Most channels of a tile of weights.
const WIDEST: usize = 32;

/// `G g Gᵀ` for one reduced channel and the `width` produced ones from `first` on: a line of `out` for each point.
#[inline(always)]
pub fn transform_weight<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(
    simd: S,
    tiling: &Tiling,
    taps: &Taps,
    weight: &[f32],
    [first, reduced]: [usize; 2],
    width: usize,
    out: &mut [f32],
) {
    assert!(width <= WIDEST);
    let stride = tiling.line(width);
    let mut g = [[0.0f32; WIDEST]; 9];
    for channel in first..tiling.produced().min(first + width) {
        // One of the two has the views.
        let view = channel / tiling.outputs + reduced / tiling.inputs;
        let at = channel % tiling.outputs * taps.output + reduced % tiling.inputs * taps.input;
        for (line, place) in g.iter_mut().zip(&taps.places[view]) {
            if let Some(place) = place {
                line[channel - first] = weight[at + place];
            }
        }
    }
    assert!(width.is_multiple_of(S::F32_LANES) && out.len() >= (IN * IN - 1) * stride + width);
    for lane in (0..width).step_by(S::F32_LANES) {
        // SAFETY: lines have `WIDEST` values.
        let g = |tap: usize| unsafe { load::<S>(g[tap].as_ptr().add(lane)) };
        let mut rows = [[simd.splat_f32s(0.0); 3]; IN];
        for c in 0..3 {
            let column = F::weight(simd, [g(c), g(3 + c), g(6 + c)]);
            rows.iter_mut().zip(column).for_each(|(row, value)| row[c] = value);
        }
        for (r, row) in rows.into_iter().enumerate() {
            for (c, value) in F::weight(simd, row).into_iter().enumerate() {
                // SAFETY: the last point's vectors end inside `out`, asserted above.
                unsafe { store::<S>(out.as_mut_ptr().add((r * IN + c) * stride + lane), value) };
            }
        }
    }
}

/// `Gᵀ u G`, the transpose of [`transform_weight`]: nine taps for each of `width` output channels.
#[inline(always)]
pub fn transform_weight_grad<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(
    simd: S,
    u: &[f32],
    stride: usize,
    width: usize,
) -> [[f32; WIDEST]; 9] {
    assert!(width <= WIDEST && width.is_multiple_of(S::F32_LANES));
    assert!(u.len() >= (IN * IN - 1) * stride + width);
    let mut g = [[0.0f32; WIDEST]; 9];
    for lane in (0..width).step_by(S::F32_LANES) {
        let zero = simd.splat_f32s(0.0);
        let mut rows = [[zero; IN]; 3];
        for c in 0..IN {
            let mut column = [zero; IN];
            for (r, value) in column.iter_mut().enumerate() {
                // SAFETY: the last point's vectors end inside `u`, asserted above.
                *value = unsafe { load::<S>(u.as_ptr().add((r * IN + c) * stride + lane)) };
            }
            let taps = F::weight_grad(simd, column);
            rows.iter_mut().zip(taps).for_each(|(row, value)| row[c] = value);
        }
        for (r, row) in rows.into_iter().enumerate() {
            for (c, value) in F::weight_grad(simd, row).into_iter().enumerate() {
                // SAFETY: lines have `WIDEST` values.
                unsafe { store::<S>(g[r * 3 + c].as_mut_ptr().add(lane), value) };
            }
        }
    }
    g
}
