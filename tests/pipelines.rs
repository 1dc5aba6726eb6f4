//! Every file under `pipelines/` is checked, formatted and smoke-run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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

fn flatrun(arguments: &[&str]) -> Output {
    let root = env!("CARGO_MANIFEST_DIR");
    Command::new(env!("CARGO_BIN_EXE_flatrun")).current_dir(root).args(arguments).output().unwrap()
}

/// Where the tests' data are, as a flag for files that read a data set; `None` where they are missing.
fn data(text: &str) -> Option<Vec<String>> {
    for name in ["cifar10", "mnist"] {
        if text.contains(&format!("{name}(root")) {
            let root = format!("../shared/data/{name}");
            let there = Path::new(env!("CARGO_MANIFEST_DIR")).join(&root).is_dir();
            return there.then(|| vec!["--set".into(), format!("data.root=\"{root}\"")]);
        }
    }
    Some(Vec::new())
}

#[test]
fn every_pipeline_is_formatted_and_runs() {
    let all = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines"));
    assert!(!all.is_empty());
    for file in all {
        let path = file.to_str().unwrap();
        let formatted = flatrun(&["fmt", "--check", path]);
        assert!(formatted.status.success(), "{path} is not formatted: {formatted:?}");
        let Some(flags) = data(&std::fs::read_to_string(&file).unwrap()) else {
            println!("skipped: the data set of {path} is not there");
            continue;
        };
        let mut arguments = vec!["run", path, "--smoke"];
        arguments.extend(flags.iter().map(String::as_str));
        let run = flatrun(&arguments);
        let errors = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{path}: {errors}");
        assert!(!errors.contains("warning"), "{path}: {errors}");
    }
}
