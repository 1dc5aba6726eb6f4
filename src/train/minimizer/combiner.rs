//! What the base optimizer follows, given the gradients at the weights and at the perturbed ones.

use super::gsam::Gap;
use super::sagm::Sum;
use super::ssam::Stable;
use super::wsam::Weighted;
use crate::lang::catalog::Combiner as Spec;
use crate::lang::schedule::Clock;
use crate::ops::{Ops, Vector};

/// A direction, and what goes with it.
pub struct Combined<B: Ops> {
    pub direction: Vector<B>,
    /// Moves the weights against it by the learning rate, besides the base optimizer.
    pub decoupled: Option<Vector<B>>,
    /// What the next step finds.
    pub memory: Option<Vector<B>>,
}

impl<B: Ops> From<Vector<B>> for Combined<B> {
    fn from(direction: Vector<B>) -> Self {
        Self { direction, decoupled: None, memory: None }
    }
}

/// A rule for the direction.
pub trait Combiner<B: Ops>: Send {
    /// Name of what it keeps between steps.
    fn keeps(&self) -> Option<&'static str> {
        None
    }

    /// Whether it needs the first gradient, which is dropped before the second pass otherwise.
    fn reads_gradient(&self) -> bool {
        true
    }

    /// `gradient` is there where [`Combiner::reads_gradient`] says so.
    fn combine(&self, gradient: Option<Vector<B>>, perturbed: Vector<B>, clock: &Clock) -> Combined<B>;
}

/// The gradient at the perturbed weights: SAM.
pub struct Perturbed;

impl<B: Ops> Combiner<B> for Perturbed {
    fn reads_gradient(&self) -> bool {
        false
    }

    fn combine(&self, _: Option<Vector<B>>, perturbed: Vector<B>, _: &Clock) -> Combined<B> {
        perturbed.into()
    }
}

/// The combiner that a file names.
pub fn of<B: Ops>(spec: Option<Spec>) -> Box<dyn Combiner<B>> {
    match spec {
        None => Box::new(Perturbed),
        Some(Spec::Gap(gap)) => Box::new(Gap { alpha: gap.alpha, minimize: gap.minimize }),
        Some(Spec::Stable(_)) => Box::new(Stable),
        Some(Spec::Average(_)) => Box::new(Sum { share: 0.5 }),
        Some(Spec::Weighted(weighted)) => Box::new(Weighted(weighted.factor)),
    }
}
