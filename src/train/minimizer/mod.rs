//! Minimizers: each owns the passes of a step and returns the direction the base optimizer takes.
//!
//! The SAM family is ascent vector × metric × radius rule × combiner × cadence. The base optimizer always moves
//! the unperturbed weights; a perturbed pass is an evaluation at other weights, so nothing is restored.

mod lesam;
mod sam;
mod two_pass;

use burn::tensor::Tensor;

use crate::lang::catalog::Minimizer as Spec;
use crate::lang::schedule::Clock;
use crate::ops::{Ops, Vector};

/// The batch's objective as a minimizer sees it: curriculum and adversary are inside.
pub trait Passes<B: Ops> {
    /// Gradient at `weights`. Running statistics and the curriculum follow this pass; it is the first of a step.
    fn first(&mut self, weights: &Vector<B>) -> Vector<B>;

    /// Gradient at other weights on the same samples, with the same sample weights; nothing else moves.
    fn again(&mut self, weights: &Vector<B>) -> Vector<B>;
}

/// What a step decided; each tensor has one element.
pub struct Outcome<B: Ops> {
    pub direction: Vector<B>,
    /// Norm of the first gradient.
    pub norm: Tensor<B, 1>,
    /// Length of the perturbation.
    pub radius: Option<Tensor<B, 1>>,
    /// 1 where the radius was cut to its limit.
    pub clipped: Option<Tensor<B, 1>>,
}

/// One member of the family.
pub trait Minimizer<B: Ops>: Send {
    /// Direction for the base optimizer at `weights`.
    fn step(&mut self, weights: &Vector<B>, passes: &mut dyn Passes<B>, clock: &Clock) -> Outcome<B>;
}

/// Builds what a program names.
pub fn build<B: Ops>(spec: &Spec) -> Box<dyn Minimizer<B>> {
    match spec {
        Spec::Base => Box::new(Base),
        Spec::Sam(spec) => Box::new(sam::Sam(spec.clone())),
        Spec::Lesam(spec) => Box::new(lesam::Lesam(spec.clone())),
    }
}

/// The gradient itself: the base optimizer alone.
struct Base;

impl<B: Ops> Minimizer<B> for Base {
    fn step(&mut self, weights: &Vector<B>, passes: &mut dyn Passes<B>, _: &Clock) -> Outcome<B> {
        let direction = passes.first(weights);
        Outcome { norm: direction.norm(), direction, radius: None, clipped: None }
    }
}
