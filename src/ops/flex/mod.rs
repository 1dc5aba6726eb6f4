//! The operations on Flex, Burn's CPU backend: own kernels for f32, the defaults for everything else.
//!
//! Products of bf16 are those of the same numbers in f32, rounded once: what a matrix unit computes.

mod buffer;
mod conv;
mod elementwise;
mod kernels;
mod norm;
mod tensor;
mod transformer;

use burn::tensor::{Bool, DType, Tensor};
use burn_flex::Flex;

use super::precision::{is_half, of_type, wide};
use super::{Conv, LayerNormalized, NormGrad, Normalized, Ops, SgdRule, defaults};
use tensor::{Values, is_f32};

fn half<const D: usize>(x: Tensor<Flex, D>) -> Tensor<Flex, D> {
    of_type(x, DType::BF16)
}

impl Ops for Flex {
    fn convolve(
        x: Tensor<Self, 4>,
        weight: Tensor<Self, 4>,
        bias: Option<Tensor<Self, 1>>,
        conv: Conv,
    ) -> Tensor<Self, 4> {
        if is_half(&x) {
            return half(Self::convolve(wide(x), wide(weight), bias.map(wide), conv));
        }
        match conv::geometry(x.dims(), weight.dims(), conv) {
            Some(geometry) if is_f32(&x) && is_f32(&weight) => conv::forward(geometry, x, weight, bias),
            _ => defaults::convolve(x, weight, bias, conv),
        }
    }

    fn convolve_input_grad(
        grad: Tensor<Self, 4>,
        weight: Tensor<Self, 4>,
        conv: Conv,
        size: [usize; 2],
    ) -> Tensor<Self, 4> {
        if is_half(&grad) {
            return half(Self::convolve_input_grad(wide(grad), wide(weight), conv, size));
        }
        let [n, ..] = grad.dims();
        let [_, inputs, ..] = weight.dims();
        match conv::geometry([n, size[0], size[1], inputs], weight.dims(), conv) {
            Some(geometry) if is_f32(&grad) && is_f32(&weight) => conv::input_grad(geometry, grad, weight),
            _ => defaults::convolve_input_grad(grad, weight, conv, size),
        }
    }

    fn convolve_weight_grad(
        x: Tensor<Self, 4>,
        grad: Tensor<Self, 4>,
        conv: Conv,
        kernel: usize,
    ) -> Tensor<Self, 4> {
        if is_half(&x) {
            return half(Self::convolve_weight_grad(wide(x), wide(grad), conv, kernel));
        }
        let weight = [grad.dims()[3], x.dims()[3], kernel, kernel];
        match conv::geometry(x.dims(), weight, conv) {
            Some(geometry) if is_f32(&x) && is_f32(&grad) => conv::kernel_grad(geometry, x, grad),
            _ => defaults::convolve_weight_grad(x, grad, conv, kernel),
        }
    }

    fn channel_sum(x: Tensor<Self, 4>) -> Tensor<Self, 1> {
        if is_f32(&x) { conv::bias_grad(x) } else { defaults::channel_sum(x) }
    }

    fn affine(x: Tensor<Self, 2>, weight: Tensor<Self, 2>, bias: Tensor<Self, 1>) -> Tensor<Self, 2> {
        if is_half(&x) {
            return half(Self::affine(wide(x), wide(weight), wide(bias)));
        }
        let (shape, [rows, _], [outputs, inputs]) = (weight.dims(), x.dims(), weight.dims());
        let image = [1, 1, rows, inputs];
        match conv::geometry(image, [shape[0], shape[1], 1, 1], POINT) {
            Some(geometry) if is_f32(&x) && is_f32(&weight) => {
                let weight = weight.reshape([outputs, inputs, 1, 1]);
                conv::forward(geometry, x.reshape(image), weight, Some(bias)).reshape([rows, outputs])
            }
            _ => defaults::affine(x, weight, bias),
        }
    }

