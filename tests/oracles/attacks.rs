//! The attack kernel, its rules, and the losses of two passes.

use burn::tensor::{Bool, DType, Int, Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use flatrun::attack::{Attack, Ball, Choice, Criterion, Rule, Victim, View, per_sample};
use flatrun::lang::catalog::{AttackMode, Cat20, CustomLoss, Estimate, Iaat, Norm};
use flatrun::model::{Model, Normalization, StateDict, Wants};
use flatrun::train::adversary::{
    Friendly, Trial, Unconverged, WithinGap, adapted, curvature, grown, look_around, reach, smoothed,
    stationarity,
};
use flatrun::train::{Batch, Inputs, Loss, Objective};
use serde_json::Value;

use crate::support::{
    GREY, Stored, assert_close, batch, build, cnn, constants, host, json, state, tensor, uniform, written,
};

const SHAPE: [usize; 3] = [1, 8, 8];
const SAMPLES: usize = 8;
const STEPS: usize = 5;

/// A network in evaluation mode and the batch that is attacked.
struct Scene {
    model: Model,
    state: StateDict<Flex>,
    batch: Batch<Flex>,
    stored: Stored,
}

impl Scene {
    fn new(network: &str) -> Self {
        let (model, case) = match network {
            "cnn" => (cnn(4, SHAPE, &constants(&GREY.0, &GREY.1)), "cnn_8"),
            _ => {
                let normalize = constants(&GREY.0, &GREY.1);
                (
                    build(&written(&format!("mlp(hidden = [32, 16], normalize = {normalize})"), 1), SHAPE),
                    "mlp_32_16",
                )
            }
        };
        let stored = Stored::read("attacks/attacks.safetensors");
        let all: Vec<usize> = (0..SAMPLES).collect();
        let mut batch = batch(SHAPE, SAMPLES, &all, 1000, 0, DType::F64);
        let labels: Vec<i64> = stored.get(&format!("labels/{network}")).iter().map(|&y| y as i64).collect();
        batch.labels = Tensor::from_data(TensorData::new(labels, [SAMPLES]), &FlexDevice);
        let state = state(&model.layout, case, DType::F64);
        Self { model, state, batch, stored }
    }

    fn victim(&self) -> Victim<'_, Flex> {
        Victim {
            model: &self.model,
            weights: &self.state.weights,
            statistics: &self.state.statistics,
            normalization: Normalization::Running,
        }
    }

    fn ball(&self, norm: Norm) -> Ball<Flex> {
        Ball { norm, center: self.batch.x.clone(), radius: radii() * scale(norm) }
    }

    fn attack(&self, norm: Norm, criterion: Criterion<Flex>, steps: usize) -> Attack<'_, Flex> {
        let ball = self.ball(norm);
        let step = ball.radius.clone() / 3.0;
        let (victim, labels) = (self.victim(), self.batch.labels.clone());
        Attack { victim, labels, ball, step, steps, criterion, noise: None }
    }

    fn start(&self, norm: Norm) -> Tensor<Flex, 4> {
        match norm {
            Norm::Linf => self.batch.x.clone() + stream(3000) * per_sample(&radii()),
            Norm::L2 => {
                let direction = stream(3001);
                let length = flatrun::attack::norms(Norm::L2, direction.clone());
                self.batch.x.clone() + direction / per_sample(&length) * per_sample(&(radii() * 5.0))
            }
        }
    }
}

fn scale(norm: Norm) -> f64 {
    if norm == Norm::L2 { 10.0 } else { 1.0 }
}

fn radii() -> Tensor<Flex, 1> {
    let radii: Vec<f64> = (0..SAMPLES).map(|i| 0.01 + 0.01 * i as f64).collect();
    tensor(&radii, DType::F64)
}

