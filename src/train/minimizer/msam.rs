//! MSAM (Becker et al., ICLR 2025): the gradient where the momentum leads, `w - rho v / ‖v‖`.

use super::one_pass;
use super::scope::chosen;
use super::{Minimizer, Outcome, Passes, Start, ratio};
use crate::lang::catalog::{Decay, Msam as Spec};
use crate::lang::schedule::Schedule;
use crate::model::Parameter;
use crate::ops::{Ops, Subset};

pub struct Msam {
    rho: Schedule,
    subset: Subset,
    decay: Decay,
}

impl Msam {
    pub fn new(spec: Spec, parameters: &[Parameter]) -> Self {
        Self { rho: spec.rho, subset: chosen(parameters, spec.perturb), decay: spec.decay }
    }
}

impl<B: Ops> Minimizer<B> for Msam {
    fn step(&self, start: &Start<'_, B>, passes: &mut dyn Passes<B>) -> Outcome<B> {
        let rho = self.rho.at(start.clock);
        let outcome = one_pass::step(start, passes, start.momentum, -rho, &self.subset);
        let Some(momentum) = start.momentum.filter(|_| self.decay == Decay::Inside && start.decay > 0.0)
        else {
            return outcome;
        };
        // The penalty at the perturbed weights, less that at the weights, which the base optimizer adds.
        let norm = momentum.norm_in(&self.subset);
        let factor = ratio(norm.full_like(-rho * start.decay), &norm);
        Outcome { direction: outcome.direction.add_scaled_in(momentum, &factor, &self.subset), ..outcome }
    }
}
