//! Multi-head attention, a head of an image at a time: what that needs stays in a second-level cache.

use super::exponential::exp_negative;
use super::parallel::{Shared, for_each};
use super::product::{Matrix, product};
use super::rows::{largest, sum, vectorised};
use super::scratch::Scratch;

/// Sizes: queries, keys and values are `[images, tokens, 3, heads, size]`, results `[images, tokens, heads, size]`,
/// shares `[images, heads, tokens, tokens]`.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    pub images: usize,
    pub tokens: usize,
    pub heads: usize,
    pub size: usize,
}

impl Heads {
    fn width(&self) -> usize {
        self.heads * self.size
    }

    /// What scores are multiplied with.
    fn temper(&self) -> f32 {
        (self.size as f32).sqrt().recip()
    }

    /// Queries, keys and values of one head, from those of an image.
    fn split<'a>(&self, qkv: &'a [f32], head: usize) -> [Matrix<'a>; 3] {
        let width = self.width();
        [0, 1, 2].map(|part| Matrix::new(&qkv[part * width + head * self.size..], 3 * width))
    }
}

/// Results and shares.
pub fn forward(heads: Heads, qkv: &[f32], y: &mut [f32], share: &mut [f32]) {
    let Heads { images, tokens, size, .. } = heads;
    let (width, square) = (heads.width(), tokens * tokens);
    assert_eq!(qkv.len(), images * tokens * 3 * width);
    assert!(y.len() == images * tokens * width && share.len() == images * heads.heads * square);
    let (y, share) = (Shared::new(y), Shared::new(share));
    for_each(images, |image| {
        let qkv = &qkv[image * tokens * 3 * width..][..tokens * 3 * width];
        // SAFETY: images do not overlap.
        let (y, share) = unsafe {
            let shares = heads.heads * square;
            (y.slice_mut(image * tokens * width, tokens * width), share.slice_mut(image * shares, shares))
        };
        for (head, share) in share.chunks_exact_mut(square).enumerate() {
            let [q, k, v] = heads.split(qkv, head);
            product((share, tokens), [tokens, tokens, size], heads.temper(), [q, k.transposed()]);
            vectorised(
                #[inline(always)]
                || {
                    // Not `for_each`, which is not inlined, and so compiled for the oldest processors.
                    for row in share.chunks_exact_mut(tokens) {
                        softmax(row);
                    }
                },
            );
            let share = Matrix::new(share, tokens);
            product((&mut y[head * size..], width), [tokens, size, tokens], 1.0, [share, v]);
        }
    });
}

/// Gradient for queries, keys and values.
pub fn grad(heads: Heads, qkv: &[f32], share: &[f32], grad: &[f32], out: &mut [f32]) {
    let Heads { images, tokens, size, .. } = heads;
    let (width, square) = (heads.width(), tokens * tokens);
    assert!(qkv.len() == images * tokens * 3 * width && out.len() == qkv.len());
    assert!(grad.len() == images * tokens * width && share.len() == images * heads.heads * square);
    let out = Shared::new(out);
    for_each(images, |image| {
        let range = image * tokens * 3 * width..(image + 1) * tokens * 3 * width;
        // SAFETY: images do not overlap.
        let out = unsafe { out.slice_mut(range.start, range.len()) };
        let grad = &grad[image * tokens * width..][..tokens * width];
        let mut scores = Scratch::take(square);
        for head in 0..heads.heads {
            let [q, k, v] = heads.split(&qkv[range.clone()], head);
            let share = &share[(image * heads.heads + head) * square..][..square];
            let grad = Matrix::new(&grad[head * size..], width);
            product((&mut scores, tokens), [tokens, tokens, size], 1.0, [grad, v.transposed()]);
            vectorised(
                #[inline(always)]
                || {
                    for (scores, share) in scores.chunks_exact_mut(tokens).zip(share.chunks_exact(tokens)) {
                        softmax_grad(scores, share, heads.temper());
                    }
                },
            );
            let (share, scores) = (Matrix::new(share, tokens), Matrix::new(&scores, tokens));
            let parts = [[scores, k], [scores.transposed(), q], [share.transposed(), grad]];
            for (part, pair) in parts.into_iter().enumerate() {
                let out = &mut out[part * width + head * size..];
                product((out, 3 * width), [tokens, size, tokens], 1.0, pair);
            }
        }
    });
}

/// `row = exp(row) / Σ exp(row)`.
#[inline(always)]
fn softmax(row: &mut [f32]) {
    let most = largest(row);
    row.iter_mut().for_each(|x| *x = exp_negative(*x - most));
    let share = sum(row, row, |x, _| x).recip();
    row.iter_mut().for_each(|x| *x *= share);
}

/// `row = share (row - Σ share row) factor`.
#[inline(always)]
fn softmax_grad(row: &mut [f32], share: &[f32], factor: f32) {
    let mean = sum(row, share, |x, share| x * share);
    row.iter_mut().zip(share).for_each(|(x, share)| *x = share * (*x - mean) * factor);
}
