//! Batch normalisation and the ReLU after it: two passes over the input forward, two backward.

use pulp::{Simd, WithSimd};

use super::lanes::dispatch;
use super::parallel::{Shared, for_each};
use super::rows::{Rows, vectorised};

/// Rows summed in f32 before the sums go on in f64.
const BLOCK_ROWS: usize = 64;
/// Rows whose mean the sums are taken around.
const SAMPLE_ROWS: usize = 64;
/// Vectors of channels side by side.
const WIDE: usize = 4;

/// Mean and biased variance of every channel of `[rows, channels]`.
///
/// One pass: sums and squares around the mean of a sample of rows, so that nothing cancels.
pub fn moments(x: &[f32], count: usize, channels: usize) -> [Vec<f64>; 2] {
    assert_eq!(x.len(), count * channels);
    let around = sample_mean(x, count, channels);
    let rows = Rows::new(count, channels);
    let spread = rows.spread(around.iter().copied());
    let sums = reduce(rows, |range, out| {
        dispatch(Moments {
            x: &x[range.start * rows.channels..range.end * rows.channels],
            around: &spread,
            out,
        });
    });
    let [first, second] = sums.map(|sums| rows.gather(&sums));
    let n = count as f64;
    let mean = first.iter().zip(&around).map(|(sum, &around)| f64::from(around) + sum / n).collect();
    let variance =
        first.iter().zip(&second).map(|(sum, squares)| (squares / n - (sum / n).powi(2)).max(0.0)).collect();
    [mean, variance]
}

fn sample_mean(x: &[f32], count: usize, channels: usize) -> Vec<f32> {
    let step = (count / SAMPLE_ROWS).max(1);
    let mut sum = vec![0.0f64; channels];
    let mut taken = 0;
    for row in x.chunks_exact(channels.max(1)).step_by(step) {
        sum.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
        taken += 1;
    }
    sum.into_iter().map(|sum| (sum / f64::from(taken.max(1))) as f32).collect()
}

/// Two sums per channel: `task(rows, [first, second])` gives those of a chunk, which are added in order.
fn reduce(rows: Rows, task: impl Fn(std::ops::Range<usize>, [&mut [f64]; 2]) + Sync + Send) -> [Vec<f64>; 2] {
    let channels = rows.channels;
    let mut parts = vec![0.0f64; rows.chunks() * 2 * channels];
    let chunks: Vec<_> = parts.chunks_exact_mut((2 * channels).max(1)).map(std::sync::Mutex::new).collect();
    for_each(chunks.len(), |index| {
        let mut part = chunks[index].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (first, second) = part.split_at_mut(channels);
        task(rows.range(index), [first, second]);
    });
    drop(chunks);
    let mut total = vec![0.0; 2 * channels];
    for part in parts.chunks_exact((2 * channels).max(1)) {
        total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
    }
    let second = total.split_off(channels);
    [total, second]
}

struct Moments<'a> {
    x: &'a [f32],
    around: &'a [f32],
    out: [&'a mut [f64]; 2],
}

impl WithSimd for Moments<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let channels = self.around.len();
        let [first, second] = self.out;
        for block in self.x.chunks(BLOCK_ROWS * channels) {
            columns::<S>(channels, |at, count| {
                let around = read::<S, WIDE>(simd, &self.around[at..at + count]);
                let (mut sums, mut squares) = ([simd.splat_f32s(0.0); WIDE], [simd.splat_f32s(0.0); WIDE]);
                for row in block.chunks_exact(channels) {
                    let x = read::<S, WIDE>(simd, &row[at..at + count]);
                    for v in 0..WIDE {
                        let d = simd.sub_f32s(x[v], around[v]);
                        sums[v] = simd.add_f32s(sums[v], d);
                        squares[v] = simd.mul_add_e_f32s(d, d, squares[v]);
                    }
                }
                add::<S>(&mut first[at..at + count], sums);
                add::<S>(&mut second[at..at + count], squares);
            });
        }
    }
}

/// Calls `body(first channel, count)` for groups of at most `WIDE` vectors.
#[inline(always)]
fn columns<S: Simd>(channels: usize, mut body: impl FnMut(usize, usize)) {
    let group = WIDE * S::F32_LANES;
    for at in (0..channels).step_by(group) {
        body(at, group.min(channels - at));
    }
}

/// Up to `N` vectors; zeros beyond the slice.
#[inline(always)]
fn read<S: Simd, const N: usize>(simd: S, from: &[f32]) -> [S::f32s; N] {
    let mut out = [simd.splat_f32s(0.0); N];
    if from.len() == N * S::F32_LANES {
        for (v, out) in out.iter_mut().enumerate() {
            // SAFETY: `from` holds `N` vectors.
            *out = unsafe { super::lanes::load::<S>(from.as_ptr().add(v * S::F32_LANES)) };
        }
        return out;
    }
    // By index: a loop over chunks would keep the vectors in memory.
    for (v, out) in out.iter_mut().enumerate() {
        *out = simd.partial_load_f32s(&from[part::<S>(v, from.len())]);
    }
    out
}