    fn affine_input_grad(grad: Tensor<Self, 2>, weight: Tensor<Self, 2>) -> Tensor<Self, 2> {
        if is_half(&grad) {
            return half(Self::affine_input_grad(wide(grad), wide(weight)));
        }
        let ([rows, _], [outputs, inputs]) = (grad.dims(), weight.dims());
        match conv::geometry([1, 1, rows, inputs], [outputs, inputs, 1, 1], POINT) {
            Some(geometry) if is_f32(&grad) && is_f32(&weight) => {
                let weight = weight.reshape([outputs, inputs, 1, 1]);
                conv::input_grad(geometry, grad.reshape([1, 1, rows, outputs]), weight)
                    .reshape([rows, inputs])
            }
            _ => defaults::affine_input_grad(grad, weight),
        }
    }

    fn affine_weight_grad(x: Tensor<Self, 2>, grad: Tensor<Self, 2>) -> Tensor<Self, 2> {
        if is_half(&x) {
            return half(Self::affine_weight_grad(wide(x), wide(grad)));
        }
        let ([rows, inputs], [_, outputs]) = (x.dims(), grad.dims());
        match conv::geometry([1, 1, rows, inputs], [outputs, inputs, 1, 1], POINT) {
            Some(geometry) if is_f32(&x) && is_f32(&grad) => {
                let (x, grad) = (x.reshape([1, 1, rows, inputs]), grad.reshape([1, 1, rows, outputs]));
                conv::kernel_grad(geometry, x, grad).reshape([outputs, inputs])
            }
            _ => defaults::affine_weight_grad(x, grad),
        }
    }

    fn batch_norm(
        x: Tensor<Self, 4>,
        scale: Tensor<Self, 1>,
        shift: Tensor<Self, 1>,
        relu: bool,
    ) -> Normalized<Self> {
        if is_f32(&x) && x.shape().num_elements() > 0 {
            norm::batch_norm(x, scale, shift, relu)
        } else {
            defaults::batch_norm(x, scale, shift, relu)
        }
    }

    fn batch_norm_grad(
        x: Tensor<Self, 4>,
        grad: Tensor<Self, 4>,
        affine: [Tensor<Self, 1>; 2],
        moments: [Tensor<Self, 1>; 2],
        relu: bool,
    ) -> NormGrad<Self> {
        if is_f32(&x) && is_f32(&grad) && x.shape().num_elements() > 0 {
            norm::grad(x, grad, affine, moments, relu)
        } else {
            defaults::batch_norm_grad(x, grad, affine, moments, relu)
        }
    }

    fn fixed_norm_input_grad(
        x: Tensor<Self, 4>,
        grad: Tensor<Self, 4>,
        affine: [Tensor<Self, 1>; 2],
        moments: [Tensor<Self, 1>; 2],
        relu: bool,
    ) -> Tensor<Self, 4> {
        if is_f32(&x) && is_f32(&grad) && x.shape().num_elements() > 0 {
            norm::fixed_input_grad(x, grad, affine, moments, relu)
        } else {
            defaults::fixed_norm_input_grad(x, grad, affine, moments, relu)
        }
    }

    fn fixed_norm_weight_grad(
        x: Tensor<Self, 4>,
        grad: Tensor<Self, 4>,
        affine: [Tensor<Self, 1>; 2],
        moments: [Tensor<Self, 1>; 2],
        relu: bool,
    ) -> [Tensor<Self, 1>; 2] {
        if is_f32(&x) && is_f32(&grad) && x.shape().num_elements() > 0 {
            norm::fixed_weight_grad(x, grad, affine, moments, relu)
        } else {
            defaults::fixed_norm_weight_grad(x, grad, affine, moments, relu)
        }
    }

    fn scale_shift(
        x: Tensor<Self, 4>,
        factor: Tensor<Self, 1>,
        offset: Tensor<Self, 1>,
        relu: bool,
    ) -> Tensor<Self, 4> {
        if is_f32(&x) && is_f32(&factor) && x.shape().num_elements() > 0 {
            norm::scale_shift(x, factor, offset, relu)
        } else {
            defaults::scale_shift(x, factor, offset, relu)
        }
    }

    fn rectify(x: Tensor<Self, 4>) -> Tensor<Self, 4> {
        if is_f32(&x) { elementwise::relu(x) } else { defaults::rectify(x) }
    }

