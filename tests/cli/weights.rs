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

/// What a check says of a program with this model and export.
fn checked(desk: &Desk, model: &str, export: &str, code: i32) -> String {
    let text = format!("edition 2026\ndata digits\nmodel {model}\ntrain 1 steps\n{export}\n");
    fs::write(desk.path("b.flat"), text).unwrap();
    output(&desk.flatrun(&["check", "--format", "json", "b.flat"]).code(code))
}

#[test]
fn an_export_replaces_nothing_else() {
    let desk = desk();
    fs::copy(desk.path("cnn.safetensors"), desk.path("b-main-seed-1.safetensors")).unwrap();
    let run = desk.run_folder();
    for (model, export, told) in [
        ("cnn", "export \"b.flat\"", "it was not written by this program"),
        ("cnn", "export \"folder\"", "it is a folder"),
        ("cnn", "export \"a.flat/w.safetensors\"", "in its path is no folder"),
        ("cnn", "export \"..\"", "it names no file"),
        ("cnn", &format!("export \"{run}/main/seed-0/weights.safetensors\""), "it is a record of the run"),
        ("cnn(width = 2) from \"cnn.safetensors\"", "export \"./cnn.safetensors\"", "the program reads"),
        (
            "cnn(width = 2) from \"b-main-seed-1.safetensors\"",
            "seeds 0..2\nexport \"b.safetensors\"",
            "the program reads `b-main-seed-1.safetensors`, which is that file",
        ),
    ] {
        let found = checked(&desk, model, export, 1);
        assert!(found.contains("F0434") && found.contains(told), "{export}: {found}");
    }
    checked(&desk, "cnn(width = 2)", "export \"cnn.safetensors\"", 0);
    checked(&desk, "cnn(width = 2) from \"cnn.safetensors\"", "export \"new/cnn.safetensors\"", 0);
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_neither_read_nor_replaced() {
    let desk = desk();
    assert!(std::process::Command::new("mkfifo").arg(desk.path("pipe")).status().unwrap().success());
    std::os::unix::fs::symlink("cnn.safetensors", desk.path("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", desk.path("dangling")).unwrap();
    let from = |path: &str| checked(&desk, &format!("cnn(width = 2) from \"{path}\""), "", 1);
    for (path, told) in
        [("pipe", "it is a pipe"), ("/dev/zero", "it is a device"), ("/proc/self/maps", "it is empty")]
    {
        let found = from(path);
        assert!(found.contains("F0422") && found.contains(told), "{path}: {found}");
    }
    for (path, told) in [
        ("pipe", "it is a pipe"),
        ("/dev/null", "it is a device"),
        ("link", "it is a link"),
        ("dangling", "it is a link"),
    ] {
        let found = checked(&desk, "cnn", &format!("export \"{path}\""), 1);
        assert!(found.contains("F0434") && found.contains(told), "{path}: {found}");
    }
}

#[test]
fn what_was_done_to_names_is_in_the_plan() {
    let desk = desk();
    let bytes = fs::read(desk.path("cnn.safetensors")).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = String::from_utf8(bytes[8..8 + length].to_vec()).unwrap();
    let mut header = ["bn", "conv", "fc"]
        .iter()
        .fold(header, |header, layer| header.replace(&format!("\"{layer}"), &format!("\"_orig_mod.{layer}")));
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    let mut prefixed = (header.len() as u64).to_le_bytes().to_vec();
    prefixed.extend(header.bytes());
    prefixed.extend(&bytes[8 + length..]);
    fs::write(desk.path("compiled.safetensors"), &prefixed).unwrap();
    checked(&desk, "cnn(width = 2) from \"compiled.safetensors\"", "", 0);
    let plan = output(&desk.flatrun(&["plan", "b.flat"]).code(0));
    assert!(plan.contains("weights from compiled.safetensors\n"), "{plan}");
    assert!(plan.contains("names without `_orig_mod.`\n"), "{plan}");
    let last = prefixed.len() - 4;
    prefixed[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(desk.path("nan.safetensors"), prefixed).unwrap();
    let found = checked(&desk, "cnn(width = 2) from \"nan.safetensors\"", "", 1);
    assert!(found.contains("F0432") && found.contains("that are not finite"), "{found}");
}
