//! What a measurement costs, known before it is taken.

use crate::data::corruption::SEVERITIES;
use crate::lang::catalog::{
    AutoattackEvaluator, Evaluator, HessianEvaluator, LandscapeEvaluator, PgdEvaluator, ProbeLoss, Probing,
    QUERIES, STEPS, Stage,
};
use crate::lang::program::Phase;
use crate::train::PassCount;
use crate::train::passes::attacking;

/// The numbers a cost depends on.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Samples of the training split.
    pub train: usize,
    pub test: usize,
    pub classes: usize,
    /// Modules with parameters, at most.
    pub layers: usize,
}

/// Passes of one image each; at most so many where a measurement may end early.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    pub passes: PassCount,
    pub at_most: bool,
}

const FORWARD: PassCount = PassCount { forward: 1.0, backward: 0.0, input_backward: 0.0 };
const INPUT_BACKWARD: PassCount = PassCount { forward: 0.0, backward: 0.0, input_backward: 1.0 };
const GRADIENT: PassCount = PassCount { forward: 1.0, backward: 1.0, input_backward: 0.0 };

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passes: self.passes + other.passes, at_most: self.at_most || other.at_most }
    }
}

/// Of one evaluator; `phase` is the one whose adversary it may look at.
pub fn cost(evaluator: &Evaluator, phase: &Phase, sizes: &Sizes) -> Cost {
    let (test, exact) = (sizes.test as f64, |passes| Cost { passes, at_most: false });
    let bounded = |passes| Cost { passes, at_most: true };
    let probed = |samples: usize| samples.min(sizes.train) as f64;
    match evaluator {
        Evaluator::Accuracy(_) | Evaluator::Loss(_) => exact(FORWARD * test),
        Evaluator::Pgd(spec) => bounded((FORWARD + all_steps(spec)) * test),
        Evaluator::Autoattack(spec) => bounded(cascade(spec, sizes.classes) * test),
        Evaluator::Difficulty(spec) => exact((FORWARD * 2.0 + INPUT_BACKWARD) * probed(spec.samples)),
        Evaluator::Estimates(spec) => {
            let attack = (FORWARD + INPUT_BACKWARD) * spec.steps as f64;
            let products = PassCount::HESSIAN_PRODUCT * spec.iterations as f64;
            exact((attack + GRADIENT + FORWARD * 3.0 + products) * probed(spec.samples))
        }
        Evaluator::Corruption(spec) => {
            let each = spec.samples.unwrap_or(sizes.test).min(sizes.test) as f64;
            exact(FORWARD * (spec.kinds * SEVERITIES) as f64 * each)
        }
        Evaluator::Perturbation(spec) => {
            let attack = phase.adversary.as_ref().map(attacking).unwrap_or_default();
            bounded(attack * probed(spec.samples))
        }
        Evaluator::Gap(spec) => {
            let both = probed(spec.probe.samples) + spec.probe.samples.min(sizes.test) as f64;
            exact((FORWARD + attack(&spec.probe)) * both)
        }
        Evaluator::Hessian(spec) => around(&spec.probe, sizes, products(spec, sizes.layers), true),
        Evaluator::Spectrum(spec) => {
            let products = PassCount::HESSIAN_PRODUCT * (spec.steps * spec.starts) as f64;
            around(&spec.probe, sizes, products, false)
        }
        Evaluator::Landscape(spec) => around(&spec.probe, sizes, surface(spec), false),
        Evaluator::Lpf(spec) => around(&spec.probe, sizes, FORWARD * (spec.draws + 1) as f64, false),
        Evaluator::Sharpness(spec) => {
            around(&spec.probe, sizes, GRADIENT + FORWARD * (spec.draws + 2) as f64, false)
        }
        Evaluator::Gradient(spec) => around(&spec.probe, sizes, GRADIENT, false),
    }
}

/// `passes` over the probe set, and the attack on it.
fn around(probing: &Probing, sizes: &Sizes, passes: PassCount, at_most: bool) -> Cost {
    let samples = probing.samples.min(sizes.train) as f64;
    Cost { passes: (passes + attack(probing)) * samples, at_most }
}

fn attack(probing: &Probing) -> PassCount {
    match &probing.loss {
        ProbeLoss::Clean => PassCount::default(),
        // Every restart is judged by one more pass.
        ProbeLoss::Pgd(spec) => all_steps(spec) + FORWARD * spec.restarts as f64,
    }
}

fn all_steps(spec: &PgdEvaluator) -> PassCount {
    let steps = (spec.steps * spec.restarts) as f64;
    (FORWARD + INPUT_BACKWARD) * steps + FORWARD * spec.restarts as f64
}

fn products(spec: &HessianEvaluator, layers: usize) -> PassCount {
    let layers = if spec.layers { layers } else { 0 };
    let probes = if spec.trace || spec.layers { spec.probes } else { 0 };
    PassCount::HESSIAN_PRODUCT * (spec.iterations * (1 + layers) + probes) as f64
}

fn surface(spec: &LandscapeEvaluator) -> PassCount {
    let points = spec.points.pow(spec.dimensions as u32) as f64;
    let again = if spec.regenerate { attack(&spec.probe) } else { PassCount::default() };
    (FORWARD + again) * points + FORWARD
}

fn cascade(spec: &AutoattackEvaluator, classes: usize) -> PassCount {
    let targets = AutoattackEvaluator::targets(classes) as f64;
    let steps = STEPS as f64;
    let stage = |stage: &Stage| match stage {
        Stage::ApgdCe => (FORWARD + INPUT_BACKWARD) * (steps + 1.0),
        Stage::ApgdT => (FORWARD + INPUT_BACKWARD) * (targets * (steps + 1.0)),
        Stage::FabT => (FORWARD * 2.0 + INPUT_BACKWARD) * (targets * steps),
        Stage::Square => FORWARD * (QUERIES + 1) as f64,
    };
    spec.stages().iter().map(stage).fold(FORWARD, |sum, passes| sum + passes)
}
