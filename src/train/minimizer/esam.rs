//! ESAM (Du et al., ICLR 2022): perturbs a random part of the weights, descends on the samples whose loss rose most.

use burn::tensor::Tensor;

use super::metric;
use super::radius::{Radius, RadiusRule};
use super::scope::Scope;
use super::two_pass::TwoPass;
use super::{Minimizer, Outcome, Passes, Start};
use crate::data::Purpose;
use crate::lang::catalog::Esam as Spec;
use crate::lang::schedule::{Clock, Schedule};
use crate::model::Parameter;
use crate::ops::{Ops, Subset, Vector};

pub struct Esam<B: Ops> {
    sam: TwoPass<B>,
    beta: Schedule,
    gamma: Schedule,
}

impl<B: Ops> Esam<B> {
    pub fn new(spec: Spec, parameters: &[Parameter]) -> Self {
        let sam = TwoPass::new(parameters, spec.perturbing)
            .radius(Box::new(Enlarged { rho: spec.rho, beta: spec.beta.clone() }))
            .metric(metric::of(spec.metric, parameters));
        Self { sam, beta: spec.beta, gamma: spec.gamma }
    }

    /// Stochastic weight perturbation: each tensor with probability beta, at least one.
    fn drawn(&self, start: &Start<'_, B>) -> Scope {
        let scope = self.sam.scope();
        let beta = self.beta.at(start.clock);
        if beta >= 1.0 {
            return scope.clone();
        }
        let mut generator = start.generator(Purpose::Perturbation);
        let draws: Vec<f64> = start.weights.0.iter().map(|_| generator.unit()).collect();
        let within = |&(index, _): &(usize, &f64)| scope.perturbed.holds(index);
        let least = draws.iter().enumerate().filter(within).map(|(_, draw)| *draw).fold(1.0, f64::min);
        let kept = draws
            .iter()
            .enumerate()
            .map(|(index, &draw)| scope.perturbed.holds(index) && (draw < beta || draw == least));
        Scope::of(Subset::Of(kept.collect()), self.sam.perturbing().norm)
    }

    /// Sharpness-sensitive data selection.
    fn descend(&self, clock: &Clock, passes: &mut dyn Passes<B>, weights: &Vector<B>) -> Vector<B> {
        let gamma = self.gamma.at(clock);
        if gamma >= 1.0 { passes.again(weights) } else { passes.again_on_sharpest(weights, gamma) }
    }
}

impl<B: Ops> Minimizer<B> for Esam<B> {
    fn step(&self, start: &Start<'_, B>, passes: &mut dyn Passes<B>) -> Outcome<B> {
        if !self.sam.perturbing().beat(start.clock).holds(start.clock.step) {
            return super::Base.step(start, passes);
        }
        let descend =
            |passes: &mut dyn Passes<B>, weights: &Vector<B>| self.descend(start.clock, passes, weights);
        self.sam.perturb(start, passes, &self.drawn(start), descend)
    }
}

/// `rho / beta`: what is perturbed makes up for what is not.
struct Enlarged {
    rho: Schedule,
    beta: Schedule,
}

impl<B: Ops> RadiusRule<B> for Enlarged {
    fn at(&self, norm: &Tensor<B, 1>, clock: &Clock) -> Radius<B> {
        Radius::free(norm.full_like(self.rho.at(clock) / self.beta.at(clock)))
    }
}
