//! Properties of attacks: closed forms of linear networks, the ball, determinism, and what adversaries share with
//! each other and with every curriculum and minimizer.

#[path = "oracles/support.rs"]
#[allow(dead_code)]
mod support;

use burn::tensor::{DType, Int, Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use flatrun::attack::{
    Apgd, Attack, Ball, Criterion, Draws, Fab, Square, Start, Victim, Worst, boundary_start, gap, norms,
    per_sample, worst,
};
use flatrun::lang::catalog::{Adversary as Spec, Minimizer, Norm};
use flatrun::lang::program::Phase;
use flatrun::lang::schedule::Clock;
use flatrun::lang::{Settings, check};
use flatrun::model::{Model, Normalization, StateDict, Statistics};
use flatrun::ops::Vector;
use flatrun::train::adversary::{WithinGap, stationarity};
use flatrun::train::passes::{at_most, passes};
use flatrun::train::{Batch, Learner, StepPlan};
use proptest::prelude::*;

use support::{GREY, batch, build, build_for, cnn, constants, host, state, tensor, uniform, written};

const SHAPE: [usize; 3] = [1, 8, 8];
const PIXELS: usize = 64;

/// A linear network with two classes: weights and biases from the formula.
struct Linear {
    model: Model,
    weights: Vector<Flex>,
    statistics: Statistics<Flex>,
}

impl Linear {
    fn new(scale: f64) -> Self {
        let model = build_for(&written("mlp(hidden = [], normalize = none)", 1), SHAPE, 2);
        let values: Vec<f64> = (0..2 * PIXELS as u32).map(|i| scale * uniform(i, 77)).collect();
        let weights = Vector(vec![tensor(&values, DType::F64), tensor(&[0.1, -0.1], DType::F64)]);
        Self { model, weights, statistics: Statistics { running: Vec::new(), frozen: Vec::new() } }
    }

    fn victim(&self) -> Victim<'_, Flex> {
        Victim {
            model: &self.model,
            weights: &self.weights,
            statistics: &self.statistics,
            normalization: Normalization::Running,
        }
    }

    /// `w_other - w_label` for label 0.
    fn slope(&self) -> Vec<f64> {
        let w = host(&self.weights.0[0]);
        (0..PIXELS).map(|i| w[PIXELS + i] - w[i]).collect()
    }
}

/// Three images of pixels in [0.3, 0.7], all of class 0.
fn images() -> (Tensor<Flex, 4>, Tensor<Flex, 1, Int>) {
    let values: Vec<f64> = (0..3 * PIXELS as u32).map(|i| 0.5 + 0.4 * uniform(i, 78)).collect();
    let labels = Tensor::from_data(TensorData::new(vec![0i64; 3], [3]), &FlexDevice);
    (tensor(&values, DType::F64).reshape([3, 8, 8, 1]), labels)
}

fn alike(value: f64, n: usize) -> Tensor<Flex, 1> {
    tensor(&vec![value; n], DType::F64)
}

fn attack<'a>(
    net: &'a Linear,
    norm: Norm,
    eps: f64,
    criterion: Criterion<Flex>,
    steps: usize,
) -> Attack<'a, Flex> {
    let (center, labels) = images();
    Attack {
        victim: net.victim(),
        labels,
        ball: Ball { norm, center, radius: alike(eps, 3) },
        step: alike(eps / 4.0, 3),
        steps,
        criterion,
        noise: None,
    }
}

fn draws(indices: &[u32]) -> Draws {
    Draws { key: vec![1, 2, 3], indices: indices.to_vec() }
}

