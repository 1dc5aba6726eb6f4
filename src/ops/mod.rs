//! Tensor operations of a training step: one trait over Burn's backend.
//!
//! Every function has a default built from Burn's own operations, which any backend can run and which stays
//! differentiable on `Autodiff` backends (second derivatives). A backend may override any of them with a faster
//! implementation. Activations are `[batch, height, width, channels]` in memory order, everywhere, so that no
//! operation has to move data to another layout; convolution weights keep PyTorch's `[out, in, kernel, kernel]`.

mod ascent;
mod attention;
mod autodiff;
mod conv;
mod defaults;
mod flex;
mod layer_norm;
mod linear;
mod loss;
mod norm;
mod pointwise;
mod pool;
mod precision;
mod update;
mod vector;

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor};

pub use ascent::into_linf_ball;
pub use layer_norm::{LAYER_EPSILON, LayerNormalized};
pub use norm::{EPSILON, NormGrad, Normalized};
pub use precision::{stored, wide};
pub use update::{AdamRule, SgdRule};
pub use vector::{Subset, Vector};

/// Stride and zero padding of a square convolution; the kernel size is the weight's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    pub stride: usize,
    pub padding: usize,
}

impl Conv {
    /// Output length for an input of `size` pixels; `None` where the kernel does not fit.
    pub fn output(&self, size: usize, kernel: usize) -> Option<usize> {
        let room = (size + 2 * self.padding).checked_sub(kernel)?;
        Some(room / self.stride + 1)
    }
}

/// Window, stride and padding of a pooling over squares; padding counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

impl Pool {
    /// Windows along a side of `size` pixels; 0 where none fits.
    pub fn output(&self, size: usize) -> usize {
        Conv { stride: self.stride, padding: self.padding }.output(size, self.kernel).unwrap_or(0)
    }
}

/// The operations of the networks and of the update rules.
///
/// Convolutions, affine maps and attention take and give bf16 as well as the weights' own format, both operands in one;
/// they add up in f32 or better. Everything else computes in the weights' format, see [`wide`].
pub trait Ops: Backend {
    /// Convolution. `x`: `[n, h, w, in]`, `weight`: `[out, in, k, k]`, result `[n, h', w', out]`.
    fn convolve(
        x: Tensor<Self, 4>,
        weight: Tensor<Self, 4>,
        bias: Option<Tensor<Self, 1>>,
        conv: Conv,
    ) -> Tensor<Self, 4> {
        conv::convolve(x, weight, bias, conv)
    }

    /// Gradient of [`Ops::convolve`] for an input of `size = [h, w]`.
    fn convolve_input_grad(
        grad: Tensor<Self, 4>,
        weight: Tensor<Self, 4>,
        conv: Conv,
        size: [usize; 2],
    ) -> Tensor<Self, 4> {
        conv::input_grad(grad, weight, conv, size)
    }

    /// Gradient of [`Ops::convolve`] for its weight, `[out, in, kernel, kernel]`.
    fn convolve_weight_grad(
        x: Tensor<Self, 4>,
        grad: Tensor<Self, 4>,
        conv: Conv,
        kernel: usize,
    ) -> Tensor<Self, 4> {
        conv::weight_grad(x, grad, conv, kernel)
    }

    /// Sum over all but the channels, `[n, h, w, c]` to `[c]`: the gradient of a convolution's bias.
    fn channel_sum(x: Tensor<Self, 4>) -> Tensor<Self, 1> {
        norm::channel_sum(x)
    }

    /// Affine map of rows. `x`: `[n, in]`, `weight`: `[out, in]`, result `[n, out]`.
    fn affine(x: Tensor<Self, 2>, weight: Tensor<Self, 2>, bias: Tensor<Self, 1>) -> Tensor<Self, 2> {
        linear::forward(x, weight, bias)
    }

    /// Gradient of [`Ops::affine`] for its input, `[n, in]`.
    fn affine_input_grad(grad: Tensor<Self, 2>, weight: Tensor<Self, 2>) -> Tensor<Self, 2> {
        linear::input_grad(grad, weight)
    }

    /// Gradient of [`Ops::affine`] for its weight, `[out, in]`.
    fn affine_weight_grad(x: Tensor<Self, 2>, grad: Tensor<Self, 2>) -> Tensor<Self, 2> {
        linear::weight_grad(x, grad)
    }

    /// `max(x, 0)`.
    fn rectify(x: Tensor<Self, 4>) -> Tensor<Self, 4> {
        pointwise::relu(x)
    }

    /// `grad` where the result `y` of a ReLU was positive, 0 elsewhere.
    fn rectify_grad(y: Tensor<Self, 4>, grad: Tensor<Self, 4>) -> Tensor<Self, 4> {
        pointwise::relu_grad(y, grad)
    }

    /// The same values, in memory order where this backend has a faster way there than a change of shape.
    fn in_order(x: Tensor<Self, 4>) -> Tensor<Self, 4> {
        x
    }

