//! Logits, losses, gradients and running statistics of every architecture.

use burn::tensor::DType;
use burn_flex::Flex;

use flatrun::model::{Init, Layout, Model, Normalization, Statistics, Wants};
use flatrun::ops::Vector;

use crate::support::{
    Stored, architecture, batch, build, build_for, channels_first, host, json, state, tensor, written,
};

const CASES: [&str; 13] = [
    "mlp_128",
    "mlp_32_16",
    "cnn_8",
    "cnn_32",
    "sat_cnn",
    "resnet18",
    "preact_resnet20",
    "preact_resnet18",
    "resnet18_imagenet",
    "resnet50",
    "wrn_16_2",
    "pyramidnet110",
    "vit_small",
];

/// A network of 50 layers with random weights, whose gradients PyTorch itself has in f32 to 4e-2 only.
const ROUNDED: &str = "resnet50";

fn check(name: &str, dtype: DType, tolerance: f64) {
    let stored = Stored::read(&format!("models/{name}.safetensors"));
    let shape: Vec<usize> = serde_json::from_value(stored.case["input"].clone()).unwrap();
    let shape = [shape[0], shape[1], shape[2]];
    let model = build(&architecture(&stored.case), shape);
    let state = state(&model.layout, name, dtype);
    let k = stored.case["input_index"].as_u64().unwrap() as u32;
    let batch = batch(shape, 4, &[0, 1, 2, 3], k, 0, dtype);
    let running =
        model.forward(&state.weights, &state.statistics, batch.x.clone(), Normalization::Running, false);
    stored.assert("eval_logits", &host(&running.logits), tolerance);
    stored.assert("eval_losses", &host(&running.cross_entropy(batch.labels.clone()).0), tolerance);
    let pass = model.forward(&state.weights, &state.statistics, batch.x, Normalization::Batch, true);
    stored.assert("train_logits", &host(&pass.logits), tolerance);
    let (losses, d_logits) = pass.cross_entropy(batch.labels);
    stored.assert("train_losses", &host(&losses), tolerance);
    if dtype == DType::F32 && name == ROUNDED {
        return;
    }
    let gradients = pass.backward(d_logits / 4.0, Wants::BOTH);
    stored.assert("input_grad", &channels_first(&gradients.input.unwrap()), tolerance);
    for (parameter, gradient) in model.layout.parameters.iter().zip(gradients.weights.unwrap().0) {
        stored.assert(&format!("grad/{}", parameter.name), &host(&gradient), tolerance);
    }
}

/// A training pass of a network whose frozen layers PyTorch has in evaluation mode.
#[test]
fn frozen_layers_are_in_evaluation_mode() {
    for name in ["cnn_8_frozen", "preact_resnet20_frozen"] {
        let stored = Stored::read(&format!("models/{name}.safetensors"));
        let shape: Vec<usize> = serde_json::from_value(stored.case["input"].clone()).unwrap();
        let shape = [shape[0], shape[1], shape[2]];
        let mut case = stored.case.clone();
        case["options"]["freeze"] = case["freeze"].clone();
        let model = build(&architecture(&case), shape);
        let state = state(&model.layout, case["case"].as_str().unwrap(), DType::F64);
        let k = case["input_index"].as_u64().unwrap() as u32;
        let batch = batch(shape, 4, &[0, 1, 2, 3], k, 0, DType::F64);
        let pass = model.forward(&state.weights, &state.statistics, batch.x, Normalization::Batch, true);
        stored.assert("train_logits", &host(&pass.logits), 1e-9);
        let (losses, d_logits) = pass.cross_entropy(batch.labels);
        stored.assert("train_losses", &host(&losses), 1e-9);
        let gradients = pass.backward(d_logits / 4.0, Wants::BOTH);
        stored.assert("input_grad", &channels_first(&gradients.input.unwrap()), 1e-9);
        for (parameter, gradient) in model.layout.parameters.iter().zip(gradients.weights.unwrap().0) {
            stored.assert(&format!("grad/{}", parameter.name), &host(&gradient), 1e-9);
        }
        let moving = model.layout.norms.iter().zip(&pass.moments).filter(|(_, moments)| moments.is_some());
        let mut moving: Vec<&str> = moving.map(|(norm, _)| norm.name.as_str()).collect();
        moving.sort_unstable();
        let expected: Vec<String> = serde_json::from_value(case["moved"].clone()).unwrap();
        assert_eq!(moving, expected, "{name}");
    }
}

#[test]
fn every_network_agrees_in_f32() {
    CASES.iter().for_each(|case| check(case, DType::F32, 1e-4));
}

#[test]
fn every_network_agrees_in_f64() {
    CASES.iter().for_each(|case| check(case, DType::F64, 1e-9));
}

