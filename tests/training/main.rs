//! Properties of a training step: passes, equivalences, what is left alone.

#[path = "../oracles/support.rs"]
#[allow(dead_code)]
mod support;

mod curricula;
mod dropout;
mod family;
mod memory;
mod precision;
mod quadratic;

use burn::tensor::DType;
use burn_flex::{Flex, FlexDevice};
use flatrun::lang::program::Phase;
use flatrun::lang::schedule::Clock;
use flatrun::model::Model;
use flatrun::train::{Batch, Learner, StepPlan};

use support::{GREY, batch, cnn, constants, host, state};

const SHAPE: [usize; 3] = [1, 8, 8];

/// Every member, as `under` takes it.
const MEMBERS: [&str; 15] = [
    "sam",
    "asam",
    "esam",
    "fsam",
    "eigensam(refresh = 2 steps)",
    "fishersam",
    "gsam",
    "ssam",
    "msam",
    "s2sam",
    "sagm",
    "wsam",
    "looksam(k = 2)",
    "lesam",
    "lesam_plus",
];

fn model() -> Model {
    cnn(4, SHAPE, &constants(&GREY.0, &GREY.1))
}

fn phase(recipe: &str) -> Phase {
    support::phase("optimize sgd(lr = 0.1)", "4 epochs", recipe)
}

fn clock(step: u64) -> Clock {
    Clock { step, steps: 8, steps_per_epoch: 2, lr: None }
}

/// Learner on 16 samples, two batches of 8 per epoch.
fn learner<'a>(model: &'a Model, recipe: &str) -> Learner<'a, Flex> {
    in_parts(model, recipe, None)
}

fn in_parts<'a>(model: &'a Model, recipe: &str, micro: Option<usize>) -> Learner<'a, Flex> {
    let plan = StepPlan { samples: 16, micro, seed: 0, phase: 1 };
    let state = state(&model.layout, "cnn_8", DType::F32);
    Learner::new(model, &phase(recipe), state, plan, &FlexDevice)
}

fn samples(step: u64) -> Batch<Flex> {
    let first = (step as usize % 2) * 8;
    let pick: Vec<usize> = (first..first + 8).collect();
    batch(SHAPE, 16, &pick, 1000, 0, DType::F32)
}

/// Everything a step may change, as bits.
fn snapshot(learner: &Learner<'_, Flex>) -> Vec<u64> {
    let mut all = weights(learner);
    let (buffers, updates) = learner.optimizer.state();
    let buffers = buffers.into_iter().flat_map(|(_, vector)| vector.0.iter());
    let memory = learner.memory.iter().flat_map(|memory| memory.0.iter());
    let rest = buffers.chain(memory).chain([updates, &learner.curriculum.table]);
    all.extend(rest.flat_map(bits));
    all
}

/// Weights and running statistics, as bits.
fn weights(learner: &Learner<'_, Flex>) -> Vec<u64> {
    let statistics = learner.state.statistics.running.iter().flatten();
    learner.state.weights.0.iter().chain(statistics).flat_map(bits).collect()
}

fn bits(tensor: &burn::tensor::Tensor<Flex, 1>) -> Vec<u64> {
    host(tensor).into_iter().map(f64::to_bits).collect()
}

/// Weights and statistics after steps `1..=steps`; the first step of the phase is left to schedules that begin there.
fn after(recipe: &str, steps: u64) -> Vec<u64> {
    let model = model();
    let mut learner = learner(&model, recipe);
    (1..=steps).for_each(|step| drop(learner.step(&samples(step), &clock(step))));
    weights(&learner)
}
