//! Five steps of a small network, one of a real one, under every base optimizer and minimizer.

use burn::tensor::DType;
use burn_flex::{Flex, FlexDevice};
use flatrun::lang::schedule::Clock;
use flatrun::model::Model;
use flatrun::ops::Vector;
use flatrun::train::{Learner, StepPlan};

use crate::support::{
    CIFAR, GREY, Stored, assert_close, batch, build, cnn, constants, host, phase, state, tensor, uniform,
    written,
};

const SHAPE: [usize; 3] = [1, 8, 8];
const SAMPLES: usize = 8;

pub const SGD: &str = "optimize sgd(lr = 0.1)";
const FALLING: &str = "optimize sgd(lr = cosine(0.1 -> 0))";

/// One stored run, and how it is written in the language.
struct Case<'a> {
    file: &'a str,
    optimize: &'a str,
    recipe: &'a str,
    micro: Option<usize>,
    /// Buffers of the base optimizer: our name, PyTorch's.
    buffers: &'a [(&'a str, &'a str)],
}

impl<'a> Case<'a> {
    fn new(file: &'a str, recipe: &'a str) -> Self {
        Self { file, optimize: SGD, recipe, micro: None, buffers: MOMENTUM }
    }

    fn over(self, optimize: &'a str) -> Self {
        Self { optimize, ..self }
    }

    fn micro(self, size: usize) -> Self {
        Self { micro: Some(size), ..self }
    }

    fn run(&self) {
        let stored = Stored::read(&format!("minimizers/{}.safetensors", self.file));
        // The first moment of F-SAM's or LookSAM's memory is a difference of gradients.
        for (dtype, tolerance) in [(DType::F64, 1e-9), (DType::F32, 1e-4)] {
            self.run_in(&stored, dtype, tolerance);
        }
    }

    fn run_in(&self, stored: &Stored, dtype: DType, tolerance: f64) {
        let model = cnn(4, SHAPE, &constants(&GREY.0, &GREY.1));
        let micro = self.micro.map_or(String::new(), |size| format!("data digits batch 8 micro {size}\n"));
        let phase = phase(&format!("{micro}{}", self.optimize), "5 steps", self.recipe);
        let state = state(&model.layout, "cnn_8", dtype);
        let plan = StepPlan { samples: SAMPLES, micro: self.micro, seed: 0, phase: 1 };
        let mut learner = Learner::<Flex>::new(&model, &phase, state, plan, &FlexDevice);
        for step in 0..5 {
            if self.file == "eigensam" && step == 2 {
                learner.memory = Some(first_eigenvector(&model, dtype));
            }
            let all: Vec<usize> = (0..SAMPLES).collect();
            let batch = batch(SHAPE, SAMPLES, &all, 1000 + step as u32, step as usize, dtype);
            let record = learner.step(&batch, &Clock { step, steps: 5, steps_per_epoch: 5, lr: None });
            self.assert_record(stored, &host(&record.values), step as usize);
            self.assert_step(stored, &format!("step{step}/"), &model, &learner, tolerance);
        }
    }

    fn assert_record(&self, stored: &Stored, row: &[f64], step: usize) {
        let file = self.file;
        let scalar = |key: &str| stored.get(key)[step];
        assert!((row[1] - scalar("loss")).abs() < 1e-5, "{file} loss at step {step}");
        // Over the perturbed weights here, over all of them in the oracle.
        if !["sam_norms", "sam_no_norms"].contains(&file) {
            let norm = scalar("gradient_norm");
            assert!((row[3] / norm - 1.0).abs() < 1e-4, "{file} norm at step {step}: {} of {norm}", row[3]);
        }
        let radius = if row[4].is_nan() { 0.0 } else { row[4] };
        assert!((radius - scalar("radius")).abs() < 2e-5, "{file} radius at step {step}: {radius}");
        if row[5].is_finite() {
            assert_eq!(row[5], scalar("clipped"), "{file} clipped at step {step}");
        }
        // ESAM's second loss is over the samples it keeps.
        if row[12].is_finite() && !file.starts_with("esam") {
            let rise = scalar("perturbed_loss") - scalar("loss");
            assert!((row[12] - rise).abs() < 1e-4, "{file} rise at step {step}: {} of {rise}", row[12]);
        }
        let curvature = stored.find("curvature").map_or(f64::NAN, |values| values[step]);
        let close = (row[13] / curvature - 1.0).abs() < 1e-3 || row[13].is_nan() && curvature.is_nan();
        assert!(close, "{file} curvature at step {step}: {} of {curvature}", row[13]);
    }

