//! LE-SAM (Wang, Liu, Xie, Gao; ICML 2026): the perturbation that raises the loss by a fixed budget.
//!
//! The shortest `e` with `g · e = kappa` is `kappa · g / ‖g‖²` (eq. 12), of length `kappa / ‖g‖`, cut at `clip`;
//! the budget may anneal to zero. The budget is in units of the loss, so it is not invariant to its scale.

use burn::tensor::Tensor;

use super::TINY;
use super::combiner::{Combined, Combiner};
use super::radius::{Radius, RadiusRule};
use super::wsam::extrapolated;
use crate::lang::catalog::Anneal;
use crate::lang::schedule::{Clock, Schedule};
use crate::ops::{Ops, Vector};

/// `min(kappa / (‖g‖ + eps), clip)`.
pub struct Budget {
    pub budget: Schedule,
    pub clip: Option<Schedule>,
    pub anneal: Option<Anneal>,
}

impl<B: Ops> RadiusRule<B> for Budget {
    fn at(&self, norm: &Tensor<B, 1>, clock: &Clock) -> Radius<B> {
        let budget = self.budget.at(clock) * self.annealing(clock);
        let free = (norm.clone() + TINY).recip() * budget;
        let Some(clip) = &self.clip else { return Radius::free(free) };
        let clip = clip.at(clock);
        let clipped = free.clone().greater_elem(clip).float().cast(free.dtype());
        Radius { length: free.clamp_max(clip), clipped: Some(clipped) }
    }
}

impl Budget {
    /// Share of the budget that is left.
    fn annealing(&self, clock: &Clock) -> f64 {
        match &self.anneal {
            None => 1.0,
            Some(Anneal::Factor(factor)) => factor.at(clock),
            Some(Anneal::Window(window)) => {
                Schedule::Cosine { from: 1.0, to: 0.0, window: Some(*window) }.at(clock)
            }
        }
    }
}

/// LE-SAM+ (eq. 15): `(1 + lambda) g_p - lambda g`.
pub struct Amplified(pub Schedule);

impl<B: Ops> Combiner<B> for Amplified {
    fn combine(&self, gradient: Option<Vector<B>>, perturbed: Vector<B>, clock: &Clock) -> Combined<B> {
        let Some(gradient) = gradient else { return perturbed.into() };
        extrapolated(gradient, perturbed, 1.0 + self.0.at(clock)).into()
    }
}
