//! Reading stored numbers, making weights and inputs from the formula, and comparing.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{DType, Int, Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use flatrun::data::Disk;
use flatrun::lang::catalog::{Architecture, Source};
use flatrun::lang::program::Phase;
use flatrun::lang::world::{Size, SourceInfo, World, WorldError};
use flatrun::lang::{DatasetInfo, Settings, check};
use flatrun::model::{Layout, Model, StateDict, Statistics};
use flatrun::ops::Vector;
use flatrun::train::Batch;
use safetensors::SafeTensors;
use serde_json::Value;

/// One stored file: every tensor as f64.
pub struct Stored {
    tensors: BTreeMap<String, Vec<f64>>,
    pub case: Value,
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles")
}

pub fn json(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder().join(path)).unwrap()).unwrap()
}

impl Stored {
    pub fn read(path: &str) -> Self {
        let bytes = std::fs::read(folder().join(path)).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors = file.tensors().into_iter().map(|(name, view)| (name, values(&view))).collect();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let case = header.metadata().as_ref().and_then(|m| m.get("case"));
        let case = case.map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
        Self { tensors, case }
    }

    pub fn get(&self, key: &str) -> &[f64] {
        self.tensors.get(key).unwrap_or_else(|| panic!("no `{key}` is stored"))
    }

    pub fn find(&self, key: &str) -> Option<&[f64]> {
        self.tensors.get(key).map(Vec::as_slice)
    }

    /// Compares `found` with a tensor that is stored whole or as digest and sample.
    pub fn assert(&self, key: &str, found: &[f64], tolerance: f64) {
        if let Some(expected) = self.tensors.get(key) {
            if l2(expected) < VANISHED {
                return assert_near(key, found, expected, tolerance * 0.1);
            }
            return assert_close(key, found, expected, tolerance);
        }
        let digest = self.get(&format!("{key}.digest"));
        let norm = digest[1];
        let bound = tolerance * norm;
        let mut summary = vec![found.iter().sum::<f64>(), l2(found)];
        for stream in 2000..2004 {
            summary.push(found.iter().enumerate().map(|(i, x)| x * uniform(i as u32, stream)).sum());
        }
        let allowed = [bound * (found.len() as f64).sqrt(), bound, bound, bound, bound, bound];
        for ((found, expected), allowed) in summary.iter().zip(digest).zip(allowed) {
            assert!((found - expected).abs() <= allowed, "{key}: digest {found} against {expected}");
        }
        let stride = found.len() / 256;
        let sample: Vec<f64> = (0..256).map(|j| found[j * stride]).collect();
        // A sample may hit what is zero but for rounding: it counts as large as its share of the whole.
        let share = norm * (256.0 / found.len() as f64).sqrt();
        let expected = self.get(&format!("{key}.sample"));
        assert_near(key, &sample, expected, tolerance * 10.0 * l2(expected).max(share));
    }
}

fn values(view: &safetensors::tensor::TensorView<'_>) -> Vec<f64> {
    let bytes = view.data().as_chunks::<8>().0.iter();
    match view.dtype() {
        safetensors::Dtype::U8 => view.data().iter().map(|&byte| f64::from(byte)).collect(),
        safetensors::Dtype::F64 => bytes.map(|b| f64::from_le_bytes(*b)).collect(),
        safetensors::Dtype::I64 => bytes.map(|b| i64::from_le_bytes(*b) as f64).collect(),
        other => panic!("stored as {other:?}"),
    }
}

fn l2(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Relative L2 distance.
pub fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_near(what, found, expected, tolerance * l2(expected).max(1e-6));
}

/// L2 distance.
fn assert_near(what: &str, found: &[f64], expected: &[f64], allowed: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let difference: Vec<f64> = found.iter().zip(expected).map(|(a, b)| a - b).collect();
    let (distance, size) = (l2(&difference), l2(expected));
    assert!(distance <= allowed, "{what}: distance {distance:.2e} of {size:.2e}, allowed {allowed:.0e}");
}

