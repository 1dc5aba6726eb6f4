//! APGD, FAB-T and Square Attack on 500 samples.

use burn::tensor::{DType, Int, Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use flatrun::attack::{Apgd, Ball, Criterion, Draws, Fab, Square, Victim, boundary_start, runner_up};
use flatrun::data::{Corpus, EvalBatches, Shape};
use flatrun::evaluate::{Notes, Session, Subject, robustness};
use flatrun::lang::catalog::{AutoattackEvaluator, Evaluator, Norm, Profile};
use flatrun::model::{Model, Normalization, StateDict};
use flatrun::train::Batch;

use crate::support::{GREY, Stored, batch, build, constants, state, uniform, written};

const SHAPE: [usize; 3] = [1, 8, 8];
const SAMPLES: usize = 500;
const NORMS: [(Norm, &str, f64); 2] = [(Norm::Linf, "linf", 0.02), (Norm::L2, "l2", 0.12)];

struct Scene {
    model: Model,
    state: StateDict<Flex>,
    x: Tensor<Flex, 4>,
    labels: Tensor<Flex, 1, Int>,
    stored: Stored,
}

impl Scene {
    fn new() -> Self {
        let normalize = constants(&GREY.0, &GREY.1);
        let model = build(&written(&format!("mlp(hidden = [32, 16], normalize = {normalize})"), 1), SHAPE);
        let state = state(&model.layout, "mlp_32_16", DType::F64);
        let all: Vec<usize> = (0..SAMPLES).collect();
        let x = batch(SHAPE, SAMPLES, &all, 1010, 0, DType::F64).x;
        let stored = Stored::read("attacks/auto.safetensors");
        let labels: Vec<i64> = stored.get("labels").iter().map(|&label| label as i64).collect();
        let labels = Tensor::from_data(TensorData::new(labels, [SAMPLES]), &FlexDevice);
        Self { model, state, x, labels, stored }
    }

    fn victim(&self) -> Victim<'_, Flex> {
        Victim {
            model: &self.model,
            weights: &self.state.weights,
            statistics: &self.state.statistics,
            normalization: Normalization::Running,
        }
    }

    fn target(&self, rank: usize) -> Tensor<Flex, 1, Int> {
        runner_up(&self.victim().logits(self.x.clone()), rank)
    }

    /// Same robust samples, and losses or radii to 1e-3.
    fn assert(&self, key: &str, best: &[f64], wrong: &[bool]) {
        self.assert_but(0, key, best, wrong);
    }

    /// As [`Scene::assert`], but for the losses or radii of so many samples.
    fn assert_but(&self, exceptions: usize, key: &str, best: &[f64], wrong: &[bool]) {
        let expected = self.stored.get(&format!("{key}/wrong"));
        let differing = wrong.iter().zip(expected).filter(|(wrong, expected)| **wrong != (**expected > 0.5));
        assert_eq!(differing.count(), 0, "{key}: other samples are robust");
        let far = |(found, stored): &(&f64, &f64)| {
            found != stored && (**found - **stored).abs() > 1e-3 * stored.abs().max(1e-3)
        };
        let far: Vec<_> = best.iter().zip(self.stored.get(&format!("{key}/best"))).filter(far).collect();
        assert!(far.len() <= exceptions, "{key}: found and stored: {far:?}");
    }

    fn assert_apgd(
        &self,
        norm: (Norm, &str, f64),
        name: &str,
        stage: u64,
        draw: u64,
        criterion: Criterion<Flex>,
    ) {
        let (norm, word, eps) = norm;
        let radius = Tensor::full([SAMPLES], eps, (&FlexDevice, DType::F64));
        let ball = Ball { norm, center: self.x.clone(), radius };
        let start = boundary_start(&ball, draws(stage).on_sphere(norm, &self.x, draw));
        let (victim, labels) = (self.victim(), self.labels.clone());
        let found = Apgd { victim, labels, ball, criterion, steps: 100 }.run(start, &|| true);
        self.assert(&format!("{word}/{name}"), &found.losses, &found.wrong);
    }
}

fn draws(stage: u64) -> Draws {
    Draws { key: vec![77, stage], indices: (0..SAMPLES as u32).collect() }
}