    /// `a + b`.
    fn sum_of(a: Tensor<Self, 4>, b: Tensor<Self, 4>) -> Tensor<Self, 4> {
        a + b
    }

    /// `max(a + b, 0)`.
    fn add_rectify(a: Tensor<Self, 4>, b: Tensor<Self, 4>) -> Tensor<Self, 4> {
        pointwise::relu(a + b)
    }

    /// Mean over height and width, `[n, h, w, c]` to `[n, 1, 1, c]`.
    fn global_average(x: Tensor<Self, 4>) -> Tensor<Self, 4> {
        pointwise::global_average(x)
    }

    /// Gradient of [`Ops::global_average`] for an input of `size = [h, w]`.
    fn global_average_grad(grad: Tensor<Self, 4>, size: [usize; 2]) -> Tensor<Self, 4> {
        pointwise::global_average_grad(grad, size)
    }

    /// Batch normalisation with the statistics of `x` over all but the last axis, and ReLU where `relu`.
    fn batch_norm(
        x: Tensor<Self, 4>,
        scale: Tensor<Self, 1>,
        shift: Tensor<Self, 1>,
        relu: bool,
    ) -> Normalized<Self> {
        norm::batch_norm(x, scale, shift, relu)
    }

    /// Gradient of [`Ops::batch_norm`]; `mean` and `rstd` are those of the forward pass.
    fn batch_norm_grad(
        x: Tensor<Self, 4>,
        grad: Tensor<Self, 4>,
        affine: [Tensor<Self, 1>; 2],
        moments: [Tensor<Self, 1>; 2],
        relu: bool,
    ) -> NormGrad<Self> {
        norm::batch_norm_grad(x, grad, affine, moments, relu)
    }

    /// Gradient of a normalisation with fixed statistics `moments = [mean, rstd]`, for its input.
    fn fixed_norm_input_grad(
        x: Tensor<Self, 4>,
        grad: Tensor<Self, 4>,
        affine: [Tensor<Self, 1>; 2],
        moments: [Tensor<Self, 1>; 2],
        relu: bool,
    ) -> Tensor<Self, 4> {
        norm::fixed_norm_input_grad(x, grad, affine, moments, relu)
    }

    /// The same for its scale and shift.
    fn fixed_norm_weight_grad(
        x: Tensor<Self, 4>,
        grad: Tensor<Self, 4>,
        affine: [Tensor<Self, 1>; 2],
        moments: [Tensor<Self, 1>; 2],
        relu: bool,
    ) -> [Tensor<Self, 1>; 2] {
        norm::fixed_norm_weight_grad(x, grad, affine, moments, relu)
    }

    /// `x * factor + offset` per channel, and ReLU where `relu`: normalisation with fixed statistics.
    fn scale_shift(
        x: Tensor<Self, 4>,
        factor: Tensor<Self, 1>,
        offset: Tensor<Self, 1>,
        relu: bool,
    ) -> Tensor<Self, 4> {
        norm::scale_shift(x, factor, offset, relu)
    }

    /// Normalisation over the last axis, with [`LAYER_EPSILON`].
    fn norm_layer(
        x: Tensor<Self, 4>,
        scale: Tensor<Self, 1>,
        shift: Tensor<Self, 1>,
    ) -> LayerNormalized<Self> {
        layer_norm::layer_norm(x, scale, shift)
    }

    /// Gradient of [`Ops::norm_layer`] for its input; `unit` and `rstd` are those of the forward pass.
    fn norm_layer_input_grad(
        unit: Tensor<Self, 4>,
        rstd: Tensor<Self, 4>,
        grad: Tensor<Self, 4>,
        scale: Tensor<Self, 1>,
    ) -> Tensor<Self, 4> {
        layer_norm::layer_norm_input_grad(unit, rstd, grad, scale)
    }

    /// The same for its scale and shift.
    fn norm_layer_weight_grad(unit: Tensor<Self, 4>, grad: Tensor<Self, 4>) -> [Tensor<Self, 1>; 2] {
        layer_norm::layer_norm_weight_grad(unit, grad)
    }

    /// `x Φ(x)` with the exact distribution function of the normal.
    fn gelu_gate(x: Tensor<Self, 4>) -> Tensor<Self, 4> {
        pointwise::gelu(x)
    }

    /// Gradient of [`Ops::gelu_gate`].
    fn gelu_gate_grad(x: Tensor<Self, 4>, grad: Tensor<Self, 4>) -> Tensor<Self, 4> {
        pointwise::gelu_grad(x, grad)
    }

    /// Attention of `qkv` (`[n, 1, tokens, 3 c]`; queries, keys and values, in each the heads side by side): the result
    /// `[n, 1, tokens, c]`, and the softmax of the scores `[n, heads, tokens, tokens]`.
    fn attend(qkv: Tensor<Self, 4>, heads: usize) -> (Tensor<Self, 4>, Tensor<Self, 4>) {
        attention::attention(qkv, heads)
    }

