//! Attention, layer normalisation and GELU of Flex tensors.

use burn::tensor::Tensor;
use burn_flex::Flex;

use super::buffer::Buffer;
use super::conv::rounded;
use super::elementwise;
use super::kernels::attention::{self, Heads};
use super::kernels::gelu;
use super::kernels::layer_norm::{self as kernel, Normalized};
use super::kernels::norm::{Affine, grad_sums};
use super::tensor::{Values, tensor};
use crate::ops::{LAYER_EPSILON, LayerNormalized};

pub fn layer_norm(
    x: Tensor<Flex, 4>,
    scale: Tensor<Flex, 1>,
    shift: Tensor<Flex, 1>,
) -> LayerNormalized<Flex> {
    let dims @ [n, h, w, _] = x.dims();
    let (x, scale, shift) = (Values::of(x), Values::of(scale), Values::of(shift));
    let (mut y, mut unit, mut rstd) = (Buffer::take(x.len()), Buffer::take(x.len()), Buffer::take(n * h * w));
    let out = Normalized { y: &mut y, unit: &mut unit, rstd: &mut rstd };
    kernel::forward(&x, [&scale, &shift], LAYER_EPSILON as f32, out);
    LayerNormalized { y: tensor(y, dims), unit: tensor(unit, dims), rstd: tensor(rstd, [n, h, w, 1]) }
}

pub fn layer_norm_input_grad(
    unit: Tensor<Flex, 4>,
    rstd: Tensor<Flex, 4>,
    grad: Tensor<Flex, 4>,
    scale: Tensor<Flex, 1>,
) -> Tensor<Flex, 4> {
    let dims = unit.dims();
    let (unit, rstd, grad, scale) = (Values::of(unit), Values::of(rstd), Values::of(grad), Values::of(scale));
    let mut out = Buffer::take(unit.len());
    kernel::grad(&unit, &rstd, &grad, &scale, &mut out);
    tensor(out, dims)
}

pub fn layer_norm_weight_grad(unit: Tensor<Flex, 4>, grad: Tensor<Flex, 4>) -> [Tensor<Flex, 1>; 2] {
    let none = vec![0.0; unit.dims()[3]];
    let affine = Affine { mean: &none, factor: &none, shift: &none };
    let [shift, scale] = grad_sums(&Values::of(unit), &Values::of(grad), affine, false);
    [scale, shift].map(rounded)
}

pub fn gelu(x: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    elementwise::unary(x, gelu::gelu)
}

pub fn gelu_grad(x: Tensor<Flex, 4>, grad: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    elementwise::binary(
        grad,
        x,
        #[inline(always)]
        |grad, x| grad * gelu::slope(x),
    )
}

fn split(qkv: [usize; 4], heads: usize) -> Heads {
    let [images, _, tokens, channels] = qkv;
    Heads { images, tokens, heads, size: channels / 3 / heads }
}

pub fn attend(qkv: Tensor<Flex, 4>, heads: usize) -> (Tensor<Flex, 4>, Tensor<Flex, 4>) {
    let [n, _, tokens, channels] = qkv.dims();
    let split = split(qkv.dims(), heads);
    let mut y = Buffer::take(n * tokens * channels / 3);
    let mut share = Buffer::take(n * heads * tokens * tokens);
    attention::forward(split, &Values::of(qkv), &mut y, &mut share);
    (tensor(y, [n, 1, tokens, channels / 3]), tensor(share, [n, heads, tokens, tokens]))
}

pub fn attend_grad(qkv: Tensor<Flex, 4>, share: Tensor<Flex, 4>, grad: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    let dims = qkv.dims();
    let split = split(dims, share.dims()[1]);
    let (qkv, share, grad) = (Values::of(qkv), Values::of(share), Values::of(grad));
    let mut out = Buffer::take(qkv.len());
    attention::grad(split, &qkv, &share, &grad, &mut out);
    tensor(out, dims)
}