#[test]
fn pgd_reaches_the_worst_case_of_a_linear_network() {
    let net = Linear::new(1.0);
    let slope = net.slope();
    let (x, labels) = images();
    for (norm, eps) in [(Norm::Linf, 0.1), (Norm::L2, 0.5)] {
        let dual: f64 = match norm {
            Norm::Linf => slope.iter().map(|w| w.abs()).sum(),
            Norm::L2 => slope.iter().map(|w| w * w).sum::<f64>().sqrt(),
        };
        let start = draws(&[0, 1, 2]).start(Start::Uniform, norm, &alike(eps, 3), &x, 0).unwrap();
        // An l2 step along the gradient leaves a start's other components to the projection: they fade.
        let steps = if norm == Norm::L2 { 200 } else { 9 };
        let found = attack(&net, norm, eps, Criterion::CrossEntropy, steps).run(x.clone() + start, &mut ());
        let before = host(&Criterion::Margin.at(net.victim().logits(x.clone()), &labels).0);
        let after = host(&Criterion::Margin.at(net.victim().logits(found.x.clone()), &labels).0);
        for (before, after) in before.iter().zip(&after) {
            assert!((after - before - eps * dual).abs() < 1e-9, "{norm:?}: {after} from {before}");
        }
        let trace = net.victim().trace(found.x.clone());
        let (_, cotangent) = trace.cross_entropy(labels.clone());
        let gradient = flatrun::attack::input_gradient(&trace, cotangent);
        let c = host(&stationarity(norm, &alike(eps, 3), found.x - x.clone(), gradient));
        assert!(c.iter().all(|c| c.abs() < 1e-9), "{norm:?}: FOSC {c:?} at the worst point");
    }
}

/// A network that is right about every image of class 0, by the margin at `x` plus `bias`.
fn confident(bias: f64) -> Linear {
    let mut net = Linear::new(0.1);
    net.weights.0[1] = tensor(&[bias, -bias], DType::F64);
    net
}

#[test]
fn apgd_reaches_the_worst_case_of_a_linear_network() {
    let net = confident(3.0);
    let (x, labels) = images();
    for (norm, eps) in [(Norm::Linf, 0.1), (Norm::L2, 0.5)] {
        let slope = net.slope();
        let dual: f64 = match norm {
            Norm::Linf => slope.iter().map(|w| w.abs()).sum(),
            Norm::L2 => slope.iter().map(|w| w * w).sum::<f64>().sqrt(),
        };
        let ball = Ball { norm, center: x.clone(), radius: alike(eps, 3) };
        let start = boundary_start(&ball, draws(&[0, 1, 2]).on_sphere(norm, &x, 0));
        let (victim, labels, criterion) = (net.victim(), labels.clone(), Criterion::Margin);
        let found = Apgd { victim, labels: labels.clone(), ball, criterion, steps: 100 }.run(start);
        assert_eq!(found.wrong, [false; 3]);
        let before = host(&Criterion::Margin.at(net.victim().logits(x.clone()), &labels).0);
        for (before, after) in before.iter().zip(&found.losses) {
            assert!((after - before - eps * dual).abs() < 1e-6, "{norm:?}: {after} from {before}");
        }
    }
}

#[test]
fn fab_finds_the_distance_to_the_boundary_of_a_linear_network() {
    let net = confident(0.1);
    let (x, labels) = images();
    let slope = net.slope();
    let margins = host(&Criterion::Margin.at(net.victim().logits(x.clone()), &labels).0);
    for norm in [Norm::Linf, Norm::L2] {
        let dual: f64 = match norm {
            Norm::Linf => slope.iter().map(|w| w.abs()).sum(),
            Norm::L2 => slope.iter().map(|w| w * w).sum::<f64>().sqrt(),
        };
        let (x, labels, targets) = (x.clone(), labels.clone(), labels.ones_like());
        let fab = Fab { victim: net.victim(), x, labels, targets, norm, steps: 100, enough: 0.0 };
        for (radius, margin) in fab.radii().iter().zip(&margins) {
            let distance = -margin / dual;
            assert!(radius >= &distance && *radius < 1.01 * distance, "{norm:?}: {radius}, {distance}");
        }
    }
}

