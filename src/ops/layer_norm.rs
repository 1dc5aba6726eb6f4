//! Layer normalisation from Burn's operations.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

use super::norm::{channel, channel_sum};

/// What a vision transformer adds to the variance (torchvision; PyTorch's own default is ten times that).
pub const LAYER_EPSILON: f64 = 1e-6;

/// Result of a layer normalisation.
pub struct LayerNormalized<B: Backend> {
    pub y: Tensor<B, 4>,
    /// Before scale and shift, `[n, h, w, c]`.
    pub unit: Tensor<B, 4>,
    /// `1 / sqrt(variance + epsilon)`, `[n, h, w, 1]`.
    pub rstd: Tensor<B, 4>,
}

pub(super) fn layer_norm<B: Backend>(
    x: Tensor<B, 4>,
    scale: Tensor<B, 1>,
    shift: Tensor<B, 1>,
) -> LayerNormalized<B> {
    let centred = x.clone() - x.mean_dim(3);
    let variance = (centred.clone() * centred.clone()).mean_dim(3);
    let rstd = (variance + LAYER_EPSILON).sqrt().recip();
    let unit = centred * rstd.clone();
    LayerNormalized { y: unit.clone() * channel(scale) + channel(shift), unit, rstd }
}

pub(super) fn layer_norm_input_grad<B: Backend>(
    unit: Tensor<B, 4>,
    rstd: Tensor<B, 4>,
    grad: Tensor<B, 4>,
    scale: Tensor<B, 1>,
) -> Tensor<B, 4> {
    let grad = grad * channel(scale);
    let along = unit.clone() * (unit * grad.clone()).mean_dim(3);
    (grad.clone() - grad.mean_dim(3) - along) * rstd
}

pub(super) fn layer_norm_weight_grad<B: Backend>(
    unit: Tensor<B, 4>,
    grad: Tensor<B, 4>,
) -> [Tensor<B, 1>; 2] {
    [channel_sum(grad.clone() * unit), channel_sum(grad)]
}
