//! Training in bf16: products are rounded, everything that lasts is in f32.

use burn::tensor::{DType, Tensor};
use burn_flex::{Flex, FlexDevice};
use flatrun::lang::program::Precision;
use flatrun::model::{Gradients, Model, Normalization, StateDict, Wants};
use flatrun::ops::Vector;
use flatrun::train::{Batch, Learner, StepPlan};

use crate::support::{build, host, tensor, uniform, written};
use crate::{SHAPE, clock, phase, samples};

/// Every operation of the tape stands in one of these. With each the least cosine between gradients of bf16 and f32:
/// rounding of activations flips units near zero, all the more the deeper a network is.
const NETWORKS: [(&str, Normalization, f64); 7] = [
    ("cnn(width = 8)", Normalization::Batch, 0.99),
    ("cnn(width = 8)", Normalization::Running, 0.99),
    ("mlp(hidden = [32, 16])", Normalization::Running, 0.99),
    ("resnet18(stem = imagenet)", Normalization::Running, 0.99),
    ("preact_resnet20", Normalization::Running, 0.99),
    ("pyramidnet110(alpha = 20)", Normalization::Running, 0.8),
    ("vit(patch = 4, width = 32, depth = 2, heads = 2)", Normalization::Running, 0.99),
];

fn network(model: &str) -> Model {
    build(&written(model, SHAPE[0]), SHAPE)
}

fn state(model: &Model) -> StateDict<Flex> {
    let Vector(weights) = model.layout.initial_weights(3, &FlexDevice);
    // Initial weights of a head may be zero, and hide what is upstream.
    let moved = |(index, weight): (usize, Tensor<Flex, 1>)| {
        let values: Vec<f64> =
            (0..weight.dims()[0]).map(|i| 0.02 * uniform(i as u32, 50 + index as u32)).collect();
        weight + tensor(&values, DType::F32)
    };
    let weights = Vector(weights.into_iter().enumerate().map(moved).collect());
    StateDict { weights, statistics: model.layout.initial_statistics(3, &FlexDevice), batches: 0 }
}

/// Of the mean cross-entropy, with the logits it is taken at.
fn gradients(
    model: &Model,
    batch: &Batch<Flex>,
    normalization: Normalization,
) -> (Tensor<Flex, 2>, Gradients<Flex>) {
    let StateDict { weights, statistics, .. } = state(model);
    let trace = model.forward(&weights, &statistics, batch.x.clone(), normalization, true);
    let (_, residual) = trace.cross_entropy(batch.labels.clone());
    let gradients = trace.backward(residual / batch.len() as f64, Wants::BOTH);
    let moments = trace.moments.iter().flatten().flat_map(|moments| [&moments.mean, &moments.variance]);
    assert!(moments.into_iter().all(|moment| moment.dtype() == DType::F32));
    (trace.logits, gradients)
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn gradients_are_those_of_f32_but_for_rounding_and_are_f32_themselves() {
    let batch = samples(0);
    for (name, normalization, least) in NETWORKS {
        let model = network(name);
        let (logits, exact) = gradients(&model, &batch, normalization);
        let model = model.in_precision(Precision::Bf16);
        let (rounded_logits, rounded) = gradients(&model, &batch, normalization);
        let all = |gradients: &Gradients<Flex>| {
            let parts = &gradients.weights.as_ref().unwrap().0;
            assert!(parts.iter().all(|part| part.dtype() == DType::F32), "{name}");
            parts.iter().flat_map(host).collect::<Vec<f64>>()
        };
        let input = |gradients: &Gradients<Flex>| {
            let input = gradients.input.as_ref().unwrap();
            assert_eq!(input.dtype(), DType::F32, "{name}");
            host(input)
        };
        assert_eq!(rounded_logits.dtype(), DType::F32, "{name}");
        let alike = [
            cosine(&host(&logits), &host(&rounded_logits)),
            cosine(&all(&exact), &all(&rounded)),
            cosine(&input(&exact), &input(&rounded)),
        ];
        assert!(alike.iter().all(|cosine| *cosine > least), "{name}: {alike:?}");
        assert!(host(&logits) != host(&rounded_logits), "{name} rounds nothing");
    }
}

/// Losses of 20 steps, and what the steps left.
fn trained<'a>(model: &'a Model, recipe: &str) -> (Vec<f64>, Learner<'a, Flex>) {
    let plan = StepPlan { samples: 16, micro: None, seed: 0, phase: 1 };
    let mut learner = Learner::new(model, &phase(recipe), state(model), plan, &FlexDevice);
    let step = |step| host(&learner.step(&samples(step), &clock(step % 8)).values)[1];
    ((0..20).map(step).collect(), learner)
}

#[test]
fn twenty_steps_follow_those_of_f32_and_keep_everything_in_f32() {
    let recipes = [
        "under sgd",
        "curriculum ssp(adm) under lesam over adam(lr = 1e-3)",
        "curriculum spl(loss, fraction = 0.5) under fsam over sgd(lr = 0.01)",
        "against psat(eps = 0.1, steps = 3) under sam(rho = 0.05) over sgd(lr = 0.01)",
        "against trades(eps = 0.1, steps = 3) under eigensam(refresh = 10 steps) over sgd(lr = 0.01)",
    ];
    for recipe in recipes {
        let model = network("cnn(width = 8)");
        let (exact, _) = trained(&model, recipe);
        let model = model.in_precision(Precision::Bf16);
        let (rounded, learner) = trained(&model, recipe);
        let apart = |(exact, rounded): (&f64, &f64)| (exact - rounded).abs() / exact.abs().max(0.1);
        let apart: Vec<f64> = exact.iter().zip(&rounded).map(apart).collect();
        assert!(apart.iter().all(|apart| *apart < 0.05), "{recipe}: {exact:?} and {rounded:?}");
        assert!(exact != rounded, "{recipe}");
        let StateDict { weights, statistics, .. } = &learner.state;
        let (buffers, _) = learner.optimizer.state();
        let buffers = buffers.into_iter().flat_map(|(_, vector)| vector.0.iter());
        let memory = learner.memory.iter().flat_map(|memory| memory.0.iter());
        let lasting =
            weights.0.iter().chain(statistics.running.iter().flatten()).chain(buffers).chain(memory);
        assert!(
            lasting.chain([&learner.curriculum.table]).all(|kept| kept.dtype() == DType::F32),
            "{recipe}"
        );
    }
}