/// What the vector `v` covers of `len` values.
#[inline(always)]
fn part<S: Simd>(v: usize, len: usize) -> std::ops::Range<usize> {
    (v * S::F32_LANES).min(len)..((v + 1) * S::F32_LANES).min(len)
}

#[inline(always)]
fn write<S: Simd, const N: usize>(simd: S, to: &mut [f32], values: [S::f32s; N]) {
    if to.len() == N * S::F32_LANES {
        for (v, value) in values.into_iter().enumerate() {
            // SAFETY: `to` holds `N` vectors.
            unsafe { super::lanes::store::<S>(to.as_mut_ptr().add(v * S::F32_LANES), value) };
        }
        return;
    }
    for (v, value) in values.into_iter().enumerate() {
        let part = part::<S>(v, to.len());
        simd.partial_store_f32s(&mut to[part], value);
    }
}

#[inline(always)]
fn add<S: Simd>(to: &mut [f64], values: [S::f32s; WIDE]) {
    let values = &raw const values;
    // SAFETY: the array holds `WIDE · F32_LANES` floats, and no group is longer.
    let values = unsafe { std::slice::from_raw_parts(values.cast::<f32>(), to.len()) };
    to.iter_mut().zip(values).for_each(|(to, &value)| *to += f64::from(value));
}

/// One channel's map `(x - mean) · factor + shift`.
#[derive(Clone, Copy)]
pub struct Affine<'a> {
    pub mean: &'a [f32],
    pub factor: &'a [f32],
    pub shift: &'a [f32],
}

/// `[rows, channels]` through `affine`, and ReLU where asked for; every value of `y` is written.
pub fn apply(x: &[f32], affine: Affine<'_>, relu: bool, y: &mut [f32]) {
    let channels = affine.mean.len();
    assert_eq!(x.len(), y.len());
    let rows = Rows::new(x.len() / channels.max(1), channels);
    let [mean, factor, shift] =
        [affine.mean, affine.factor, affine.shift].map(|v| rows.spread(v.iter().copied()));
    let y = Shared::new(y);
    let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
    for_each(rows.chunks(), |index| {
        let range = rows.range(index);
        let (start, len) = (range.start * rows.channels, range.len() * rows.channels);
        // SAFETY: chunks do not overlap.
        let y = unsafe { y.slice_mut(start, len) };
        let affine = Affine { mean: &mean, factor: &factor, shift: &shift };
        dispatch(Apply { x: &x[start..start + len], affine, floor, y });
    });
}

struct Apply<'a> {
    x: &'a [f32],
    affine: Affine<'a>,
    floor: f32,
    y: &'a mut [f32],
}

impl WithSimd for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let channels = self.affine.mean.len();
        let floor = simd.splat_f32s(self.floor);
        columns::<S>(channels, |at, count| {
            let [mean, factor, shift] = [self.affine.mean, self.affine.factor, self.affine.shift]
                .map(|values| read::<S, WIDE>(simd, &values[at..at + count]));
            for (x, y) in self.x.chunks_exact(channels).zip(self.y.chunks_exact_mut(channels)) {
                let mut values = read::<S, WIDE>(simd, &x[at..at + count]);
                for v in 0..WIDE {
                    let d = simd.sub_f32s(values[v], mean[v]);
                    values[v] = max(simd, simd.mul_add_e_f32s(d, factor[v], shift[v]), floor);
                }
                write(simd, &mut y[at..at + count], values);
            }
        });
    }
}

/// The larger of two; NaN where `a` is.
#[inline(always)]
fn max<S: Simd>(simd: S, a: S::f32s, floor: S::f32s) -> S::f32s {
    simd.select_f32s(simd.less_than_f32s(a, floor), floor, a)
}

/// Sums over the gradient where the output was positive (everywhere without `relu`): of the gradient, and of its
/// product with `x - mean`.
pub fn grad_sums(x: &[f32], grad: &[f32], affine: Affine<'_>, relu: bool) -> [Vec<f64>; 2] {
    let channels = affine.mean.len();
    assert_eq!(x.len(), grad.len());
    let rows = Rows::new(x.len() / channels.max(1), channels);
    let [mean, factor, shift] =
        [affine.mean, affine.factor, affine.shift].map(|v| rows.spread(v.iter().copied()));
    let sums = reduce(rows, |range, out| {
        let range = range.start * rows.channels..range.end * rows.channels;
        let affine = Affine { mean: &mean, factor: &factor, shift: &shift };
        dispatch(GradSums { x: &x[range.clone()], grad: &grad[range], affine, relu, out });
    });
    sums.map(|sums| rows.gather(&sums))
}

struct GradSums<'a> {
    x: &'a [f32],
    grad: &'a [f32],
    affine: Affine<'a>,
    relu: bool,
    out: [&'a mut [f64]; 2],
}

