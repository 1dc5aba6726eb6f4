//! Convolutions and affine maps of Flex tensors.

use burn::tensor::Tensor;
use burn_flex::Flex;

use super::buffer::Buffer;
use super::kernels::direct::{Shape, convolve};
use super::kernels::lanes::width;
use super::kernels::norm::channel_sums;
use super::kernels::plan::{Geometry, Plan};
use super::kernels::weight_grad::weight_grad;
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

fn run(plan: &Plan, shape: Shape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Buffer {
    let mut y = Buffer::take(plan.images * plan.image);
    convolve(plan, shape, x, weight, bias, &mut y);
    y
}

pub fn forward(
    geometry: Geometry,
    x: Tensor<Flex, 4>,
    weight: Tensor<Flex, 4>,
    bias: Option<Tensor<Flex, 1>>,
) -> Tensor<Flex, 4> {
    let shape = Shape::of(width(), geometry.outputs);
    let bias = bias.map(Values::of);
    let (x, weight) = (Values::of(x), Values::of(weight));
    let y = run(&geometry.forward(shape.run), shape, &x, &weight, bias.as_deref());
    let [height, width] = geometry.output;
    tensor(y, [geometry.images, height, width, geometry.outputs])
}

pub fn input_grad(geometry: Geometry, grad: Tensor<Flex, 4>, weight: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    let shape = Shape::of(width(), geometry.inputs);
    let (grad, weight) = (Values::of(grad), Values::of(weight));
    let dx = run(&geometry.input_grad(shape.run), shape, &grad, &weight, None);
    let [height, width] = geometry.input;
    tensor(dx, [geometry.images, height, width, geometry.inputs])
}

pub fn kernel_grad(geometry: Geometry, x: Tensor<Flex, 4>, grad: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    let Geometry { inputs, outputs, kernel, .. } = geometry;
    let (x, grad) = (Values::of(x), Values::of(grad));
    let mut dw = Buffer::take(outputs * inputs * kernel * kernel);
    weight_grad(&geometry.forward(usize::MAX), &x, &grad, &mut dw);
    tensor(dw, [outputs, inputs, kernel, kernel])
}

/// Sums over all but the channels.
pub fn bias_grad(grad: Tensor<Flex, 4>) -> Tensor<Flex, 1> {
    let [n, h, w, channels] = grad.dims();
    let sums = channel_sums(&Values::of(grad), n * h * w, channels);
    vector(sums.into_iter().map(|sum| sum as f32))
}

/// A tensor of few values.
pub fn vector(values: impl ExactSizeIterator<Item = f32>) -> Tensor<Flex, 1> {
    let mut buffer = Buffer::take(values.len());
    buffer.iter_mut().zip(values).for_each(|(to, value)| *to = value);
    let len = buffer.len();
    tensor(buffer, [len])
}
