//! The transforms of Winograd's minimal filtering of 3×3 convolutions, Lavin and Gray (CVPR 2016).
//!
//! A 4×4 tile of the output is `Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A` of a 6×6 tile `d` of the input: 36 products instead of
//! 144, and all tiles together are 36 matrix products; or 16 instead of 36 for a 2×2 tile, where images are small.
//! Backward, each linear map is followed by its transpose.

use pulp::Simd;

use super::lanes::{BLOCK, load, store};
use super::minimal::Filtering;
use super::parallel::{Shared, for_each};
use super::tiling::Tiling;

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

/// Activations, `[image][size[0]][size[1]][channels]`, and a line of zeros for what lies outside an image.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    pub values: &'a [f32],
    pub size: [usize; 2],
    pub channels: usize,
    pub zeros: &'a [f32],
}

impl<'a> Field<'a> {
    fn image(&self, index: usize) -> &'a [f32] {
        let area = self.size[0] * self.size[1] * self.channels;
        &self.values[index * area..][..area]
    }
}

/// Tiles from `first` on, channels from `channel` on; `place` is the first tile's in a domain.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub first: usize,
    pub count: usize,
    pub place: usize,
    pub channel: usize,
}

/// Tiles that a thread transforms at a time for all.
const TOGETHER: usize = 8;

/// Runs `transform` on all threads for the `count` tiles from `first` on, some at a time, for a domain that begins with them.
pub fn in_parts(first: usize, count: usize, transform: impl Fn(Part) + Sync + Send) {
    for_each(count.div_ceil(TOGETHER), |index| {
        let place = index * TOGETHER;
        transform(Part { first: first + place, count: TOGETHER.min(count - place), place, channel: 0 });
    });
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

/// Distance from an axis' start of `N` positions, `step` apart, of `size` ones `unit` values long; none outside.
#[inline(always)]
fn along<const N: usize>(first: isize, step: usize, size: usize, unit: usize) -> [Option<usize>; N] {
    std::array::from_fn(|index| {
        // Positions before 0 wrap to far beyond the end.
        let at = (first + (index * step) as isize) as usize;
        (at < size).then(|| at * unit)
    })
}

/// A tile's pixels, `step` apart: where each is read, or a line of zeros.
#[inline(always)]
fn pixels<const N: usize>(
    field: &Field<'_>,
    image: usize,
    [top, left]: [isize; 2],
    step: usize,
) -> [[*const f32; N]; N] {
    let (from, &Field { size: [height, width], channels, zeros, .. }) = (field.image(image), field);
    assert!(from.len() >= height * width * channels && zeros.len() >= channels);
    let rows = along::<N>(top, step, height, width * channels);
    let columns = along::<N>(left, step, width, channels);
    let mut out = [[zeros.as_ptr(); N]; N];
    for (line, row) in out.iter_mut().zip(rows) {
        let Some(row) = row else { continue };
        for (pixel, column) in line.iter_mut().zip(columns) {
            if let Some(column) = column {
                // SAFETY: a row and a column of the image, which `from` holds, asserted above.
                *pixel = unsafe { from.as_ptr().add(row + column) };
            }
        }
    }
    out
}

/// `Bᵀ d B` of the tiles of `part`, into `[point][block][tile][BLOCK]`.
///
/// # Safety
/// No other thread uses these tiles of `out`.
#[inline(always)]
pub unsafe fn transform_input<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(
    simd: S,
    tiling: &Tiling,
    field: Field<'_>,
    part: Part,
    domain: Domain,
    out: &Shared,
) {
    let (channels, Part { first, count, place, .. }) = (field.channels, part);
    assert!(place + count <= domain.tiles && tiling.reduced() <= domain.blocks * BLOCK);
    assert!(channels == tiling.inputs);
    let out = out.at(0, domain.len());
    let read = tiling.read;
    let tiles = (place..).zip(tiling.places(first).take(count));
    for (view, (index, [image, row, column])) in
        tiles.flat_map(|tile| (0..read.all()).map(move |view| (view, tile)))
    {
        let corner = [read.at(OUT * row, view / read.count), read.at(OUT * column, view % read.count)];
        let pixels = pixels::<IN>(&field, image, corner, read.stride);
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
                    unsafe { store::<S>(out.add((r * IN + c) * domain.point() + at), value) };
                }
            }
        }
    }
}

