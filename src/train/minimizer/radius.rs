//! How long a perturbation is.

use burn::tensor::Tensor;

use crate::lang::schedule::{Clock, Schedule};
use crate::ops::Ops;

/// Length of a perturbation, and whether it was cut; one element each.
pub struct Radius<B: Ops> {
    pub length: Tensor<B, 1>,
    pub clipped: Option<Tensor<B, 1>>,
}

impl<B: Ops> Radius<B> {
    pub fn free(length: Tensor<B, 1>) -> Self {
        Self { length, clipped: None }
    }
}

/// A rule for the length, given that of the ascent vector.
pub trait RadiusRule<B: Ops>: Send {
    fn at(&self, norm: &Tensor<B, 1>, clock: &Clock) -> Radius<B>;
}

/// The same whatever the gradient: SAM.
pub struct Fixed(pub Schedule);

impl<B: Ops> RadiusRule<B> for Fixed {
    fn at(&self, norm: &Tensor<B, 1>, clock: &Clock) -> Radius<B> {
        Radius::free(norm.full_like(self.0.at(clock)))
    }
}
