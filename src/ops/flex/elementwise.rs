//! Elementwise operations of Flex tensors, in place where nobody else holds one of the operands.

use burn::tensor::Tensor;
use burn_flex::Flex;

use super::buffer::Buffer;
use super::conv::vector;
use super::kernels::elementwise as kernel;
use super::tensor::{Values, tensor};
use crate::ops::SgdRule;

/// `f(a, b)` elementwise, in the memory of `a` or of `b` where possible.
#[inline(always)]
pub fn binary<const D: usize>(
    a: Tensor<Flex, D>,
    b: Tensor<Flex, D>,
    f: impl Fn(f32, f32) -> f32 + Copy + Sync + Send,
) -> Tensor<Flex, D> {
    let shape = a.dims();
    let (a, b) = (Values::of(a), Values::of(b));
    let a = match a.reuse() {
        Ok(mut a) => {
            kernel::update(a.as_mut(), &b, f);
            return a.tensor();
        }
        Err(a) => a,
    };
    match b.reuse() {
        Ok(mut b) => {
            kernel::update(
                b.as_mut(),
                &a,
                #[inline(always)]
                move |b, a| f(a, b),
            );
            b.tensor()
        }
        Err(b) => {
            let mut out = Buffer::take(a.len());
            kernel::binary(&a, &b, &mut out, f);
            tensor(out, shape)
        }
    }
}

pub fn add(a: Tensor<Flex, 4>, b: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    binary(a, b, |a, b| a + b)
}

fn rectified(x: f32) -> f32 {
    // Not `max`, which would turn NaN into 0.
    if x < 0.0 { 0.0 } else { x }
}

/// `f(x)` elementwise, in the memory of `x` where possible.
#[inline(always)]
pub fn unary<const D: usize>(
    x: Tensor<Flex, D>,
    f: impl Fn(f32) -> f32 + Copy + Sync + Send,
) -> Tensor<Flex, D> {
    let shape = x.dims();
    match Values::of(x).reuse() {
        Ok(mut x) => {
            kernel::map(x.as_mut(), f);
            x.tensor()
        }
        Err(x) => {
            let mut out = Buffer::take(x.len());
            kernel::binary(
                &x,
                &x,
                &mut out,
                #[inline(always)]
                move |x, _| f(x),
            );
            tensor(out, shape)
        }
    }
}

pub fn relu(x: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    unary(x, rectified)
}

pub fn add_relu(a: Tensor<Flex, 4>, b: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    binary(a, b, |a, b| rectified(a + b))
}

pub fn relu_grad(y: Tensor<Flex, 4>, grad: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    binary(grad, y, |grad, y| if y <= 0.0 { 0.0 } else { grad })
}

pub fn ascend_signs(
    images: [Tensor<Flex, 4>; 3],
    step: Tensor<Flex, 1>,
    radius: Tensor<Flex, 1>,
) -> Tensor<Flex, 4> {
    let shape = images[0].dims();
    let images = images.map(Values::of);
    let mut out = Buffer::take(images[0].len());
    let sizes = [step, radius].map(Values::of);
    kernel::ascend(images.each_ref().map(|x| &**x), sizes.each_ref().map(|x| &**x), &mut out);
    tensor(out, shape)
}

pub fn add_scaled(
    x: Tensor<Flex, 1>,
    direction: Tensor<Flex, 1>,
    factor: Tensor<Flex, 1>,
) -> Tensor<Flex, 1> {
    let factor = Values::of(factor)[0];
    binary(x, direction, move |x, d| x + d * factor)
}

pub fn sum_squares(x: Tensor<Flex, 1>) -> Tensor<Flex, 1> {
    let x = Values::of(x);
    vector([kernel::dot(&x, &x) as f32].into_iter())
}

pub fn dot(a: Tensor<Flex, 1>, b: Tensor<Flex, 1>) -> Tensor<Flex, 1> {
    vector([kernel::dot(&Values::of(a), &Values::of(b)) as f32].into_iter())
}

pub fn blend(
    x: Tensor<Flex, 1>,
    a: Tensor<Flex, 1>,
    y: Tensor<Flex, 1>,
    b: Tensor<Flex, 1>,
) -> Tensor<Flex, 1> {
    let (a, b) = (Values::of(a)[0], Values::of(b)[0]);
    binary(x, y, move |x, y| x * a + y * b)
}

pub fn scale_by_size(weight: Tensor<Flex, 1>, gradient: Tensor<Flex, 1>, eta: f64) -> Tensor<Flex, 1> {
    let eta = eta as f32;
    binary(gradient, weight, move |g, w| {
        let size = w.abs() + eta;
        size * size * g
    })
}

pub fn scale_by_fisher(vector: Tensor<Flex, 1>, gradient: Tensor<Flex, 1>, eta: f64) -> Tensor<Flex, 1> {
    let eta = eta as f32;
    binary(vector, gradient, move |v, g| v / (1.0 + eta * g * g))
}

/// [`SgdRule`] in one pass, in the memory of the momentum buffer, and of `direction` where nobody else holds it.
pub fn sgd(
    weight: Tensor<Flex, 1>,
    buffer: Option<Tensor<Flex, 1>>,
    direction: Tensor<Flex, 1>,
    rule: SgdRule,
) -> (Tensor<Flex, 1>, Option<Tensor<Flex, 1>>) {
    let weight = Values::of(weight);
    let mut buffer = buffer.map(owned);
    let momentum = buffer.as_mut().map(Values::as_mut);
    let new = match Values::of(direction).reuse() {
        Ok(mut direction) => {
            kernel::sgd(&weight, momentum, direction.as_mut(), rule);
            direction.tensor()
        }
        Err(direction) => {
            let mut out = Buffer::take(direction.len());
            kernel::sgd_into(&weight, momentum, &direction, &mut out, rule);
            let length = out.len();
            tensor(out, [length])
        }
    };
    (new, buffer.map(Values::tensor))
}

/// Values that nobody else holds.
fn owned(x: Tensor<Flex, 1>) -> Values {
    Values::of(x).reuse().unwrap_or_else(|shared| {
        let mut copy = Buffer::take(shared.len());
        copy.copy_from_slice(&shared);
        Values::of(tensor(copy, [shared.len()]))
    })
}

pub fn global_average(x: Tensor<Flex, 4>) -> Tensor<Flex, 4> {
    let [n, h, w, channels] = x.dims();
    let mut out = Buffer::take(n * channels);
    kernel::average(&Values::of(x), h * w, channels, &mut out);
    tensor(out, [n, 1, 1, channels])
}

pub fn global_average_grad(grad: Tensor<Flex, 4>, [h, w]: [usize; 2]) -> Tensor<Flex, 4> {
    let [n, _, _, channels] = grad.dims();
    let mut out = Buffer::take(n * h * w * channels);
    kernel::average_grad(&Values::of(grad), h * w, channels, &mut out);
    tensor(out, [n, h, w, channels])
}
