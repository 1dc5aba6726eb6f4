//! Convolutions and affine maps of Flex tensors.

use burn::tensor::Tensor;
use burn_flex::Flex;

use super::buffer::Buffer;
use super::kernels::direct::{Shape, convolve};
use super::kernels::geometry::Geometry;
use super::kernels::lanes::width;
use super::kernels::norm::channel_sums;
use super::kernels::plan::Plan;
use super::kernels::weight_grad::weight_grad;
use super::kernels::winograd::{Taps, Tiling};
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

fn tiling(geometry: &Geometry) -> Option<Tiling> {
    Tiling::of(geometry).filter(|_| geometry.inputs.min(geometry.outputs) >= WIDE)
}

/// What a plan computes, image by image or some together: runs of several images where that leaves out a twentieth of
/// the products or more. Images that are left over go one by one.
fn direct(
    geometry: &Geometry,
    plan: impl Fn(&Geometry, usize) -> Plan,
    shape: Shape,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Buffer {
    let single = plan(geometry, 1);
    let mut y = Buffer::take(single.images * single.image);
    let grouped = Geometry { images: geometry.images / shape.run * shape.run, ..*geometry };
    let grouped = Some(grouped).filter(|some| some.images > 0).map(|some| plan(&some, shape.run));
    match grouped.filter(|some| 20 * some.products(shape.run) <= 19 * single.products(shape.run)) {
        None => convolve(&single, shape, x, weight, bias, &mut y),
        Some(grouped) => {
            let (first, rest) = x.split_at(grouped.images * single.source.image());
            let (to, left) = y.split_at_mut(grouped.images * single.image);
            convolve(&grouped, shape, first, weight, bias, to);
            let images = geometry.images - grouped.images;
            if images > 0 {
                convolve(&plan(&Geometry { images, ..*geometry }, 1), shape, rest, weight, bias, left);
            }
        }
    }
    y
}

pub fn forward(
    geometry: Geometry,
    x: Tensor<Flex, 4>,
    weight: Tensor<Flex, 4>,
    bias: Option<Tensor<Flex, 1>>,
) -> Tensor<Flex, 4> {
    let bias = bias.map(Values::of);
    let (x, weight) = (Values::of(x), Values::of(weight));
    let y = match tiling(&geometry) {
        Some(tiling) => {
            let taps = Taps { output: geometry.inputs * 9, input: 9, flipped: false };
            let mut y =
                Buffer::take(geometry.images * geometry.output[0] * geometry.output[1] * geometry.outputs);
            winograd_conv::convolve(tiling, taps, &x, &weight, bias.as_deref(), &mut y);
            y
        }
        None => {
            let shape = Shape::of(width(), geometry.outputs);
            let plan = |some: &Geometry, group| some.forward(shape.run, group);
            direct(&geometry, plan, shape, &x, &weight, bias.as_deref())
        }
    };
    let [height, width] = geometry.output;
    tensor(y, [geometry.images, height, width, geometry.outputs])
}

pub fn input_grad(geometry: Geometry, grad: Tensor<Flex, 4>, weight: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    let (grad, weight) = (Values::of(grad), Values::of(weight));
    let dx = match tiling(&geometry) {
        Some(tiling) => {
            let taps = Taps { output: 9, input: geometry.inputs * 9, flipped: true };
            let mut dx =
                Buffer::take(geometry.images * geometry.input[0] * geometry.input[1] * geometry.inputs);
            winograd_conv::convolve(tiling.transposed(), taps, &grad, &weight, None, &mut dx);
            dx
        }
        None => {
            let shape = Shape::of(width(), geometry.inputs);
            let plan = |some: &Geometry, group| some.input_grad(shape.run, group);
            direct(&geometry, plan, shape, &grad, &weight, None)
        }
    };
    let [height, width] = geometry.input;
    tensor(dx, [geometry.images, height, width, geometry.inputs])
}

pub fn kernel_grad(geometry: Geometry, x: Tensor<Flex, 4>, grad: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    let Geometry { inputs, outputs, kernel, .. } = geometry;
    let (x, grad) = (Values::of(x), Values::of(grad));
    let mut dw = Buffer::take(outputs * inputs * kernel * kernel);
    match tiling(&geometry) {
        Some(tiling) => winograd_grad::weight_grad(tiling, &x, &grad, &mut dw),
        None => weight_grad(&geometry, &x, &grad, &mut dw),
    }
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
