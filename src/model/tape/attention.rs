//! Multi-head attention at one input, for its derivatives.

use burn::tensor::Tensor;

use super::map::Map;
use crate::ops::Ops;

/// Queries, keys and values side by side, and who looks at whom.
pub(super) struct Attention<B: Ops> {
    /// `[n, 1, tokens, 3 c]`.
    qkv: Tensor<B, 4>,
    /// Rows sum to one, `[n, heads, tokens, tokens]`.
    share: Tensor<B, 4>,
    heads: usize,
}

impl<B: Ops> Attention<B> {
    pub fn new(qkv: Tensor<B, 4>, heads: usize) -> (Tensor<B, 4>, Self) {
        let (y, share) = B::attend(qkv.clone(), heads);
        (y, Self { qkv, share, heads })
    }

    /// `[n, 1, tokens, k c]` as `k` tensors `[n, heads, tokens, c / heads]`.
    fn split<const K: usize>(&self, x: Tensor<B, 4>) -> [Tensor<B, 4>; K] {
        let [n, _, tokens, channels] = x.dims();
        let c = channels / K;
        std::array::from_fn(|part| {
            let part = x.clone().slice([0..n, 0..1, 0..tokens, part * c..(part + 1) * c]);
            part.reshape([n, tokens, self.heads, c / self.heads]).swap_dims(1, 2)
        })
    }

    fn join<const K: usize>(&self, parts: [Tensor<B, 4>; K]) -> Tensor<B, 4> {
        let [n, _, tokens, c] = parts[0].dims();
        let whole = |x: Tensor<B, 4>| x.swap_dims(1, 2).reshape([n, 1, tokens, self.heads * c]);
        Tensor::cat(parts.into_iter().map(whole).collect(), 3)
    }

    /// What scores are multiplied with.
    fn temper(&self) -> f64 {
        ((self.qkv.dims()[3] / 3 / self.heads) as f64).sqrt().recip()
    }

    /// Tangents of the shares, given those of queries and keys.
    fn share_tangent(&self, [q, k]: [&Tensor<B, 4>; 2], [tq, tk]: [&Tensor<B, 4>; 2]) -> Tensor<B, 4> {
        let scores = tq.clone().matmul(transposed(k)) + q.clone().matmul(transposed(tk));
        self.through_softmax(scores * self.temper())
    }

    /// The derivative of the softmax, which is symmetric.
    fn through_softmax(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let x = x * self.share.clone();
        x.clone() - self.share.clone() * x.sum_dim(3)
    }
}

fn transposed<B: Ops>(x: &Tensor<B, 4>) -> Tensor<B, 4> {
    x.clone().swap_dims(2, 3)
}

impl<B: Ops> Map<B> for Attention<B> {
    fn tangent(&self, t: Tensor<B, 4>) -> Tensor<B, 4> {
        let [q, k, v] = self.split(self.qkv.clone());
        let [tq, tk, tv] = self.split(t);
        let share = self.share_tangent([&q, &k], [&tq, &tk]);
        self.join([share.matmul(v) + self.share.clone().matmul(tv)])
    }

    fn grad(&self, grad: Tensor<B, 4>) -> Tensor<B, 4> {
        B::attend_grad(self.qkv.clone(), self.share.clone(), grad)
    }

    fn bend(&self, t: &Tensor<B, 4>, grad: &Tensor<B, 4>) -> Option<Tensor<B, 4>> {
        let [q, k, v] = self.split(self.qkv.clone());
        let [tq, tk, tv] = self.split(t.clone());
        let [grad] = self.split(grad.clone());
        let (share, temper) = (&self.share, self.temper());
        let moved = self.share_tangent([&q, &k], [&tq, &tk]);
        // Gradients for shares and scores, and their tangents.
        let d_share = grad.clone().matmul(transposed(&v));
        let t_share = grad.clone().matmul(transposed(&tv));
        let mean = (share.clone() * d_share.clone()).sum_dim(3);
        let t_mean = (moved.clone() * d_share.clone() + share.clone() * t_share.clone()).sum_dim(3);
        let centred = d_share - mean;
        let d_scores = share.clone() * centred.clone() * temper;
        let t_scores = (moved.clone() * centred + share.clone() * (t_share - t_mean)) * temper;
        let dq = t_scores.clone().matmul(k) + d_scores.clone().matmul(tk);
        let dk = transposed(&t_scores).matmul(q) + transposed(&d_scores).matmul(tq);
        let dv = transposed(&moved).matmul(grad);
        Some(self.join([dq, dk, dv]))
    }
}
