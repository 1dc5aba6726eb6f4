//! Weights across the border: PyTorch reads what is written here, and the other way round.

#[path = "oracles/support.rs"]
#[allow(dead_code)]
mod support;

#[path = "weights/checkpoints.rs"]
mod checkpoints;
#[path = "weights/damage.rs"]
mod damage;
#[path = "weights/names.rs"]
mod names;

use std::path::{Path, PathBuf};
use std::process::Command;

use burn::tensor::{DType, Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use flatrun::lang::DatasetInfo;
use flatrun::lang::catalog::{Architecture, Head};
use flatrun::model::{
    Entry, Model, Normalization, Pretrained, StateDict, WeightsError, WeightsFile, float_entry, load, save,
    to_bytes,
};
use safetensors::SafeTensors;

use support::{build, build_for, constants, written};

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
    assert!(text.contains("is not a file of weights"), "{text}");
}

const MAKE: &str = "tests/oracles/save_formats.py";

/// A folder of files that PyTorch wrote of one small network, in every format there is.
fn formats() -> Option<tempfile::TempDir> {
    if !torch() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(MAKE);
    let output = Command::new("python3").arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(folder)
}

fn cnn() -> Model {
    build(&written("cnn(width = 4, normalize = none)", 1), [1, 8, 8])
}

fn bytes(state: &StateDict<Flex>) -> Vec<u8> {
    let model = cnn();
    let quiet = StateDict { batches: 0, ..state.clone() };
    to_bytes(&flatrun::model::entries(&model.layout, &quiet), Default::default()).unwrap()
}

