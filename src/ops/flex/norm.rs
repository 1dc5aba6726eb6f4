//! Batch normalisation of Flex tensors.

use burn::tensor::Tensor;
use burn_flex::Flex;

use super::buffer::Buffer;
use super::conv::{rounded, vector};
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

/// The product of two vectors.
fn times(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

pub fn grad(
    x: Tensor<Flex, 4>,
    grad: Tensor<Flex, 4>,
    affine: [Tensor<Flex, 1>; 2],
    moments: [Tensor<Flex, 1>; 2],
    relu: bool,
) -> NormGrad<Flex> {
    let [n, h, w, channels] = x.dims();
    let ([scale, shift], [mean, rstd]) = (affine.map(Values::of), moments.map(Values::of));
    let factor = times(&scale, &rstd);
    let affine = Affine { mean: &mean, factor: &factor, shift: &shift };
    let [d_shift, products] = grad_sums(&Values::of(x.clone()), &Values::of(grad.clone()), affine, relu);
    let d_scale = scaled(&products, &rstd);
    let share = -1.0 / (n * h * w) as f64;
    let of = |c: usize, value: f64| (share * f64::from(factor[c]) * value) as f32;
    let slope: Vec<f32> = (0..channels).map(|c| of(c, d_scale[c] * f64::from(rstd[c]))).collect();
    let offset: Vec<f32> = (0..channels).map(|c| of(c, d_shift[c])).collect();
    let x = mapped(x, grad, GradMap { affine, relu, slope: &slope, offset: &offset });
    let [scale, shift] = [d_scale, d_shift].map(rounded);
    NormGrad { x, scale, shift }
}

fn scaled(sums: &[f64], rstd: &[f32]) -> Vec<f64> {
    sums.iter().zip(rstd).map(|(sum, &rstd)| sum * f64::from(rstd)).collect()
}

/// The gradient for the input, where possible in the memory of that of the output.
fn mapped(x: Tensor<Flex, 4>, grad: Tensor<Flex, 4>, map: GradMap<'_>) -> Tensor<Flex, 4> {
    let dims = x.dims();
    let (x, grad) = (&Values::of(x), Values::of(grad));
    match grad.reuse() {
        Ok(mut grad) => {
            grad_apply(x, None, map, grad.as_mut());
            grad.tensor()
        }
        Err(grad) => {
            let mut out = Buffer::take(grad.len());
            grad_apply(x, Some(&grad), map, &mut out);
            tensor(out, dims)
        }
    }
}

pub fn fixed_input_grad(
    x: Tensor<Flex, 4>,
    grad: Tensor<Flex, 4>,
    affine: [Tensor<Flex, 1>; 2],
    moments: [Tensor<Flex, 1>; 2],
    relu: bool,
) -> Tensor<Flex, 4> {
    let ([scale, shift], [mean, rstd]) = (affine.map(Values::of), moments.map(Values::of));
    let factor = times(&scale, &rstd);
    let affine = Affine { mean: &mean, factor: &factor, shift: &shift };
    let none = vec![0.0; factor.len()];
    mapped(x, grad, GradMap { affine, relu, slope: &none, offset: &none })
}

pub fn fixed_weight_grad(
    x: Tensor<Flex, 4>,
    grad: Tensor<Flex, 4>,
    affine: [Tensor<Flex, 1>; 2],
    moments: [Tensor<Flex, 1>; 2],
    relu: bool,
) -> [Tensor<Flex, 1>; 2] {
    let ([scale, shift], [mean, rstd]) = (affine.map(Values::of), moments.map(Values::of));
    let factor = times(&scale, &rstd);
    let affine = Affine { mean: &mean, factor: &factor, shift: &shift };
    let [shift, products] = grad_sums(&Values::of(x), &Values::of(grad), affine, relu);
    [scaled(&products, &rstd), shift].map(rounded)
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