/// The formula's values as the script draws them, rounded to f32 once; scale 1 for boxes and 2 for directions.
fn stream(k: u32) -> Tensor<Flex, 4> {
    let scale = if k == 3000 { 1.0 } else { 2.0 };
    let values: Vec<f64> =
        (0..(SAMPLES * 64) as u32).map(|i| f64::from((scale * uniform(i, k)) as f32)).collect();
    tensor(&values, DType::F64).reshape([SAMPLES, 8, 8, 1])
}

#[test]
fn iterates_of_projected_gradient_ascent() {
    let scene = Scene::new("cnn");
    for (norm, name) in [(Norm::Linf, "linf"), (Norm::L2, "l2")] {
        for steps in 0..=STEPS {
            let found = scene.attack(norm, Criterion::CrossEntropy, steps).run(scene.start(norm), &mut ());
            assert_close(
                name,
                &host(&found.x),
                scene.stored.get(&format!("{name}/cross_entropy/{steps}")),
                1e-9,
            );
            assert_eq!(found.work.stepped, steps * SAMPLES);
        }
        for (criterion, loss) in [(Criterion::Margin, "margin"), (Criterion::Dlr, "dlr")] {
            let found = scene.attack(norm, criterion, STEPS).run(scene.start(norm), &mut ());
            assert_close(loss, &host(&found.x), scene.stored.get(&format!("{name}/{loss}/{STEPS}")), 1e-9);
        }
    }
}

/// Notes which samples a rule lets go on.
struct Noted<R> {
    rule: R,
    masks: Vec<Vec<f64>>,
}

impl<R: Rule<Flex>> Rule<Flex> for Noted<R> {
    fn choose(&mut self, view: &View<'_, Flex>) -> Choice<Flex> {
        let choice = self.rule.choose(view);
        let Choice::Stay(stay) = &choice else { panic!("these rules let samples go") };
        let mut mask = vec![0.0; SAMPLES];
        view.rows.iter().zip(stay).for_each(|(&row, &stay)| mask[row] = f64::from(u8::from(stay)));
        self.masks.push(mask);
        choice
    }
}

fn assert_rule(rule: impl Rule<Flex>, key: &str) {
    let scene = Scene::new("mlp");
    let mut noted = Noted { rule, masks: Vec::new() };
    let attack = scene.attack(Norm::Linf, Criterion::CrossEntropy, STEPS);
    let found = attack.run(scene.start(Norm::Linf), &mut noted);
    noted.masks.resize(STEPS, vec![0.0; SAMPLES]);
    let masks = noted.masks.concat();
    assert_eq!(masks, scene.stored.get(&format!("{key}/mask")), "{key}");
    assert_close(key, &host(&found.x), scene.stored.get(&format!("{key}/x")), 1e-9);
    assert_eq!(found.work.stepped as f64, masks.iter().sum::<f64>(), "frozen samples take no step");
    let asked: f64 = masks[..(STEPS - 1) * SAMPLES].iter().sum();
    assert_eq!(found.work.forward as f64, SAMPLES as f64 + asked, "{key}: frozen samples leave the batch");
}

#[test]
fn decisions_to_go_on() {
    for lambda in ["-0.3", "0.0", "0.3"] {
        assert_rule(WithinGap { lambda: lambda.parse().unwrap() }, &format!("psat/{lambda}"));
    }
    for tau in 0..3 {
        assert_rule(Friendly::new(SAMPLES, tau), &format!("fat/{tau}"));
    }
    for threshold in ["1.0", "0.1", "0.03"] {
        assert_rule(Unconverged { threshold: threshold.parse().unwrap() }, &format!("dat/{threshold}"));
    }
}

/// Gradient of a criterion at an attack's start.
fn gradient_at(scene: &Scene, norm: Norm, criterion: Criterion<Flex>) -> [Tensor<Flex, 4>; 2] {
    let x = scene.start(norm).clamp(0.0, 1.0);
    let trace = scene.victim().trace(x.clone());
    let (_, cotangent) = criterion.at(trace.logits.clone(), &scene.batch.labels);
    [x, trace.backward(cotangent, Wants::INPUT).input.unwrap()]
}

