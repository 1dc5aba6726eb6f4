//! Differentiable backends keep the defaults, so that a second derivative can be taken through every operation.

use burn::backend::Autodiff;
use burn::tensor::backend::Backend;

use super::Ops;

impl<B: Backend> Ops for Autodiff<B> {}

#[cfg(feature = "cuda")]
impl Ops for burn_cuda::Cuda<f32, i32> {}