/// `Aᵀ m A` of transformed tiles `[point][tile][width]` to pixels, for the channels from `channel`, each from its `start`.
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
    y: &Shared,
) {
    assert!(start.len() >= NV * S::F32_LANES);
    transform_back::<S, OUT, OUT, IN, NV>(
        simd,
        tiling,
        m,
        part,
        domain,
        #[inline(always)]
        |simd, line| F::output(simd, line),
        #[inline(always)]
        |at, v, value| {
            // SAFETY: this thread's alone, by the caller's promise; `start` has `NV` vectors.
            unsafe {
                let start = load::<S>(start.as_ptr().add(v * S::F32_LANES));
                store::<S>(y.at(at, S::F32_LANES), simd.add_f32s(value, start));
            }
        },
    );
}

/// `B m Bᵀ` of transformed tiles, the transpose of [`transform_input`]: added to pixels, where tiles overlap.
///
/// # Safety
/// No other thread uses these channels of the images of these tiles in `y`.
#[inline(always)]
pub unsafe fn transform_input_grad<
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
    y: &Shared,
) {
    transform_back::<S, IN, OUT, IN, NV>(
        simd,
        tiling,
        m,
        part,
        domain,
        #[inline(always)]
        |simd, line| F::input_grad(simd, line),
        #[inline(always)]
        |at, _, value| {
            // SAFETY: this thread's alone, by the caller's promise.
            unsafe {
                let at = y.at(at, S::F32_LANES);
                store::<S>(at, simd.add_f32s(load::<S>(at), value));
            }
        },
    );
}

/// Transforms tiles along both axes to `SIDE` pixels a side, tiles `OUT` apart, and hands each vector to `keep`, with its place
/// in the result and its number of `NV`.
#[inline(always)]
fn transform_back<S: Simd, const SIDE: usize, const OUT: usize, const IN: usize, const NV: usize>(
    simd: S,
    tiling: &Tiling,
    m: &[f32],
    part: Part,
    domain: Domain,
    transform: impl Fn(S, [S::f32s; IN]) -> [S::f32s; SIDE],
    keep: impl Fn(usize, usize, S::f32s),
) {
    let ([height, width], write, outputs) = (tiling.output, tiling.write, tiling.outputs);
    let Part { first, count, place, channel } = part;
    let vectors = ((tiling.produced() - channel) / S::F32_LANES).min(NV);
    assert!(m.len() >= domain.len() && place + count <= domain.tiles);
    let mut views = [(0, 0); NV];
    for (v, view) in views.iter_mut().enumerate() {
        let channel = channel + v * S::F32_LANES;
        *view = (channel / outputs, channel % outputs);
    }
    for (index, [image, row, column]) in (place..).zip(tiling.places(first).take(count)) {
        let image = image * height * width * outputs;
        for (v, &(view, channel)) in views[..vectors].iter().enumerate() {
            let top = write.at(OUT * row, view / write.count);
            let left = write.at(OUT * column, view % write.count);
            let y_at = along::<SIDE>(top, write.stride, height, width * outputs);
            let x_at = along::<SIDE>(left, write.stride, width, outputs);
            let at = index * domain.width + v * S::F32_LANES;
            // SAFETY: point, tile and vector are below the domain's counts.
            let read = |point: usize| unsafe { load::<S>(m.as_ptr().add(point * domain.point() + at)) };
            let zero = simd.splat_f32s(0.0);
            let mut rows = [[zero; SIDE]; IN];
            for (r, row) in rows.iter_mut().enumerate() {
                let mut line = [zero; IN];
                line.iter_mut().enumerate().for_each(|(c, value)| *value = read(r * IN + c));
                *row = transform(simd, line);
            }
            for (c, x_at) in x_at.into_iter().enumerate() {
                let line = transform(simd, column_of(&rows, c));
                for (value, y_at) in line.into_iter().zip(y_at) {
                    if let (Some(x_at), Some(y_at)) = (x_at, y_at) {
                        keep(image + y_at + x_at + channel, v, value);
                    }
                }
            }
        }
    }
}

/// `A g Aᵀ` of tiles of the output's gradient, the transpose of [`transform_output`], for the vectors of channels
/// from `channel`, into `[point][block][tile][width]`.
///
/// # Safety
/// No other thread uses these tiles of `out`.
#[inline(always)]
pub unsafe fn transform_gradient<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(
    simd: S,
    tiling: &Tiling,
    field: Field<'_>,
    part: Part,
    domain: Domain,
    out: &Shared,
) {
    let (channels, Part { first, count, place, .. }) = (field.channels, part);
    assert!(place + count <= domain.tiles);
    let out = out.at(0, domain.len());
    for (index, [image, row, column]) in (place..).zip(tiling.places(first).take(count)) {
        let corner = [row, column].map(|at| (OUT * at) as isize);
        let pixels = pixels::<OUT>(&field, image, corner, 1);
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
                    unsafe { store::<S>(out.add((r * IN + c) * domain.point() + at), value) };
                }
            }
        }
    }
}