/// Below this a gradient is zero but for rounding, as that of a shift before a normalisation.
const VANISHED: f64 = 1e-12;

/// The formula's hash as a number in [-0.5, 0.5).
pub fn uniform(i: u32, k: u32) -> f64 {
    let mut h = i.wrapping_mul(2_654_435_761).wrapping_add(12_345u32.wrapping_mul(k));
    h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
    h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
    h ^= h >> 16;
    f64::from(h) / 4_294_967_296.0 - 0.5
}

fn filled(count: usize, k: u32, scale: f64, offset: f64) -> Vec<f64> {
    (0..count as u32).map(|i| f64::from((offset + scale * uniform(i, k)) as f32)).collect()
}

pub fn tensor(values: &[f64], dtype: DType) -> Tensor<Flex, 1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), (&FlexDevice, dtype))
}

pub fn host<const D: usize>(tensor: &Tensor<Flex, D>) -> Vec<f64> {
    tensor.to_data().convert::<f64>().to_vec().unwrap()
}

/// Weights and running statistics from the formula; `case` names the state dict's order.
pub fn state(layout: &Layout, case: &str, dtype: DType) -> StateDict<Flex> {
    let networks = json("models/networks.json");
    let names: Vec<String> = networks[case]["tensors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["name"].as_str().unwrap().to_owned())
        .collect();
    let index = |name: &str| names.iter().position(|known| known == name).unwrap() as u32;
    let weight = |p: &flatrun::model::Parameter| {
        let (scale, offset) = match (p.shape.as_slice(), p.role) {
            _ if p.name.starts_with("layer") && p.name.ends_with("bn3.weight") => (0.05, 0.2),
            ([_, inner @ ..], _) if !inner.is_empty() => {
                ((24.0 / inner.iter().product::<usize>() as f64).sqrt(), 0.0)
            }
            (_, flatrun::model::Role::NormScale) => (0.2, 1.0),
            (_, flatrun::model::Role::NormShift) => (0.2, 0.0),
            _ => (0.1, 0.0),
        };
        tensor(&filled(p.len(), index(&p.name), scale, offset), dtype)
    };
    let pair = |norm: &flatrun::model::Norm| {
        let mean = filled(norm.channels, index(&format!("{}.running_mean", norm.name)), 0.1, 0.0);
        let variance = filled(norm.channels, index(&format!("{}.running_var", norm.name)), 0.2, 1.0);
        [tensor(&mean, dtype), tensor(&variance, dtype)]
    };
    StateDict {
        weights: Vector(layout.parameters.iter().map(weight).collect()),
        statistics: Statistics {
            running: layout.norms.iter().map(pair).collect(),
            frozen: layout.frozen.iter().map(weight).collect(),
        },
        batches: 0,
    }
}

/// A batch from the formula, `shape` = channels, height, width; samples `pick` of `of`.
pub fn batch(
    shape: [usize; 3],
    of: usize,
    pick: &[usize],
    k: u32,
    shift: usize,
    dtype: DType,
) -> Batch<Flex> {
    let [c, h, w] = shape;
    let pixels = filled(of * c * h * w, k, 1.0, 0.5);
    let x = Tensor::<Flex, 4>::from_data(TensorData::new(pixels, [of, c, h, w]), (&FlexDevice, dtype));
    let indices: Vec<i64> = pick.iter().map(|&i| i as i64).collect();
    let indices = Tensor::<Flex, 1, Int>::from_data(TensorData::new(indices, [pick.len()]), &FlexDevice);
    let labels: Vec<i64> = pick.iter().map(|j| ((3 * j + 1 + shift) % 10) as i64).collect();
    Batch {
        soft: None,
        x: x.select(0, indices.clone()).permute([0, 2, 3, 1]),
        indices,
        places: pick.iter().map(|&i| i as u32).collect(),
        labels: Tensor::from_data(TensorData::new(labels, [pick.len()]), &FlexDevice),
    }
}

/// The phase of a file: statements, and the clauses after `train N epochs` or `steps`.
pub fn phase(statements: &str, duration: &str, recipe: &str) -> Phase {
    let source = format!("edition 2026\n{statements}\ntrain {duration} {recipe}\n");
    let checked = check(&source, &Settings::default(), &Disk);
    let Some(program) = checked.program else { panic!("{source}{:#?}", checked.diagnostics) };
    program.variants[0].experiment.phases[0].clone()
}

pub const GREY: ([f64; 1], [f64; 1]) = ([0.5], [0.25]);
pub const CIFAR: ([f64; 3], [f64; 3]) = ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]);

