//! What editors are told, as screenshots: `tests/ide/*.txt` hold texts with a cursor `|` and, below `----`, what is shown.
//!
//! `UPDATE=1 cargo test --test ide` writes what is shown anew.

mod world;

#[path = "ide/properties.rs"]
mod properties;
#[path = "ide/session.rs"]
mod session;

use std::fmt::Write;
use std::path::Path;

use flatrun::diagnostic::{Edit, Span};
use flatrun::ide::{self, Symbol};

/// Runs every case of a file: cases are parted by `====`, text and picture by `----`.
fn screenshots(name: &str, picture: impl Fn(&str) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ide").join(name);
    let cases = std::fs::read_to_string(&path).expect("a file of cases");
    let texts = cases.split("====\n").map(|case| case.split("----\n").next().unwrap_or_default());
    let shown: Vec<String> = texts.map(|text| format!("{text}----\n{}", picture(text))).collect();
    compare(&path, &shown.join("====\n"));
}

fn compare(path: &Path, shown: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, shown).expect("a writable file");
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    let lines = shown.lines().zip(expected.lines()).enumerate();
    let different = lines.filter(|(_, (shown, expected))| shown != expected).map(|(at, _)| at + 1).next();
    let place = different.unwrap_or_else(|| expected.lines().count());
    assert!(shown == expected, "{} differs from line {place}:\n{shown}", path.display());
}

/// The text without the cursor, and where that was.
fn cursor(text: &str) -> (String, usize) {
    let at = text.find('|').expect("a cursor");
    (text.replacen('|', "", 1), at)
}

/// The line of a span with the span underlined.
fn underlined(source: &str, span: Span) -> String {
    let start = source[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let line = source[start..].lines().next().unwrap_or_default();
    let blanks = " ".repeat(source[start..span.start].chars().count());
    format!("{line}\n{blanks}{}\n", "^".repeat(source[span.start..span.end].chars().count().max(1)))
}

fn applied(source: &str, edits: &[Edit]) -> String {
    let mut text = source.to_owned();
    for edit in edits.iter().rev() {
        text.replace_range(edit.span.start..edit.span.end, &edit.replacement);
    }
    text
}

#[test]
fn completion() {
    screenshots("completion.txt", |text| {
        let (source, at) = cursor(text);
        let found = ide::completions(&source, at);
        let replaced = &source[found.span.start..found.span.end];
        let mut shown =
            if replaced.is_empty() { String::new() } else { format!("in place of `{replaced}`\n") };
        for item in &found.items {
            let kind = format!("{:?}", item.kind).to_lowercase();
            let insert =
                if item.insert == item.label { String::new() } else { format!(" writes `{}`", item.insert) };
            let _ = writeln!(
                shown,
                "{}",
                format!("{kind:<9} {}{insert}  {}", item.label, item.detail).trim_end()
            );
        }
        if shown.is_empty() { "nothing\n".into() } else { shown }
    });
}

#[test]
fn hover() {
    screenshots("hover.txt", |text| {
        let (source, at) = cursor(text);
        match ide::hover(&source, at) {
            Some(hover) => format!("{}\n{}", underlined(&source, hover.span), hover.markdown),
            None => "nothing\n".into(),
        }
    });
}

#[test]
fn names() {
    screenshots("names.txt", |text| {
        let (source, at) = cursor(text);
        let mut shown = match ide::definition(&source, at) {
            Some(span) => format!("bound here:\n{}", underlined(&source, span)),
            None => "bound nowhere\n".into(),
        };
        for span in ide::references(&source, at, false) {
            let _ = write!(shown, "used here:\n{}", underlined(&source, span));
        }
        match ide::rename(&source, at, "renamed") {
            Ok(edits) => shown + "renamed:\n" + &applied(&source, &edits),
            Err(reason) => shown + &format!("not renamed: {reason}\n"),
        }
    });
}

#[test]
fn symbols() {
    fn show(symbol: &Symbol, source: &str, depth: usize, text: &mut String) {
        let lines = source[..symbol.span.end].lines().count();
        let first = source[..symbol.span.start].matches('\n').count() + 1;
        let kind = format!("{:?}", symbol.kind).to_lowercase();
        let indent = "  ".repeat(depth);
        let _ =
            writeln!(text, "{indent}{kind} {} [{}]  lines {first} to {lines}", symbol.name, symbol.detail);
        symbol.children.iter().for_each(|child| show(child, source, depth + 1, text));
    }
    screenshots("symbols.txt", |text| {
        let mut shown = String::new();
        ide::symbols(text).iter().for_each(|symbol| show(symbol, text, 0, &mut shown));
        shown
    });
}

#[test]
fn formatting() {
    screenshots("formatting.txt", |text| match ide::formatting(text) {
        Some(edit) => {
            let line = text[..edit.span.start].matches('\n').count() + 1;
            format!("from line {line}:\n{}", edit.replacement)
        }
        None => "nothing\n".into(),
    });
}

#[test]
fn names_that_a_let_cannot_take() {
    let source = "let flat = sam\nlet lower = 0.1\nunder flat\n";
    let refused = |name| ide::rename(source, 5, name).map_err(|reason| reason.to_string());
    assert_eq!(refused("lower"), Err("another `let` has the name `lower`".into()));
    assert_eq!(refused("sspl"), Err("`sspl` is a pacing; a `let` cannot take its name".into()));
    assert_eq!(refused("train"), Err("`train` is a word of the language".into()));
    assert_eq!(
        refused("2 flat"),
        Err("`2 flat` is not a name: expected letters, digits and `_`, with no digit first".into())
    );
    assert_eq!(
        refused(""),
        Err("`` is not a name: expected letters, digits and `_`, with no digit first".into())
    );
    assert_eq!(refused("flat").map(|edits| edits.len()), Ok(2));
}
