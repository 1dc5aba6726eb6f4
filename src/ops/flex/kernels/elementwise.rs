//! One value at a time, and sums of them: plain loops, compiled for this machine's vectors.

use super::parallel::{Shared, for_each};
use super::rows::{SMALL, pieces, vectorised};

/// Values whose products are summed together.
const CHUNK: usize = 1 << 14;

/// `out[i] = f(i-th values of a and b)`.
#[inline(always)]
pub fn binary(a: &[f32], b: &[f32], out: &mut [f32], f: impl Fn(f32, f32) -> f32 + Sync + Send) {
    assert!(a.len() == out.len() && b.len() == out.len());
    let shared = Shared::new(out);
    pieces(
        a.len(),
        #[inline(always)]
        |range| {
            // SAFETY: pieces do not overlap.
            let out = unsafe { shared.slice_mut(range.start, range.len()) };
            for ((out, &a), &b) in out.iter_mut().zip(&a[range.clone()]).zip(&b[range]) {
                *out = f(a, b);
            }
        },
    );
}

/// `into[i] = f(into[i], b[i])`.
#[inline(always)]
pub fn update(into: &mut [f32], b: &[f32], f: impl Fn(f32, f32) -> f32 + Sync + Send) {
    assert!(b.len() == into.len());
    let shared = Shared::new(into);
    pieces(
        b.len(),
        #[inline(always)]
        |range| {
            // SAFETY: pieces do not overlap.
            let into = unsafe { shared.slice_mut(range.start, range.len()) };
            for (into, &b) in into.iter_mut().zip(&b[range]) {
                *into = f(*into, b);
            }
        },
    );
}

/// `x[i] = f(x[i])`.
#[inline(always)]
pub fn map(x: &mut [f32], f: impl Fn(f32) -> f32 + Sync + Send) {
    let shared = Shared::new(x);
    pieces(
        x.len(),
        #[inline(always)]
        |range| {
            // SAFETY: pieces do not overlap.
            let x = unsafe { shared.slice_mut(range.start, range.len()) };
            x.iter_mut().for_each(|x| *x = f(*x));
        },
    );
}

/// `x + step sign(gradient)`, moved to within `radius` of `center` and then to [0, 1]; as many samples as steps.
pub fn ascend([x, gradient, center]: [&[f32]; 3], [step, radius]: [&[f32]; 2], out: &mut [f32]) {
    assert!(x.len() == out.len() && gradient.len() == out.len() && center.len() == out.len());
    let samples = step.len();
    assert!(radius.len() == samples && (samples == 0 || out.len().is_multiple_of(samples)));
    let width = out.len() / samples.max(1);
    let together = (CHUNK / width.max(1)).max(1);
    let shared = Shared::new(out);
    for_each(samples.div_ceil(together), |task| {
        for sample in task * together..((task + 1) * together).min(samples) {
            let range = sample * width..(sample + 1) * width;
            // SAFETY: samples do not overlap.
            let out = unsafe { shared.slice_mut(range.start, width) };
            let images = [x, gradient, center].map(|image| &image[range.clone()]);
            vectorised(
                #[inline(always)]
                || ascend_one(images, step[sample], radius[sample], out),
            );
        }
    });
}

#[inline(always)]
fn ascend_one([x, gradient, center]: [&[f32]; 3], step: f32, radius: f32, out: &mut [f32]) {
    for (((out, &x), &gradient), &center) in out.iter_mut().zip(x).zip(gradient).zip(center) {
        // NaN stays NaN.
        let sign = match gradient {
            g if g > 0.0 => 1.0,
            g if g < 0.0 => -1.0,
            g => g * 0.0,
        };
        *out = within(within(x + sign * step, center - radius, center + radius), 0.0, 1.0);
    }
}