#[test]
fn attacks_of_a_sample_do_not_depend_on_its_batch() {
    let net = confident(1.5);
    let (x, labels) = images();
    for norm in [Norm::Linf, Norm::L2] {
        let search = |rows: &[u32]| {
            let (first, count) = (rows[0] as usize, rows.len());
            let (x, labels) = (x.clone().narrow(0, first, count), labels.clone().narrow(0, first, count));
            let draws = &draws(rows);
            Square { victim: net.victim(), x, labels, norm, eps: 0.05, queries: 60, draws }.search().margins
        };
        let whole = search(&[0, 1, 2]);
        let parts = [search(&[0]), search(&[1, 2])].concat();
        assert!(
            whole.iter().zip(&parts).all(|(one, other)| (one - other).abs() < 1e-9),
            "{whole:?} {parts:?}"
        );
        let before = host(&Criterion::Margin.at(net.victim().logits(x.clone()), &labels).0);
        assert!(whole.iter().zip(before).all(|(found, before)| *found > before), "{whole:?}");
    }
}

#[test]
fn a_sample_without_gradient_leaves_no_attack_with_nan() {
    let net = {
        let mut net = Linear::new(0.0);
        net.weights.0[1] = tensor(&[1.0, -1.0], DType::F64);
        net
    };
    let (x, labels) = images();
    let (victim, targets) = (net.victim(), labels.ones_like());
    let ball = Ball { norm: Norm::L2, center: x.clone(), radius: alike(0.5, 3) };
    let apgd = Apgd {
        victim,
        labels: labels.clone(),
        ball,
        criterion: Criterion::Toward(targets.clone()),
        steps: 30,
    };
    let found = apgd.run(x.clone());
    assert_eq!((found.wrong, host(&found.x)), (vec![false; 3], host(&x)));
    let fab = Fab { victim, x, labels, targets, norm: Norm::Linf, steps: 10, enough: 0.0 };
    assert_eq!(fab.radii(), [f64::INFINITY; 3]);
}

#[test]
fn a_sample_passes_lambda_by_one_step_at_most() {
    let net = Linear::new(1.0);
    let (x, labels) = images();
    let (eps, lambda): (f64, f64) = (0.3, 0.2);
    let one_step: f64 = eps / 4.0 * net.slope().iter().map(|w| w.abs()).sum::<f64>();
    // For two classes the gap passes lambda where the loss passes this.
    let bound = -((1.0 - lambda) / 2.0).ln();
    let mut rule = WithinGap { lambda };
    let found = attack(&net, Norm::Linf, eps, Criterion::CrossEntropy, 40).run(x, &mut rule);
    let logits = net.victim().logits(found.x);
    let losses = host(&Criterion::CrossEntropy.at(logits.clone(), &labels).0);
    assert!(losses.iter().all(|loss| *loss <= bound + one_step), "{losses:?} against {bound} + {one_step}");
    assert!(host(&gap(logits, &labels).0).iter().any(|gap| *gap > lambda), "some sample got there");
}

#[test]
fn a_network_without_gradient_is_attacked_without_nan() {
    let net = Linear::new(0.0);
    let (x, _) = images();
    for norm in [Norm::Linf, Norm::L2] {
        let found = attack(&net, norm, 0.1, Criterion::CrossEntropy, 3).run(x.clone(), &mut ());
        assert_eq!(host(&found.x), host(&x));
    }
}

#[test]
fn random_starts_belong_to_samples_not_to_batches() {
    let (x, _) = images();
    let one = x.clone().narrow(0, 0, 1);
    for norm in [Norm::Linf, Norm::L2] {
        let whole = draws(&[4, 9, 5]).start(Start::Uniform, norm, &alike(0.2, 3), &x, 7).unwrap();
        let alone = draws(&[9]).start(Start::Uniform, norm, &alike(0.2, 1), &one, 7).unwrap();
        assert_eq!(host(&whole.clone().narrow(0, 1, 1)), host(&alone));
        let sizes = host(&norms(norm, whole));
        assert!(sizes.iter().all(|size| *size <= 0.2 && *size > 0.1), "{norm:?}: {sizes:?}");
        let again = draws(&[4, 9, 5]).start(Start::Uniform, norm, &alike(0.2, 3), &x, 8).unwrap();
        assert_ne!(host(&again.narrow(0, 1, 1)), host(&alone), "another restart begins elsewhere");
    }
}