    fn rectify_grad(y: Tensor<Self, 4>, grad: Tensor<Self, 4>) -> Tensor<Self, 4> {
        if is_f32(&y) && is_f32(&grad) {
            elementwise::relu_grad(y, grad)
        } else {
            defaults::rectify_grad(y, grad)
        }
    }

    fn in_order(x: Tensor<Self, 4>) -> Tensor<Self, 4> {
        if is_f32(&x) { Values::of(x).tensor() } else { x }
    }

    fn sum_of(a: Tensor<Self, 4>, b: Tensor<Self, 4>) -> Tensor<Self, 4> {
        if is_f32(&a) && is_f32(&b) && a.dims() == b.dims() { elementwise::add(a, b) } else { a + b }
    }

    fn add_rectify(a: Tensor<Self, 4>, b: Tensor<Self, 4>) -> Tensor<Self, 4> {
        let fits = is_f32(&a) && is_f32(&b) && a.dims() == b.dims();
        if fits { elementwise::add_relu(a, b) } else { defaults::rectify(a + b) }
    }

    fn global_average(x: Tensor<Self, 4>) -> Tensor<Self, 4> {
        if is_f32(&x) { elementwise::global_average(x) } else { defaults::global_average(x) }
    }

    fn global_average_grad(grad: Tensor<Self, 4>, size: [usize; 2]) -> Tensor<Self, 4> {
        let own = is_f32(&grad);
        if own {
            elementwise::global_average_grad(grad, size)
        } else {
            defaults::global_average_grad(grad, size)
        }
    }

    fn norm_layer(
        x: Tensor<Self, 4>,
        scale: Tensor<Self, 1>,
        shift: Tensor<Self, 1>,
    ) -> LayerNormalized<Self> {
        if is_f32(&x) && is_f32(&scale) && is_f32(&shift) && x.shape().num_elements() > 0 {
            transformer::layer_norm(x, scale, shift)
        } else {
            defaults::layer_norm(x, scale, shift)
        }
    }

    fn norm_layer_input_grad(
        unit: Tensor<Self, 4>,
        rstd: Tensor<Self, 4>,
        grad: Tensor<Self, 4>,
        scale: Tensor<Self, 1>,
    ) -> Tensor<Self, 4> {
        if is_f32(&unit) && is_f32(&grad) && is_f32(&scale) && unit.shape().num_elements() > 0 {
            transformer::layer_norm_input_grad(unit, rstd, grad, scale)
        } else {
            defaults::layer_norm_input_grad(unit, rstd, grad, scale)
        }
    }

    fn norm_layer_weight_grad(unit: Tensor<Self, 4>, grad: Tensor<Self, 4>) -> [Tensor<Self, 1>; 2] {
        if is_f32(&unit) && is_f32(&grad) && unit.shape().num_elements() > 0 {
            transformer::layer_norm_weight_grad(unit, grad)
        } else {
            defaults::layer_norm_weight_grad(unit, grad)
        }
    }

    fn gelu_gate(x: Tensor<Self, 4>) -> Tensor<Self, 4> {
        if is_f32(&x) { transformer::gelu(x) } else { defaults::gelu(x) }
    }

    fn gelu_gate_grad(x: Tensor<Self, 4>, grad: Tensor<Self, 4>) -> Tensor<Self, 4> {
        let own = is_f32(&x) && is_f32(&grad) && x.dims() == grad.dims();
        if own { transformer::gelu_grad(x, grad) } else { defaults::gelu_grad(x, grad) }
    }

    fn attend(qkv: Tensor<Self, 4>, heads: usize) -> (Tensor<Self, 4>, Tensor<Self, 4>) {
        if is_f32(&qkv) && qkv.shape().num_elements() > 0 {
            transformer::attend(qkv, heads)
        } else {
            defaults::attention(qkv, heads)
        }
    }

