//! A step of projected ascent in l-infinity, from Burn's operations.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

pub(super) fn ascend_signs<B: Backend>(
    [x, gradient, center]: [Tensor<B, 4>; 3],
    step: Tensor<B, 1>,
    radius: Tensor<B, 1>,
) -> Tensor<B, 4> {
    let n = x.dims()[0];
    let [step, radius] = [step, radius].map(|values| values.reshape([n, 1, 1, 1]));
    let (low, high) = (center.clone() - radius.clone(), center + radius);
    (x + gradient.sign() * step).max_pair(low).min_pair(high).clamp(0.0, 1.0)
}
