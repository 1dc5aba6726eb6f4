//! Mixed precision: what is multiplied and stored in bf16, and computed with in f32 everywhere else.

use burn::tensor::backend::Backend;
use burn::tensor::{DType, Tensor};

use crate::lang::program::Precision;

/// `x` in the format that activations are stored and multiplied in; in `f32` that is the weights' own.
pub fn stored<B: Backend, const D: usize>(x: Tensor<B, D>, precision: Precision) -> Tensor<B, D> {
    match precision {
        Precision::F32 => x,
        Precision::Bf16 => of_type(x, DType::BF16),
    }
}

/// `x` to compute with: bf16 becomes f32, without a loss; anything else stays.
pub fn wide<B: Backend, const D: usize>(x: Tensor<B, D>) -> Tensor<B, D> {
    if is_half(&x) { x.cast(DType::F32) } else { x }
}

/// `x` in the format `dtype`.
pub(super) fn of_type<B: Backend, const D: usize>(x: Tensor<B, D>, dtype: DType) -> Tensor<B, D> {
    if x.dtype() == dtype { x } else { x.cast(dtype) }
}

pub(super) fn is_half<B: Backend, const D: usize>(x: &Tensor<B, D>) -> bool {
    x.dtype() == DType::BF16
}
