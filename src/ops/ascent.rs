//! A step of projected ascent in l-infinity, from Burn's operations.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

pub(super) fn ascend_signs<B: Backend>(
    [x, gradient, center]: [Tensor<B, 4>; 3],
    step: Tensor<B, 1>,
    radius: Tensor<B, 1>,
) -> Tensor<B, 4> {
    let step = step.reshape([x.dims()[0], 1, 1, 1]);
    into_linf_ball(x + gradient.sign() * step, center, radius)
}

/// `x` moved to within `radius` (`[n]`) of `center` in every pixel, then to [0, 1]. Images are `[n, h, w, c]`.
pub fn into_linf_ball<B: Backend>(
    x: Tensor<B, 4>,
    center: Tensor<B, 4>,
    radius: Tensor<B, 1>,
) -> Tensor<B, 4> {
    let radius = radius.reshape([x.dims()[0], 1, 1, 1]);
    let (low, high) = (center.clone() - radius.clone(), center + radius);
    x.max_pair(low).min_pair(high).clamp(0.0, 1.0)
}