/// `constants(mean = [..], std = [..])`
pub fn constants(mean: &[f64], std: &[f64]) -> String {
    format!("constants(mean = {mean:?}, std = {std:?})")
}

/// A network as a file has it, for images of so many channels.
pub fn written(model: &str, channels: usize) -> Architecture {
    let source = format!("edition 2026\ndata mnist(root = \"nowhere\")\nmodel {model}\n");
    let checked = check(&source, &Settings::default(), &Shaped { channels });
    let Some(program) = checked.program else { panic!("{source}{:#?}", checked.diagnostics) };
    program.variants[0].experiment.model.architecture.clone()
}

/// Large images: whether a network fits smaller ones is asked when it is built.
struct Shaped {
    channels: usize,
}

impl World for Shaped {
    fn dataset(&self, _: &Source) -> Result<SourceInfo, WorldError> {
        let (channels, size) = (self.channels, Some(Size::square(224)));
        let (train, test, classes) = (1000, 1, 10);
        Ok(SourceInfo { train, test, classes, channels, size, domains: 1, held_out: None, per_epoch: None })
    }

    fn corruptions(&self, _: &Path, _: usize, _: &Source, _: &DatasetInfo) -> Result<(), WorldError> {
        Ok(())
    }

    fn exists(&self, _: &Path) -> bool {
        true
    }
}

pub fn cnn(width: usize, shape: [usize; 3], normalize: &str) -> Model {
    build(&written(&format!("cnn(width = {width}, normalize = {normalize})"), shape[0]), shape)
}

pub fn build(architecture: &Architecture, shape: [usize; 3]) -> Model {
    build_for(architecture, shape, 10)
}

pub fn build_for(
    architecture: &Architecture,
    [channels, height, width]: [usize; 3],
    classes: usize,
) -> Model {
    let info = DatasetInfo { train: 1, test: 1, classes, channels, height, width };
    Model::build(architecture, &info, &[vec![0.0; channels], vec![1.0; channels]]).unwrap()
}

/// The network of a stored case of `models/`.
pub fn architecture(case: &Value) -> Architecture {
    let numbers =
        |value: &Value| -> Vec<f64> { value.as_array().unwrap().iter().filter_map(Value::as_f64).collect() };
    let normalize = match &case["normalize"] {
        Value::Null => "none".to_owned(),
        given => constants(&numbers(&given["mean"]), &numbers(&given["std"])),
    };
    let options = case["options"].as_object().unwrap().iter();
    let mut arguments: Vec<String> =
        options.map(|(name, value)| format!("{name} = {}", plain(value))).collect();
    arguments.push(format!("normalize = {normalize}"));
    let channels = case["input"][0].as_u64().unwrap() as usize;
    written(&format!("{}({})", case["architecture"].as_str().unwrap(), arguments.join(", ")), channels)
}

/// A JSON value as the language writes it: words without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `[n, h, w, c]` values in PyTorch's order `[n, c, h, w]`.
pub fn channels_first(x: &Tensor<Flex, 4>) -> Vec<f64> {
    host(&x.clone().permute([0, 3, 1, 2]))
}
