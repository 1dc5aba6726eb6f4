//! H-SAT (Sitawarin et al. 2021, equations 19 and 20 corrected): in every step only the samples with the flattest
//! loss move.

use burn::tensor::{Bool, Tensor};

use super::scene::{Assault, Scene};
use crate::attack::{Choice, Rule, Victim, View, Work};
use crate::lang::catalog::{Estimate, Hsat};
use crate::model::Wants;
use crate::ops::{Ops, Vector};
use crate::train::curriculum::rank;

/// `a / |G|`: how far along the gradient the losses are taken.
const SHARE: f64 = 0.01;

/// A smaller gradient has no direction: its samples count as flat.
const TINY: f64 = 1e-20;

/// Lets the `count` samples with the smallest estimate step.
struct Flattest<'s, B: Ops> {
    spec: &'s Hsat,
    count: usize,
    chosen: Option<Tensor<B, 1, Bool>>,
    work: Work,
}

impl<B: Ops> Rule<B> for Flattest<'_, B> {
    fn choose(&mut self, view: &View<'_, B>) -> Choice<B> {
        if self.count >= view.rows.len() {
            return Choice::All;
        }
        if self.chosen.is_none() || view.number.is_multiple_of(self.spec.every) {
            let estimates = self.estimates(view);
            self.chosen = Some(rank(estimates).lower_elem(self.count as f64));
        }
        match &self.chosen {
            Some(chosen) => Choice::Only(chosen.clone(), self.count),
            None => Choice::All,
        }
    }
}

impl<B: Ops> Flattest<'_, B> {
    /// Group by group, `[n]`.
    fn estimates(&mut self, view: &View<'_, B>) -> Tensor<B, 1> {
        let n = view.rows.len();
        let group = |first: usize| {
            let size = self.spec.group.min(n - first);
            let x = view.x.clone().narrow(0, first, size);
            let labels = view.labels.clone().narrow(0, first, size);
            curvature(self.spec.estimate, &look_around(view.victim, x, &labels, self.spec.estimate))
        };
        let estimates = (0..n).step_by(self.spec.group).map(group).collect();
        let looks = if self.spec.estimate == Estimate::Upper { 2 } else { 3 };
        self.work += Work { forward: looks * n, backward: n, ..Work::default() };
        Tensor::cat(estimates, 0)
    }
}

/// Per-sample losses `[n]` at the weights and a little up and down the gradient of their mean, and that gradient's
/// squared norm (one element).
pub struct Losses<B: Ops> {
    pub here: Tensor<B, 1>,
    pub up: Tensor<B, 1>,
    /// `None` where the estimate does not look there.
    pub down: Option<Tensor<B, 1>>,
    pub squared_norm: Tensor<B, 1>,
}

/// Losses around the weights; `a g = SHARE G`, so the gradient itself gives the displacement.
pub fn look_around<B: Ops>(
    victim: &Victim<'_, B>,
    x: Tensor<B, 4>,
    labels: &Tensor<B, 1, burn::tensor::Int>,
    estimate: Estimate,
) -> Losses<B> {
    let trace = victim.trace(x.clone());
    let (here, cotangent) = trace.cross_entropy(labels.clone());
    let gradients = trace.backward(cotangent / here.dims()[0] as f64, Wants::WEIGHTS);
    let gradient = gradients.weights.unwrap_or_else(|| unreachable!("the weights were wanted"));
    let at = |share: f64| {
        let weights: Vector<B> =
            victim.weights.add_scaled(&gradient, &here.clone().narrow(0, 0, 1).full_like(share));
        B::cross_entropy(victim.at(&weights).logits(x.clone()), labels.clone()).0
    };
    let down = (estimate != Estimate::Upper).then(|| at(-SHARE));
    Losses { up: at(SHARE), down, squared_norm: gradient.sum_squares(), here }
}

/// Estimates of the largest eigenvalue, `[n]`. `a |G| = SHARE |G|^2` is the first-order change of the mean loss.
pub fn curvature<B: Ops>(estimate: Estimate, losses: &Losses<B>) -> Tensor<B, 1> {
    let Losses { here, up, down, squared_norm } = losses;
    let down = down.clone().unwrap_or_else(|| up.clone());
    let length_squared = squared_norm.clone().clamp_min(TINY) * (SHARE * SHARE);
    let slope = squared_norm.clone() * SHARE;
    let above = up.clone() - slope.clone();
    let below = down.clone() + slope.clone();
    match estimate {
        Estimate::Lower => (above.max_pair(below) - here.clone()) * 2.0 / length_squared,
        Estimate::Symmetric => (up.clone() + down - here.clone() * 2.0) / length_squared,
        Estimate::Upper => (up.clone() + slope - here.clone()) * 2.0 / length_squared,
        Estimate::Literal => above.max_pair(below) / length_squared.sqrt() - here.clone(),
    }
}

pub fn attack<B: Ops>(spec: &Hsat, scene: &mut Scene<'_, '_, B>) -> Assault<B> {
    let lambda = spec.lambda.as_ref().map_or(1.0, |lambda| lambda.at(scene.clock));
    let n = scene.batch.len();
    let settings = scene.settings(spec.norm, spec.eps, spec.step, spec.steps);
    // The product of an exact share may land a hair above a whole number.
    let count = (lambda * n as f64 - 1e-9).ceil().max(0.0) as usize;
    let mut rule = Flattest { spec, count, chosen: None, work: Work::default() };
    let found = scene.run(&settings, &mut rule, 0);
    scene.objective.count(&rule.work);
    scene.assault(&settings, found).at_lambda(lambda)
}
