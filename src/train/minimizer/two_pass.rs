//! The step most of the family shares: ascend along a vector, take the gradient there, combine both.

use burn::tensor::Tensor;

use super::ascent::{Along, Ascent, Gradient};
use super::combiner::{Combiner, Perturbed};
use super::decay::Penalised;
use super::metric::Metric;
use super::radius::{Fixed, Radius, RadiusRule};
use super::scope::Scope;
use super::{Minimizer, Outcome, Passes, Start, ratio};
use crate::lang::catalog::{Decay, Perturbing};
use crate::lang::schedule::Schedule;
use crate::model::Parameter;
use crate::ops::{Ops, Vector};

/// One member: a choice of each part.
pub struct TwoPass<B: Ops> {
    ascent: Box<dyn Ascent<B>>,
    /// The Euclidean one where absent.
    metric: Option<Box<dyn Metric<B>>>,
    radius: Box<dyn RadiusRule<B>>,
    combiner: Box<dyn Combiner<B>>,
    scope: Scope,
    perturbing: Perturbing,
}

impl<B: Ops> TwoPass<B> {
    /// SAM without a radius.
    pub fn new(parameters: &[Parameter], perturbing: Perturbing) -> Self {
        Self {
            ascent: Box::new(Gradient),
            metric: None,
            radius: Box::new(Fixed(Schedule::Constant(0.0))),
            combiner: Box::new(Perturbed),
            scope: Scope::new(parameters, perturbing.perturb, perturbing.norm),
            perturbing,
        }
    }

    pub fn ascent(mut self, ascent: Box<dyn Ascent<B>>) -> Self {
        self.ascent = ascent;
        self
    }

    pub fn metric(mut self, metric: Option<Box<dyn Metric<B>>>) -> Self {
        self.metric = metric;
        self
    }

    pub fn radius(mut self, radius: Box<dyn RadiusRule<B>>) -> Self {
        self.radius = radius;
        self
    }

    pub fn combiner(mut self, combiner: Box<dyn Combiner<B>>) -> Self {
        self.combiner = combiner;
        self
    }

    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    pub fn perturbing(&self) -> &Perturbing {
        &self.perturbing
    }

    /// A perturbed step over the weights of `scope`; `descend` takes the second gradient.
    pub fn perturb(
        &self,
        start: &Start<'_, B>,
        passes: &mut dyn Passes<B>,
        scope: &Scope,
        descend: impl FnOnce(&mut dyn Passes<B>, &Vector<B>) -> Vector<B>,
    ) -> Outcome<B> {
        match self.perturbing.decay {
            Decay::Inside if start.decay > 0.0 => {
                let mut penalised = Penalised { passes, decay: start.decay };
                penalised.corrected(start.weights, |passes| self.ascend(start, passes, scope, descend))
            }
            _ => self.ascend(start, passes, scope, descend),
        }
    }

    fn ascend(
        &self,
        start: &Start<'_, B>,
        passes: &mut dyn Passes<B>,
        scope: &Scope,
        descend: impl FnOnce(&mut dyn Passes<B>, &Vector<B>) -> Vector<B>,
    ) -> Outcome<B> {
        let whole = self.combiner.reads_gradient() || self.ascent.reads_gradient();
        let gradient = passes.first(start.weights, &scope.differentiated(whole));
        let norm = gradient.norm_in(&scope.measured);
        let Along { vector, norm: along, memory, curvature } =
            self.ascent.along(start, passes, scope, &gradient, &norm);
        let plain = self.metric.is_none() && along.is_none() && scope.is_whole();
        let (vector, length) =
            self.mapped(start.weights, &gradient, vector, along.as_ref().unwrap_or(&norm), scope);
        let Radius { length: wanted, clipped } = self.radius.at(&length, start.clock);
        let factor = ratio(wanted, &length);
        let clipped = clipped.map(|clipped| clipped.mask_fill(factor.clone().equal_elem(0.0), 0.0));
        let perturbed = start.weights.add_scaled_in(&vector, &factor, &scope.perturbed);
        let radius = match plain {
            true => (factor * norm.clone()).abs(),
            false => vector.norm_in(&scope.perturbed) * factor.abs(),
        };
        drop(vector);
        let gradient = self.combiner.reads_gradient().then_some(gradient);
        let second = descend(passes, &perturbed);
        drop(perturbed);
        let combined = self.combiner.combine(gradient, second, start.clock);
        let memory = combined.memory.or(memory).or_else(|| start.memory.cloned());
        let (direction, decoupled) = (combined.direction, combined.decoupled);
        Outcome { direction, decoupled, norm, radius: Some(radius), clipped, curvature, memory }
    }

    /// The vector under the metric, and its length there.
    fn mapped(
        &self,
        weights: &Vector<B>,
        gradient: &Vector<B>,
        vector: Vector<B>,
        length: &Tensor<B, 1>,
        scope: &Scope,
    ) -> (Vector<B>, Tensor<B, 1>) {
        let Some(metric) = &self.metric else { return (vector, length.clone()) };
        let subset = scope.measured.union(&scope.perturbed);
        let mapped = metric.map(weights, gradient, &vector, &subset);
        let length = vector.dot_in(&mapped, &scope.measured).sqrt();
        (mapped, length)
    }
}

impl<B: Ops> Minimizer<B> for TwoPass<B> {
    fn keeps(&self) -> Option<&'static str> {
        self.ascent.keeps().or(self.combiner.keeps())
    }

    fn step(&self, start: &Start<'_, B>, passes: &mut dyn Passes<B>) -> Outcome<B> {
        if !self.perturbing.beat(start.clock).holds(start.clock.step) {
            return super::Base.step(start, passes);
        }
        self.perturb(start, passes, &self.scope, |passes, weights| passes.again(weights))
    }
}
