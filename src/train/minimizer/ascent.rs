//! The vector that a perturbation follows.

use burn::tensor::Tensor;

use super::scope::Scope;
use super::{Passes, Start};
use crate::ops::{Ops, Vector};

/// Where to go from the weights.
pub struct Along<B: Ops> {
    pub vector: Vector<B>,
    /// What its length counts as; `None` for the gradient itself, whose norm is known.
    pub norm: Option<Tensor<B, 1>>,
    /// What the next step finds.
    pub memory: Option<Vector<B>>,
    pub curvature: Option<Tensor<B, 1>>,
}

/// A rule for the ascent vector.
pub trait Ascent<B: Ops>: Send {
    /// Name of what it keeps between steps.
    fn keeps(&self) -> Option<&'static str> {
        None
    }

    /// Whether it needs the gradient for all weights, not only for those of the scope.
    fn reads_gradient(&self) -> bool {
        false
    }

    /// The vector, given the gradient at the weights and its norm over what is measured.
    fn along(
        &self,
        start: &Start<'_, B>,
        passes: &mut dyn Passes<B>,
        scope: &Scope,
        gradient: &Vector<B>,
        norm: &Tensor<B, 1>,
    ) -> Along<B>;
}

/// Along the gradient: SAM.
pub struct Gradient;

impl<B: Ops> Ascent<B> for Gradient {
    fn along(
        &self,
        _: &Start<'_, B>,
        _: &mut dyn Passes<B>,
        _: &Scope,
        gradient: &Vector<B>,
        _: &Tensor<B, 1>,
    ) -> Along<B> {
        Along { vector: gradient.clone(), norm: None, memory: None, curvature: None }
    }
}
