//! Cross-entropy per sample, by log-sum-exp.

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor};

pub(super) fn cross_entropy<B: Backend>(
    logits: Tensor<B, 2>,
    labels: Tensor<B, 1, Int>,
) -> (Tensor<B, 1>, Tensor<B, 2>) {
    let [n, classes] = logits.dims();
    let shifted = logits.clone() - logits.max_dim(1).detach();
    let exp = shifted.clone().exp();
    let total = exp.clone().sum_dim(1);
    let one_hot = one_hot(labels, classes, &shifted);
    let target = (shifted * one_hot.clone()).sum_dim(1);
    let losses = (total.clone().log() - target).reshape([n]);
    (losses, exp / total - one_hot)
}

fn one_hot<B: Backend>(labels: Tensor<B, 1, Int>, classes: usize, like: &Tensor<B, 2>) -> Tensor<B, 2> {
    let n = labels.dims()[0];
    let device = labels.device();
    let range = Tensor::<B, 1, Int>::arange(0..classes as i64, &device).reshape([1, classes]);
    let hit = labels.reshape([n, 1]).expand([n, classes]).equal(range.expand([n, classes]));
    Tensor::zeros([n, classes], (&device, like.dtype())).mask_fill(hit, 1.0)
}
