//! Logits, losses, gradients and running statistics of every architecture.

use burn::tensor::DType;
use flatrun::model::{Init, Normalization, Wants};

use crate::support::{Stored, architecture, batch, build, channels_first, host, json, state};

const CASES: [&str; 7] =
    ["mlp_128", "mlp_32_16", "cnn_8", "cnn_32", "sat_cnn", "resnet18", "preact_resnet20"];

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
    let gradients = pass.backward(d_logits / 4.0, Wants::BOTH);
    stored.assert("input_grad", &channels_first(&gradients.input.unwrap()), tolerance);
    for (parameter, gradient) in model.layout.parameters.iter().zip(gradients.weights.unwrap().0) {
        stored.assert(&format!("grad/{}", parameter.name), &host(&gradient), tolerance);
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
