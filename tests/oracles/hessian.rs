//! Exact Hessian-vector products: every network's against a derivative of its gradient by Burn's autodiff.

use burn::backend::Autodiff;
use burn::tensor::{DType, Int, Tensor};
use burn_flex::Flex;
use flatrun::model::{Model, Normalization, Statistics, Wants};
use flatrun::ops::{Ops, Vector};

use crate::support::{Stored, architecture, assert_close, batch, build, host, state, tensor, uniform};

type Twice = Autodiff<Flex>;

const CASES: [&str; 10] = [
    "mlp_128",
    "mlp_32_16",
    "cnn_8",
    "cnn_32",
    "sat_cnn",
    "resnet18",
    "preact_resnet20",
    "resnet18_imagenet",
    "pyramidnet110",
    "vit_small",
];

/// `d/dw ⟨grad L(w), direction⟩`, by differentiating the tape's own gradient.
fn by_autodiff(
    model: &Model,
    weights: &Vector<Flex>,
    statistics: &Statistics<Flex>,
    x: Tensor<Flex, 4>,
    labels: Tensor<Flex, 1, Int>,
    direction: &Vector<Flex>,
) -> Vector<Flex> {
    let outer = |part: &Tensor<Flex, 1>| Tensor::<Twice, 1>::from_inner(part.clone());
    let leaves = Vector(weights.0.iter().map(|part| outer(part).require_grad()).collect());
    let pair = |[mean, variance]: &[Tensor<Flex, 1>; 2]| [outer(mean), outer(variance)];
    let statistics =
        Statistics { running: statistics.running.iter().map(pair).collect(), frozen: Vec::new() };
    let n = x.dims()[0] as f64;
    let x = Tensor::from_inner(x);
    let trace = model.forward(&leaves, &statistics, x, Normalization::Running, true);
    let (_, d_logits) = trace.cross_entropy(Tensor::from_inner(labels));
    let gradient = trace.backward(d_logits / n, Wants::WEIGHTS).weights.unwrap();
    let direction = Vector(direction.0.iter().map(outer).collect());
    let grads = gradient.dot(&direction).backward();
    Vector(
        leaves
            .0
            .iter()
            .map(|leaf| leaf.grad(&grads).unwrap_or_else(|| leaf.clone().inner().zeros_like()))
            .collect(),
    )
}

fn product<B: Ops>(
    model: &Model,
    weights: &Vector<B>,
    statistics: &Statistics<B>,
    x: Tensor<B, 4>,
    labels: Tensor<B, 1, Int>,
    direction: &Vector<B>,
) -> Vector<B> {
    let n = x.dims()[0];
    let trace = model.forward(weights, statistics, x, Normalization::Running, true);
    let factors = trace.logits.clone().slice([0..n, 0..1]).reshape([n]).ones_like() / n as f64;
    trace.hessian_product(labels, &factors, direction)
}

#[test]
fn every_network_agrees_with_a_second_differentiation() {
    for case in CASES {
        let stored = Stored::read(&format!("models/{case}.safetensors"));
        let shape: Vec<usize> =
            stored.case["input"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect();
        let shape = [shape[0], shape[1], shape[2]];
        let model = build(&architecture(&stored.case), shape);
        // In f64 both are exact but for rounding; f32 takes the hand-written kernels.
        let reference = {
            let state = state(&model.layout, case, DType::F64);
            let batch = batch(shape, 4, &[0, 1, 2, 3], 1000, 0, DType::F64);
            let direction = direction(&model, DType::F64);
            let expected = by_autodiff(
                &model,
                &state.weights,
                &state.statistics,
                batch.x.clone(),
                batch.labels.clone(),
                &direction,
            );
            let found = product(&model, &state.weights, &state.statistics, batch.x, batch.labels, &direction);
            // Rounding grows with depth: 110 layers lose two digits more.
            let tolerance = if case.starts_with("pyramidnet") { 1e-7 } else { 1e-10 };
            compare(case, &model, &found, &expected, tolerance);
            expected
        };
        let state = state(&model.layout, case, DType::F32);
        let batch = batch(shape, 4, &[0, 1, 2, 3], 1000, 0, DType::F32);
        let found = product(
            &model,
            &state.weights,
            &state.statistics,
            batch.x,
            batch.labels,
            &direction(&model, DType::F32),
        );
        compare(case, &model, &found, &reference, 1e-3);
    }
}

fn compare(case: &str, model: &Model, found: &Vector<Flex>, expected: &Vector<Flex>, tolerance: f64) {
    for (index, parameter) in model.layout.parameters.iter().enumerate() {
        let what = format!("{case} {}", parameter.name);
        assert_close(&what, &host(&found.0[index]), &host(&expected.0[index]), tolerance);
    }
}

fn direction(model: &Model, dtype: DType) -> Vector<Flex> {
    let part = |(j, parameter): (usize, &flatrun::model::Parameter)| {
        let values: Vec<f64> =
            (0..parameter.len()).map(|i| f64::from(uniform(i as u32, 4000 + j as u32) as f32)).collect();
        tensor(&values, dtype)
    };
    Vector(model.layout.parameters.iter().enumerate().map(part).collect())
}
