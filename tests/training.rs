//! Properties of a training step: passes, equivalences, what is left alone.

#[path = "oracles/support.rs"]
#[allow(dead_code)]
mod support;

use burn::tensor::{DType, Tensor};
use burn_flex::{Flex, FlexDevice};
use flatrun::lang::catalog::{
    Adm, Difficulty, Erm, Freshness, Gdm, Lesam, Loss, Minimizer, Optimizer, Pacing, Sam, Scope, Sgd, Spl,
    Ssp, Weighting,
};
use flatrun::lang::program::Phase;
use flatrun::lang::schedule::{Clock, Duration, Schedule, Unit};
use flatrun::model::{Model, StateDict};
use flatrun::ops::Vector;
use flatrun::train::minimizer::{Outcome, Passes, build};
use flatrun::train::{Batch, Learner};
use proptest::prelude::*;

use support::{GREY, assert_close, batch, cnn, constants, host, json, state, tensor};

const SHAPE: [usize; 3] = [1, 8, 8];

fn model() -> Model {
    cnn(4, SHAPE, constants(&GREY.0, &GREY.1))
}

fn sam(rho: f64) -> Minimizer {
    Minimizer::Sam(Sam { rho: Schedule::Constant(rho) })
}

fn lesam(budget: f64, clip: Option<f64>) -> Minimizer {
    let clip = clip.map(Schedule::Constant);
    Minimizer::Lesam(Lesam { budget: Schedule::Constant(budget), clip, anneal: None })
}

fn adm(mode: Freshness) -> Difficulty {
    Difficulty::Adm(Adm { alpha: 8.0 / 255.0, mode, delta: 1e-8, clip: true, ema: 0.0 })
}

fn spl(difficulty: Difficulty, fraction: f64) -> Pacing {
    Pacing::Spl(Spl {
        difficulty,
        fraction: Some(Schedule::Constant(fraction)),
        lambda: None,
        weight: Weighting::Hard,
        scope: Scope::Batch,
        mixture: 0.5,
        power: 2.0,
    })
}

fn ssp(difficulty: Difficulty) -> Pacing {
    Pacing::Ssp(Ssp { difficulty })
}

fn phase(curriculum: Pacing, minimizer: Minimizer) -> Phase {
    let lr = Schedule::Constant(0.1);
    Phase {
        duration: Duration { count: 4.0, unit: Unit::Epochs },
        curriculum,
        adversary: None,
        minimizer,
        optimizer: Optimizer::Sgd(Sgd { lr, momentum: 0.9, nesterov: false, weight_decay: 5e-4 }),
    }
}

fn clock(step: u64) -> Clock {
    Clock { step, steps: 8, steps_per_epoch: 2, lr: None }
}

/// Learner on 16 samples, two batches of 8 per epoch.
fn learner<'a>(model: &'a Model, phase: &Phase) -> Learner<'a, Flex> {
    Learner::new(model, phase, state(&model.layout, "cnn_8", DType::F32), 16, &FlexDevice)
}

fn samples(step: u64) -> Batch<Flex> {
    let first = (step as usize % 2) * 8;
    let pick: Vec<usize> = (first..first + 8).collect();
    batch(SHAPE, 16, &pick, 1000, 0, DType::F32)
}

/// Everything a step may change, as bits.
fn snapshot(state: &StateDict<Flex>, learner: &Learner<'_, Flex>) -> Vec<u64> {
    let (buffers, updates) = learner.optimizer.state();
    let buffers = buffers.into_iter().flat_map(|(_, vector)| vector.0.iter());
    let statistics = state.statistics.0.iter().flatten();
    let all =
        state.weights.0.iter().chain(statistics).chain(buffers).chain([updates, &learner.curriculum.table]);
    all.flat_map(|tensor| host(tensor).into_iter().map(f64::to_bits)).collect()
}

fn after(curriculum: Pacing, minimizer: Minimizer, steps: u64) -> Vec<u64> {
    let model = model();
    let phase = phase(curriculum, minimizer);
    let mut learner = learner(&model, &phase);
    for step in 0..steps {
        learner.step(&samples(step), &clock(step));
    }
    let state = learner.state.clone();
    let table = learner.curriculum.table.zeros_like();
    learner.curriculum.table = table;
    snapshot(&state, &learner)
}

#[test]
fn passes_are_those_of_the_reference() {
    let loss = || Difficulty::Loss(Loss {});
    let gdm = || Difficulty::Gdm(Gdm {});
    let cases = [
        (Pacing::Erm(Erm {}), 3),
        (ssp(loss()), 3),
        (spl(loss(), 0.5), 3),
        (ssp(gdm()), 4),
        (spl(gdm(), 0.5), 4),
        (ssp(adm(Freshness::Stale)), 4),
        (ssp(adm(Freshness::Fresh)), 5),
        (spl(adm(Freshness::Fresh), 0.5), 5),
        // Excluded samples have no gradient in the weighted pass: an input-only backward is added.
        (spl(adm(Freshness::Stale), 0.5), 5),
    ];
    for (curriculum, cost) in cases {
        for (minimizer, more) in [(Minimizer::Base, 0), (sam(0.05), 3), (lesam(0.4, Some(0.35)), 3)] {
            let model = model();
            let phase = phase(curriculum.clone(), minimizer);
            let mut learner = learner(&model, &phase);
            for step in 0..4 {
                let passes = learner.step(&samples(step), &clock(step)).passes;
                assert_eq!(passes.cost(), cost + more, "{phase:?}: {passes:?}");
            }
        }
    }
}