#[test]
fn the_worst_restart_is_misclassified_first_and_then_by_loss() {
    let made = |first: f64, losses: &[f64], wrong: &[bool]| Worst::<Flex> {
        x: alike(first, 3).reshape([3, 1, 1, 1]),
        losses: tensor(losses, DType::F64),
        wrong: Tensor::from_data(TensorData::new(wrong.to_vec(), [3]), &FlexDevice),
    };
    let kept = worst(
        made(0.0, &[5.0, 1.0, 1.0], &[false, false, true]),
        made(1.0, &[1.0, 2.0, 9.0], &[true, false, false]),
    );
    assert_eq!(host(&kept.x), [1.0, 1.0, 0.0]);
    assert_eq!(host(&kept.losses), [1.0, 2.0, 1.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn attacks_stay_in_the_ball_and_in_the_pixel_range(
        eps in 0.01f64..0.9, step in 0.001f64..2.0, l2 in any::<bool>(), seed in any::<u64>()
    ) {
        let norm = if l2 { Norm::L2 } else { Norm::Linf };
        let net = Linear::new(1.0);
        let (x, labels) = images();
        let start = Draws { key: vec![seed], indices: vec![0, 1, 2] };
        let run = || {
            let begin = start.start(Start::Uniform, norm, &alike(eps, 3), &x, 0).unwrap();
            let attack = Attack {
                step: alike(step, 3), labels: labels.clone(),
                ..attack(&net, norm, eps, Criterion::Margin, 4)
            };
            attack.run(x.clone() + begin, &mut ()).x
        };
        let found = run();
        let sizes = host(&norms(norm, found.clone() - x.clone()));
        prop_assert!(sizes.iter().all(|size| *size <= eps + 1e-6), "{:?}", sizes);
        prop_assert!(host(&found).iter().all(|pixel| (0.0..=1.0).contains(pixel)));
        prop_assert_eq!(host(&found), host(&run()));
    }

    #[test]
    fn stationarity_is_never_negative_in_the_ball(seed in any::<u64>(), eps in 0.01f64..0.5, l2 in any::<bool>()) {
        let norm = if l2 { Norm::L2 } else { Norm::Linf };
        let draws = Draws { key: vec![seed], indices: vec![0, 1, 2] };
        let like = images().0;
        let moved = draws.start(Start::Uniform, norm, &alike(eps, 3), &like, 0).unwrap();
        let gradient: Tensor<Flex, 4> = draws.normal(&[0, 1, 2], &like, 1);
        let c = host(&stationarity(norm, &alike(eps, 3), moved, gradient.clone()));
        prop_assert!(c.iter().all(|c| *c >= -1e-9), "{:?}", c);
        let corner = gradient.sign() * per_sample(&alike(eps, 3));
        let at_corner = host(&stationarity(Norm::Linf, &alike(eps, 3), corner, draws.normal(&[0, 1, 2], &like, 1)));
        prop_assert!(at_corner.iter().all(|c| c.abs() < 1e-9));
    }
}

/// The phase of a recipe, as a file would write it.
fn phase(recipe: &str) -> Phase {
    let source = format!("edition 2026\ntrain 4 epochs {recipe} over sgd(lr = 0.1)\n");
    let checked = check(&source, &Settings::default(), &flatrun::data::Disk);
    let program = checked.program.unwrap_or_else(|| panic!("{recipe}: {:#?}", checked.diagnostics));
    program.variants[0].experiment.phases[0].clone()
}

fn clock(step: u64) -> Clock {
    Clock { step, steps: 8, steps_per_epoch: 2, lr: None }
}

fn samples(step: u64) -> Batch<Flex> {
    let first = (step as usize % 2) * 8;
    let pick: Vec<usize> = (first..first + 8).collect();
    batch(SHAPE, 16, &pick, 1000, 0, DType::F32)
}

fn small() -> Model {
    cnn(4, SHAPE, &constants(&GREY.0, &GREY.1))
}

fn learner<'a>(model: &'a Model, case: &str, phase: &Phase) -> Learner<'a, Flex> {
    let plan = StepPlan { samples: 16, phase: 1, ..StepPlan::default() };
    Learner::new(model, phase, state(&model.layout, case, DType::F32), plan, &FlexDevice)
}