#[test]
fn first_order_stationarity() {
    let scene = Scene::new("mlp");
    for (norm, name) in [(Norm::Linf, "linf"), (Norm::L2, "l2")] {
        let [x, gradient] = gradient_at(&scene, norm, Criterion::CrossEntropy);
        let radius = radii() * scale(norm);
        let c = host(&stationarity(norm, &radius, x - scene.batch.x.clone(), gradient));
        assert_close(name, &c, scene.stored.get(&format!("fosc/{name}")), 1e-9);
    }
}

#[test]
fn single_steps_along_the_gap() {
    let scene = Scene::new("mlp");
    let [x, gradient] = gradient_at(&scene, Norm::Linf, Criterion::Gap);
    let (gap, _) = Criterion::Gap.at(scene.victim().logits(x.clone()), &scene.batch.labels);
    for lambda in ["0.0", "0.9"] {
        let length = reach(gap.clone(), gradient.clone(), lambda.parse().unwrap(), 0.1);
        let key = format!("single/{lambda}");
        assert_close(&key, &host(&length), scene.stored.get(&format!("{key}/length")), 1e-9);
        let moved = scene.ball(Norm::Linf).ascend(x.clone(), gradient.clone(), &length);
        assert_close(&key, &host(&moved), scene.stored.get(&format!("{key}/x")), 1e-9);
    }
}

#[test]
fn losses_of_two_passes() {
    let scene = Scene::new("cnn");
    let attacked = scene.start(Norm::Linf).clamp(0.0, 1.0);
    for (name, loss) in [("trades", Loss::Trades(6.0)), ("mart", Loss::Mart(5.0))] {
        let mut objective = Objective::new(&scene.model, &scene.state.statistics, SAMPLES);
        let inputs = Inputs {
            x: attacked.clone(),
            clean: Some(scene.batch.x.clone()),
            labels: scene.batch.labels.clone(),
            loss,
        };
        let pass = objective.pass(&scene.state.weights, &inputs);
        let stored = |key: &str| scene.stored.get(&format!("{name}/{key}"));
        assert_close(name, &host(&pass.losses), stored("losses"), 1e-9);
        let factors = pass.losses.ones_like() / SAMPLES as f64;
        let gradients = objective.gradients(&pass, &factors, Wants::BOTH);
        assert_close(name, &host(&gradients.input.unwrap()), stored("input"), 1e-9);
        let weights = gradients.weights.unwrap();
        for (parameter, gradient) in scene.model.layout.parameters.iter().zip(&weights.0) {
            let key = format!("grad/{}", parameter.name);
            assert_close(&key, &host(gradient), stored(&key), 1e-8);
        }
        assert_eq!((objective.passes.forward, objective.passes.backward), (2.0, 2.0));
    }
}

#[test]
fn criteria_and_their_gradients() {
    let stored = Stored::read("attacks/attacks.safetensors");
    let pick: Vec<usize> = (0..SAMPLES).collect();
    let labels = batch(SHAPE, SAMPLES, &pick, 1000, 0, DType::F64).labels;
    let filled = |k: u32, scale: f64, offset: f64| {
        let value = |i| f64::from((offset + scale * uniform(i, k)) as f32);
        let values: Vec<f64> = (0..(SAMPLES * 10) as u32).map(value).collect();
        tensor(&values, DType::F64).reshape([SAMPLES, 10])
    };
    let logits: Tensor<Flex, 2> = filled(3003, 6.0, 0.0);
    let noise: Tensor<Flex, 2> = filled(3002, 1.0, 0.5);
    let noise = noise.clone() / noise.sum_dim(1);
    let share: Vec<f64> = (0..SAMPLES).map(|i| 0.04 * i as f64).collect();
    let one_hot: Tensor<Flex, 2, Int> = labels.clone().one_hot(10);
    let one_hot = one_hot.float().cast(DType::F64);
    let targets = smoothed(one_hot, noise.clone(), tensor(&share, DType::F64));
    assert_close("targets", &host(&targets), stored.get("criteria/targets"), 1e-12);
    let criteria = [
        ("cross_entropy", Criterion::CrossEntropy),
        ("margin", Criterion::Margin),
        ("dlr", Criterion::Dlr),
        ("gap", Criterion::Gap),
        ("soft", Criterion::Soft { targets: targets.clone(), kappa: None }),
        ("mix", Criterion::Soft { targets, kappa: Some(1.0) }),
        ("divergence", Criterion::Divergence(noise.log())),
    ];
    for (name, criterion) in criteria {
        let (losses, gradient) = criterion.at(logits.clone(), &labels);
        assert_close(name, &host(&losses), stored.get(&format!("criteria/{name}")), 1e-9);
        let expected = stored.get(&format!("criteria/{name}/gradient"));
        assert_close(name, &host(&gradient), expected, 1e-9);
    }
}