    fn assert_step(
        &self,
        stored: &Stored,
        prefix: &str,
        model: &Model,
        learner: &Learner<'_, Flex>,
        tolerance: f64,
    ) {
        let first = &model.layout.parameters[0].name;
        if stored.find(&format!("{prefix}weight/{first}")).is_none() {
            return;
        }
        let whole = stored.find(&format!("{prefix}momentum/{first}")).is_some()
            || stored.find(&format!("{prefix}exp_avg/{first}")).is_some();
        assert_state(stored, prefix, model, learner, if whole { self.buffers } else { &[] }, tolerance);
        let Some(name) = learner.memory_name() else { return };
        let memory = learner.memory.as_ref().unwrap();
        for (parameter, part) in model.layout.parameters.iter().zip(&memory.0) {
            let key = format!("{prefix}memory.{name}/{}", parameter.name);
            if let Some(expected) = stored.find(&key) {
                assert_close(&key, &host(part), expected, tolerance * 10.0);
            }
        }
    }
}

/// The start of the oracle's power iteration.
fn first_eigenvector(model: &Model, dtype: DType) -> Vector<Flex> {
    let part = |(j, parameter): (usize, &flatrun::model::Parameter)| {
        let values = (0..parameter.len()).map(|i| f64::from(uniform(i as u32, 3000 + j as u32) as f32));
        tensor(&values.collect::<Vec<f64>>(), dtype)
    };
    Vector(model.layout.parameters.iter().enumerate().map(part).collect())
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
    for (norm, [mean, variance]) in model.layout.norms.iter().zip(&learner.state.statistics.running) {
        stored.assert(&format!("{prefix}running/{}.running_mean", norm.name), &host(mean), tolerance);
        stored.assert(&format!("{prefix}running/{}.running_var", norm.name), &host(variance), tolerance);
    }
}

const MOMENTUM: &[(&str, &str)] = &[("momentum", "momentum")];
const MOMENTS: &[(&str, &str)] = &[("first_moment", "exp_avg"), ("second_moment", "exp_avg_sq")];

#[test]
fn base_optimizers() {
    Case::new("sgd", "under sgd").run();
    let nesterov = "optimize sgd(lr = cosine(0.1 -> 0), nesterov = true)";
    Case::new("sgd_nesterov_cosine", "under sgd").over(nesterov).run();
    Case { buffers: MOMENTS, ..Case::new("adam", "under none").over("optimize adam(lr = 1e-3)") }.run();
    Case {
        buffers: MOMENTS,
        ..Case::new("adamw", "under none").over("optimize adamw(lr = 1e-3, weight_decay = 0.01)")
    }
    .run();
}

#[test]
fn sam_and_its_options() {
    Case::new("sam", "under sam(rho = 0.05)").run();
    Case::new("sam_decay_inside", "under sam(rho = 0.05, decay = inside)").run();
    Case::new("sam_norms", "under sam(rho = 0.5, perturb = norms)").run();
    Case::new("sam_norms_global", "under sam(rho = 0.5, perturb = norms, norm = all)").run();
    Case::new("sam_no_norms", "under sam(rho = 0.05, perturb = no_norms)").run();
    Case::new("sam_every", "under sam(rho = 0.05, every = 2 steps, from = step 1)").run();
    Case::new("sam_clip", "under sam(rho = 0.05)").over("optimize sgd(lr = 0.1, clip = 0.5)").run();
}

#[test]
fn both_meanings_of_accumulation() {
    Case::new("sam_accumulate_exact", "under sam(rho = 0.05)").micro(4).run();
    Case::new("sam_accumulate_each", "under sam(rho = 0.05, accumulate = per_micro_batch)").micro(4).run();
}

#[test]
fn lesam_free_clipped_and_annealed() {
    Case::new("lesam", "under lesam(budget = 0.4, clip = 0.35)").run();
    Case::new("lesam_clipped", "under lesam(budget = 0.4, clip = 0.24)").run();
    let annealed = "under lesam(budget = 0.4, clip = none, anneal = last 3 steps)";
    Case::new("lesam_cosine_anneal", annealed).over(FALLING).run();
    Case::new("lesam_plus", "under lesam_plus(budget = 0.15, clip = 0.35, lambda = 0.5)").run();
}

