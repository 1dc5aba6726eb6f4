//! Times training steps on the device and in the precision that its arguments name (`cpu` or `cuda:N`, `f32` or `bf16`;
//! without any: on the CPU in f32). Reads `<network> <batch> <algorithm> <steps>` per line from standard input, answers with
//! one JSON line: seconds of every step, and the loss before the last one. `benches/run.py` drives it.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::tensor::{DType, Int, Tensor, TensorData};
use flatrun::attack::{Attack, Ball, Criterion, Victim};
use flatrun::files::write_atomic;
use flatrun::lang::catalog::{Architecture, Norm, Source};
use flatrun::lang::program::{Phase, Precision, Program};
use flatrun::lang::schedule::Clock;
use flatrun::lang::world::{DatasetInfo, Size, SourceInfo, World, WorldError};
use flatrun::lang::{Settings, check};
use flatrun::model::{Model, Normalization, Parameter, Role, StateDict, Wants};
use flatrun::ops::{Ops, Vector};
use flatrun::run::device;
use flatrun::train::state::{Checkpoint, Progress, to_checkpoint};
use flatrun::train::{Batch, Learner, StepPlan};

fn main() {
    // `cargo bench` has an argument of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let precision = match arguments.get(1).map(String::as_str) {
        None | Some("f32") => Precision::F32,
        Some("bf16") => Precision::Bf16,
        Some(other) => panic!("`{other}` is neither `f32` nor `bf16`"),
    };
    match arguments.first().map(String::as_str) {
        None | Some("cpu") => {
            device::join_threads();
            serve::<burn_flex::Flex>(&device::cpu(), precision, false);
        }
        #[cfg(feature = "cuda")]
        Some(card) => serve::<device::Cuda>(&open(card), precision, true),
        #[cfg(not(feature = "cuda"))]
        Some(card) => panic!("`{card}` needs a build with `--features cuda`"),
    }
}

#[cfg(feature = "cuda")]
fn open(card: &str) -> burn_cuda::CudaDevice {
    let number = card.strip_prefix("cuda:").and_then(|number| number.parse().ok());
    let number = number.unwrap_or_else(|| panic!("`{card}` is neither `cpu` nor `cuda:N`"));
    device::cuda(number).unwrap_or_else(|error| {
        eprintln!("{error}");
        std::process::exit(1)
    })
}

/// Answers on this device; with `queued`, it is one that is asked for steps and told later that they are done.
fn serve<B: Ops>(device: &B::Device, precision: Precision, queued: bool) {
    let mut previous: Option<(String, Run<B>)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line of text");
        let words: Vec<&str> = line.split_whitespace().collect();
        let [network, batch, algorithm, steps] = words[..] else { panic!("expected four words: {line}") };
        let case = format!("{network} {batch} {algorithm}");
        if previous.as_ref().is_none_or(|(known, _)| *known != case) {
            drop(previous.take());
            let mut run = Run::new(network, batch.parse().expect("a number"), algorithm, precision, device);
            run.queued = queued;
            previous = Some((case.clone(), run));
        }
        let Some((_, run)) = &mut previous else { unreachable!() };
        let (seconds, loss) = run.steps(steps.parse().expect("a number"));
        println!("{}", serde_json::json!({ "case": case, "seconds": seconds, "loss": loss }));
        std::io::stdout().flush().expect("standard output");
    }
    let _ = std::fs::remove_file(checkpoint());
}

/// One case under way.
struct Run<B: Ops> {
    learner: Learner<'static, B>,
    model: &'static Model,
    batch: Batch<B>,
    what: What,
    done: u64,
    device: B::Device,
    queued: bool,
}

/// What is timed.
#[derive(Clone, Copy)]
enum What {
    Step,
    /// A recorded forward pass and a backward pass to the input alone.
    InputGradient,
    /// One step of projected gradient ascent, from a run of [`ATTACK_STEPS`].
    AttackStep,
    /// A gradient in the weights, in evaluation mode.
    Gradient,
    /// A product with the Hessian there.
    Product,
    /// Logits, with running statistics; activations are dropped on the way.
    Forward,
    /// A checkpoint written, flushed and renamed.
    Write,
    /// A checkpoint read into a learner.
    Read,
}

