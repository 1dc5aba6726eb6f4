//! Weights under the names that other people's code gives them.

use std::collections::BTreeMap;
use std::path::Path;

use burn_flex::{Flex, FlexDevice};
use flatrun::lang::catalog::Head;
use flatrun::model::{Entry, Model, Pretrained, WeightsError, load, to_bytes};
use safetensors::Dtype;

use crate::support::{assert_close, build, json, uniform, written};
use crate::{initial, logits};

fn float(name: &str, shape: Vec<usize>, values: &[f32]) -> Entry {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Entry { name: name.to_owned(), shape, dtype: Dtype::F32, bytes }
}

fn store(path: &Path, entries: &[Entry]) {
    std::fs::write(path, to_bytes(entries, BTreeMap::new()).unwrap()).unwrap();
}

fn formula(count: usize, k: u32, scale: f64, offset: f64) -> Vec<f32> {
    (0..count as u32).map(|i| (offset + scale * uniform(i, k)) as f32).collect()
}

#[test]
fn networks_of_others_give_their_logits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let said = BTreeMap::from([
        ("kuangliu_resnet18", "names of kuangliu's pytorch-cifar"),
        ("rice_preact_resnet18", "names of kuangliu's pytorch-cifar"),
        ("rice_wrn", ""),
        (
            "trades_wrn",
            "`sub_block1.*` left out: 10 tensors that the wide ResNet of TRADES registers and never reads",
        ),
        ("timm_vit", "names of timm's vision transformer"),
        ("torchvision_vit", "names of torchvision's first vision transformer"),
    ]);
    for (case, row) in json("names/names.json").as_object().unwrap() {
        let network = row["model"].as_str().unwrap();
        let comma = if network.ends_with('(') { "" } else { ", " };
        let model = build(&written(&format!("{network}{comma}normalize = none)"), 3), [3, 16, 16]);
        let tensors = row["tensors"].as_array().unwrap().iter().enumerate();
        let entries: Vec<Entry> = tensors
            .map(|(k, tensor)| {
                let shape: Vec<usize> = serde_json::from_value(tensor[1].clone()).unwrap();
                let [scale, offset] = [2, 3].map(|at| tensor[at].as_f64().unwrap());
                let values = formula(shape.iter().product(), k as u32, scale, offset);
                float(tensor[0].as_str().unwrap(), shape, &values)
            })
            .collect();
        store(&path, &entries);
        let weights = Pretrained::open(&path, &model.layout, Head::Keep).unwrap();
        assert_eq!(weights.notes().join("; "), said[case.as_str()], "{case}");
        let state = weights.state::<Flex>(&model.layout, 0, &FlexDevice).unwrap();
        let pixels = formula(4 * 3 * 16 * 16, 1003, 1.0, 0.5);
        let found: Vec<f64> =
            logits(&model, &state, pixels, [4, 3, 16, 16]).into_iter().map(f64::from).collect();
        let expected: Vec<f64> = serde_json::from_value(row["logits"].clone()).unwrap();
        assert_close(case, &found, &expected, 1e-5);
    }
}

fn mlp() -> Model {
    build(&written("mlp(hidden = [8], normalize = none)", 1), [1, 8, 8])
}

/// The weights of [`mlp`], under other names.
fn renamed(path: &Path, name: impl Fn(&str) -> String) {
    let model = mlp();
    let mut entries = flatrun::model::entries(&model.layout, &initial(&model, 3));
    entries.iter_mut().for_each(|entry| entry.name = name(&entry.name));
    store(path, &entries);
}

#[test]
fn what_stands_before_every_name_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let model = mlp();
    let own = flatrun::model::entries(&model.layout, &initial(&model, 3));
    for prefix in
        ["module.", "_orig_mod.", "module._orig_mod.", "model.", "backbone.", "encoder.", "1.", "a.b."]
    {
        renamed(&path, |name| format!("{prefix}{name}"));
        let weights = Pretrained::open(&path, &model.layout, Head::Keep).unwrap();
        assert_eq!(weights.notes(), [format!("names without `{prefix}`")]);
        let state = weights.state::<Flex>(&model.layout, 0, &FlexDevice).unwrap();
        let read = flatrun::model::entries(&model.layout, &state);
        assert!(read.iter().zip(&own).all(|(read, own)| read.name == own.name && read.bytes == own.bytes));
    }
    renamed(&path, str::to_owned);
    assert!(Pretrained::open(&path, &model.layout, Head::Keep).unwrap().notes().is_empty());
}

#[test]
fn a_prefix_of_some_names_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let head = |name: &str| match name.strip_prefix("3.") {
        Some(part) => format!("head.{part}"),
        None => format!("backbone.{name}"),
    };
    renamed(&path, head);
    let text = load::<Flex>(&path, &mlp().layout, &FlexDevice).unwrap_err().to_string();
    let told = "2 names would fit without the `backbone.` before them, but not all begin so: `head.bias`, `head.weight`";
    for part in [told, "missing     `3.weight`, expected shape [10, 8]", "unexpected  `head.weight`"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("`1.weight`"), "{text}");
}

#[test]
fn values_that_are_not_finite_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let model = mlp();
    let layout = &model.layout;
    for (number, shown) in [(f32::NAN, "no number (NaN)"), (f32::INFINITY, "infinite")] {
        let mut entries = flatrun::model::entries(layout, &initial(&model, 3));
        entries[3].bytes[4..8].copy_from_slice(&number.to_le_bytes());
        store(&path, &entries);
        let told = format!("`3.bias` has 1 of 10 values that are not finite: value 1 is {shown}");
        let error = load::<Flex>(&path, layout, &FlexDevice).unwrap_err();
        assert!(matches!(error, WeightsError::Values { .. }) && error.to_string().contains(&told), "{error}");
        // A head that is drawn anew is not read.
        Pretrained::open(&path, layout, Head::New).unwrap().look(layout).unwrap();
    }
}
