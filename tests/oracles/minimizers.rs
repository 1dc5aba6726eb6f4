//! Five steps of a small network, one of a real one, under every base optimizer and minimizer.

use burn::tensor::DType;
use burn_flex::{Flex, FlexDevice};
use flatrun::lang::catalog::Architecture;
use flatrun::lang::catalog::{
    Adam, Adamw, Anneal, Erm, Lesam, Minimizer, Optimizer, Pacing, PreactResnet20, Sam, Sgd,
};
use flatrun::lang::program::Phase;
use flatrun::lang::schedule::{Clock, Duration, Schedule, Unit, Window};
use flatrun::model::Model;
use flatrun::train::Learner;

use crate::support::{CIFAR, GREY, Stored, batch, build, cnn, constants, host, state};

const SHAPE: [usize; 3] = [1, 8, 8];

pub fn sgd(lr: Schedule, nesterov: bool) -> Optimizer {
    Optimizer::Sgd(Sgd { lr, momentum: 0.9, nesterov, weight_decay: 5e-4 })
}

pub fn phase(curriculum: Pacing, minimizer: Minimizer, optimizer: Optimizer, steps: u64) -> Phase {
    let duration = Duration { count: steps as f64, unit: Unit::Steps };
    Phase { duration, curriculum, adversary: None, minimizer, optimizer }
}

pub fn lesam(budget: f64, clip: Option<f64>, anneal: Option<Anneal>) -> Minimizer {
    let clip = clip.map(Schedule::Constant);
    Minimizer::Lesam(Lesam { budget: Schedule::Constant(budget), clip, anneal })
}

fn cosine() -> Schedule {
    Schedule::Cosine { from: 0.1, to: 0.0, window: None }
}

fn five_steps(file: &str, minimizer: Minimizer, optimizer: Optimizer, buffers: &[(&str, &str)]) {
    let stored = Stored::read(&format!("minimizers/{file}.safetensors"));
    for (dtype, tolerance) in [(DType::F64, 1e-9), (DType::F32, 1e-4)] {
        let model = cnn(4, SHAPE, constants(&GREY.0, &GREY.1));
        let phase = phase(Pacing::Erm(Erm {}), minimizer.clone(), optimizer.clone(), 5);
        let state = state(&model.layout, "cnn_8", dtype);
        let mut learner = Learner::<Flex>::new(&model, &phase, state, 8, &FlexDevice);
        for step in 0..5 {
            let all: Vec<usize> = (0..8).collect();
            let batch = batch(SHAPE, 8, &all, 1000 + step as u32, step as usize, dtype);
            let record = learner.step(&batch, &Clock { step, steps: 5, steps_per_epoch: 5, lr: None });
            let row = host(&record.values);
            let scalar = |key: &str| stored.get(key)[step as usize];
            assert!((row[1] - scalar("loss")).abs() < 1e-5, "{file} loss at step {step}");
            assert!((row[3] / scalar("gradient_norm") - 1.0).abs() < 1e-4, "{file} norm at step {step}");
            if !matches!(minimizer, Minimizer::Base) {
                assert!((row[4] - scalar("radius")).abs() < 1e-5, "{file} radius at step {step}");
            }
            if row[5].is_finite() {
                assert_eq!(row[5], scalar("clipped"), "{file} clipped at step {step}");
            }
            assert_state(&stored, &format!("step{step}/"), &model, &learner, buffers, tolerance);
        }
    }
}

pub fn assert_state(
    stored: &Stored,
    prefix: &str,
    model: &Model,
    learner: &Learner<'_, Flex>,
    buffers: &[(&str, &str)],
    tolerance: f64,
) {
    for (index, parameter) in model.layout.parameters.iter().enumerate() {
        let name = &parameter.name;
        stored.assert(&format!("{prefix}weight/{name}"), &host(&learner.state.weights.0[index]), tolerance);
        for (ours, theirs) in buffers {
            let (state, _) = learner.optimizer.state();
            let buffer = state.iter().find(|(name, _)| name == ours).unwrap().1;
            // A first moment is a difference of gradients: small against its terms.
            stored.assert(&format!("{prefix}{theirs}/{name}"), &host(&buffer.0[index]), tolerance * 10.0);
        }
    }
    for (norm, [mean, variance]) in model.layout.norms.iter().zip(&learner.state.statistics.0) {
        stored.assert(&format!("{prefix}running/{}.running_mean", norm.name), &host(mean), tolerance);
        stored.assert(&format!("{prefix}running/{}.running_var", norm.name), &host(variance), tolerance);
    }
}

const MOMENTUM: &[(&str, &str)] = &[("momentum", "momentum")];
const MOMENTS: &[(&str, &str)] = &[("first_moment", "exp_avg"), ("second_moment", "exp_avg_sq")];

#[test]
fn sgd_alone() {
    five_steps("sgd", Minimizer::Base, sgd(Schedule::Constant(0.1), false), MOMENTUM);
    five_steps("sgd_nesterov_cosine", Minimizer::Base, sgd(cosine(), true), MOMENTUM);
}

#[test]
fn adam_and_adamw() {
    let lr = Schedule::Constant(1e-3);
    let (beta1, beta2, eps) = (0.9, 0.999, 1e-8);
    let adam = Adam { lr: lr.clone(), beta1, beta2, eps, weight_decay: 0.0 };
    five_steps("adam", Minimizer::Base, Optimizer::Adam(adam), MOMENTS);
    let adamw = Adamw { lr, beta1, beta2, eps, weight_decay: 0.01 };
    five_steps("adamw", Minimizer::Base, Optimizer::Adamw(adamw), MOMENTS);
}

#[test]
fn sam() {
    let sam = Minimizer::Sam(Sam { rho: Schedule::Constant(0.05) });
    five_steps("sam", sam, sgd(Schedule::Constant(0.1), false), MOMENTUM);
}

#[test]
fn lesam_free_clipped_and_annealed() {
    let constant = || sgd(Schedule::Constant(0.1), false);
    five_steps("lesam", lesam(0.4, Some(0.35), None), constant(), MOMENTUM);
    five_steps("lesam_clipped", lesam(0.4, Some(0.24), None), constant(), MOMENTUM);
    let last = Anneal::Window(Window::Last { count: 3.0, unit: Unit::Steps });
    five_steps("lesam_cosine_anneal", lesam(0.4, None, Some(last)), sgd(cosine(), false), MOMENTUM);
}

#[test]
fn one_lesam_step_of_preact_resnet20() {
    let stored = Stored::read("minimizers/lesam_preact_resnet20.safetensors");
    let shape = [3, 16, 16];
    for (dtype, tolerance) in [(DType::F64, 1e-8), (DType::F32, 1e-4)] {
        let normalize = constants(&CIFAR.0, &CIFAR.1);
        let model = build(&Architecture::PreactResnet20(PreactResnet20 { normalize }), shape);
        let phase =
            phase(Pacing::Erm(Erm {}), lesam(0.4, Some(0.35), None), sgd(Schedule::Constant(0.1), false), 1);
        let state = state(&model.layout, "preact_resnet20", dtype);
        let mut learner = Learner::<Flex>::new(&model, &phase, state, 4, &FlexDevice);
        let batch = batch(shape, 4, &[0, 1, 2, 3], 1003, 0, dtype);
        learner.step(&batch, &Clock { step: 0, steps: 1, steps_per_epoch: 1, lr: None });
        assert_state(&stored, "", &model, &learner, MOMENTUM, tolerance);
    }
}