/// Everything a step may change, as bits.
fn bits(learner: &Learner<'_, Flex>) -> Vec<u64> {
    let StateDict { weights, statistics, .. } = &learner.state;
    let memory = learner.adversary.as_ref().and_then(|adversary| adversary.memory());
    let memory: Vec<_> = memory.into_iter().map(|(_, values)| values).collect();
    let all = weights.0.iter().chain(statistics.running.iter().flatten()).chain([&learner.curriculum.table]);
    all.chain(&memory).flat_map(|tensor| host(tensor).into_iter().map(f64::to_bits)).collect()
}

fn after(model: &Model, case: &str, recipe: &str, steps: u64) -> Vec<u64> {
    let phase = phase(recipe);
    let mut learner = learner(model, case, &phase);
    for step in 0..steps {
        learner.step(&samples(step), &clock(step));
    }
    bits(&learner)
}

#[test]
fn the_full_attack_is_adversarial_training_bit_for_bit() {
    let settings = "eps = 0.1, step = 0.03, steps = 4";
    let at = after(&small(), "cnn_8", &format!("against at({settings}) under sam"), 4);
    for adversary in ["psat", "hsat"] {
        let recipe = format!("against {adversary}({settings}, lambda = 1) under sam");
        assert!(after(&small(), "cnn_8", &recipe, 4) == at, "{adversary}");
    }
    let less = after(&small(), "cnn_8", &format!("against psat({settings}, lambda = -1) under sam"), 4);
    assert!(less != at);
}

#[test]
fn trades_without_its_penalty_is_clean_training() {
    let normalize = constants(&GREY.0, &GREY.1);
    let model = build(&written(&format!("mlp(hidden = [32, 16], normalize = {normalize})"), 1), SHAPE);
    let numbers = |bits: Vec<u64>| bits.into_iter().map(f64::from_bits).collect::<Vec<f64>>();
    let clean = numbers(after(&model, "mlp_32_16", "under sam", 4));
    let trades = numbers(after(&model, "mlp_32_16", "against trades(beta = 0) under sam", 4));
    assert_eq!(clean, trades);
}

/// Every adversary, short enough for a test.
const ADVERSARIES: [&str; 12] = [
    "at(eps = 0.1, step = 0.03, steps = 2, norm = l2, start = clean, restarts = 2, mode = train, loss = margin)",
    "at(eps = 0.1, step = 0.03, steps = 4)",
    "psat(eps = 0.1, step = 0.03, steps = 4, lambda = 0.2)",
    "psat_single(eps = 0.1, lambda = 0.5)",
    "hsat(eps = 0.1, step = 0.03, steps = 4, lambda = 0.5, every = 2)",
    "trades(eps = 0.1, step = 0.03, steps = 4)",
    "mart(eps = 0.1, step = 0.03, steps = 4)",
    "fat(eps = 0.1, step = 0.03, steps = 4)",
    "dat(eps = 0.1, step = 0.03, steps = 4, loss_weighted = true)",
    "cat18(eps = 0.1, steps = 3, advance = 0)",
    "cat20(eps = 0.1, step = 0.03, steps = 4, loss = mix)",
    "iaat(eps = 0.1, step = 0.03, steps = 4, warmup = 1, most = 0.2)",
];

const CURRICULA: [&str; 5] = ["erm", "ssp(adm)", "ssp(gdm)", "spl(adm)", "spl(loss, scope = dataset)"];

