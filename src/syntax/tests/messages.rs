//! `messages.txt` holds mistakes, each followed by all that is said about it. `UPDATE_MESSAGES=1` writes it anew.

use crate::diagnostic::{Diagnostic, Fix};
use crate::syntax::parse;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/syntax/tests/messages.txt");

#[test]
fn every_mistake_is_named_as_written_down() {
    let written = std::fs::read_to_string(FILE).unwrap();
    let shown: Vec<String> = sources(&written).iter().map(|source| show(source)).collect();
    let shown = shown.join("\n");
    if std::env::var_os("UPDATE_MESSAGES").is_some() {
        std::fs::write(FILE, &shown).unwrap();
    }
    for (written, shown) in written.split("\n\n").zip(shown.split("\n\n")) {
        assert_eq!(written, shown);
    }
    assert_eq!(written, shown);
}

#[test]
fn every_fix_mends_what_it_is_for() {
    let written = std::fs::read_to_string(FILE).unwrap();
    for source in sources(&written) {
        let findings = parse(&source).1;
        for finding in &findings {
            let Some(fix) = &finding.fix else { continue };
            let left = parse(&fixed(&source, fix)).1;
            let same = |other: &&Diagnostic| other.code == finding.code && other.message == finding.message;
            let count = |findings: &[Diagnostic]| findings.iter().filter(same).count();
            assert!(count(&left) < count(&findings), "{source}\n{finding:?}");
        }
    }
}

/// The mistakes: the lines that begin with `| `, a block each.
fn sources(written: &str) -> Vec<String> {
    let block = |block: &str| {
        let lines: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix("| ")).collect();
        lines.join("\n")
    };
    written.split("\n\n").map(block).filter(|source| !source.is_empty()).collect()
}

fn show(source: &str) -> String {
    let lines: String = source.lines().map(|line| format!("| {line}\n")).collect();
    let findings: String = parse(source).1.iter().map(|finding| show_finding(source, finding)).collect();
    format!("{lines}{findings}")
}

fn show_finding(source: &str, finding: &Diagnostic) -> String {
    let mut out = format!("{} {}\n", finding.code.info().id, finding.message);
    for label in &finding.labels {
        let before = &source[..label.span.start];
        let line = 1 + before.matches('\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
        let text = &source[label.span.start..label.span.end];
        out.push_str(&format!("  {line}:{column} {text:?} {}\n", label.text));
    }
    for help in &finding.help {
        out.push_str(&format!("  help: {help}\n"));
    }
    if let Some(fix) = &finding.fix {
        let after = fixed(source, fix).replace('\n', "\n   | ");
        out.push_str(&format!("  fix: {}\n   | {after}\n", fix.title));
    }
    out
}

fn fixed(source: &str, fix: &Fix) -> String {
    let mut text = source.to_owned();
    for edit in fix.edits.iter().rev() {
        text.replace_range(edit.span.start..edit.span.end, &edit.replacement);
    }
    text
}
