//! Weight decay as part of the loss, in every pass of a step.

use crate::ops::{Ops, Subset, Vector};

use super::{Outcome, Passes};

/// Passes of the loss with its penalty `decay ‖w‖² / 2`.
pub struct Penalised<'a, B: Ops> {
    pub passes: &'a mut dyn Passes<B>,
    pub decay: f64,
}

impl<B: Ops> Penalised<'_, B> {
    /// A step on the penalised loss; its direction is without the penalty at `weights`, which the base optimizer adds.
    pub fn corrected(
        &mut self,
        weights: &Vector<B>,
        step: impl FnOnce(&mut dyn Passes<B>) -> Outcome<B>,
    ) -> Outcome<B> {
        let outcome = step(self);
        let minus = outcome.norm.full_like(-self.decay);
        Outcome { direction: outcome.direction.add_scaled(weights, &minus), ..outcome }
    }

    fn add(&self, gradient: Vector<B>, weights: &Vector<B>, subset: &Subset) -> Vector<B> {
        gradient.add_scaled_in(weights, &weights.number(self.decay), subset)
    }
}

impl<B: Ops> Passes<B> for Penalised<'_, B> {
    fn first(&mut self, weights: &Vector<B>, subset: &Subset) -> Vector<B> {
        let gradient = self.passes.first(weights, subset);
        self.add(gradient, weights, subset)
    }

    fn again(&mut self, weights: &Vector<B>) -> Vector<B> {
        let gradient = self.passes.again(weights);
        self.add(gradient, weights, &Subset::All)
    }

    fn again_on_sharpest(&mut self, weights: &Vector<B>, share: f64) -> Vector<B> {
        let gradient = self.passes.again_on_sharpest(weights, share);
        self.add(gradient, weights, &Subset::All)
    }

    fn curvature(&mut self, weights: &Vector<B>, direction: &Vector<B>) -> Vector<B> {
        let product = self.passes.curvature(weights, direction);
        self.add(product, direction, &Subset::All)
    }
}
