//! Weights of published networks, all zero: a header of safetensors, and a body that takes no space.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flatrun::lang::{DatasetInfo, Settings, check};
use flatrun::model::Model;
use serde_json::{Map, Value, json};

use crate::world::{Files, TestWorld};

/// Writes `model` for ImageNet.
pub fn write(path: &Path, model: &str) {
    let tensors = tensors(model);
    let mut header = Map::new();
    let mut end = 0;
    for (name, shape, kind, size) in tensors {
        let start = end;
        end += size * shape.iter().product::<usize>();
        header.insert(name, json!({ "dtype": kind, "shape": shape, "data_offsets": [start, end] }));
    }
    let header = Value::Object(header).to_string();
    fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
    let mut file = File::create(path).expect("a writable folder");
    file.write_all(&(header.len() as u64).to_le_bytes()).expect("a writable file");
    file.write_all(header.as_bytes()).expect("a writable file");
    file.set_len((8 + header.len() + end) as u64).expect("a writable file");
}

/// Name, shape, type and size of a value of everything a network has.
fn tensors(model: &str) -> Vec<(String, Vec<usize>, &'static str, usize)> {
    let text = format!("edition 2026\ndata cifar10\nmodel {model}\nunder sgd\n");
    let program = check(&text, &Settings::default(), &TestWorld(Files::There)).program.expect("a network");
    let architecture = &program.variants[0].experiment.model.architecture;
    let info = DatasetInfo { train: 1, test: 1, classes: 1000, channels: 3, height: 224, width: 224 };
    let layout = Model::build(architecture, &info, &[vec![0.0; 3], vec![1.0; 3]]).expect("a network").layout;
    let mut all: Vec<_> =
        layout.parameters.iter().map(|own| (own.name.clone(), own.shape.clone(), "F32", 4)).collect();
    for norm in &layout.norms {
        for part in ["running_mean", "running_var"] {
            all.push((format!("{}.{part}", norm.name), vec![norm.channels], "F32", 4));
        }
        all.push((format!("{}.num_batches_tracked", norm.name), Vec::new(), "I64", 8));
    }
    all
}
