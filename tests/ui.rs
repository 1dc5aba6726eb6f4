//! Golden findings: each `tests/ui/NAME.flat` beside what a reader is told about it, `NAME.txt`.
//!
//! `UPDATE=1 cargo test --test ui` writes the text files anew.

mod world;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use flatrun::diagnostic::Diagnostic;
use flatrun::lang::{self, Settings};
use world::{Files, TestWorld};

/// Line and column, from 1, in characters.
fn position(source: &str, offset: usize) -> (usize, usize) {
    let before = &source[..offset];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

fn render(source: &str, finding: &Diagnostic) -> String {
    let place = |offset| {
        let (line, column) = position(source, offset);
        format!("{line}:{column}")
    };
    let mut text =
        format!("{} {} {}\n", finding.code.info().id, place(finding.span().start), finding.message);
    for label in &finding.labels {
        let written = source[label.span.start..label.span.end].replace('\n', "\\n");
        let _ = writeln!(text, "    at {} `{written}`: {}", place(label.span.start), label.text);
    }
    for help in &finding.help {
        let _ = writeln!(text, "    help: {help}");
    }
    if let Some(fix) = &finding.fix {
        let _ = writeln!(text, "    fix: {}", fix.title);
    }
    text
}

fn golden(path: &Path) -> String {
    let source = std::fs::read_to_string(path).expect("a file of the corpus");
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let files = if name.starts_with("missing_") { Files::Missing } else { Files::There };
    let checked = lang::check(&source, &Settings::default(), &TestWorld(files));
    let mut text: String = checked.diagnostics.iter().map(|finding| render(&source, finding)).collect();
    if let Some(program) = checked.program {
        let slugs: Vec<&str> = program.variants.iter().map(|variant| variant.slug.as_str()).collect();
        let _ = writeln!(text, "variants: {}", slugs.join(" "));
    }
    text
}

fn corpus() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let files = std::fs::read_dir(folder).expect("the corpus").map(|file| file.expect("a file").path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "flat")).collect();
    files.sort();
    files
}

#[test]
fn findings_read_as_expected() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut different = Vec::new();
    for path in corpus() {
        let (found, expected) = (golden(&path), path.with_extension("txt"));
        if update {
            std::fs::write(&expected, &found).expect("a writable corpus");
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != found {
            different.push(format!("{}:\n{found}", path.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