#[test]
fn every_adversary_composes_with_every_curriculum_and_minimizer() {
    let model = small();
    for adversary in ADVERSARIES {
        for curriculum in CURRICULA {
            for minimizer in ["sgd(lr = 0.1)", "sam", "lesam"] {
                let over = if minimizer.starts_with("sgd") { "" } else { " over sgd(lr = 0.1)" };
                let source = format!(
                    "edition 2026\ntrain 4 epochs curriculum {curriculum} against {adversary} under {minimizer}{over}\n"
                );
                let checked = check(&source, &Settings::default(), &flatrun::data::Disk);
                let program =
                    checked.program.unwrap_or_else(|| panic!("{source}: {:#?}", checked.diagnostics));
                let phase = program.variants[0].experiment.phases[0].clone();
                let mut learner = learner(&model, "cnn_8", &phase);
                let predicted = passes(&phase, &clock(0));
                for step in 0..3 {
                    if step == 2 {
                        learner.adversary.as_mut().unwrap().begin_epoch();
                    }
                    let record = learner.step(&samples(step), &clock(step));
                    assert_eq!(host(&record.values)[9], 0.0, "{source}: not finite");
                    let (found, bound) = (record.passes.cost(), predicted.cost());
                    assert!(found <= bound, "{source}: {found} passes, predicted {bound}");
                    assert!(at_most(&phase) || record.passes == predicted, "{source}: {found} of {bound}");
                }
                assert!(bits(&learner).into_iter().all(|b| f64::from_bits(b).is_finite()), "{source}");
            }
        }
    }
}

#[test]
fn a_skipped_step_leaves_radii_and_ladder_alone() {
    let model = small();
    for adversary in ADVERSARIES.iter().filter(|name| name.starts_with("cat") || name.starts_with("iaat")) {
        let phase = phase(&format!("against {adversary} under sam"));
        let mut learner = learner(&model, "cnn_8", &phase);
        learner.step(&samples(0), &clock(0));
        let before = bits(&learner);
        let mut broken = samples(1);
        broken.x = broken.x * f64::NAN;
        let record = learner.step(&broken, &clock(3));
        assert_eq!(host(&record.values)[9], 1.0, "{adversary}: the step is skipped");
        assert!(bits(&learner) == before, "{adversary}");
    }
}

#[test]
fn the_ladder_climbs_where_training_accuracy_is_high_enough() {
    let model = small();
    let mut learner = learner(&model, "cnn_8", &phase("against cat18(eps = 0.1, steps = 2, advance = 0.05)"));
    let level = |learner: &Learner<'_, Flex>| {
        host(&learner.adversary.as_ref().and_then(|adversary| adversary.memory()).unwrap().1)[0]
    };
    let mut levels = Vec::new();
    for epoch in 0..5 {
        learner.adversary.as_mut().unwrap().begin_epoch();
        levels.push(level(&learner));
        for step in 0..20 {
            learner.step(&samples(step), &clock(2 * epoch + step % 2));
        }
    }
    assert_eq!(levels[0], 0.0);
    assert!(levels.windows(2).all(|pair| pair[1] >= pair[0] && pair[1] <= 2.0), "{levels:?}");
    assert_eq!(levels[4], 2.0, "16 samples are learnt: {levels:?}");
}

#[test]
fn a_learner_takes_its_radii_back() {
    let model = small();
    let phase = phase("against iaat(eps = 0.1, step = 0.03, steps = 4, warmup = 1, most = 0.2) under sam");
    let mut first = learner(&model, "cnn_8", &phase);
    for step in 0..6 {
        first.step(&samples(step), &clock(step));
    }
    let (name, radii) = first.adversary.as_ref().unwrap().memory().unwrap();
    assert_eq!(name, "radius");
    assert!(host(&radii).iter().any(|radius| *radius != 0.1), "{:?}", host(&radii));
    let mut second = learner(&model, "cnn_8", &phase);
    second.adversary.as_mut().unwrap().restore(radii.clone());
    assert_eq!(host(&second.adversary.as_ref().unwrap().memory().unwrap().1), host(&radii));
}

#[test]
fn specs_say_how_strong_they_are() {
    for adversary in ADVERSARIES {
        let Phase { adversary: Some(spec), minimizer, .. } = phase(&format!("against {adversary} under sam"))
        else {
            panic!("{adversary}")
        };
        assert!(matches!(minimizer, Minimizer::Sam(_)));
        let strength = spec.strength();
        assert_eq!(strength.eps, 0.1, "{adversary}");
        assert_eq!(strength.steps == 1, matches!(spec, Spec::PsatSingle(_)), "{adversary}");
    }
}
