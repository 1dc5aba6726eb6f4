//! Texts of the language: parser, formatter, checker.

use std::path::{Path, PathBuf};

use flatrun::lang::{Settings, check};
use flatrun::syntax::{decode, format, parse};

use crate::target::Target;
use crate::world::{Files, TestWorld};

const WORDS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    ",",
    "=",
    "->",
    "..",
    "\n",
    "\r",
    "\"",
    "#",
    ";",
    "let a = ",
    "each [",
    "😀",
    "\u{feff}",
    "then ",
    "200 epochs",
    "sam(rho = ",
    "8/255",
    "10%",
    "\0",
    "linear(0 -> 1, ",
    "1e308",
    "-",
    "under ",
    "against ",
];

/// Every text under `pipelines/` and `tests/ui/`.
fn texts() -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["pipelines", "tests/ui"].map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "flat") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a text")).collect()
}

fn target(name: &'static str, inputs: u64) -> Target<'static> {
    Target { name, seeds: texts(), words: WORDS, inputs, memory: 64 << 20 }
}

#[test]
fn parser() {
    target("parser", 5_000).run(&mut |bytes| {
        let Ok(text) = decode(bytes) else { return };
        let (_, findings) = parse(&text);
        let inside = |at: usize| text.is_char_boundary(at);
        let spans = findings.iter().flat_map(|finding| finding.labels.iter().map(|label| label.span));
        assert!(
            spans.into_iter().all(|span| inside(span.start) && inside(span.end)),
            "a place outside the text"
        );
    });
}

#[test]
fn formatter() {
    target("formatter", 3_000).run(&mut |bytes| {
        let Ok(text) = decode(bytes) else { return };
        let Ok(formatted) = format(&text) else { return };
        assert_eq!(format(&formatted).as_ref(), Ok(&formatted), "formatting twice is not formatting once");
    });
}

#[test]
fn checker() {
    let world = TestWorld(Files::There);
    target("checker", 1_500).run(&mut |bytes| {
        let Ok(text) = decode(bytes) else { return };
        let checked = check(&text, &Settings::default(), &world);
        let errors =
            checked.diagnostics.iter().any(|finding| finding.level() == flatrun::diagnostic::Level::Error);
        assert_eq!(checked.program.is_none(), errors, "a program exactly where no finding is an error");
    });
}
