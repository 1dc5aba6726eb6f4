//! Applying what findings say to write instead.

use super::render::is_fixable;
use super::source::Source;
use crate::diagnostic::{Diagnostic, Edit};
use crate::lang::Settings;

/// Rounds after which fixes that undo each other are left alone.
const ROUNDS: usize = 10;

/// Applies safe fixes and checks again until nothing more can be fixed; gives the number of fixes applied.
pub fn settle(source: &mut Source, settings: &Settings, diagnostics: &mut Vec<Diagnostic>) -> usize {
    let mut applied = 0;
    for _ in 0..ROUNDS {
        let edits = compatible(diagnostics);
        if edits.is_empty() {
            break;
        }
        applied += edits.len();
        source.text = patched(&source.text, edits.concat());
        *diagnostics = source.check(settings).diagnostics;
    }
    applied
}

/// The edits of safe fixes that touch no place another one touches; the others wait for the next round.
fn compatible(diagnostics: &[Diagnostic]) -> Vec<Vec<Edit>> {
    let mut taken: Vec<Vec<Edit>> = Vec::new();
    let fixes =
        diagnostics.iter().filter(|finding| is_fixable(finding)).filter_map(|finding| finding.fix.as_ref());
    for fix in fixes {
        let free = |edit: &Edit| taken.iter().flatten().all(|other| are_apart(edit, other));
        if !fix.edits.is_empty() && fix.edits.iter().all(free) {
            taken.push(fix.edits.clone());
        }
    }
    taken
}

fn are_apart(one: &Edit, other: &Edit) -> bool {
    one.span.end < other.span.start || other.span.end < one.span.start
}

fn patched(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.span);
    let mut patched = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        patched.push_str(text.get(done..edit.span.start).unwrap_or_default());
        patched.push_str(&edit.replacement);
        done = edit.span.end;
    }
    patched.push_str(text.get(done..).unwrap_or_default());
    patched
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(text: &str) -> (String, usize) {
        let mut source = Source::for_test("a.flat", text);
        let mut diagnostics = source.check(&Settings::default()).diagnostics;
        let applied = settle(&mut source, &Settings::default(), &mut diagnostics);
        (source.text, applied)
    }

    #[test]
    fn fixes_settle() {
        let (text, applied) = settled("edition 2026\ncurriculum sspl(amd) under lesma(budgt = 0.4)\n");
        assert_eq!(text, "edition 2026\ncurriculum sspl(adm) under lesam(budget = 0.4)\n");
        assert_eq!(applied, 3);
    }

    #[test]
    fn a_file_without_findings_stays() {
        let text = "edition 2026\nunder sam\n";
        assert_eq!(settled(text), (text.to_owned(), 0));
    }
}
