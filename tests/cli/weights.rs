//! `model .. from FILE`: what a check says of the file before anything is trained.

use std::fs;

use crate::desk::{Desk, output};

const TRAIN: &str =
    "edition 2026\ndata digits\nmodel cnn(width = 2)\ntrain 1 steps\nexport \"cnn.safetensors\"\n";

/// A desk on which weights of `cnn(width = 2)` lie, and what a check says of a program that starts from a file.
fn desk() -> Desk {
    let desk = Desk::new(&[("a.flat", TRAIN), ("garbage.pth", "these are no weights")]);
    desk.flatrun(&["a.flat", "--quiet"]).code(0);
    let whole = fs::read(desk.path("cnn.safetensors")).unwrap();
    fs::write(desk.path("half.safetensors"), &whole[..whole.len() / 2]).unwrap();
    fs::create_dir(desk.path("folder")).unwrap();
    desk
}

#[test]
fn a_file_of_weights_is_looked_at_before_training() {
    let desk = desk();
    for (model, file, code, told) in [
        ("mlp", "cnn.safetensors", "F0423", "unexpected  `bn1.bias`"),
        ("mlp", "cnn.safetensors", "F0423", "missing     `1.weight`, expected shape"),
        ("cnn(width = 7)", "cnn.safetensors", "F0423", "These are weights of `cnn` with `width = 2`"),
        ("cnn(width = 2)", "half.safetensors", "F0422", "truncated"),
        ("cnn(width = 2)", "garbage.pth", "F0422", "neither of safetensors nor of PyTorch"),
        ("cnn(width = 2)", "folder", "F0422", "it is a folder"),
    ] {
        let text = format!("edition 2026\ndata digits\nmodel {model} from \"{file}\"\n");
        fs::write(desk.path("b.flat"), text).unwrap();
        let found = output(&desk.flatrun(&["check", "--format", "json", "b.flat"]).code(1));
        assert!(found.contains(code) && found.contains(told), "{model} from {file}: {found}");
        desk.flatrun(&["plan", "b.flat"]).code(1);
    }
}

#[test]
fn weights_of_other_classes_ask_for_a_new_head() {
    let desk = desk();
    let idx = |name: &str, dimensions: &[u32], values: usize| {
        let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
        dimensions.iter().for_each(|length| bytes.extend(length.to_be_bytes()));
        bytes.extend((0..values).map(|value| (value % 2) as u8));
        fs::write(desk.path(name), bytes).unwrap();
    };
    idx("images", &[4, 8, 8], 256);
    idx("labels", &[4], 4);
    let data =
        "idx(images = \"images\", labels = \"labels\", test_images = \"images\", test_labels = \"labels\")";
    let program = |head: &str| {
        format!("edition 2026\ndata {data} batch 2\nmodel cnn(width = 2{head}) from \"cnn.safetensors\"\n")
    };
    fs::write(desk.path("b.flat"), program("")).unwrap();
    let found = output(&desk.flatrun(&["check", "--format", "json", "b.flat"]).code(1));
    assert!(
        found.contains("F0423") && found.contains("has weights for 10 classes, the data have 2"),
        "{found}"
    );
    assert!(found.contains("`head = new`"), "{found}");
    fs::write(desk.path("b.flat"), program(", head = new")).unwrap();
    desk.flatrun(&["check", "b.flat"]).code(0);
}
