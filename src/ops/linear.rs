//! The affine map from Burn's operations.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

pub(super) fn forward<B: Backend>(x: Tensor<B, 2>, weight: Tensor<B, 2>, bias: Tensor<B, 1>) -> Tensor<B, 2> {
    let outputs = bias.dims()[0];
    x.matmul(weight.transpose()) + bias.reshape([1, outputs])
}

pub(super) fn input_grad<B: Backend>(grad: Tensor<B, 2>, weight: Tensor<B, 2>) -> Tensor<B, 2> {
    grad.matmul(weight)
}

pub(super) fn weight_grad<B: Backend>(x: Tensor<B, 2>, grad: Tensor<B, 2>) -> Tensor<B, 2> {
    grad.transpose().matmul(x)
}