#[test]
fn apgd_on_cross_entropy() {
    let scene = Scene::new();
    for norm in NORMS {
        scene.assert_apgd(norm, "apgd-ce", 0, 1, Criterion::CrossEntropy);
    }
}

#[test]
fn apgd_on_the_targeted_dlr() {
    let scene = Scene::new();
    for norm in NORMS {
        for rank in [1, 2] {
            let criterion = Criterion::TargetedDlr(scene.target(rank));
            scene.assert_apgd(norm, &format!("apgd-t/{rank}"), 1, rank as u64, criterion);
        }
    }
}

#[test]
fn smallest_perturbations_of_fab() {
    let scene = Scene::new();
    for (norm, word, eps) in NORMS {
        for rank in [1, 2] {
            let (victim, x) = (scene.victim(), scene.x.clone());
            let (labels, targets) = (scene.labels.clone(), scene.target(rank));
            let radii = Fab { victim, x, labels, targets, norm, steps: 100, enough: 0.0 }.radii(&|| true);
            let wrong: Vec<bool> = radii.iter().map(|radius| *radius <= eps).collect();
            scene.assert(&format!("{word}/fab-t/{rank}"), &radii, &wrong);
        }
    }
}

/// Square in l2 divides a window's perturbation by its norm, which is a rounding where the window was emptied before:
/// with other roundings, searches of a few samples go other ways.
#[test]
fn square_attack() {
    let scene = Scene::new();
    for ((norm, word, eps), exceptions) in NORMS.into_iter().zip([0, SAMPLES / 50]) {
        let (victim, x, labels) = (scene.victim(), scene.x.clone(), scene.labels.clone());
        let draws = &draws(3);
        let found = Square { victim, x, labels, norm, eps, queries: 1000, draws }.search(&|| true);
        scene.assert_but(exceptions, &format!("{word}/square"), &found.margins, &found.wrong);
    }
}

/// Whole grey levels, labelled as the network sees them.
fn corpus(model: &Model, state: &StateDict<Flex>) -> Corpus {
    let count = SAMPLES * SHAPE.iter().product::<usize>();
    // The formula rounds to f32 before the levels are cut off.
    let level = |i: usize| (256.0 * f64::from((0.5 + uniform(i as u32, 1011)) as f32)) as u8;
    let shape = Shape { height: SHAPE[1], width: SHAPE[2], channels: SHAPE[0] };
    let mut corpus =
        Corpus::in_memory((0..count).map(level).collect::<Vec<u8>>(), vec![0; SAMPLES], shape, 10, 255);
    let batch = EvalBatches::all(&corpus, SAMPLES).next().unwrap().unwrap();
    let x = Batch::<Flex>::upload(batch, &FlexDevice).x;
    let trace = model.forward(&state.weights, &state.statistics, x, Normalization::Running, false);
    corpus.labels = trace.logits.argmax(1).into_data().iter::<i64>().map(|label| label as u16).collect();
    corpus
}

/// The evaluator as it runs, in f32, against the cascade in float64: which samples are robust, read off evaluations of
/// each stored class alone.
#[test]
fn the_cascade_leaves_the_same_samples_robust() {
    let scene = Scene::new();
    let state = state(&scene.model.layout, "mlp_32_16", DType::F32);
    let corpus = corpus(&scene.model, &state);
    let cascade = Stored::read("attacks/cascade.safetensors");
    let subject = Subject {
        model: &scene.model,
        device: &FlexDevice,
        train: &corpus,
        train_indices: &[],
        test: &corpus,
        validation: &[],
        oracle: None,
        smoke: false,
    };
    for (norm, word, eps) in NORMS {
        let spec = Evaluator::Autoattack(AutoattackEvaluator { eps, norm, profile: Profile::Standard });
        let stored = cascade.get(word);
        for robust in [true, false] {
            let indices: Vec<u32> =
                (0..SAMPLES as u32).filter(|&i| (stored[i as usize] > 0.5) == robust).collect();
            let mut session = Session { watch: &mut |_| true, notes: &mut Notes::none() };
            let found = robustness(&spec, &subject, (&corpus, &indices), &state, &mut session);
            let found = found.unwrap().unwrap();
            let (_, accuracy) = found.values[0];
            assert_eq!(accuracy, f64::from(u8::from(robust)), "{word}: of {} samples", indices.len());
        }
    }
}