#[test]
fn no_radius_is_the_base_optimizer_bit_for_bit() {
    let base = after(Pacing::Erm(Erm {}), Minimizer::Base, 4);
    assert!(after(Pacing::Erm(Erm {}), sam(0.0), 4) == base);
    assert!(after(Pacing::Erm(Erm {}), lesam(0.0, Some(0.35)), 4) == base);
}

#[test]
fn lesam_with_an_endless_budget_is_sam_at_its_clip() {
    let sam = after(Pacing::Erm(Erm {}), sam(0.05), 4);
    assert!(after(Pacing::Erm(Erm {}), lesam(1e12, Some(0.05)), 4) == sam);
}

#[test]
fn keeping_every_sample_is_erm_bit_for_bit() {
    let erm = after(Pacing::Erm(Erm {}), sam(0.05), 4);
    for difficulty in [Difficulty::Loss(Loss {}), Difficulty::Gdm(Gdm {}), adm(Freshness::Stale)] {
        assert!(after(spl(difficulty, 1.0), sam(0.05), 4) == erm);
    }
}

#[test]
fn running_statistics_move_as_in_one_plain_forward() {
    let statistics = |curriculum: Pacing, minimizer: Minimizer| {
        let model = model();
        let phase = phase(curriculum, minimizer);
        let mut learner = learner(&model, &phase);
        learner.step(&samples(0), &clock(0));
        learner.state.statistics.0.iter().flatten().flat_map(host).collect::<Vec<f64>>()
    };
    let plain = statistics(Pacing::Erm(Erm {}), Minimizer::Base);
    for curriculum in [ssp(adm(Freshness::Stale)), ssp(adm(Freshness::Fresh)), ssp(Difficulty::Gdm(Gdm {}))] {
        assert_eq!(statistics(curriculum, lesam(0.4, None)), plain);
    }
}

#[test]
fn a_step_that_is_not_finite_changes_nothing() {
    let model = model();
    for minimizer in [Minimizer::Base, sam(f64::MAX), lesam(0.4, None)] {
        let phase = phase(ssp(adm(Freshness::Stale)), minimizer.clone());
        let mut learner = learner(&model, &phase);
        let mut batch = samples(0);
        if !matches!(minimizer, Minimizer::Sam(_)) {
            batch.x = batch.x * f64::NAN;
        }
        let before = snapshot(&learner.state, &learner);
        let record = learner.step(&batch, &clock(0));
        assert!(snapshot(&learner.state, &learner) == before, "{minimizer:?}");
        assert_eq!(host(&record.values)[9], 1.0, "the step is counted as skipped");
    }
}

#[test]
fn a_batch_without_weight_changes_nothing() {
    let model = model();
    let Pacing::Spl(spec) = spl(Difficulty::Loss(Loss {}), 1.0) else { unreachable!() };
    let nobody = Spl { fraction: None, lambda: Some(Schedule::Constant(0.0)), ..spec };
    let phase = phase(Pacing::Spl(nobody), sam(0.05));
    let mut learner = learner(&model, &phase);
    let before = snapshot(&learner.state, &learner);
    let values = host(&learner.step(&samples(0), &clock(0)).values);
    assert!(snapshot(&learner.state, &learner) == before);
    assert_eq!((values[9], values[10]), (0.0, 1.0), "empty, not broken");
}

#[test]
fn without_a_step_there_is_no_gap() {
    let model = model();
    let still =
        Difficulty::Adm(Adm { alpha: 0.0, mode: Freshness::Stale, delta: 1e-8, clip: true, ema: 0.0 });
    let phase = phase(ssp(still), Minimizer::Base);
    let mut learner = learner(&model, &phase);
    learner.step(&samples(0), &clock(0));
    let table = host(&learner.curriculum.table);
    assert!(table[..8].iter().all(|xi| xi.abs() < 1e-5), "{table:?}");
    assert!(table[8..].iter().all(|xi| *xi < 0.0), "the others were not visited: {table:?}");
}

/// `L = w'Aw/2 - b'w` of the reference quadratic.
struct Quadratic {
    visited: Vec<Vec<f64>>,
}

