//! Batch normalisation with the ReLU that follows it, from Burn's operations.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// What PyTorch and Burn add to the variance.
pub const EPSILON: f64 = 1e-5;

/// Result of a normalisation with batch statistics; all but `y` are `[channels]`.
pub struct Normalized<B: Backend> {
    pub y: Tensor<B, 4>,
    pub mean: Tensor<B, 1>,
    /// Biased variance, the one the normalisation divides by.
    pub variance: Tensor<B, 1>,
    /// `1 / sqrt(variance + epsilon)`.
    pub rstd: Tensor<B, 1>,
}

/// Gradients of a normalisation with batch statistics.
pub struct NormGrad<B: Backend> {
    pub x: Tensor<B, 4>,
    pub scale: Tensor<B, 1>,
    pub shift: Tensor<B, 1>,
}

/// A per-channel vector as a factor of `[n, h, w, c]`.
pub(super) fn channel<B: Backend>(v: Tensor<B, 1>) -> Tensor<B, 4> {
    let channels = v.dims()[0];
    v.reshape([1, 1, 1, channels])
}

/// Sum over all but the channels.
pub(super) fn channel_sum<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 1> {
    let [n, h, w, c] = x.dims();
    x.reshape([n * h * w, c]).sum_dim(0).reshape([c])
}

pub(super) fn batch_norm<B: Backend>(
    x: Tensor<B, 4>,
    scale: Tensor<B, 1>,
    shift: Tensor<B, 1>,
    relu: bool,
) -> Normalized<B> {
    let [n, h, w, _] = x.dims();
    let count = (n * h * w) as f64;
    let mean = channel_sum(x.clone()) / count;
    let centred = x - channel(mean.clone());
    let variance = channel_sum(centred.clone() * centred.clone()) / count;
    let rstd = (variance.clone() + EPSILON).sqrt().recip();
    let y = centred * channel(scale * rstd.clone()) + channel(shift);
    Normalized { y: if relu { y.clamp_min(0.0) } else { y }, mean, variance, rstd }
}

pub(super) fn batch_norm_grad<B: Backend>(
    x: Tensor<B, 4>,
    grad: Tensor<B, 4>,
    [scale, shift]: [Tensor<B, 1>; 2],
    [mean, rstd]: [Tensor<B, 1>; 2],
    relu: bool,
) -> NormGrad<B> {
    let [n, h, w, _] = x.dims();
    let count = (n * h * w) as f64;
    let unit = (x - channel(mean)) * channel(rstd.clone());
    let grad = through_relu(grad, &unit, &scale, shift, relu);
    let d_shift = channel_sum(grad.clone());
    let d_scale = channel_sum(grad.clone() * unit.clone());
    let centred = grad - channel(d_shift.clone() / count) - unit * channel(d_scale.clone() / count);
    NormGrad { x: centred * channel(scale * rstd), scale: d_scale, shift: d_shift }
}

/// `grad` where the normalised output was positive.
fn through_relu<B: Backend>(
    grad: Tensor<B, 4>,
    unit: &Tensor<B, 4>,
    scale: &Tensor<B, 1>,
    shift: Tensor<B, 1>,
    relu: bool,
) -> Tensor<B, 4> {
    if !relu {
        return grad;
    }
    let y = unit.clone() * channel(scale.clone()) + channel(shift);
    grad.mask_fill(y.lower_equal_elem(0.0), 0.0)
}

pub(super) fn fixed_norm_input_grad<B: Backend>(
    x: Tensor<B, 4>,
    grad: Tensor<B, 4>,
    [scale, shift]: [Tensor<B, 1>; 2],
    [mean, rstd]: [Tensor<B, 1>; 2],
    relu: bool,
) -> Tensor<B, 4> {
    let unit = (x - channel(mean)) * channel(rstd.clone());
    through_relu(grad, &unit, &scale, shift, relu) * channel(scale * rstd)
}

pub(super) fn fixed_norm_weight_grad<B: Backend>(
    x: Tensor<B, 4>,
    grad: Tensor<B, 4>,
    [scale, shift]: [Tensor<B, 1>; 2],
    [mean, rstd]: [Tensor<B, 1>; 2],
    relu: bool,
) -> [Tensor<B, 1>; 2] {
    let unit = (x - channel(mean)) * channel(rstd);
    let grad = through_relu(grad, &unit, &scale, shift, relu);
    [channel_sum(grad.clone() * unit), channel_sum(grad)]
}

pub(super) fn scale_shift<B: Backend>(
    x: Tensor<B, 4>,
    factor: Tensor<B, 1>,
    offset: Tensor<B, 1>,
    relu: bool,
) -> Tensor<B, 4> {
    let y = x * channel(factor) + channel(offset);
    if relu { y.clamp_min(0.0) } else { y }
}
