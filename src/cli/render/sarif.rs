//! SARIF 2.1.0: the part of the format that code scanning reads.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::place::Lines;
use super::{FileFindings, level_word};
use crate::diagnostic::{Code, Diagnostic, Span};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// One run with the rules that were broken.
pub fn sarif(files: &[FileFindings]) -> String {
    let found: BTreeSet<Code> =
        files.iter().flat_map(|file| &file.diagnostics).map(|finding| finding.code).collect();
    let codes: Vec<Code> = found.into_iter().collect();
    let mut results = Vec::new();
    for file in files {
        let lines = Lines::new(&file.source.text);
        results.extend(file.shown().iter().map(|finding| result(finding, file, &lines, &codes)));
    }
    let driver = json!({
        "name": "flatrun",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
    });
    let run = json!({ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results });
    let log = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] });
    format!("{log:#}\n")
}

fn rule(code: Code) -> Value {
    let info = code.info();
    json!({
        "id": info.id,
        "name": info.slug,
        "shortDescription": { "text": info.title },
        "help": { "text": info.page, "markdown": info.page },
        "defaultConfiguration": { "level": level_word(info.level) },
    })
}

fn result(finding: &Diagnostic, file: &FileFindings, lines: &Lines<'_>, codes: &[Code]) -> Value {
    let artifact = json!({ "uri": uri(&file.source.name) });
    let place = json!({ "artifactLocation": artifact, "region": region(finding.span(), lines) });
    let mut result = json!({
        "ruleId": finding.code.info().id,
        "ruleIndex": codes.iter().position(|code| *code == finding.code),
        "level": level_word(finding.level()),
        "message": { "text": message(finding) },
        "locations": [{ "physicalLocation": place }],
    });
    if let Some(fix) = &finding.fix {
        let edits = fix.edits.iter();
        let replacements = edits.map(|edit| {
            json!({ "deletedRegion": region(edit.span, lines), "insertedContent": { "text": edit.replacement } })
        });
        let change =
            json!({ "artifactLocation": artifact, "replacements": replacements.collect::<Vec<_>>() });
        result["fixes"] = json!([{ "description": { "text": fix.title }, "artifactChanges": [change] }]);
    }
    result
}

fn message(finding: &Diagnostic) -> String {
    let first = std::iter::once(finding.message.clone());
    let parts: Vec<String> = first.chain(finding.help.iter().cloned()).chain(finding.rest()).collect();
    parts.join("\n")
}

fn region(span: Span, lines: &Lines<'_>) -> Value {
    let (start, end) = lines.ends(span);
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

/// A path as the reference of a URI: what has a meaning there is percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte))
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::fixture;

    #[test]
    fn every_result_names_its_rule() {
        let log: Value = serde_json::from_str(&sarif(&fixture::files())).unwrap();
        let run = &log["runs"][0];
        for result in run["results"].as_array().unwrap() {
            let index = result["ruleIndex"].as_u64().unwrap() as usize;
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        }
        let place = &run["results"][1]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%2Cb.flat");
        assert_eq!(place["region"]["startColumn"], 7);
    }

    #[test]
    fn without_findings_the_log_is_whole() {
        let log: Value = serde_json::from_str(&sarif(&[])).unwrap();
        assert_eq!(log["runs"][0]["results"], json!([]));
    }
}
