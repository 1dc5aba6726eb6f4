//! S2-SAM (Ji et al., NeurIPS 2024): perturbs along the gradient of the step before.

use super::one_pass;
use super::scope::chosen;
use super::{Minimizer, Outcome, Passes, Start};
use crate::lang::catalog::S2sam as Spec;
use crate::lang::schedule::Schedule;
use crate::model::Parameter;
use crate::ops::{Ops, Subset};

pub struct S2sam {
    rho: Schedule,
    subset: Subset,
}

impl S2sam {
    pub fn new(spec: Spec, parameters: &[Parameter]) -> Self {
        Self { rho: spec.rho, subset: chosen(parameters, spec.perturb) }
    }
}

impl<B: Ops> Minimizer<B> for S2sam {
    fn keeps(&self) -> Option<&'static str> {
        Some("gradient")
    }

    fn step(&self, start: &Start<'_, B>, passes: &mut dyn Passes<B>) -> Outcome<B> {
        let outcome = one_pass::step(start, passes, start.memory, self.rho.at(start.clock), &self.subset);
        Outcome { memory: Some(outcome.direction.clone()), ..outcome }
    }
}
