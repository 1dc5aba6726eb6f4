//! Records of a run that are read again, for reports and lists.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use flatrun::report::{Study, read};

use crate::target::Target;

const PROGRAM: &str = "edition 2026\ndata digits batch 256\nmodel mlp(hidden = [4])\ntrain 2 epochs\n\
                       curriculum spl(loss) under sam(rho = 0.05)\nevaluate accuracy, hessian(top = 1, samples = 16, iterations = 2, probes = 2)\n";

/// The folder of a small run.
fn finished(folder: &Path) -> PathBuf {
    let file = folder.join("small.flat");
    fs::write(&file, PROGRAM).expect("a writable folder");
    let output =
        Command::new(env!("CARGO_BIN_EXE_flatrun")).arg(&file).current_dir(folder).output().expect("a run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut runs = fs::read_dir(folder.join("runs")).expect("runs").flatten().map(|entry| entry.path());
    runs.find(|path| path.join("table.csv").exists()).expect("a run")
}

/// Text files below a folder.
fn texts(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() {
            found.extend(texts(&path));
        } else if path
            .extension()
            .is_some_and(|end| ["json", "jsonl", "csv"].iter().any(|known| end == *known))
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn records() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = finished(folder.path());
    for path in texts(&run) {
        let whole = fs::read(&path).expect("a record");
        let name = format!("record {}", path.file_name().unwrap_or_default().to_string_lossy());
        let words = &["null", "-1", "1e400", "\"\"", "{}", "[]", ",", "\n", "NaN"];
        let target = Target { name: &name, seeds: vec![whole.clone()], words, inputs: 100, memory: 64 << 20 };
        target.run(&mut |bytes| {
            fs::write(&path, bytes).expect("a record");
            if let Ok(Some(record)) = read(&run) {
                let study = Study::read(vec![record]);
                let _ = study.table().csv();
            }
        });
        fs::write(&path, whole).expect("a record");
    }
}