const ATTACK_STEPS: usize = 10;

/// Images that running statistics are taken from.
const FEW: usize = 4;

fn clock(step: u64) -> Clock {
    Clock { step, steps: 1000, steps_per_epoch: 100, lr: None }
}

impl<B: Ops> Run<B> {
    fn new(network: &str, samples: usize, algorithm: &str, precision: Precision, device: &B::Device) -> Self {
        let (architecture, shape) = architecture(network);
        let [channels, height, width] = shape;
        let info = DatasetInfo { train: samples, test: 1, classes: 10, channels, height, width };
        let constants = [vec![0.5; channels], vec![0.25; channels]];
        let model = Model::build(&architecture, &info, &constants)
            .expect("the network fits its images")
            .in_precision(precision);
        // A learner borrows its model; the process keeps a handful of them.
        let model: &'static Model = Box::leak(Box::new(model));
        let weights = model.layout.parameters.iter().map(|parameter| weight(parameter, device)).collect();
        let statistics = model.layout.initial_statistics(0, device);
        let state = StateDict { weights: Vector(weights), statistics, batches: 0 };
        let (what, algorithm) = match algorithm {
            "input_gradient" => (What::InputGradient, "sgd"),
            "attack_step" => (What::AttackStep, "sgd"),
            "gradient" => (What::Gradient, "sgd"),
            "product" => (What::Product, "sgd"),
            "forward" => (What::Forward, "sgd"),
            "write" => (What::Write, "sgd"),
            "read" => (What::Read, "sgd"),
            algorithm => (What::Step, algorithm),
        };
        let plan = |samples| StepPlan { samples, ..StepPlan::default() };
        let state = match what {
            What::Step | What::Forward | What::Write | What::Read => state,
            // Running statistics of activations, from few images, which take little memory: with those of a fresh
            // network activations grow or vanish from layer to layer.
            What::InputGradient | What::AttackStep | What::Gradient | What::Product => {
                let mut learner = Learner::new(model, &phase("sgd"), state, plan(FEW), device);
                let few = self::batch(shape, FEW, device);
                (0..20).for_each(|step| drop(learner.step(&few, &clock(step))));
                learner.state
            }
        };
        let mut learner = Learner::new(model, &phase(algorithm), state, plan(samples), device);
        let (batch, device) = (self::batch(shape, samples, device), device.clone());
        if let What::Write | What::Read = what {
            // From the first step on there is a momentum, which belongs to the checkpoint.
            learner.step(&batch, &clock(0));
        }
        Self { learner, model, batch, what, done: 0, device, queued: false }
    }

    fn steps(&mut self, count: u64) -> (Vec<f64>, f32) {
        match self.what {
            What::Step => self.train(count),
            What::InputGradient => ((0..count).map(|_| self.input_gradient()).collect(), f32::NAN),
            What::AttackStep => ((0..count).map(|_| self.attack_step()).collect(), f32::NAN),
            What::Gradient => ((0..count).map(|_| self.around(false)).collect(), f32::NAN),
            What::Product => ((0..count).map(|_| self.around(true)).collect(), f32::NAN),
            What::Forward => self.forward(count),
            What::Write => ((0..count).map(|_| self.write()).collect(), f32::NAN),
            What::Read => {
                self.write();
                ((0..count).map(|_| self.read()).collect(), f32::NAN)
            }
        }
    }

    /// Seconds, and the mean cross-entropy of the logits.
    fn forward(&self, count: u64) -> (Vec<f64>, f32) {
        let mut loss = f32::NAN;
        let one = |_| {
            let start = Instant::now();
            let logits = self.victim().logits(self.batch.x.clone()).into_data();
            let seconds = start.elapsed().as_secs_f64();
            let logits = logits.to_vec::<f32>().expect("f32 values");
            let rows = logits.chunks_exact(logits.len() / self.batch.len());
            let losses = rows.enumerate().map(|(row, z)| {
                let most = z.iter().fold(f32::MIN, |a, &b| a.max(b));
                z.iter().map(|v| (v - most).exp()).sum::<f32>().ln() + most - z[label(row)]
            });
            loss = losses.sum::<f32>() / self.batch.len() as f32;
            seconds
        };
        ((0..count).map(one).collect(), loss)
    }

