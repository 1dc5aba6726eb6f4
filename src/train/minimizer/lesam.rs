//! LE-SAM (Wang, Liu, Xie, Gao; ICML 2026): the perturbation that raises the loss by a fixed budget.
//!
//! The shortest `e` with `g · e = kappa` is `kappa · g / ‖g‖²` (eq. 12), of length `kappa / ‖g‖`, cut at `clip`;
//! the budget may anneal to zero. The budget is in units of the loss, so it is not invariant to its scale.

use burn::tensor::Tensor;

use super::two_pass::{Radius, TINY, ascend_and_descend};
use super::{Minimizer, Outcome, Passes};
use crate::lang::catalog::{Anneal, Lesam as Spec};
use crate::lang::schedule::{Clock, Schedule};
use crate::ops::{Ops, Vector};

pub struct Lesam(pub Spec);

impl<B: Ops> Minimizer<B> for Lesam {
    fn step(&mut self, weights: &Vector<B>, passes: &mut dyn Passes<B>, clock: &Clock) -> Outcome<B> {
        let budget = self.0.budget.at(clock) * self.annealing(clock);
        let clip = self.0.clip.as_ref().map(|clip| clip.at(clock));
        ascend_and_descend(weights, passes, |norm| radius(norm, budget, clip))
    }
}

impl Lesam {
    /// Share of the budget that is left.
    fn annealing(&self, clock: &Clock) -> f64 {
        match &self.0.anneal {
            None => 1.0,
            Some(Anneal::Factor(factor)) => factor.at(clock),
            Some(Anneal::Window(window)) => {
                Schedule::Cosine { from: 1.0, to: 0.0, window: Some(*window) }.at(clock)
            }
        }
    }
}

/// `min(kappa / (‖g‖ + eps), clip)`.
fn radius<B: Ops>(norm: Tensor<B, 1>, budget: f64, clip: Option<f64>) -> Radius<B> {
    let free = (norm + TINY).recip() * budget;
    match clip {
        None => Radius { length: free, clipped: None },
        Some(clip) => {
            let clipped = free.clone().greater_elem(clip).float().cast(free.dtype());
            Radius { length: free.clamp_max(clip), clipped: Some(clipped) }
        }
    }
}