#[test]
fn counts_and_initialisation_are_those_of_pytorch() {
    let networks = json("models/networks.json");
    for name in CASES {
        let stored = Stored::read(&format!("models/{name}.safetensors"));
        let shape: Vec<usize> = serde_json::from_value(stored.case["input"].clone()).unwrap();
        let layout = build(&architecture(&stored.case), [shape[0], shape[1], shape[2]]).layout;
        let case = &networks[name];
        let count = |key: &str| case["classes_10"][key].as_u64().unwrap() as usize;
        assert_eq!(layout.parameter_count(), count("parameters"), "{name}");
        assert_eq!(layout.parameters.len(), count("parameter_tensors"), "{name}");
        assert_eq!(layout.buffer_count(), count("buffers"), "{name}");
        for entry in case["tensors"].as_array().unwrap() {
            let tensor = entry["name"].as_str().unwrap();
            let Some(parameter) = layout.parameters.iter().find(|p| p.name == tensor) else { continue };
            let shape: Vec<usize> = serde_json::from_value(entry["shape"].clone()).unwrap();
            assert_eq!(parameter.shape, shape, "{name} {tensor}");
            let (distribution, value) = match parameter.init {
                Init::Uniform(bound) => ("uniform", bound),
                Init::Normal(std) => ("normal", std),
                Init::Constant(value) => ("constant", value),
            };
            let expected = entry["init"][distribution].as_f64().unwrap_or_else(|| panic!("{name}: {entry}"));
            assert!((expected - value).abs() < 1e-6, "{name}: {entry} against {value}");
        }
    }
}

/// Every parameter and running statistic as PyTorch's state dict lists them.
fn listed(layout: &Layout) -> Vec<String> {
    let shape = |shape: &[usize]| shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let parameters = layout.parameters.iter().map(|p| format!("{} {}", p.name, shape(&p.shape)));
    let running = layout.norms.iter().flat_map(|norm| {
        ["running_mean", "running_var"].map(|part| format!("{}.{part} {}", norm.name, norm.channels))
    });
    let mut all: Vec<String> = parameters.chain(running).collect();
    all.sort();
    all
}

/// What one image costs; zeros in place of weights.
fn cost(model: &Model) -> flatrun::model::Cost {
    let zeros = |length| tensor(&vec![0.0; length], DType::F32);
    let weights = Vector(model.layout.parameters.iter().map(|p| zeros(p.len())).collect());
    let pair = |norm: &flatrun::model::Norm| [zeros(norm.channels), zeros(norm.channels)];
    let statistics =
        Statistics { running: model.layout.norms.iter().map(pair).collect(), frozen: Vec::new() };
    let [c, h, w] = model.input;
    let x = zeros(c * h * w).reshape([1, h, w, c]);
    model.forward::<Flex>(&weights, &statistics, x, Normalization::Running, false).cost
}

#[test]
fn networks_of_the_papers_have_their_sizes() {
    let rows = json("models/full.json");
    for (name, row) in rows.as_object().unwrap() {
        let number = |key: &str| row[key].as_u64().unwrap() as usize;
        let shape: Vec<usize> = serde_json::from_value(row["input"].clone()).unwrap();
        let model = build_for(&architecture(row), [shape[0], shape[1], shape[2]], number("classes"));
        let layout = &model.layout;
        assert_eq!(layout.parameter_count(), number("parameters"), "{name}");
        assert_eq!(layout.parameters.len(), number("parameter_tensors"), "{name}");
        assert_eq!(layout.buffer_count(), number("buffers"), "{name}");
        let Some(tensors) = row["tensors"].as_array() else { continue };
        let mut tensors: Vec<String> = tensors.iter().map(|t| t.as_str().unwrap().to_owned()).collect();
        tensors.sort();
        assert_eq!(listed(layout), tensors, "{name}");
        let found = cost(&model);
        assert_eq!(found.multiply_adds, number("multiply_adds"), "{name}");
        assert_eq!(found.activations, number("activations"), "{name}");
    }
}

#[test]
fn first_parts_of_names_are_those_the_language_knows() {
    for model in [
        "mlp(hidden = [8, 8])",
        "cnn",
        "sat_cnn",
        "resnet50",
        "preact_resnet18",
        "prn20_sat(final_bn = true)",
        "preact_resnet20",
        "wrn",
        "pyramidnet110",
        "vit_b16",
        "vit",
    ] {
        let architecture = written(model, 3);
        let layout = build(&architecture, [3, 32, 32]).layout;
        assert_eq!(layout.top_layers(), architecture.layers(), "{model}");
        let mut norms: Vec<&str> =
            layout.norms.iter().filter_map(|norm| norm.name.split('.').next()).collect();
        norms.dedup();
        assert_eq!(norms, architecture.norm_layers(), "{model}");
    }
}