    fn write(&self) -> f64 {
        let start = Instant::now();
        let progress = Progress::start("bench", "sgd", 1, None);
        let bytes = to_checkpoint(&self.model.layout, &self.learner, None, &progress).expect("a checkpoint");
        write_atomic(&checkpoint(), &bytes).expect("a folder that can be written to");
        start.elapsed().as_secs_f64()
    }

    fn read(&mut self) -> f64 {
        let start = Instant::now();
        let bytes = std::fs::read(checkpoint()).expect("the checkpoint");
        let opened = Checkpoint::open(&bytes).expect("a whole checkpoint");
        opened.restore(&self.model.layout, &mut self.learner, &self.device).expect("the same network");
        start.elapsed().as_secs_f64()
    }

    fn victim(&self) -> Victim<'_, B> {
        let StateDict { weights, statistics, .. } = &self.learner.state;
        Victim { model: self.model, weights, statistics, normalization: Normalization::Running }
    }

    fn input_gradient(&self) -> f64 {
        let start = Instant::now();
        let trace = self.victim().trace(self.batch.x.clone());
        let (_, cotangent) = trace.cross_entropy(self.batch.labels.clone());
        let gradient = trace.backward(cotangent, Wants::INPUT).input.expect("the input was wanted");
        let _ = gradient.into_data();
        start.elapsed().as_secs_f64()
    }

    /// A gradient at the weights, or a product with the Hessian along them.
    fn around(&self, product: bool) -> f64 {
        let StateDict { weights, .. } = &self.learner.state;
        let labels = self.batch.labels.clone();
        let start = Instant::now();
        let trace = self.victim().trace(self.batch.x.clone());
        let share = 1.0 / self.batch.len() as f64;
        let found = if product {
            let factors = Tensor::full([self.batch.len()], share, &self.device);
            trace.hessian_product(labels, &factors, weights)
        } else {
            let (_, residual) = trace.cross_entropy(labels);
            trace.backward(residual * share, Wants::WEIGHTS).weights.expect("the weights were wanted")
        };
        let _ = found.norm().into_data();
        start.elapsed().as_secs_f64()
    }

    fn attack_step(&self) -> f64 {
        let Batch { x, labels, .. } = &self.batch;
        let alike = |value: f64| Tensor::full([x.dims()[0]], value, &self.device);
        let attack = Attack {
            victim: self.victim(),
            labels: labels.clone(),
            ball: Ball { norm: Norm::Linf, center: x.clone(), radius: alike(8.0 / 255.0) },
            step: alike(2.0 / 255.0),
            steps: ATTACK_STEPS,
            criterion: Criterion::CrossEntropy,
            noise: None,
        };
        let start = Instant::now();
        let _ = attack.run(x.clone(), &mut ()).x.into_data();
        start.elapsed().as_secs_f64() / ATTACK_STEPS as f64
    }

    fn train(&mut self, count: u64) -> (Vec<f64>, f32) {
        let mut loss = f32::NAN;
        // Waiting for each step would empty the queue of a card: what is timed there is all of them, to their end.
        let together = if self.queued { count.max(1) } else { 1 };
        let mut some = || {
            let start = Instant::now();
            let mut record = None;
            for _ in 0..together {
                // The middle of a long phase: self-paced weights are not all equal there.
                let clock = clock(100 + self.done);
                record = Some(self.learner.step(&self.batch, &clock));
                self.done += 1;
            }
            let values = record.expect("a step was taken").values.into_data();
            loss = values.to_vec::<f32>().expect("f32 values")[1];
            start.elapsed().as_secs_f64() / together as f64
        };
        ((0..count / together).map(|_| some()).collect(), loss)
    }
}

fn checkpoint() -> PathBuf {
    std::env::temp_dir().join(format!("flatrun-bench-{}.safetensors", std::process::id()))
}

