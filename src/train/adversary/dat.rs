//! DAT (Wang et al., ICML 2019, in the reading of the SAT authors): a sample takes steps until it has converged as
//! far as the threshold asks.

use burn::tensor::Tensor;

use super::scene::{Assault, Scene};
use crate::attack::{Choice, Rule, View, norms, read};
use crate::lang::catalog::{Dat, Norm};
use crate::ops::Ops;
use crate::train::objective::Loss;

/// Leaves samples alone once their first-order stationary condition is small enough.
pub struct Unconverged {
    pub threshold: f64,
}

impl<B: Ops> Rule<B> for Unconverged {
    fn choose(&mut self, view: &View<'_, B>) -> Choice<B> {
        let moved = view.x.clone() - view.ball.center.clone();
        let c = stationarity(view.ball.norm, &view.ball.radius, moved, view.gradient().clone());
        Choice::Stay(read(c.greater_elem(self.threshold)))
    }
}

/// FOSC: `eps ||g||_* - <x' - x, g>`, with the dual norm; never negative in the ball, 0 at a constrained stationary
/// point. `moved` is `x' - x`; `[n]`.
pub fn stationarity<B: Ops>(
    norm: Norm,
    radius: &Tensor<B, 1>,
    moved: Tensor<B, 4>,
    gradient: Tensor<B, 4>,
) -> Tensor<B, 1> {
    let [n, h, w, c] = gradient.dims();
    let total = |x: Tensor<B, 4>| x.reshape([n, h * w * c]).sum_dim(1).reshape([n]);
    let dual = match norm {
        Norm::Linf => total(gradient.clone().abs()),
        Norm::L2 => norms(Norm::L2, gradient.clone()),
    };
    radius.clone() * dual - total(moved * gradient)
}

pub fn attack<B: Ops>(spec: &Dat, scene: &mut Scene<'_, '_, B>) -> Assault<B> {
    let threshold = spec.threshold.as_ref().map_or(0.0, |threshold| threshold.at(scene.clock));
    let settings = scene.settings(spec.norm, spec.eps, spec.step, spec.steps);
    let found = scene.run(&settings, &mut Unconverged { threshold }, 0);
    let mut assault = scene.assault(&settings, found).at_lambda(threshold);
    if spec.loss_weighted && scene.clock.step >= scene.clock.steps_per_epoch {
        assault.inputs.loss = Loss::SelfWeighted;
    }
    assault
}
