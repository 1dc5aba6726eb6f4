//! Files under `pipelines/`: formatted, without a finding, planned at full size, smoke-run on generated data, listed.

#[path = "../generated/mod.rs"]
mod generated;
#[path = "../world/mod.rs"]
mod world;

mod listed;
mod smoke;
mod whole;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The checkout.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Every `.flat` file below `folder`, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "flat") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every file to start from.
fn pipelines() -> Vec<PathBuf> {
    let found = files(&Path::new(ROOT).join("pipelines"));
    assert!(!found.is_empty());
    found
}

/// `adm/hessian.flat` of a path.
fn short(path: &Path) -> String {
    let from = path.components().rev().take(2).collect::<Vec<_>>();
    from.iter().rev().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn flatrun(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().unwrap()
}

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flatrun"));
    command.current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache")).args(arguments);
    command
}
