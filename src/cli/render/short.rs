//! One line per finding.

use std::fmt::Write;

use super::place::Lines;
use super::{FileFindings, level_word};
use crate::cli::safe::{safe, safe_line};

/// `a.flat:1:12: error F0201: no minimizer is named `lesma``
pub fn short(files: &[FileFindings]) -> String {
    let mut text = String::new();
    for file in files {
        let lines = Lines::new(&file.source.text);
        let name = safe_line(&file.source.name);
        for finding in &file.shown() {
            let place = lines.place(finding.span().start);
            let level = level_word(finding.level());
            let message = finding.message.replace('\n', " ");
            let (id, message) = (finding.code.info().id, safe(&message));
            let _ = writeln!(text, "{name}:{}:{}: {level} {id}: {message}", place.line, place.column);
            if let Some(rest) = finding.rest() {
                let _ = writeln!(text, "{name}: {rest}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::fixture;

    #[test]
    fn one_line_each() {
        let expected = "a,b.flat:1:1: warning L0001: no edition\n\
                        a,b.flat:2:7: error F0201: no minimizer is named `lesma`: 100 %, \"quoted\"\n";
        assert_eq!(short(&fixture::files()), expected);
    }
}
