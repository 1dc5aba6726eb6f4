//! The README says what is true: its examples check clean, its commands run.

#[path = "world/mod.rs"]
mod world;

use std::process::Command;

use flatrun::diagnostic::Level;
use flatrun::lang::{Settings, check};

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

/// Contents of the fenced blocks with this info string.
fn blocks(text: &str, info: &str) -> Vec<String> {
    let fence = format!("```{info}\n");
    text.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

fn flatrun(folder: &std::path::Path, arguments: &[&str]) -> (i32, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_flatrun")).current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn examples_are_flat() {
    let text = readme();
    let examples = blocks(&text, "flat");
    assert!(examples.len() >= 2);
    for example in examples {
        let checked = check(&example, &Settings::default(), &world::TestWorld(world::Files::There));
        let errors: Vec<_> = checked.diagnostics.iter().filter(|d| d.level() == Level::Error).collect();
        assert!(errors.is_empty(), "{example}\n{errors:#?}");
        assert!(flatrun::syntax::format(&example).is_ok());
    }
}

#[test]
fn the_shown_mistake_is_what_users_see() {
    let text = readme();
    let shown =
        text.split("$ flatrun check bad.flat\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.flat"), "curriculum sspl(amd) under lesma(budgt=-1)\n").unwrap();
    let (code, found, _) = flatrun(folder.path(), &["check", "bad.flat"]);
    assert_eq!(code, 1);
    assert_eq!(found.trim(), shown.trim());
}

#[test]
fn the_commands_of_the_table_exist() {
    let folder = tempfile::tempdir().unwrap();
    let one_line = "curriculum ssp(adm) under lesam(budget=0.4, clip=0.35)\n";
    std::fs::write(folder.path().join("one.flat"), one_line).unwrap();
    for arguments in [
        &["one.flat", "--smoke"][..],
        &["check", "one.flat"],
        &["fmt", "one.flat"],
        &["plan", "one.flat"],
        &["graph", "one.flat", "--format", "mermaid"],
        &["explain", "lesam"],
        &["explain", "F0302"],
        &["catalog", "--format", "json"],
        &["runs"],
        &["completions", "bash"],
    ] {
        let (code, _, errors) = flatrun(folder.path(), arguments);
        assert_eq!(code, 0, "{arguments:?}: {errors}");
    }
}

#[test]
fn the_picture_is_that_of_the_quickstart() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let (code, svg, errors) = flatrun(root, &["graph", "pipelines/quickstart.flat", "--format", "svg"]);
    assert_eq!(code, 0, "{errors}");
    let path = root.join("docs/quickstart.svg");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &svg).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == svg,
        "run with UPDATE=1 and look at docs/quickstart.svg"
    );
}
