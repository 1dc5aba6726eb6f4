//! Weights across the border: PyTorch reads what is written here, and the other way round.

#[path = "oracles/support.rs"]
#[allow(dead_code)]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use burn::tensor::{DType, Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use flatrun::lang::catalog::Architecture;
use flatrun::model::{
    Entry, Model, Normalization, StateDict, WeightsError, float_entry, load, save, to_bytes,
};
use safetensors::SafeTensors;

use support::{build, constants, written};

const MEAN: [f64; 3] = [0.4914, 0.4822, 0.4465];
const STD: [f64; 3] = [0.2470, 0.2435, 0.2616];

fn networks() -> Vec<(&'static str, Architecture, [usize; 3])> {
    let colour = constants(&MEAN, &STD);
    let net = |name: &'static str, options: &str, normalize: &str, shape: [usize; 3]| {
        (name, written(&format!("{name}({options}normalize = {normalize})"), shape[0]), shape)
    };
    vec![
        net("mlp", "hidden = [128], ", &colour, [3, 8, 8]),
        net("cnn", "width = 32, ", &colour, [3, 16, 16]),
        net("sat_cnn", "", &constants(&[0.5], &[0.25]), [1, 28, 28]),
        net("resnet18", "", &colour, [3, 32, 32]),
        net("preact_resnet20", "", &colour, [3, 32, 32]),
        net("vit", "", &colour, [3, 32, 32]),
    ]
}

fn initial(model: &Model, seed: u64) -> StateDict<Flex> {
    let weights = model.layout.initial_weights(seed, &FlexDevice);
    StateDict { weights, statistics: model.layout.initial_statistics(seed, &FlexDevice), batches: 3 }
}

/// Logits of pixels given as `[n, c, h, w]`.
fn logits(model: &Model, state: &StateDict<Flex>, pixels: Vec<f32>, shape: [usize; 4]) -> Vec<f32> {
    let x = Tensor::<Flex, 4>::from_data(TensorData::new(pixels, shape), (&FlexDevice, DType::F32));
    let x = x.permute([0, 2, 3, 1]);
    let trace = model.forward(&state.weights, &state.statistics, x, Normalization::Running, false);
    trace.logits.into_data().to_vec().unwrap()
}

fn oracles() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles")
}

/// Whether PyTorch is there; says so where it is not.
fn torch() -> bool {
    let probe = Command::new("python3").args(["-c", "import torch, safetensors"]).output();
    let there = probe.is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: python3 with torch and safetensors is not installed");
    }
    there
}

fn python(arguments: &[&str]) {
    let output = Command::new("python3").current_dir(oracles()).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
}

fn floats(file: &SafeTensors<'_>, name: &str) -> (Vec<f32>, Vec<usize>) {
    let view = file.tensor(name).unwrap();
    let values = view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    (values, view.shape().to_vec())
}

#[test]
fn pytorch_loads_what_is_written_here() {
    if !torch() {
        return;
    }
    for (name, architecture, [c, h, w]) in networks() {
        let folder = tempfile::tempdir().unwrap();
        let model = build(&architecture, [c, h, w]);
        let state = initial(&model, 7);
        let weights = folder.path().join("weights.safetensors");
        save(&weights, &model.layout, &state).unwrap();
        let pixels: Vec<f32> = (0..2 * c * h * w).map(|i| (i * 37 % 101) as f32 / 100.0).collect();
        let values = logits(&model, &state, pixels.clone(), [2, c, h, w]);
        let flat = |name: &str, shape: Vec<usize>, values: Vec<f32>| -> Entry {
            let length = values.len();
            let tensor = Tensor::<Flex, 1>::from_data(TensorData::new(values, [length]), &FlexDevice);
            float_entry(name.into(), shape, &tensor)
        };
        let (mean, std) = if c == 1 { (vec![0.5], vec![0.25]) } else { (MEAN.to_vec(), STD.to_vec()) };
        let to_f32 = |v: Vec<f64>| v.into_iter().map(|x| x as f32).collect::<Vec<f32>>();
        let io = [
            flat("input", vec![2, c, h, w], pixels),
            flat("eval_logits", vec![2, 10], values),
            flat("mean", vec![c], to_f32(mean)),
            flat("std", vec![c], to_f32(std)),
        ];
        let io_path = folder.path().join("io.safetensors");
        std::fs::write(&io_path, to_bytes(&io, Default::default()).unwrap()).unwrap();
        python(&["load_strict.py", weights.to_str().unwrap(), name, io_path.to_str().unwrap()]);
    }
}

