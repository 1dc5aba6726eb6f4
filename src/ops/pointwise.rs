//! ReLU, GELU and the average over pixels, from Burn's operations.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

pub(super) fn relu<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    x.clamp_min(0.0)
}

pub(super) fn relu_grad<B: Backend>(y: Tensor<B, 4>, grad: Tensor<B, 4>) -> Tensor<B, 4> {
    grad.mask_fill(y.lower_equal_elem(0.0), 0.0)
}

pub(super) fn global_average<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    let [n, h, w, c] = x.dims();
    x.reshape([n, h * w, c]).mean_dim(1).reshape([n, 1, 1, c])
}

pub(super) fn global_average_grad<B: Backend>(grad: Tensor<B, 4>, [h, w]: [usize; 2]) -> Tensor<B, 4> {
    let [n, _, _, c] = grad.dims();
    (grad / (h * w) as f64).expand([n, h, w, c])
}

pub(super) fn scale_by_size<B: Backend>(
    weight: Tensor<B, 1>,
    gradient: Tensor<B, 1>,
    eta: f64,
) -> Tensor<B, 1> {
    let size = weight.abs() + eta;
    size.clone() * size * gradient
}

pub(super) fn scale_by_fisher<B: Backend>(
    vector: Tensor<B, 1>,
    gradient: Tensor<B, 1>,
    eta: f64,
) -> Tensor<B, 1> {
    vector / (gradient.clone() * gradient * eta + 1.0)
}

/// `Φ(x)`.
fn distribution<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    ((x * FRAC_1_SQRT_2).erf() + 1.0) * 0.5
}

pub(super) fn gelu<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    x.clone() * distribution(x)
}

/// `grad (Φ(x) + x φ(x))`.
pub(super) fn gelu_grad<B: Backend>(x: Tensor<B, 4>, grad: Tensor<B, 4>) -> Tensor<B, 4> {
    let density = (x.clone() * x.clone() * -0.5).exp() * (FRAC_1_SQRT_2 / PI.sqrt());
    grad * (distribution(x.clone()) + x * density)
}