impl WithSimd for GradSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let channels = self.affine.mean.len();
        let [first, second] = self.out;
        let zero = simd.splat_f32s(0.0);
        let size = BLOCK_ROWS * channels;
        for (x, grad) in self.x.chunks(size).zip(self.grad.chunks(size)) {
            columns::<S>(channels, |at, count| {
                let [mean, factor, shift] = [self.affine.mean, self.affine.factor, self.affine.shift]
                    .map(|values| read::<S, WIDE>(simd, &values[at..at + count]));
                let mut sums = [[zero; WIDE]; 2];
                for (x, grad) in x.chunks_exact(channels).zip(grad.chunks_exact(channels)) {
                    let x = read::<S, WIDE>(simd, &x[at..at + count]);
                    let grad = read::<S, WIDE>(simd, &grad[at..at + count]);
                    for v in 0..WIDE {
                        let d = simd.sub_f32s(x[v], mean[v]);
                        let g = if self.relu {
                            let y = simd.mul_add_e_f32s(d, factor[v], shift[v]);
                            simd.select_f32s(simd.less_than_or_equal_f32s(y, zero), zero, grad[v])
                        } else {
                            grad[v]
                        };
                        sums[0][v] = simd.add_f32s(sums[0][v], g);
                        sums[1][v] = simd.mul_add_e_f32s(g, d, sums[1][v]);
                    }
                }
                add::<S>(&mut first[at..at + count], sums[0]);
                add::<S>(&mut second[at..at + count], sums[1]);
            });
        }
    }
}

/// One channel's gradient map `grad · factor + (x - mean) · slope + offset`, with the mask of [`grad_sums`].
#[derive(Clone, Copy)]
pub struct GradMap<'a> {
    pub affine: Affine<'a>,
    pub relu: bool,
    pub slope: &'a [f32],
    pub offset: &'a [f32],
}

/// The gradient for `x`, written to `out`; without `grad`, what `out` holds is the gradient of the output.
pub fn grad_apply(x: &[f32], grad: Option<&[f32]>, map: GradMap<'_>, out: &mut [f32]) {
    let channels = map.slope.len();
    assert!(x.len() == out.len() && grad.is_none_or(|grad| grad.len() == out.len()));
    let rows = Rows::new(x.len() / channels.max(1), channels);
    let Affine { mean, factor, shift } = map.affine;
    let [mean, factor, shift, slope, offset] =
        [mean, factor, shift, map.slope, map.offset].map(|v| rows.spread(v.iter().copied()));
    let affine = Affine { mean: &mean, factor: &factor, shift: &shift };
    let map = GradMap { affine, slope: &slope, offset: &offset, ..map };
    let out = Shared::new(out);
    for_each(rows.chunks(), |index| {
        let range = rows.range(index);
        let (start, len) = (range.start * rows.channels, range.len() * rows.channels);
        // SAFETY: chunks do not overlap.
        let out = unsafe { out.slice_mut(start, len) };
        let grad = grad.map(|grad| &grad[start..start + len]);
        dispatch(GradApply { x: &x[start..start + len], grad, map, out });
    });
}

struct GradApply<'a> {
    x: &'a [f32],
    grad: Option<&'a [f32]>,
    map: GradMap<'a>,
    out: &'a mut [f32],
}

impl WithSimd for GradApply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let GradMap { affine, relu, slope, offset } = self.map;
        let channels = slope.len();
        let zero = simd.splat_f32s(0.0);
        columns::<S>(channels, |at, count| {
            let [mean, factor, shift, slope, offset] =
                [affine.mean, affine.factor, affine.shift, slope, offset]
                    .map(|values| read::<S, WIDE>(simd, &values[at..at + count]));
            for (row, (x, out)) in
                self.x.chunks_exact(channels).zip(self.out.chunks_exact_mut(channels)).enumerate()
            {
                let x = read::<S, WIDE>(simd, &x[at..at + count]);
                let out = &mut out[at..at + count];
                let mut values = match self.grad {
                    Some(grad) => read::<S, WIDE>(simd, &grad[row * channels + at..][..count]),
                    None => read::<S, WIDE>(simd, out),
                };
                for v in 0..WIDE {
                    let d = simd.sub_f32s(x[v], mean[v]);
                    if relu {
                        let y = simd.mul_add_e_f32s(d, factor[v], shift[v]);
                        values[v] = simd.select_f32s(simd.less_than_or_equal_f32s(y, zero), zero, values[v]);
                    }
                    let rest = simd.mul_add_e_f32s(d, slope[v], offset[v]);
                    values[v] = simd.mul_add_e_f32s(values[v], factor[v], rest);
                }
                write(simd, out, values);
            }
        });
    }
}

/// Sum of every channel of `[rows, channels]`.
pub fn channel_sums(x: &[f32], count: usize, channels: usize) -> Vec<f64> {
    assert_eq!(x.len(), count * channels);
    let rows = Rows::new(count, channels);
    let [sums, _] = reduce(rows, |range, [out, _]| {
        let x = &x[range.start * rows.channels..range.end * rows.channels];
        vectorised(
            #[inline(always)]
            || {
                for row in x.chunks_exact(rows.channels) {
                    out.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
                }
            },
        );
    });
    rows.gather(&sums)
}
