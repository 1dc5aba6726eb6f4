//! F-SAM (Li et al., CVPR 2024): ascends along `g - sigma m`, with `m` the average of the gradients.

use burn::tensor::Tensor;

use super::ascent::{Along, Ascent};
use super::scope::Scope;
use super::{Passes, Start, TINY};
use crate::lang::catalog::Order;
use crate::lang::schedule::Schedule;
use crate::ops::{Ops, Vector};

/// The part of the gradient that its average does not explain.
pub struct Friendly {
    pub sigma: Schedule,
    pub lambda: Schedule,
    pub order: Order,
}

impl<B: Ops> Ascent<B> for Friendly {
    fn keeps(&self) -> Option<&'static str> {
        Some("average")
    }

    fn reads_gradient(&self) -> bool {
        true
    }

    fn along(
        &self,
        start: &Start<'_, B>,
        _: &mut dyn Passes<B>,
        scope: &Scope,
        gradient: &Vector<B>,
        norm: &Tensor<B, 1>,
    ) -> Along<B> {
        let old = start.memory.cloned().unwrap_or_else(|| gradient.zeros_like());
        // The average begins as the first gradient, and nothing is taken out of that.
        let begins = old.norm().lower_elem(TINY);
        let share = |value: f64| norm.full_like(value).mask_fill(begins.clone(), 0.0);
        let lambda = share(self.lambda.at(start.clock));
        let rest = lambda.clone().neg() + 1.0;
        let average = gradient.clone().blend(&rest, old.clone(), &lambda);
        let taken_out = match self.order {
            Order::After => &old,
            Order::Before => &average,
        };
        let vector = gradient.add_scaled(taken_out, &share(-self.sigma.at(start.clock)));
        let norm = vector.norm_in(&scope.measured);
        Along { norm: Some(norm), vector, memory: Some(average), curvature: None }
    }
}
