//! `docs/papers.md` lists the files of the papers, all of them and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{ROOT, files, flatrun};

fn page() -> String {
    std::fs::read_to_string(format!("{ROOT}/docs/papers.md")).unwrap()
}

/// What stands between backticks and begins with the program's name.
fn commands(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|quoted| quoted.starts_with("flatrun pipelines/")).collect()
}

#[test]
fn the_page_lists_every_file_once() {
    let text = page();
    let listed: Vec<&str> = commands(&text).iter().filter_map(|command| command.split(' ').nth(1)).collect();
    let root = Path::new(ROOT);
    let there: BTreeSet<String> = files(&root.join("pipelines/papers"))
        .iter()
        .map(|file| file.strip_prefix(root).unwrap().to_string_lossy().into_owned())
        .collect();
    let unique: BTreeSet<String> = listed.iter().map(ToString::to_string).collect();
    assert_eq!(unique, there);
    assert_eq!(listed.len(), unique.len(), "a file is listed twice");
}

/// Every command begins a run: the program reads its words and the file, and only the data may be missing.
#[test]
fn quoted_commands_are_understood() {
    let text = page();
    let empty = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(format!("{ROOT}/pipelines"), empty.path().join("pipelines")).unwrap();
    for command in commands(&text) {
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        let plan = [&["plan"], &words[..]].concat();
        let output = flatrun(empty.path(), &plan);
        let errors = String::from_utf8_lossy(&output.stderr);
        let lacks_data = output.status.code() == Some(1) && errors.contains("F0401");
        assert!(output.status.success() || lacks_data, "{command}: {errors}");
    }
}
