//! Register tiles: the two loops in which all multiplications happen.

use pulp::Simd;

use super::lanes::{BLOCK, load, store};

/// A part of a reduction: `lanes` consecutive values, at `offset` from a pixel's base in the packed source, times the
/// lines of weights from `line` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub offset: usize,
    pub lanes: usize,
    pub line: usize,
}

/// Some columns of lines of `width` steps.
#[derive(Clone, Copy)]
pub struct Steps<'a> {
    pub steps: &'a [Step],
    pub width: usize,
    pub columns: [usize; 2],
}

impl<'a> Steps<'a> {
    pub fn all(steps: &'a [Step]) -> Self {
        Self { steps, width: steps.len(), columns: [0, steps.len()] }
    }
}

/// Values of a tile of outputs: segments of consecutive pixels, vectors of channels.
pub type Tile<V, const SEG: usize, const RUN: usize, const NV: usize> = [[[V; NV]; RUN]; SEG];

/// The same vectors at every pixel.
///
/// # Safety
/// `start` holds `NV` vectors.
#[inline(always)]
pub unsafe fn repeated<S: Simd, const SEG: usize, const RUN: usize, const NV: usize>(
    simd: S,
    start: *const f32,
) -> Tile<S::f32s, SEG, RUN, NV> {
    let mut tile = [[[simd.splat_f32s(0.0); NV]; RUN]; SEG];
    for (at, value) in tile.as_flattened_mut().as_flattened_mut().iter_mut().enumerate() {
        // SAFETY: the caller's promise on `start`.
        *value = unsafe { load::<S>(start.add(at % NV * S::F32_LANES)) };
    }
    tile
}

/// A tile that was written by [`keep`].
///
/// # Safety
/// `from` holds the vectors of a tile.
#[inline(always)]
pub unsafe fn kept<S: Simd, const SEG: usize, const RUN: usize, const NV: usize>(
    simd: S,
    from: *const f32,
) -> Tile<S::f32s, SEG, RUN, NV> {
    let mut tile = [[[simd.splat_f32s(0.0); NV]; RUN]; SEG];
    for (at, value) in tile.as_flattened_mut().as_flattened_mut().iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *value = unsafe { load::<S>(from.add(at * S::F32_LANES)) };
    }
    tile
}

/// Writes the vectors of a tile one after the other.
///
/// # Safety
/// There is room for them at `to`.
#[inline(always)]
pub unsafe fn keep<S: Simd, const SEG: usize, const RUN: usize, const NV: usize>(
    tile: &Tile<S::f32s, SEG, RUN, NV>,
    to: *mut f32,
) {
    for (at, value) in tile.as_flattened().as_flattened().iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { store::<S>(to.add(at * S::F32_LANES), *value) };
    }
}

/// `tile + sum over steps and lanes of source × weights`, for `SEG` runs of `RUN` pixels that lie [`BLOCK`] apart.
///
/// # Safety
/// For every base, step, pixel of the run and lane, `base + offset + pixel · BLOCK + lane` can be read; `weights`
/// holds `NV` vectors for every line of the steps.
#[inline(always)]
pub unsafe fn multiply<S: Simd, const SEG: usize, const RUN: usize, const NV: usize>(
    simd: S,
    mut tile: Tile<S::f32s, SEG, RUN, NV>,
    bases: [*const f32; SEG],
    steps: Steps<'_>,
    weights: *const f32,
) -> Tile<S::f32s, SEG, RUN, NV> {
    let Steps { steps, width, columns: [first, end] } = steps;
    for step in steps.chunks_exact(width).flat_map(|line| &line[first..end]) {
        let mut source = bases;
        // SAFETY: the caller's promise on `weights`.
        let mut weights = unsafe { weights.add(step.line * NV * S::F32_LANES) };
        for base in &mut source {
            // SAFETY: the caller's promise on bases and steps.
            *base = unsafe { base.add(step.offset) };
        }
        for lane in 0..step.lanes {
            let mut factor = [simd.splat_f32s(0.0); NV];
            for (v, factor) in factor.iter_mut().enumerate() {
                // SAFETY: the caller's promise on `weights`.
                *factor = unsafe { load::<S>(weights.add(v * S::F32_LANES)) };
            }
            // SAFETY: at most one past the vectors promised.
            weights = unsafe { weights.add(NV * S::F32_LANES) };
            for (segment, base) in tile.iter_mut().zip(source) {
                for (r, pixel) in segment.iter_mut().enumerate() {
                    // SAFETY: the caller's promise on bases and steps.
                    let x = simd.splat_f32s(unsafe { *base.add(r * BLOCK + lane) });
                    for (sum, factor) in pixel.iter_mut().zip(factor) {
                        *sum = simd.mul_add_e_f32s(x, factor, *sum);
                    }
                }
            }
        }
    }
    tile
}

/// `tile += sum over pixels of source lane × gradient vector`, for `RI` lanes and `NV` vectors, over one run.
///
/// # Safety
/// For every `pixel < count`: `RI` values can be read at `source + pixel · BLOCK` and `NV` vectors at
/// `gradient + pixel · NV · F32_LANES`.
#[inline(always)]
pub unsafe fn outer<S: Simd, const RI: usize, const NV: usize>(
    simd: S,
    tile: &mut [[S::f32s; NV]; RI],
    source: *const f32,
    gradient: *const f32,
    count: usize,
) {
    let (mut source, mut gradient) = (source, gradient);
    for _ in 0..count {
        let mut factor = [simd.splat_f32s(0.0); NV];
        for (v, factor) in factor.iter_mut().enumerate() {
            // SAFETY: the caller's promise on `gradient`.
            *factor = unsafe { load::<S>(gradient.add(v * S::F32_LANES)) };
        }
        for (i, sums) in tile.iter_mut().enumerate() {
            // SAFETY: the caller's promise on `source`.
            let x = simd.splat_f32s(unsafe { *source.add(i) });
            for (sum, factor) in sums.iter_mut().zip(factor) {
                *sum = simd.mul_add_e_f32s(x, factor, *sum);
            }
        }
        // SAFETY: at most one past the pixels promised.
        (source, gradient) = unsafe { (source.add(BLOCK), gradient.add(NV * S::F32_LANES)) };
    }
}