    fn attend_grad(qkv: Tensor<Self, 4>, share: Tensor<Self, 4>, grad: Tensor<Self, 4>) -> Tensor<Self, 4> {
        if is_f32(&qkv) && is_f32(&share) && is_f32(&grad) && qkv.shape().num_elements() > 0 {
            transformer::attend_grad(qkv, share, grad)
        } else {
            defaults::attention_grad(qkv, share, grad)
        }
    }

    fn ascend_signs(
        images: [Tensor<Self, 4>; 3],
        step: Tensor<Self, 1>,
        radius: Tensor<Self, 1>,
    ) -> Tensor<Self, 4> {
        let [x, gradient, center] = &images;
        let alike = x.dims() == gradient.dims() && x.dims() == center.dims();
        if alike && images.iter().all(is_f32) && is_f32(&step) && is_f32(&radius) {
            elementwise::ascend_signs(images, step, radius)
        } else {
            defaults::ascend_signs(images, step, radius)
        }
    }

    fn add_scaled(
        x: Tensor<Self, 1>,
        direction: Tensor<Self, 1>,
        factor: Tensor<Self, 1>,
    ) -> Tensor<Self, 1> {
        let own = is_f32(&x) && is_f32(&direction) && is_f32(&factor) && x.dims() == direction.dims();
        if own { elementwise::add_scaled(x, direction, factor) } else { x + direction * factor }
    }

    fn sum_squares(x: Tensor<Self, 1>) -> Tensor<Self, 1> {
        if is_f32(&x) { elementwise::sum_squares(x) } else { (x.clone() * x).sum() }
    }

    fn dot(a: Tensor<Self, 1>, b: Tensor<Self, 1>) -> Tensor<Self, 1> {
        if is_f32(&a) && is_f32(&b) && a.dims() == b.dims() { elementwise::dot(a, b) } else { (a * b).sum() }
    }

    fn blend(
        x: Tensor<Self, 1>,
        a: Tensor<Self, 1>,
        y: Tensor<Self, 1>,
        b: Tensor<Self, 1>,
    ) -> Tensor<Self, 1> {
        let own = [&x, &a, &y, &b].into_iter().all(is_f32) && x.dims() == y.dims();
        if own { elementwise::blend(x, a, y, b) } else { x * a + y * b }
    }

    fn scale_by_size(weight: Tensor<Self, 1>, gradient: Tensor<Self, 1>, eta: f64) -> Tensor<Self, 1> {
        let own = is_f32(&weight) && is_f32(&gradient) && weight.dims() == gradient.dims();
        if own {
            elementwise::scale_by_size(weight, gradient, eta)
        } else {
            defaults::scale_by_size(weight, gradient, eta)
        }
    }

    fn scale_by_fisher(vector: Tensor<Self, 1>, gradient: Tensor<Self, 1>, eta: f64) -> Tensor<Self, 1> {
        let own = is_f32(&vector) && is_f32(&gradient) && vector.dims() == gradient.dims();
        if own {
            elementwise::scale_by_fisher(vector, gradient, eta)
        } else {
            defaults::scale_by_fisher(vector, gradient, eta)
        }
    }

    fn keep_if(skip: &Tensor<Self, 1, Bool>, old: Tensor<Self, 1>, new: Tensor<Self, 1>) -> Tensor<Self, 1> {
        // Flex computes at once: reading the flag waits for nothing.
        if skip.clone().into_scalar() { old } else { new }
    }

    fn sgd(
        weight: Tensor<Self, 1>,
        buffer: Option<Tensor<Self, 1>>,
        direction: Tensor<Self, 1>,
        rule: SgdRule,
        skip: Tensor<Self, 1, Bool>,
    ) -> (Tensor<Self, 1>, Option<Tensor<Self, 1>>) {
        if !is_f32(&weight) || !is_f32(&direction) || buffer.as_ref().is_some_and(|buffer| !is_f32(buffer)) {
            return defaults::sgd(weight, buffer, direction, rule, skip);
        }
        // Flex computes at once: reading the flag waits for nothing.
        if skip.into_scalar() {
            return (weight, buffer);
        }
        elementwise::sgd(weight, buffer, direction, rule)
    }
}

const POINT: Conv = Conv { stride: 1, padding: 0 };
