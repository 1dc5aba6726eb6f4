//! Register tiles: the two loops in which all multiplications happen.

use pulp::Simd;

use super::lanes::{BLOCK, load};

/// A part of a reduction: `lanes` consecutive values, at `offset` from a pixel's base in the packed source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub offset: usize,
    pub lanes: usize,
}

/// Values of a tile of outputs: segments of consecutive pixels, vectors of channels.
pub type Tile<V, const SEG: usize, const RUN: usize, const NV: usize> = [[[V; NV]; RUN]; SEG];

/// `start + sum over steps and lanes of source × weights`, for `SEG` runs of `RUN` pixels that lie [`BLOCK`] apart.
///
/// # Safety
/// For every base, step, pixel of the run and lane, `base + offset + pixel · BLOCK + lane` can be read; `weights`
/// holds `NV` vectors per lane of every step, `start` holds `NV` vectors.
#[inline(always)]
pub unsafe fn multiply<S: Simd, const SEG: usize, const RUN: usize, const NV: usize>(
    simd: S,
    bases: [*const f32; SEG],
    steps: &[Step],
    weights: *const f32,
    start: *const f32,
) -> Tile<S::f32s, SEG, RUN, NV> {
    let mut tile = [[[simd.splat_f32s(0.0); NV]; RUN]; SEG];
    for v in 0..NV {
        // SAFETY: the caller's promise on `start`.
        let value = unsafe { load::<S>(start.add(v * S::F32_LANES)) };
        for segment in &mut tile {
            for pixel in segment {
                pixel[v] = value;
            }
        }
    }
    let mut weights = weights;
    for step in steps {
        let mut source = bases;
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