    /// Gradient of [`Ops::attend`] for `qkv`; `share` is its second result.
    fn attend_grad(qkv: Tensor<Self, 4>, share: Tensor<Self, 4>, grad: Tensor<Self, 4>) -> Tensor<Self, 4> {
        attention::attention_grad(qkv, share, grad)
    }

    /// Largest value of each window, `[n, h', w', c]`, and its place `row * w + column` in the image.
    fn max_pool(x: Tensor<Self, 4>, pool: Pool) -> (Tensor<Self, 4>, Tensor<Self, 4, Int>) {
        pool::max_pool(x, pool)
    }

    /// The values of `[n, h, w, c]` at places of [`Ops::max_pool`].
    fn pick(x: Tensor<Self, 4>, index: Tensor<Self, 4, Int>) -> Tensor<Self, 4> {
        pool::pick(x, index)
    }

    /// Gradient of [`Ops::pick`] for an input of `size = [h, w]`.
    fn unpick(grad: Tensor<Self, 4>, index: Tensor<Self, 4, Int>, size: [usize; 2]) -> Tensor<Self, 4> {
        pool::unpick(grad, index, size)
    }

    /// Cross-entropy of each sample and its gradient for the logits. `logits`: `[n, classes]`, `labels`: `[n]`.
    fn cross_entropy(
        logits: Tensor<Self, 2>,
        labels: Tensor<Self, 1, Int>,
    ) -> (Tensor<Self, 1>, Tensor<Self, 2>) {
        loss::cross_entropy(logits, labels)
    }

    /// `x + step sign(gradient)`, moved into the ball of l-infinity around `center` and then into [0, 1].
    ///
    /// `[x, gradient, center]`: `[n, h, w, c]`; `step` and `radius`: `[n]`. A zero gradient moves nothing.
    fn ascend_signs(
        images: [Tensor<Self, 4>; 3],
        step: Tensor<Self, 1>,
        radius: Tensor<Self, 1>,
    ) -> Tensor<Self, 4> {
        ascent::ascend_signs(images, step, radius)
    }

    /// `x + factor * direction`, with a one-element `factor`.
    fn add_scaled(
        x: Tensor<Self, 1>,
        direction: Tensor<Self, 1>,
        factor: Tensor<Self, 1>,
    ) -> Tensor<Self, 1> {
        x + direction * factor
    }

    /// Sum of squares, one element.
    fn sum_squares(x: Tensor<Self, 1>) -> Tensor<Self, 1> {
        (x.clone() * x).sum()
    }

    /// Inner product, one element.
    fn dot(a: Tensor<Self, 1>, b: Tensor<Self, 1>) -> Tensor<Self, 1> {
        (a * b).sum()
    }

    /// `a * x + b * y`, with one-element `a` and `b`.
    fn blend(
        x: Tensor<Self, 1>,
        a: Tensor<Self, 1>,
        y: Tensor<Self, 1>,
        b: Tensor<Self, 1>,
    ) -> Tensor<Self, 1> {
        x * a + y * b
    }

    /// `(|weight| + eta)^2 * gradient`.
    fn scale_by_size(weight: Tensor<Self, 1>, gradient: Tensor<Self, 1>, eta: f64) -> Tensor<Self, 1> {
        pointwise::scale_by_size(weight, gradient, eta)
    }

    /// `vector / (1 + eta * gradient^2)`.
    fn scale_by_fisher(vector: Tensor<Self, 1>, gradient: Tensor<Self, 1>, eta: f64) -> Tensor<Self, 1> {
        pointwise::scale_by_fisher(vector, gradient, eta)
    }

    /// `old` where `skip` (one element) is set, else `new`.
    fn keep_if(
        skip: &Tensor<Self, 1, burn::tensor::Bool>,
        old: Tensor<Self, 1>,
        new: Tensor<Self, 1>,
    ) -> Tensor<Self, 1> {
        update::keep_if(skip, old, new)
    }

    /// One step of SGD on one tensor: `(weight, momentum buffer)`, unchanged where `skip` (one element) is set.
    fn sgd(
        weight: Tensor<Self, 1>,
        buffer: Option<Tensor<Self, 1>>,
        direction: Tensor<Self, 1>,
        rule: SgdRule,
        skip: Tensor<Self, 1, burn::tensor::Bool>,
    ) -> (Tensor<Self, 1>, Option<Tensor<Self, 1>>) {
        update::sgd(weight, buffer, direction, rule, skip)
    }

    /// One step of Adam on one tensor: `(weight, first moment, second moment)`, unchanged where `skip` is set.
    fn adam(
        weight: Tensor<Self, 1>,
        moments: [Tensor<Self, 1>; 2],
        direction: Tensor<Self, 1>,
        rule: AdamRule<Self>,
        skip: Tensor<Self, 1, burn::tensor::Bool>,
    ) -> (Tensor<Self, 1>, [Tensor<Self, 1>; 2]) {
        update::adam(weight, moments, direction, rule, skip)
    }
}
