//! Nothing is read back from the device inside a step, but for one mask per attack step of adversaries that stop early.
//!
//! Reading a tensor is one of a few calls. This test knows the places that may make them, all of them outside of a
//! step; on Flex, whose tensors are host memory, the operations in `src/ops/flex/` read what they compute with.

use std::fs;
use std::path::{Path, PathBuf};

const READS: [&str; 6] =
    ["into_data", "to_data", "into_scalar", "try_into_data", "into_data_async", "into_scalar_async"];

/// File, and the function that reads: once per interval of steps, per epoch, per checkpoint; and `read`, by which an
/// attack learns who leaves its batch.
const ALLOWED: [(&str, &str); 6] = [
    ("train/ledger.rs", "settle"),
    ("train/curriculum/mod.rs", "known"),
    ("model/weights/mod.rs", "float_entry"),
    ("train/adversary/cat18.rs", "climb"),
    ("train/adversary/cat18.rs", "unpacked"),
    ("attack/kernel.rs", "read"),
];

/// Attacks that only measure: they run between steps, and decide for each sample on the host.
const MEASURING: [&str; 5] = ["apgd.rs", "fab.rs", "plane.rs", "square.rs", "patches.rs"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true if path.ends_with("ops/flex") => {}
            true => found.extend(sources(&path)),
            false if MEASURING.iter().any(|name| path.ends_with(format!("attack/{name}"))) => {}
            false => found.push(path),
        }
    }
    found
}

/// Reads in a source, each with the function it stands in; unit tests left out.
fn reads(text: &str) -> Vec<(String, String)> {
    let (mut function, mut found) = (String::new(), Vec::new());
    for line in text.lines().take_while(|line| !line.contains("#[cfg(test)]")) {
        if let Some((_, rest)) = line.split_once("fn ") {
            function = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        }
        let called = READS.into_iter().find(|read| line.contains(&format!(".{read}(")));
        found.extend(called.map(|read| (function.clone(), read.to_owned())));
    }
    found
}

#[test]
fn no_tensor_is_read_back_inside_a_step() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = Vec::new();
    for folder in ["ops", "model", "attack", "train"] {
        for path in sources(&root.join(folder)) {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            for (function, read) in reads(&fs::read_to_string(&path).unwrap()) {
                let known = ALLOWED.iter().position(|known| *known == (name.as_str(), function.as_str()));
                seen.push(known.unwrap_or_else(|| panic!("`{function}` in {name} calls `{read}`")));
            }
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 4, 5], "every allowed read exists, once");
}
