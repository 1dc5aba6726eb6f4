//! Convolution from Burn's operations: views in Burn's channel-first order around its own kernels.

use burn::tensor::backend::Backend;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, TensorPrimitive};

use super::Conv;

fn options(conv: Conv) -> ConvOptions<2> {
    ConvOptions::new([conv.stride; 2], [conv.padding; 2], [1, 1], 1)
}

fn channels_first<B: Backend>(x: Tensor<B, 4>) -> B::FloatTensorPrimitive {
    x.permute([0, 3, 1, 2]).into_primitive().tensor()
}

fn channels_last<B: Backend>(x: B::FloatTensorPrimitive) -> Tensor<B, 4> {
    wrap(x).permute([0, 2, 3, 1])
}

fn wrap<B: Backend>(x: B::FloatTensorPrimitive) -> Tensor<B, 4> {
    Tensor::from_primitive(TensorPrimitive::Float(x))
}

pub(super) fn convolve<B: Backend>(
    x: Tensor<B, 4>,
    weight: Tensor<B, 4>,
    bias: Option<Tensor<B, 1>>,
    conv: Conv,
) -> Tensor<B, 4> {
    let bias = bias.map(|bias| bias.into_primitive().tensor());
    channels_last(B::conv2d(channels_first(x), weight.into_primitive().tensor(), bias, options(conv)))
}

pub(super) fn input_grad<B: Backend>(
    grad: Tensor<B, 4>,
    weight: Tensor<B, 4>,
    conv: Conv,
    [height, width]: [usize; 2],
) -> Tensor<B, 4> {
    let batch = grad.dims()[0];
    let channels = weight.dims()[1];
    let like = Tensor::<B, 4>::zeros([batch, channels, height, width], (&grad.device(), grad.dtype()));
    channels_last(B::conv2d_x_backward(
        like.into_primitive().tensor(),
        weight.into_primitive().tensor(),
        channels_first(grad),
        options(conv),
    ))
}

pub(super) fn weight_grad<B: Backend>(
    x: Tensor<B, 4>,
    grad: Tensor<B, 4>,
    conv: Conv,
    kernel: usize,
) -> Tensor<B, 4> {
    let (inputs, outputs) = (x.dims()[3], grad.dims()[3]);
    let like = Tensor::<B, 4>::zeros([outputs, inputs, kernel, kernel], (&grad.device(), grad.dtype()));
    wrap(B::conv2d_weight_backward(
        channels_first(x),
        like.into_primitive().tensor(),
        channels_first(grad),
        options(conv),
    ))
}