#[test]
fn what_pytorch_writes_is_loaded_here() {
    if !torch() {
        return;
    }
    for (name, architecture, [c, h, w]) in networks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let input = format!("{c},{h},{w}");
        let mut arguments = vec!["save_torch.py", name, path, "--input", &input];
        if c == 1 {
            arguments.extend(["--mean", "0.5", "--std", "0.25"]);
        } else {
            arguments.extend(["--mean", "0.4914,0.4822,0.4465", "--std", "0.2470,0.2435,0.2616"]);
        }
        python(&arguments);
        let model = build(&architecture, [c, h, w]);
        let state: StateDict<Flex> =
            load(&folder.path().join("weights.safetensors"), &model.layout, &FlexDevice).unwrap();
        let bytes = std::fs::read(folder.path().join("io.safetensors")).unwrap();
        let io = SafeTensors::deserialize(&bytes).unwrap();
        let (pixels, shape) = floats(&io, "input");
        let found = logits(&model, &state, pixels, [shape[0], shape[1], shape[2], shape[3]]);
        let (expected, _) = floats(&io, "eval_logits");
        let size = expected.iter().fold(1f32, |m, x| m.max(x.abs()));
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
        assert!(worst <= 1e-5 * size, "{name}: {worst:.2e}");
    }
}

#[test]
fn every_tensor_that_does_not_fit_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let mlp = |hidden: Vec<usize>| {
        build(&written(&format!("mlp(hidden = {hidden:?}, normalize = none)"), 1), [1, 8, 8])
    };
    let deeper = mlp(vec![16, 8]);
    save(&path, &deeper.layout, &initial(&deeper, 0)).unwrap();
    let wanted = mlp(vec![12]);
    let error = load::<Flex>(&path, &wanted.layout, &FlexDevice).unwrap_err();
    let WeightsError::Mismatch { problems, .. } = error else { panic!("{error}") };
    assert_eq!(
        problems,
        [
            "  misshapen   `1.weight`: expected [12, 64], found [16, 64]",
            "  misshapen   `1.bias`: expected [12], found [16]",
            "  misshapen   `3.weight`: expected [10, 12], found [8, 16]",
            "  misshapen   `3.bias`: expected [10], found [8]",
            "  unexpected  `5.bias`",
            "  unexpected  `5.weight`",
        ]
    );
    let cnn = build(&written("cnn(width = 2, normalize = none)", 1), [1, 8, 8]);
    let text = load::<Flex>(&path, &cnn.layout, &FlexDevice).unwrap_err().to_string();
    assert!(text.contains("  missing     `conv1.weight`, expected shape [2, 1, 3, 3]"), "{text}");
    std::fs::write(&path, b"not a file of tensors").unwrap();
    let text = load::<Flex>(&path, &cnn.layout, &FlexDevice).unwrap_err().to_string();
    assert!(text.contains("is not a safetensors file"), "{text}");
}

#[test]
fn what_is_written_is_read_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    for (name, architecture, shape) in networks() {
        let model = build(&architecture, shape);
        let state = initial(&model, 3);
        save(&path, &model.layout, &state).unwrap();
        let first = std::fs::read(&path).unwrap();
        let again: StateDict<Flex> = load(&path, &model.layout, &FlexDevice).unwrap();
        // PyTorch has a batch counter only where there is a normalisation.
        assert_eq!(again.batches, if model.layout.norms.is_empty() { 0 } else { 3 }, "{name}");
        save(&path, &model.layout, &again).unwrap();
        assert!(std::fs::read(&path).unwrap() == first, "{name}");
    }
}
