//! Batch normalisation of Flex tensors.

use burn::tensor::Tensor;
use burn_flex::Flex;

use super::buffer::Buffer;
use super::conv::vector;
use super::kernels::norm::{Affine, GradMap, apply, grad_apply, grad_sums, moments};
use super::tensor::{Values, tensor};
use crate::ops::{EPSILON, NormGrad, Normalized};

pub fn batch_norm(
    x: Tensor<Flex, 4>,
    scale: Tensor<Flex, 1>,
    shift: Tensor<Flex, 1>,
    relu: bool,
) -> Normalized<Flex> {
    let dims @ [n, h, w, channels] = x.dims();
    let (x, scale, shift) = (Values::of(x), Values::of(scale), Values::of(shift));
    let [mean, variance] = moments(&x, n * h * w, channels).map(|values| narrow(&values));
    let rstd: Vec<f32> = variance.iter().map(|&v| ((f64::from(v) + EPSILON).sqrt().recip()) as f32).collect();
    let factor: Vec<f32> = scale.iter().zip(&rstd).map(|(scale, rstd)| scale * rstd).collect();
    let mut y = Buffer::take(x.len());
    apply(&x, Affine { mean: &mean, factor: &factor, shift: &shift }, relu, &mut y);
    let [mean, variance, rstd] = [mean, variance, rstd].map(|values| vector(values.into_iter()));
    Normalized { y: tensor(y, dims), mean, variance, rstd }
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

/// What both gradients share; `batch` where the statistics depend on the input.
pub fn grad(
    x: Tensor<Flex, 4>,
    grad: Tensor<Flex, 4>,
    affine: [Tensor<Flex, 1>; 2],
    moments: [Tensor<Flex, 1>; 2],
    relu: bool,
    batch: bool,
) -> NormGrad<Flex> {
    let dims @ [n, h, w, channels] = x.dims();
    let (x, [scale, shift], [mean, rstd]) = (Values::of(x), affine.map(Values::of), moments.map(Values::of));
    let factor: Vec<f32> = scale.iter().zip(rstd.iter()).map(|(scale, rstd)| scale * rstd).collect();
    let affine = Affine { mean: &mean, factor: &factor, shift: &shift };
    let grad = Values::of(grad);
    let [d_shift, products] = grad_sums(&x, &grad, affine, relu);
    let d_scale: Vec<f64> =
        products.iter().zip(rstd.iter()).map(|(sum, &rstd)| sum * f64::from(rstd)).collect();
    let share = if batch { -1.0 / (n * h * w) as f64 } else { 0.0 };
    let of = |c: usize, value: f64| (share * f64::from(factor[c]) * value) as f32;
    let slope: Vec<f32> = (0..channels).map(|c| of(c, d_scale[c] * f64::from(rstd[c]))).collect();
    let offset: Vec<f32> = (0..channels).map(|c| of(c, d_shift[c])).collect();
    let map = GradMap { affine, relu, slope: &slope, offset: &offset };
    let x_grad = match grad.reuse() {
        Ok(mut grad) => {
            grad_apply(&x, None, map, grad.as_mut());
            grad.tensor()
        }
        Err(grad) => {
            let mut out = Buffer::take(grad.len());
            grad_apply(&x, Some(&grad), map, &mut out);
            tensor(out, dims)
        }
    };
    let [scale, shift] = [d_scale, d_shift].map(|sums| vector(sums.into_iter().map(|sum| sum as f32)));
    NormGrad { x: x_grad, scale, shift }
}

/// `x * factor + offset` per channel.
pub fn scale_shift(
    x: Tensor<Flex, 4>,
    factor: Tensor<Flex, 1>,
    offset: Tensor<Flex, 1>,
    relu: bool,
) -> Tensor<Flex, 4> {
    let dims = x.dims();
    let (x, factor, shift) = (Values::of(x), Values::of(factor), Values::of(offset));
    let mean = vec![0.0; factor.len()];
    let mut y = Buffer::take(x.len());
    apply(&x, Affine { mean: &mean, factor: &factor, shift: &shift }, relu, &mut y);
    tensor(y, dims)
}
