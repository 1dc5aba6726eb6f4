//! Multi-head attention from Burn's operations.

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use burn::tensor::backend::Backend;

use super::precision::{of_type, wide};

/// Queries, keys and values, `[n, heads, tokens, c / heads]` each.
fn split<B: Backend>(qkv: &Tensor<B, 4>, heads: usize) -> [Tensor<B, 4>; 3] {
    let [n, _, tokens, channels] = qkv.dims();
    let c = channels / 3;
    std::array::from_fn(|part| {
        let part = qkv.clone().slice([0..n, 0..1, 0..tokens, part * c..(part + 1) * c]);
        part.reshape([n, tokens, heads, c / heads]).swap_dims(1, 2)
    })
}

/// `[n, heads, tokens, c / heads]` as `[n, 1, tokens, c]`.
fn join<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    let [n, heads, tokens, c] = x.dims();
    x.swap_dims(1, 2).reshape([n, 1, tokens, heads * c])
}

fn temper(channels: usize, heads: usize) -> f64 {
    ((channels / 3 / heads) as f64).sqrt().recip()
}

pub(super) fn attention<B: Backend>(qkv: Tensor<B, 4>, heads: usize) -> (Tensor<B, 4>, Tensor<B, 4>) {
    let [q, k, v] = split(&qkv, heads);
    let scores = (q * temper(qkv.dims()[3], heads)).matmul(k.swap_dims(2, 3));
    let share = of_type(softmax(wide(scores), 3), qkv.dtype());
    (join(share.clone().matmul(v)), share)
}

pub(super) fn attention_grad<B: Backend>(
    qkv: Tensor<B, 4>,
    share: Tensor<B, 4>,
    grad: Tensor<B, 4>,
) -> Tensor<B, 4> {
    let heads = share.dims()[1];
    let [n, _, tokens, c] = grad.dims();
    let [q, k, v] = split(&qkv, heads);
    let grad = of_type(grad, qkv.dtype()).reshape([n, tokens, heads, c / heads]).swap_dims(1, 2);
    let dv = share.clone().swap_dims(2, 3).matmul(grad.clone());
    let share = wide(share);
    let weighted = wide(grad.matmul(v.swap_dims(2, 3))) * share.clone();
    let scores = (weighted.clone() - share * weighted.sum_dim(3)) * temper(3 * c, heads);
    let scores = of_type(scores, qkv.dtype());
    let dq = scores.clone().matmul(k);
    let dk = scores.swap_dims(2, 3).matmul(q);
    Tensor::cat(vec![join(dq), join(dk), join(dv)], 3)
}