/// A network by its name in the table, and the shape of its images.
fn architecture(network: &str) -> (Architecture, [usize; 3]) {
    let shape = match network {
        "sat_cnn" => [1, 28, 28],
        "cnn" => [1, 8, 8],
        _ => [3, 32, 32],
    };
    let source = format!("edition 2026\nmodel {network}\n");
    (program(&source).variants[0].experiment.model.architecture.clone(), shape)
}

/// An algorithm by its name in the table, or a minimizer as a file would have it, with `~` for each space.
fn phase(algorithm: &str) -> Phase {
    let recipe = match algorithm {
        "ssp_adm_lesam" => "curriculum ssp(adm) under lesam".to_owned(),
        "pgd10" => "against at(eps = 8/255, step = 2/255, steps = 10, start = clean) under sgd".to_owned(),
        "psat" => "against psat(eps = 8/255, step = 2/255, steps = 10, lambda = 0.3) under sgd".to_owned(),
        minimizer => format!("under {}", minimizer.replace('~', " ")),
    };
    let source = format!("edition 2026\noptimize sgd(lr = 1e-3)\ntrain 1000 steps {recipe}\n");
    program(&source).variants[0].experiment.phases[0].clone()
}

fn program(source: &str) -> Program {
    // Any images do: whether a network fits is asked when it is built.
    let checked = check(source, &Settings::default(), &Images);
    checked.program.unwrap_or_else(|| panic!("{source}: {:?}", checked.diagnostics))
}

struct Images;

impl World for Images {
    fn dataset(&self, _: &Source) -> Result<SourceInfo, WorldError> {
        let (train, test, classes, channels, size) = (50_000, 1, 10, 3, Some(Size::square(32)));
        Ok(SourceInfo { train, test, classes, channels, size, domains: 1, held_out: None, per_epoch: None })
    }

    fn corruptions(&self, _: &Path, _: usize, _: &Source, _: &DatasetInfo) -> Result<(), WorldError> {
        Ok(())
    }

    fn exists(&self, _: &Path) -> bool {
        true
    }
}

/// The same values as in `peer/step.py`: He-uniform weights, plain normalisations.
fn weight<B: Ops>(parameter: &Parameter, device: &B::Device) -> Tensor<B, 1> {
    let fan_in = parameter.shape[1..].iter().product::<usize>();
    let (scale, offset) = match parameter.role {
        Role::Weight | Role::Embedding => ((24.0 / fan_in as f64).sqrt(), 0.0),
        Role::NormScale => (0.0, 1.0),
        Role::NormShift | Role::Bias => (0.0, 0.0),
    };
    let stream =
        parameter.name.bytes().fold(0u32, |k, byte| k.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let values: Vec<f32> =
        (0..parameter.len()).map(|i| (offset + scale * uniform(i as u32, stream)) as f32).collect();
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), (device, DType::F32))
}

fn batch<B: Ops>([channels, height, width]: [usize; 3], samples: usize, device: &B::Device) -> Batch<B> {
    let count = samples * channels * height * width;
    let pixels: Vec<f32> = (0..count).map(|i| (0.5 + uniform(i as u32, 7)) as f32).collect();
    let whole = |values: Vec<i64>| Tensor::<B, 1, Int>::from_data(TensorData::new(values, [samples]), device);
    Batch {
        soft: None,
        places: (0..samples as u32).collect(),
        indices: whole((0..samples as i64).collect()),
        x: Tensor::from_data(TensorData::new(pixels, [samples, height, width, channels]), device),
        labels: whole((0..samples).map(|sample| label(sample) as i64).collect()),
    }
}

fn label(sample: usize) -> usize {
    (3 * sample + 1) % 10
}

/// A hash as a number in [-0.5, 0.5).
fn uniform(i: u32, stream: u32) -> f64 {
    let mut h = i.wrapping_mul(2_654_435_761).wrapping_add(stream.wrapping_mul(12_345));
    h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
    h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
    h ^= h >> 16;
    f64::from(h) / 4_294_967_296.0 - 0.5
}
