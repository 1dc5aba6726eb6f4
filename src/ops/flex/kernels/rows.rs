//! Rows of channels, `[rows, channels]`, cut into chunks whose number follows from the sizes alone.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::lanes::dispatch;
use super::parallel::for_each;

/// Values of one chunk.
const CHUNK: usize = 1 << 15;

/// Below this many values one thread does it all.
pub const SMALL: usize = 1 << 14;

/// A matrix of `count` rows of `channels` values, seen as fewer longer rows where that fills vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    pub count: usize,
    pub channels: usize,
    /// Rows of the matrix side by side in one row here.
    pub fold: usize,
}

impl Rows {
    pub fn new(count: usize, channels: usize) -> Self {
        let fold =
            [4, 2].into_iter().find(|fold| channels * fold <= 64 && count.is_multiple_of(*fold)).unwrap_or(1);
        Self { count: count / fold, channels: channels * fold, fold }
    }

    /// Rows per chunk.
    fn chunk(&self) -> usize {
        (CHUNK / self.channels.max(1)).max(1)
    }

    pub fn chunks(&self) -> usize {
        self.count.div_ceil(self.chunk())
    }

    pub fn range(&self, chunk: usize) -> Range<usize> {
        chunk * self.chunk()..self.count.min((chunk + 1) * self.chunk())
    }

    /// Channels repeated as often as rows are folded.
    pub fn spread(&self, values: impl Iterator<Item = f32> + Clone) -> Vec<f32> {
        (0..self.fold).flat_map(|_| values.clone()).collect()
    }

    /// Folded sums brought back to channels.
    pub fn gather(&self, sums: &[f64]) -> Vec<f64> {
        let channels = self.channels / self.fold;
        (0..channels).map(|c| sums.iter().skip(c).step_by(channels).sum()).collect()
    }
}

/// Runs `task(range)` over all of `0..len` in pieces, compiled for this machine's vectors where `task` is inlined.
#[inline(always)]
pub fn pieces(len: usize, task: impl Fn(Range<usize>) + Sync + Send) {
    let chunk = if len <= SMALL { len.max(1) } else { CHUNK };
    for_each(len.div_ceil(chunk), |index| {
        vectorised(
            #[inline(always)]
            || task(index * chunk..len.min((index + 1) * chunk)),
        );
    });
}

/// Compiles a plain loop for this machine's vectors.
#[inline(always)]
pub fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    struct Body<F>(F);
    impl<R, F: FnOnce() -> R> WithSimd for Body<F> {
        type Output = R;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> R {
            (self.0)()
        }
    }
    dispatch(Body(body))
}

/// `Σ f(a, b)`, in sixteen sums side by side.
#[inline(always)]
pub fn sum(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0f32; 16];
    let ((lines, rest), (others, other_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (line, other) in lines.iter().zip(others) {
        for ((sum, &a), &b) in sums.iter_mut().zip(line).zip(other) {
            *sum += f(a, b);
        }
    }
    let tail: f32 = rest.iter().zip(other_rest).map(|(&a, &b)| f(a, b)).sum();
    sums.iter().sum::<f32>() + tail
}

/// The largest value, NaN aside.
#[inline(always)]
pub fn largest(values: &[f32]) -> f32 {
    let larger = |most: f32, x: f32| if x > most { x } else { most };
    let mut most = [f32::NEG_INFINITY; 16];
    let (lines, rest) = values.as_chunks::<16>();
    for line in lines {
        most.iter_mut().zip(line).for_each(|(most, &x)| *most = larger(*most, x));
    }
    most.iter().chain(rest).fold(f32::NEG_INFINITY, |most, &x| larger(most, x))
}