#[test]
fn metrics() {
    Case::new("asam", "under asam(rho = 0.5, eta = 0.01)").run();
    Case::new("asam_all", "under asam(rho = 0.5, eta = 0, scaling = all)").run();
    Case::new("asam_filters", "under asam(rho = 0.5, eta = 0.01, scaling = filters)").run();
    Case::new("fishersam", "under fishersam(rho = 0.1, eta = 100)").run();
    let adaptive = "metric = adaptive(eta = 0.01)";
    Case::new("lesam_adaptive", &format!("under lesam(0.4, clip = 0.35, {adaptive})")).run();
    Case::new("lesam_adaptive_mixed", &format!("under lesam(0.25, clip = 0.35, {adaptive})")).run();
}

#[test]
fn ascents() {
    Case::new("fsam", "under fsam(rho = 0.05, sigma = 1, lambda = 0.9)").run();
    Case::new("fsam_sigma", "under fsam(rho = 0.05, sigma = 0.7, lambda = 0.9)").run();
    Case::new("fsam_after", "under fsam(rho = 0.05, sigma = 0.7, lambda = 0.9, order = before)").run();
    Case::new("eigensam", "under eigensam(rho = 0.05, alpha = 0.2, refresh = 2 steps, iterations = 5)").run();
}

#[test]
fn parts_of_the_weights_and_of_the_batch() {
    Case::new("esam", "under esam(rho = 0.05, beta = 0.6, gamma = 0.5)").run();
    Case::new("esam_full_norm", "under esam(rho = 0.05, beta = 0.6, gamma = 0.5, norm = all)").run();
}

#[test]
fn combiners() {
    Case::new("gsam", "under gsam(rho = 0.05, alpha = 0.4)").run();
    let follow = "under gsam(rho = follow(lr, low = 0.02, high = 0.06), alpha = 0.4)";
    Case::new("gsam_follow", follow).over(FALLING).run();
    Case::new("gsam_clean", "under gsam(rho = 0.05, alpha = 0.4, minimize = clean)").run();
    Case::new("asam_gsam", "under asam(rho = 0.5, eta = 0.01, combiner = gap(alpha = 0.4))").run();
    Case::new("ssam", "under ssam(rho = 0.05)").run();
    Case::new("ssam_unnormalised", "under ssam(rho = 0.05, normalize = false)").run();
    Case::new("sagm", "under sagm(rho = 0.05, alpha = 0.001)").run();
    Case::new("sagm_sum", "under sagm(rho = 0.05, alpha = 0.001, average = false)").run();
    let slow = "optimize sgd(lr = 0.02)";
    Case::new("wsam", "under wsam(rho = 0.05, gamma = 0.9, decoupled = false)").over(slow).run();
    Case::new("wsam_decoupled", "under wsam(rho = 0.05, gamma = 0.9)").over(slow).run();
    Case::new("looksam", "under looksam(rho = 0.1, k = 2, alpha = 0.7)").run();
}

#[test]
fn one_pass() {
    Case::new("msam", "under msam(rho = 0.3)").run();
    Case::new("msam_outside", "under msam(rho = 0.3, decay = outside)").run();
    let adamw = "optimize adamw(lr = 1e-3, weight_decay = 0.01)";
    Case { buffers: MOMENTS, ..Case::new("msam_adamw", "under msam(rho = 1)").over(adamw) }.run();
    Case::new("s2sam", "under s2sam(rho = 0.05)").run();
}

#[test]
fn one_lesam_step_of_preact_resnet20() {
    let stored = Stored::read("minimizers/lesam_preact_resnet20.safetensors");
    let shape = [3, 16, 16];
    for (dtype, tolerance) in [(DType::F64, 1e-8), (DType::F32, 1e-4)] {
        let normalize = constants(&CIFAR.0, &CIFAR.1);
        let model = build(&written(&format!("preact_resnet20(normalize = {normalize})"), 3), shape);
        let phase = phase(SGD, "1 steps", "under lesam(budget = 0.4, clip = 0.35)");
        let state = state(&model.layout, "preact_resnet20", dtype);
        let plan = StepPlan { samples: 4, ..StepPlan::default() };
        let mut learner = Learner::<Flex>::new(&model, &phase, state, plan, &FlexDevice);
        let batch = batch(shape, 4, &[0, 1, 2, 3], 1003, 0, dtype);
        learner.step(&batch, &Clock { step: 0, steps: 1, steps_per_epoch: 1, lr: None });
        assert_state(&stored, "", &model, &learner, MOMENTUM, tolerance);
    }
}