impl Quadratic {
    fn gradient(&mut self, weights: &Vector<Flex>) -> Vector<Flex> {
        let w = host(&weights.0[0]);
        self.visited.push(w.clone());
        let a = [[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]];
        let b = [0.3, -0.2, 0.1];
        let row = |i: usize| (0..3).map(|j| a[i][j] * w[j]).sum::<f64>() - b[i];
        Vector(vec![tensor(&[row(0), row(1), row(2)], DType::F64)])
    }
}

impl Passes<Flex> for Quadratic {
    fn first(&mut self, weights: &Vector<Flex>) -> Vector<Flex> {
        self.gradient(weights)
    }

    fn again(&mut self, weights: &Vector<Flex>) -> Vector<Flex> {
        self.gradient(weights)
    }
}

fn on_the_quadratic(minimizer: &Minimizer, w: [f64; 3]) -> (Outcome<Flex>, Vec<Vec<f64>>) {
    let mut passes = Quadratic { visited: Vec::new() };
    let weights = Vector(vec![tensor(&w, DType::F64)]);
    let outcome = build::<Flex>(minimizer).step(&weights, &mut passes, &clock(0));
    (outcome, passes.visited)
}

#[test]
fn first_steps_on_the_quadratic() {
    let stored = json("minimizers/quadratic.json");
    for (name, minimizer) in [("sam", sam(0.05)), ("lesam", lesam(0.35, Some(0.4)))] {
        let case = &stored[name];
        let numbers = |key: &str| -> Vec<f64> {
            case[key]
                .as_array()
                .unwrap_or_else(|| panic!("{name}.{key}: {case}"))
                .iter()
                .map(|v| v.as_f64().unwrap())
                .collect()
        };
        let (outcome, visited) = on_the_quadratic(&minimizer, [1.0, -2.0, 0.5]);
        let e: Vec<f64> = visited[1].iter().zip(&visited[0]).map(|(p, w)| p - w).collect();
        assert_close("e", &e, &numbers("e"), 1e-9);
        assert_close("d", &host(&outcome.direction.0[0]), &numbers("d"), 1e-9);
        let radius = host(&outcome.radius.unwrap())[0];
        assert!((radius - case["radius"].as_f64().unwrap()).abs() < 1e-9, "{name}: {radius}");
    }
}

#[test]
fn a_vanishing_gradient_gives_no_perturbation_and_no_nan() {
    // Solves A w = b.
    let minimum = [0.160_869_565, -0.182_608_696, 0.191_304_348];
    for minimizer in [sam(0.05), lesam(0.4, Some(0.35)), lesam(0.4, None)] {
        let mut passes = Flat;
        let weights = Vector(vec![tensor(&minimum, DType::F64)]);
        let outcome = build::<Flex>(&minimizer).step(&weights, &mut passes, &clock(0));
        assert_eq!(host(&outcome.direction.0[0]), [0.0; 3]);
        assert_eq!(host(&outcome.radius.unwrap()), [0.0]);
    }
}

/// Zero gradient everywhere; fails where it is asked at weights that are not finite.
struct Flat;

impl Passes<Flex> for Flat {
    fn first(&mut self, weights: &Vector<Flex>) -> Vector<Flex> {
        assert!(host(&weights.0[0]).iter().all(|w| w.is_finite()));
        Vector(weights.0.iter().map(Tensor::zeros_like).collect())
    }

    fn again(&mut self, weights: &Vector<Flex>) -> Vector<Flex> {
        self.first(weights)
    }
}

proptest! {
    #[test]
    fn an_unclipped_perturbation_raises_the_loss_by_the_budget(
        w in prop::array::uniform3(-3.0f64..3.0), budget in 0.01f64..2.0
    ) {
        let (outcome, visited) = on_the_quadratic(&lesam(budget, None), w);
        let mut passes = Quadratic { visited: Vec::new() };
        let gradient = host(&passes.gradient(&Vector(vec![tensor(&w, DType::F64)])).0[0]);
        let rise: f64 = gradient.iter().zip(visited[1].iter().zip(&visited[0])).map(|(g, (p, w))| g * (p - w)).sum();
        prop_assert!((rise - budget).abs() < 1e-9, "g . e = {rise}, budget {budget}");
        let radius = host(&outcome.radius.unwrap())[0];
        prop_assert!((radius - budget / host(&outcome.norm)[0]).abs() < 1e-9);
    }

    #[test]
    fn a_perturbation_is_never_longer_than_its_clip(
        w in prop::array::uniform3(-3.0f64..3.0), budget in 0.01f64..10.0, clip in 0.01f64..1.0
    ) {
        let (outcome, visited) = on_the_quadratic(&lesam(budget, Some(clip)), w);
        let length = visited[1].iter().zip(&visited[0]).map(|(p, w)| (p - w).powi(2)).sum::<f64>().sqrt();
        prop_assert!(length <= clip * (1.0 + 1e-12));
        let clipped = host(&outcome.clipped.unwrap())[0];
        prop_assert_eq!(clipped == 1.0, budget / host(&outcome.norm)[0] > clip);
    }
}