/// The nearest value between two; NaN stays NaN.
#[inline(always)]
fn within(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// Inner product: f64, in chunks of fixed length added in order.
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    assert!(a.len() == b.len());
    let chunk = |(a, b): (&[f32], &[f32])| {
        vectorised(
            #[inline(always)]
            || {
                let mut sums = [0.0f64; 16];
                let ((lines, rest), (others, other_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
                for (line, other) in lines.iter().zip(others) {
                    for ((sum, &x), &y) in sums.iter_mut().zip(line).zip(other) {
                        *sum += f64::from(x) * f64::from(y);
                    }
                }
                let tail = rest.iter().zip(other_rest).map(|(&x, &y)| f64::from(x) * f64::from(y));
                sums.iter().sum::<f64>() + tail.sum::<f64>()
            },
        )
    };
    let chunks = a.chunks(CHUNK).zip(b.chunks(CHUNK));
    if a.len() <= SMALL {
        return chunks.map(chunk).sum();
    }
    let parts: Vec<_> = chunks.map(|part| (part, std::sync::OnceLock::new())).collect();
    for_each(parts.len(), |index| {
        let (part, sum) = &parts[index];
        sum.get_or_init(|| chunk(*part));
    });
    parts.iter().filter_map(|(_, sum)| sum.get()).sum()
}

/// New weight and momentum of SGD as PyTorch's.
#[inline(always)]
fn sgd_step(weight: f32, momentum: f32, direction: f32, rule: [f32; 3], nesterov: bool) -> [f32; 2] {
    let [lr, share, decay] = rule;
    let grad = direction + weight * decay;
    let next = momentum * share + grad;
    let step = if nesterov { grad + next * share } else { next };
    [weight - step * lr, next]
}

/// SGD in place: `direction` becomes the new weight, `buffer` the new momentum.
pub fn sgd(weight: &[f32], buffer: Option<&mut [f32]>, direction: &mut [f32], rule: crate::ops::SgdRule) {
    let numbers = [rule.lr, rule.momentum, rule.weight_decay].map(|v| v as f32);
    let Some(buffer) = buffer else {
        return update(direction, weight, move |d, w| sgd_step(w, 0.0, d, numbers, false)[0]);
    };
    assert!(weight.len() == direction.len() && buffer.len() == direction.len());
    let (shared, buffers) = (Shared::new(direction), Shared::new(buffer));
    pieces(
        weight.len(),
        #[inline(always)]
        |range| {
            // SAFETY: pieces do not overlap.
            let (direction, buffer) = unsafe {
                (shared.slice_mut(range.start, range.len()), buffers.slice_mut(range.start, range.len()))
            };
            for ((d, b), &w) in direction.iter_mut().zip(buffer).zip(&weight[range]) {
                [*d, *b] = sgd_step(w, *b, *d, numbers, rule.nesterov);
            }
        },
    );
}

/// SGD whose `direction` somebody else holds: the new weight goes to `out`, the new momentum to `buffer`.
pub fn sgd_into(
    weight: &[f32],
    buffer: Option<&mut [f32]>,
    direction: &[f32],
    out: &mut [f32],
    rule: crate::ops::SgdRule,
) {
    let numbers = [rule.lr, rule.momentum, rule.weight_decay].map(|v| v as f32);
    let Some(buffer) = buffer else {
        return binary(direction, weight, out, move |d, w| sgd_step(w, 0.0, d, numbers, false)[0]);
    };
    assert!(weight.len() == direction.len() && buffer.len() == weight.len() && out.len() == weight.len());
    let (shared, buffers) = (Shared::new(out), Shared::new(buffer));
    pieces(
        weight.len(),
        #[inline(always)]
        |range| {
            // SAFETY: pieces do not overlap.
            let (out, buffer) = unsafe {
                (shared.slice_mut(range.start, range.len()), buffers.slice_mut(range.start, range.len()))
            };
            let read = weight[range.clone()].iter().zip(&direction[range]);
            for ((out, b), (&w, &d)) in out.iter_mut().zip(buffer).zip(read) {
                [*out, *b] = sgd_step(w, *b, d, numbers, rule.nesterov);
            }
        },
    );
}

/// Mean over the pixels of every image, `[n, pixels, channels]` to `[n, channels]`.
pub fn average(x: &[f32], pixels: usize, channels: usize, out: &mut [f32]) {
    let share = 1.0 / pixels as f32;
    for (image, mean) in x.chunks_exact((pixels * channels).max(1)).zip(out.chunks_exact_mut(channels.max(1)))
    {
        vectorised(
            #[inline(always)]
            || {
                mean.fill(0.0);
                for pixel in image.chunks_exact(channels) {
                    mean.iter_mut().zip(pixel).for_each(|(mean, x)| *mean += x);
                }
                mean.iter_mut().for_each(|mean| *mean *= share);
            },
        );
    }
}

/// The gradient of [`average`]: every pixel receives its share.
pub fn average_grad(grad: &[f32], pixels: usize, channels: usize, out: &mut [f32]) {
    let share = 1.0 / pixels as f32;
    for (image, mean) in
        out.chunks_exact_mut((pixels * channels).max(1)).zip(grad.chunks_exact(channels.max(1)))
    {
        vectorised(
            #[inline(always)]
            || {
                for pixel in image.chunks_exact_mut(channels) {
                    pixel.iter_mut().zip(mean).for_each(|(x, mean)| *x = mean * share);
                }
            },
        );
    }
}
