//! LookSAM (Liu et al., CVPR 2022): a SAM step every `k`, whose sharpness-aware part serves the steps between.

use super::combiner::{Combined, Combiner};
use super::gsam::parallel;
use super::radius::Fixed;
use super::two_pass::TwoPass;
use super::{Minimizer, Outcome, Passes, Start, metric, ratio};
use crate::lang::catalog::Looksam as Spec;
use crate::lang::schedule::Clock;
use crate::model::Parameter;
use crate::ops::{Ops, Subset, Vector};

pub struct Looksam<B: Ops> {
    sam: TwoPass<B>,
    spec: Spec,
}

impl<B: Ops> Looksam<B> {
    pub fn new(spec: Spec, parameters: &[Parameter]) -> Self {
        let sam = TwoPass::new(parameters, spec.perturbing.clone())
            .radius(Box::new(Fixed(spec.rho.clone())))
            .metric(metric::of(spec.metric.clone(), parameters))
            .combiner(Box::new(Kept));
        Self { sam, spec }
    }

    /// `g + alpha (‖g‖ / ‖g_v‖) g_v`.
    fn reuse(&self, start: &Start<'_, B>, passes: &mut dyn Passes<B>) -> Outcome<B> {
        let outcome = Outcome::plain(start, passes.first(start.weights, &Subset::All));
        let Some(kept) = start.memory else { return outcome };
        let factor = ratio(outcome.norm.clone() * self.spec.alpha.at(start.clock), &kept.norm());
        Outcome { direction: outcome.direction.add_scaled(kept, &factor), ..outcome }
    }
}

impl<B: Ops> Minimizer<B> for Looksam<B> {
    fn keeps(&self) -> Option<&'static str> {
        self.sam.keeps()
    }

    fn step(&self, start: &Start<'_, B>, passes: &mut dyn Passes<B>) -> Outcome<B> {
        let (beat, step) = (self.spec.beat(start.clock), start.clock.step);
        match beat.since(step) {
            None => super::Base.step(start, passes),
            Some(_) if beat.holds(step) => self.sam.step(start, passes),
            Some(_) => self.reuse(start, passes),
        }
    }
}

/// SAM's direction; keeps `g_v`, its part orthogonal to the gradient.
struct Kept;

impl<B: Ops> Combiner<B> for Kept {
    fn keeps(&self) -> Option<&'static str> {
        Some("direction")
    }

    fn combine(&self, gradient: Option<Vector<B>>, perturbed: Vector<B>, _: &Clock) -> Combined<B> {
        let Some(gradient) = gradient else { return perturbed.into() };
        let share = parallel(&perturbed, &gradient);
        let aside = perturbed.add_scaled(&gradient, &share.neg());
        Combined { direction: perturbed, decoupled: None, memory: Some(aside) }
    }
}
