//! Parts of a network that do not train: what is left is the same as without freezing them.

#[path = "oracles/support.rs"]
#[allow(dead_code)]
mod support;

use std::path::Path;
use std::process::{Command, Output};

use burn::tensor::{DType, Tensor};
use burn_flex::{Flex, FlexDevice};
use flatrun::model::{Layout, ModelError, Normalization, Slot, StateDict, Statistics, Wants, WeightsFile};
use flatrun::ops::Vector;
use support::{batch, build, host, tensor, uniform, written};

/// A network, the shape of its images, and layers of it.
const CASES: [(&str, [usize; 3], &str); 5] = [
    ("cnn(width = 4", [1, 8, 8], r#"["conv1", "bn2.weight", "fc.bias"]"#),
    ("cnn(width = 4", [1, 8, 8], r#"["bn1", "conv2", "bn3"]"#),
    ("preact_resnet20(", [3, 8, 8], r#"["conv1", "layer1", "layer2.0.bn1"]"#),
    (
        "vit(patch = 4, width = 24, depth = 2, heads = 3",
        [3, 8, 8],
        r#"["conv_proj", "class_token", "encoder.layers.encoder_layer_0"]"#,
    ),
    (
        "vit(patch = 4, width = 24, depth = 1, heads = 3",
        [3, 8, 8],
        r#"["encoder.layers.encoder_layer_0.self_attention", "encoder.ln.weight"]"#,
    ),
];

fn model(start: &str, shape: [usize; 3], more: &str) -> flatrun::model::Model {
    let model = match (start.strip_suffix('('), more) {
        (Some(name), "") => name.to_owned(),
        (Some(_), more) => format!("{start}{more})"),
        (None, "") => format!("{start})"),
        (None, more) => format!("{start}, {more})"),
    };
    build(&written(&model, shape[0]), shape)
}

/// Weights of the whole network, by the place of each parameter.
fn whole(layout: &Layout) -> Vec<Tensor<Flex, 1>> {
    let values = |(place, length): (usize, usize)| -> Vec<f64> {
        (0..length as u32).map(|i| 0.5 * uniform(i, 500 + place as u32) + 0.05).collect()
    };
    layout.all().iter().map(|(p, _)| tensor(&values((p.place, p.len())), DType::F64)).collect()
}

fn split(layout: &Layout, whole: &[Tensor<Flex, 1>]) -> StateDict<Flex> {
    let of = |list: &[flatrun::model::Parameter]| list.iter().map(|p| whole[p.place].clone()).collect();
    let pair = |norm: &flatrun::model::Norm| {
        [tensor(&vec![0.1; norm.channels], DType::F64), tensor(&vec![0.7; norm.channels], DType::F64)]
    };
    let running = layout.norms.iter().map(pair).collect();
    let statistics = Statistics { running, frozen: of(&layout.frozen) };
    StateDict { weights: Vector(of(&layout.parameters)), statistics, batches: 0 }
}

#[test]
fn gradients_and_curvature_of_the_rest_are_the_same() {
    for (start, shape, layers) in CASES {
        let mut free = model(start, shape, "");
        let tuned = model(start, shape, &format!("freeze = {layers}"));
        assert!(!tuned.layout.frozen.is_empty(), "{start}");
        free.layout.norms.clone_from(&tuned.layout.norms);
        assert_eq!(free.layout.parameters.len(), tuned.layout.all().len());
        let all = whole(&free.layout);
        let (state, part) = (split(&free.layout, &all), split(&tuned.layout, &all));
        let batch = batch(shape, 4, &[0, 1, 2, 3], 1000, 0, DType::F64);
        let run = |model: &flatrun::model::Model, state: &StateDict<Flex>, direction: &Vector<Flex>| {
            let pass = |normalization| {
                model.forward(&state.weights, &state.statistics, batch.x.clone(), normalization, true)
            };
            let trace = pass(Normalization::Batch);
            let gradients = trace.backward(trace.cross_entropy(batch.labels.clone()).1, Wants::BOTH);
            let factors = tensor(&[0.25; 4], DType::F64);
            let product =
                pass(Normalization::Running).hessian_product(batch.labels.clone(), &factors, direction);
            (gradients.weights.unwrap(), gradients.input.unwrap(), product)
        };
        // Along the weights that train, in both.
        let direction = Vector(part.weights.0.iter().map(|w| w.clone() + 0.3).collect());
        let mut wide = state.weights.zeros_like();
        for (p, d) in tuned.layout.parameters.iter().zip(&direction.0) {
            wide.0[p.place] = d.clone();
        }
        let (expected, image, curved) = run(&free, &state, &wide);
        let (found, other, product) = run(&tuned, &part, &direction);
        support::assert_close(start, &host(&other), &host(&image), 1e-10);
        for (index, p) in tuned.layout.parameters.iter().enumerate() {
            support::assert_close(&p.name, &host(&found.0[index]), &host(&expected.0[p.place]), 1e-10);
            support::assert_close(&p.name, &host(&product.0[index]), &host(&curved.0[p.place]), 1e-9);
        }
    }
}

#[test]
fn frozen_layers_draw_the_same_weights() {
    let free = model("cnn(width = 4", [1, 8, 8], "").layout;
    let tuned = model("cnn(width = 4", [1, 8, 8], r#"freeze = ["conv2"]"#).layout;
    let weights = free.initial_weights::<Flex>(3, &FlexDevice);
    let (moving, still) =
        (tuned.initial_weights::<Flex>(3, &FlexDevice), tuned.initial_statistics::<Flex>(3, &FlexDevice));
    for (parameter, slot) in tuned.all() {
        let found = match slot {
            Slot::Trained(index) => &moving.0[index],
            Slot::Frozen(index) => &still.frozen[index],
        };
        assert!(found.to_data() == weights.0[parameter.place].to_data(), "{}", parameter.name);
    }
}

#[test]
fn layers_that_are_not_there_are_named() {
    let build = |freeze: &str| {
        let net = written(&format!("cnn(freeze = {freeze})"), 1);
        let info =
            flatrun::lang::DatasetInfo { train: 1, test: 1, classes: 10, channels: 1, height: 8, width: 8 };
        flatrun::model::Model::build(&net, &info, &[vec![0.0], vec![1.0]]).err()
    };
    let error = build(r#"["conv1", "conv1.wieght"]"#).unwrap();
    assert!(error.to_string().starts_with("no part of `cnn` is called conv1.wieght; "), "{error}");
    let everything = r#"["conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "fc"]"#;
    assert_eq!(build(everything), Some(ModelError::NothingTrains { model: "cnn" }));
}

fn flatrun(folder: &Path, source: &str) -> Output {
    std::fs::write(folder.join("file.flat"), source).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_flatrun"));
    command.current_dir(folder).args(["run", "file.flat", "--restart"]).output().unwrap()
}

fn run(folder: &Path, source: &str) -> String {
    let output = flatrun(folder, source);
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    text
}

#[test]
fn saved_weights_are_tuned_and_what_is_frozen_stays() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(
        folder,
        "edition 2026\ndata digits batch 128\nmodel cnn(width = 4)\ntrain 2 epochs under sgd\n\
         export \"first.safetensors\"\n",
    );
    let tuned = "edition 2026\ndata digits batch 128\n\
                 model cnn(width = 4, head = new, freeze = [\"conv1\", \"bn1\", \"conv2.weight\"], freeze_bn = true) \
                 from \"first.safetensors\"\n\
                 optimize sgd(lr = 0.1, weight_decay = 0.01)\ntrain 1 epochs under asam(rho = 0.5)\n\
                 evaluate accuracy, loss\nexport \"second.safetensors\"\n";
    let report = run(folder, tuned);
    assert!(report.contains("accuracy"), "{report}");
    let [mut first, mut second] = ["first", "second"]
        .map(|name| WeightsFile::open(&folder.join(format!("{name}.safetensors"))).unwrap());
    let [before, after] = [&first, &second].map(|file| file.tables()[0].tensors.clone());
    let floats = before.iter().filter(|(_, stored)| stored.is_float());
    let same: Vec<&str> = floats
        .filter(|(name, stored)| first.read(stored).unwrap() == second.read(&after[*name]).unwrap())
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        same,
        [
            "bn1.bias",
            "bn1.running_mean",
            "bn1.running_var",
            "bn1.weight",
            "bn2.running_mean",
            "bn2.running_var",
            "bn3.running_mean",
            "bn3.running_var",
            "conv1.weight",
            "conv2.weight",
        ]
    );
    let plan = Command::new(env!("CARGO_BIN_EXE_flatrun"))
        .current_dir(folder)
        .args(["plan", "file.flat"])
        .output()
        .unwrap();
    let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(plan.contains("(332 frozen)"), "{plan}");
    assert!(plan.contains("weights from first.safetensors, new head"), "{plan}");
    assert!(plan.contains("running statistics stay as they are"), "{plan}");
    // Without `freeze_bn` the layers that are named keep theirs, under a clean loss and under an attack.
    for against in ["", " against trades(eps = 0.1, step = 0.05, steps = 2)"] {
        let named =
            tuned.replace(", freeze_bn = true", "").replace(" under asam", &format!("{against} under asam"));
        run(folder, &named);
        let mut third = WeightsFile::open(&folder.join("second.safetensors")).unwrap();
        let now = third.tables()[0].tensors.clone();
        let statistics = before.iter().filter(|(name, _)| name.contains("running"));
        let still: Vec<&str> = statistics
            .filter(|(name, stored)| first.read(stored).unwrap() == third.read(&now[*name]).unwrap())
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(still, ["bn1.running_mean", "bn1.running_var"], "{against}");
    }
    let other = tuned.replace("cnn(width = 4, head = new", "cnn(width = 8");
    let refused = flatrun(folder, &other);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("misshapen"), "{text}");
}
