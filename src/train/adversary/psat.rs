//! P-SAT (Sitawarin et al. 2021, algorithm 1 in the reading of the authors' code): a sample takes steps while the
//! gap between the likeliest other class and its own is at most lambda.

use burn::tensor::Tensor;

use super::scene::{Assault, Scene};
use crate::attack::{Ball, Choice, Criterion, Found, Rule, View, Work, gap, input_gradient, read};
use crate::lang::catalog::{AttackMode, Norm, Psat, PsatSingle};
use crate::lang::schedule::{Clock, Schedule};
use crate::ops::Ops;

/// A gradient of the gap with a smaller sum does not say how far to go.
const TINY: f64 = 1e-12;

/// Leaves samples alone once their gap has passed lambda. Frozen samples stay frozen: the network does not change.
pub struct WithinGap {
    pub lambda: f64,
}

impl<B: Ops> Rule<B> for WithinGap {
    fn choose(&mut self, view: &View<'_, B>) -> Choice<B> {
        // No gap of probabilities is larger than 1.
        if self.lambda >= 1.0 {
            return Choice::All;
        }
        let (gap, _) = gap(view.logits().clone(), view.labels);
        Choice::Stay(read(gap.lower_equal_elem(self.lambda)))
    }
}

pub fn attack<B: Ops>(spec: &Psat, scene: &mut Scene<'_, '_, B>) -> Assault<B> {
    let lambda = at(&spec.lambda, scene.clock);
    let settings = scene.settings(spec.norm, spec.eps, spec.step, spec.steps);
    let found = scene.run(&settings, &mut WithinGap { lambda }, 0);
    scene.assault(&settings, found).at_lambda(lambda)
}

/// One step along the gap, as long as its linearisation needs to reach lambda.
pub fn attack_once<B: Ops>(spec: &PsatSingle, scene: &mut Scene<'_, '_, B>) -> Assault<B> {
    let lambda = at(&spec.lambda, scene.clock);
    let settings = scene.settings(Norm::Linf, spec.eps, spec.eps, 1);
    let clean = scene.batch.x.clone();
    let ball = Ball { norm: Norm::Linf, center: clean.clone(), radius: settings.radius.clone() };
    let start = scene.start(&settings, 0);
    let x = ball.project(start.map_or(clean.clone(), |start| clean + start));
    let trace = scene.victim(AttackMode::Eval).trace(x.clone());
    let (gap, cotangent) = Criterion::Gap.at(trace.logits.clone(), &scene.batch.labels);
    let gradient = input_gradient(&trace, cotangent);
    let length = reach(gap, gradient.clone(), lambda, spec.overshoot * spec.eps);
    let n = scene.batch.len();
    let work = Work { forward: n, input_backward: n, stepped: n, ..Work::default() };
    scene.objective.count(&work);
    scene.objective.count_active(&[n]);
    let found = Found { x: ball.ascend(x, gradient, &length), work, active: vec![n], first: None };
    scene.assault(&settings, found).at_lambda(lambda)
}

/// `clip((lambda - gap) / ||gradient||_1, 0, most)`, `[n]`.
pub fn reach<B: Ops>(gap: Tensor<B, 1>, gradient: Tensor<B, 4>, lambda: f64, most: f64) -> Tensor<B, 1> {
    let [n, h, w, c] = gradient.dims();
    let slope = gradient.abs().reshape([n, h * w * c]).sum_dim(1).reshape([n]);
    ((gap.neg() + lambda) / slope.clamp_min(TINY)).clamp(0.0, most)
}

fn at(lambda: &Option<Schedule>, clock: &Clock) -> f64 {
    lambda.as_ref().map_or(1.0, |lambda| lambda.at(clock))
}
