//! Convolutions and affine maps of Flex tensors.

use burn::tensor::Tensor;
use burn_flex::Flex;

use super::buffer::Buffer;
use super::kernels::direct::convolve;
use super::kernels::fold;
use super::kernels::geometry::Geometry;
use super::kernels::norm::channel_sums;
use super::kernels::plans::{Of, plans};
use super::kernels::product::{Matrix, spread};
use super::kernels::tiling::{Taps, Tiling};
use super::kernels::weight_grad::weight_grad;
use super::kernels::{winograd_conv, winograd_grad};
use super::tensor::{Values, tensor};
use crate::ops::Conv;

/// Sizes of a convolution; `None` where there is nothing to compute or the kernel does not fit.
pub fn geometry(input: [usize; 4], weight: [usize; 4], conv: Conv) -> Option<Geometry> {
    let [images, height, width, inputs] = input;
    let [outputs, _, kernel, _] = weight;
    let output = [conv.output(height, kernel)?, conv.output(width, kernel)?];
    let geometry = Geometry {
        images,
        input: [height, width],
        inputs,
        output,
        outputs,
        kernel,
        stride: conv.stride,
        padding: conv.padding,
    };
    let some = images > 0 && inputs > 0 && outputs > 0 && kernel > 0 && height > 0 && width > 0;
    (some && weight[1] == inputs && weight[3] == kernel).then_some(geometry)
}

/// Fewest channels from which the products that Winograd's method saves outweigh its transforms.
const WIDE: usize = 32;

/// Where to compute a convolution, or its input's gradient, in Winograd's domain.
fn winograd(geometry: &Geometry, of: impl Fn(&Geometry) -> Option<(Tiling, Taps)>) -> Option<(Tiling, Taps)> {
    if geometry.inputs.min(geometry.outputs) >= WIDE { of(geometry) } else { None }
}

/// What plans compute, one after the other.
fn direct(geometry: &Geometry, of: Of, x: &[f32], weight: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    let (mut x, mut y) = (x, y);
    for plan in plans(geometry, of).iter() {
        let (from, left) = x.split_at(plan.images * plan.source.image());
        let (to, rest) = y.split_at_mut(plan.images * plan.image);
        convolve(plan, from, weight, bias, to);
        (x, y) = (left, rest);
    }
}

pub fn forward(
    geometry: Geometry,
    x: Tensor<Flex, 4>,
    weight: Tensor<Flex, 4>,
    bias: Option<Tensor<Flex, 1>>,
) -> Tensor<Flex, 4> {
    let Geometry { images, inputs, output: [height, width], outputs, .. } = geometry;
    let bias = bias.map(Values::of);
    let (x, weight, bias) = (&Values::of(x), &Values::of(weight), bias.as_deref());
    let mut y = Buffer::take(images * height * width * outputs);
    match (geometry.pixels(), winograd(&geometry, Tiling::forward)) {
        (Some(rows), _) => {
            let weight = Matrix::new(weight, inputs).transposed();
            spread(&mut y, [rows, outputs, inputs], [Matrix::new(x, inputs), weight], bias);
        }
        (None, Some(tiling)) => winograd_conv::convolve(tiling, x, weight, bias, &mut y),
        (None, None) => direct(&geometry, Of::Output, x, weight, bias, &mut y),
    }
    tensor(y, [images, height, width, outputs])
}

pub fn input_grad(geometry: Geometry, grad: Tensor<Flex, 4>, weight: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    let Geometry { images, input: [height, width], inputs, outputs, .. } = geometry;
    let (grad, weight) = (&Values::of(grad), &Values::of(weight));
    let mut dx = Buffer::take(images * height * width * inputs);
    match (geometry.pixels(), winograd(&geometry, Tiling::input_grad)) {
        (Some(rows), _) => {
            let pair = [Matrix::new(grad, outputs), Matrix::new(weight, inputs)];
            spread(&mut dx, [rows, inputs, outputs], pair, None);
        }
        (None, Some(tiling)) => winograd_conv::convolve(tiling, grad, weight, None, &mut dx),
        (None, None) if geometry.takes_patches() => fold::input_grad(&geometry, grad, weight, &mut dx),
        (None, None) => direct(&geometry, Of::InputGrad, grad, weight, None, &mut dx),
    }
    tensor(dx, [images, height, width, inputs])
}

pub fn kernel_grad(geometry: Geometry, x: Tensor<Flex, 4>, grad: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    let Geometry { inputs, outputs, kernel, .. } = geometry;
    let (x, grad) = (&Values::of(x), &Values::of(grad));
    let mut dw = Buffer::take(outputs * inputs * kernel * kernel);
    match (geometry.pixels(), winograd(&geometry, Tiling::forward)) {
        (Some(rows), _) => {
            let pair = [Matrix::new(grad, outputs).transposed(), Matrix::new(x, inputs)];
            spread(&mut dw, [outputs, inputs, rows], pair, None);
        }
        (None, Some(tiling)) => winograd_grad::weight_grad(tiling, x, grad, &mut dw),
        (None, None) => weight_grad(&geometry, x, grad, &mut dw),
    }
    tensor(dw, [outputs, inputs, kernel, kernel])
}

/// Sums over all but the channels.
pub fn bias_grad(grad: Tensor<Flex, 4>) -> Tensor<Flex, 1> {
    let [n, h, w, channels] = grad.dims();
    rounded(channel_sums(&Values::of(grad), n * h * w, channels))
}

/// Sums as a tensor.
pub fn rounded(sums: Vec<f64>) -> Tensor<Flex, 1> {
    vector(sums.into_iter().map(|sum| sum as f32))
}

/// A tensor of few values.
pub fn vector(values: impl ExactSizeIterator<Item = f32>) -> Tensor<Flex, 1> {
    let mut buffer = Buffer::take(values.len());
    buffer.iter_mut().zip(values).for_each(|(to, value)| *to = value);
    let len = buffer.len();
    tensor(buffer, [len])
}