#[test]
fn every_format_of_pytorch_gives_the_same_weights() {
    let Some(folder) = formats() else { return };
    let model = cnn();
    let read = |name: &str| load::<Flex>(&folder.path().join(name), &model.layout, &FlexDevice);
    let expected = bytes(&read("plain.safetensors").unwrap());
    for name in [
        "zip.pth",
        "legacy.pth",
        "protocol4.pth",
        "wrapped.pth",
        "parallel.pth",
        "double.pth",
        "strided.pth",
        "parameters.pth",
    ] {
        let state = read(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(bytes(&state) == expected, "{name}");
    }
    for (name, tolerance) in [("half.pth", 1e-3), ("bfloat16.pth", 8e-3)] {
        let state = read(name).unwrap();
        let whole = read("zip.pth").unwrap();
        for (found, expected) in state.weights.0.iter().zip(&whole.weights.0) {
            let apart: f32 = (found.clone() - expected.clone()).abs().max().into_scalar();
            let size: f32 = expected.clone().abs().max().into_scalar();
            assert!(apart <= tolerance * size.max(1e-6), "{name}: {apart} of {size}");
        }
    }
}

#[test]
fn a_pickle_that_would_run_something_is_refused() {
    let Some(folder) = formats() else { return };
    let model = cnn();
    let refusals = [
        ("system.pth", "`posix.system`"),
        ("eval.pth", "`__builtin__.eval`"),
        ("object.pth", "`argparse.Namespace`"),
        ("numpy.pth", "`numpy"),
        ("bare.pth", "not one that `torch.save` wrote"),
        ("declares.pth", "does not fit into what is stored of it"),
        ("truncated_zip.pth", "is not a PyTorch file"),
        ("truncated_legacy.pth", "truncated"),
        ("truncated.safetensors", "truncated"),
        ("declares.safetensors", "is not a safetensors file"),
        ("page.pth", "neither of safetensors nor of PyTorch"),
        ("empty.pth", "is empty"),
    ];
    for (name, part) in refusals {
        let error = load::<Flex>(&folder.path().join(name), &model.layout, &FlexDevice).unwrap_err();
        assert!(matches!(error, WeightsError::Format { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains(part), "{name}: {error}");
    }
    assert!(!folder.path().join("executed").exists());
    let error = load::<Flex>(&folder.path().join("nowhere.pth"), &model.layout, &FlexDevice).unwrap_err();
    assert!(matches!(error, WeightsError::Read { .. }), "{error:?}");
}

fn images(channels: usize, side: usize, classes: usize) -> DatasetInfo {
    DatasetInfo { train: 1, test: 1, classes, channels, height: side, width: side }
}

#[test]
fn weights_of_another_network_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let preact = build(&written("preact_resnet20(normalize = none)", 3), [3, 32, 32]);
    save(&path, &preact.layout, &initial(&preact, 0)).unwrap();
    let wanted = build(&written("resnet18", 3), [3, 32, 32]).layout;
    let of = |name: &str, layout| {
        Pretrained::of(&written(name, 3), &path, layout, &images(3, 32, 10)).err().unwrap()
    };
    let text = of("resnet18", &wanted).to_string();
    assert!(text.contains("These are weights of `model preact_resnet20`"), "{text}");
    assert!(
        text.contains("  missing     `bn1.weight`") && text.contains("  unexpected  `bn.bias`"),
        "{text}"
    );
    assert!(text.contains("  missing     and ") && text.contains(" more"), "{text}");
    let hundred = build_for(&written("preact_resnet20", 3), [3, 32, 32], 100).layout;
    let error = of("preact_resnet20", &hundred);
    assert!(matches!(error, WeightsError::Classes { file: 10, data: 100, .. }), "{error:?}");
    assert!(error.to_string().contains("`head = new`"), "{error}");
    let state = Pretrained::open(&path, &hundred, Head::New).unwrap();
    let state = state.state::<Flex>(&hundred, 3, &FlexDevice).unwrap();
    let last = hundred.parameters.len() - 1;
    assert_eq!(hundred.parameters[last].name, "fc.bias");
    let drawn: Tensor<Flex, 1> = hundred.parameters[last].initial(3, &FlexDevice);
    assert!(state.weights.0[last].to_data() == drawn.to_data());
    let first = load::<Flex>(&path, &preact.layout, &FlexDevice).unwrap().weights.0[0].to_data();
    assert!(state.weights.0[0].to_data() == first);
}

#[test]
fn sizes_that_differ_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    for (stored, wanted, sizes) in [
        ("cnn(width = 24)", "cnn(width = 7)", "`cnn` with `width = 24`"),
        ("mlp(hidden = [16, 8])", "mlp", "`mlp` with `hidden = [16, 8]`"),
        ("wrn(depth = 16, width = 2)", "wrn(width = 2)", "`wrn` with `depth = 16`"),
        ("vit(depth = 2, width = 24)", "vit(depth = 2)", "`vit` with `width = 24`"),
        ("pyramidnet110(alpha = 48)", "pyramidnet110", "`pyramidnet110` with `alpha = 48`"),
    ] {
        let model = build(&written(stored, 1), [1, 8, 8]);
        save(&path, &model.layout, &initial(&model, 0)).unwrap();
        let written = written(wanted, 1);
        let layout = build(&written, [1, 8, 8]).layout;
        let error = Pretrained::of(&written, &path, &layout, &images(1, 8, 10)).err().unwrap();
        assert!(error.to_string().ends_with(&format!("These are weights of {sizes}")), "{error}");
    }
}

#[test]
fn files_of_torchvision_are_read_unchanged() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/parity");
    let pth = folder.join("tiny_tv_resnet.pth");
    if !pth.exists() {
        println!("skipped: {} is not there", pth.display());
        return;
    }
    let mut zipped = WeightsFile::open(&pth).unwrap();
    let mut plain = WeightsFile::open(&folder.join("tiny_tv_resnet.safetensors")).unwrap();
    let [ours, theirs] = [&plain, &zipped].map(|file| file.tables()[0].tensors.clone());
    assert!(ours.keys().eq(theirs.keys()));
    for (name, stored) in ours.iter().filter(|(_, stored)| stored.is_float()) {
        assert_eq!(zipped.read(&theirs[name]).unwrap(), plain.read(stored).unwrap(), "{name}");
    }
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
