//! Findings as a JSON list.

use serde::Serialize;

use super::FileFindings;
use super::place::{Lines, Place};
use crate::diagnostic::{Code, Diagnostic, Level, Span};

/// One finding. Lines and columns count from 1, columns in characters; bytes count from the start of the file.
#[derive(Serialize)]
struct Finding<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end: Place,
    bytes: Span,
    code: Code,
    slug: &'static str,
    level: Level,
    message: &'a str,
    labels: Vec<Label<'a>>,
    help: &'a [String],
    fix: Option<Fix<'a>>,
    /// Findings of this code that are left out after this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
}

#[derive(Serialize)]
struct Label<'a> {
    #[serde(flatten)]
    range: Range,
    text: &'a str,
}

#[derive(Serialize)]
struct Fix<'a> {
    title: &'a str,
    /// Applied by `check --fix`.
    safe: bool,
    edits: Vec<Edit<'a>>,
}

#[derive(Serialize)]
struct Edit<'a> {
    #[serde(flatten)]
    range: Range,
    replacement: &'a str,
}

#[derive(Serialize)]
struct Range {
    line: usize,
    column: usize,
    end: Place,
    bytes: Span,
}

/// A list of objects, one per finding; empty where there is none.
pub fn json(files: &[FileFindings]) -> String {
    let shown: Vec<Vec<Diagnostic>> = files.iter().map(FileFindings::shown).collect();
    let mut findings = Vec::new();
    for (file, shown) in files.iter().zip(&shown) {
        let lines = Lines::new(&file.source.text);
        findings.extend(shown.iter().map(|finding| object(finding, file, &lines)));
    }
    let mut text = serde_json::to_string_pretty(&findings).unwrap_or_else(|_| "[]".into());
    text.push('\n');
    text
}

fn object<'a>(finding: &'a Diagnostic, file: &'a FileFindings, lines: &Lines<'_>) -> Finding<'a> {
    let range = |span| range(span, file.source.offset, lines);
    let Range { line, column, end, bytes } = range(finding.span());
    let labels = finding.labels.iter().map(|label| Label { range: range(label.span), text: &label.text });
    let fix = finding.fix.as_ref().map(|fix| {
        let edits = fix.edits.iter();
        let edits = edits.map(|edit| Edit { range: range(edit.span), replacement: &edit.replacement });
        Fix { title: &fix.title, safe: fix.safe, edits: edits.collect() }
    });
    Finding {
        file: &file.source.name,
        line,
        column,
        end,
        bytes,
        code: finding.code,
        slug: finding.code.info().slug,
        level: finding.level(),
        message: &finding.message,
        labels: labels.collect(),
        help: &finding.help,
        fix,
        more: Some(finding.more).filter(|more| *more > 0),
    }
}

fn range(span: Span, offset: usize, lines: &Lines<'_>) -> Range {
    let (Place { line, column }, end) = lines.ends(span);
    Range { line, column, end, bytes: Span::new(span.start + offset, span.end + offset) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::fixture;

    #[test]
    fn a_finding_has_place_and_fix() {
        let parsed: serde_json::Value = serde_json::from_str(&json(&fixture::files())).unwrap();
        let finding = &parsed[1];
        assert_eq!(finding["line"], 2);
        assert_eq!(finding["column"], 7);
        assert_eq!(finding["bytes"], serde_json::json!({ "start": 17, "end": 22 }));
        assert_eq!(finding["end"], serde_json::json!({ "line": 2, "column": 12 }));
        assert_eq!(finding["fix"]["edits"][0]["replacement"], "lesam");
        assert_eq!(finding["message"], "no minimizer is named `lesma`: 100 %,\n\"quoted\"");
    }

    #[test]
    fn no_findings_are_an_empty_list() {
        assert_eq!(json(&[]), "[]\n");
    }
}