#[test]
fn estimates_of_curvature() {
    let scene = Scene::new("mlp");
    let x = scene.start(Norm::Linf).clamp(0.0, 1.0);
    let estimates = [
        ("lower", Estimate::Lower),
        ("symmetric", Estimate::Symmetric),
        ("upper", Estimate::Upper),
        ("literal", Estimate::Literal),
    ];
    for (name, estimate) in estimates {
        let group = |first: usize| {
            let size = 3.min(SAMPLES - first);
            let labels = scene.batch.labels.clone().narrow(0, first, size);
            let losses = look_around(&scene.victim(), x.clone().narrow(0, first, size), &labels, estimate);
            host(&curvature(estimate, &losses))
        };
        let found: Vec<f64> = [0, 3, 6].into_iter().flat_map(group).collect();
        assert_close(name, &found, scene.stored.get(&format!("hsat/{name}")), 1e-6);
    }
}

fn mask(value: &Value) -> Tensor<Flex, 1, Bool> {
    Tensor::from_data(TensorData::new(vec![value.as_bool().unwrap()], [1]), &FlexDevice)
}

#[test]
fn radii_of_samples() {
    let decisions = json("attacks/decisions.json");
    let number = |row: &Value, key: &str| row[key].as_f64().unwrap();
    let iaat = Iaat {
        eps: 8.0 / 255.0,
        step: 2.0 / 255.0,
        steps: 10,
        norm: Norm::Linf,
        gamma: 1.9 / 255.0,
        beta: 0.1,
        warmup: 10.0,
        most: 16.0 / 255.0,
        mode: AttackMode::Eval,
    };
    for row in decisions["iaat"].as_array().unwrap() {
        let trial = Trial {
            clean_wrong: mask(&row["clean_wrong"]),
            small_wrong: mask(&row["small_wrong"]),
            large_wrong: mask(&row["large_wrong"]),
        };
        let new = adapted(&iaat, tensor(&[number(row, "old")], DType::F64), trial);
        assert!((host(&new)[0] - number(row, "new")).abs() < 1e-12, "{row}");
    }
    let cat20 = Cat20 {
        eps: 8.0 / 255.0,
        step: 2.0 / 255.0,
        steps: 10,
        norm: Norm::Linf,
        eta: 0.005,
        smoothing: 10.0,
        loss: CustomLoss::Xent,
        kappa: 10.0,
    };
    for row in decisions["cat20"].as_array().unwrap() {
        let old: Tensor<Flex, 1> = tensor(&[number(row, "old")], DType::F64);
        let tried = grown(&cat20, old.clone());
        assert!((host(&tried)[0] - number(row, "tried")).abs() < 1e-12, "{row}");
        let kept = tried.mask_where(mask(&row["misclassified"]), old);
        assert!((host(&kept)[0] - number(row, "kept")).abs() < 1e-12, "{row}");
    }
}
