//! Formatting as one small edit.

use crate::diagnostic::Edit;
use crate::diagnostic::Span;
use crate::syntax;

/// The edit that brings a file into canonical form: from the first line that changes to the last, so that the cursor
/// outside stays. `None` where nothing changes, and for a file with syntax errors, which has no canonical form.
pub fn formatting(source: &str) -> Option<Edit> {
    let formatted = syntax::format(source).ok()?;
    if formatted == source {
        return None;
    }
    let start = equal_lines(source.split_inclusive('\n'), formatted.split_inclusive('\n'));
    let (old, new) = (&source[start..], &formatted[start..]);
    let end = equal_lines(old.split_inclusive('\n').rev(), new.split_inclusive('\n').rev());
    let span = Span::new(start, source.len() - end);
    Some(Edit { span, replacement: new[..new.len() - end].to_owned() })
}

/// Length of the lines that are equal, up to the first that is not.
fn equal_lines<'a>(one: impl Iterator<Item = &'a str>, other: impl Iterator<Item = &'a str>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).map(|(line, _)| line.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_change_are_replaced() {
        let source = "edition 2026\n\nmodel   mlp\nunder   sam\nseeds [0]\n";
        let edit = formatting(source).expect("a change");
        assert!(edit.span.start >= 13 && edit.span.end < source.len(), "{edit:?}");
        let mut applied = source.to_owned();
        applied.replace_range(edit.span.start..edit.span.end, &edit.replacement);
        assert_eq!(Ok(applied), syntax::format(source));
    }

    #[test]
    fn canonical_and_broken_files_stay() {
        assert_eq!(formatting("under sam\n"), None);
        assert_eq!(formatting("under   sam(\n"), None);
    }

    #[test]
    fn repeated_lines_do_not_overlap() {
        for source in [
            "\n\n\n\nunder sam\n",
            "under sam\n\n\n\n\n",
            "# a\n# a\n\n\n# a\nunder sam",
            "\r\n\r\nunder sam\r\n",
        ] {
            let Some(edit) = formatting(source) else { continue };
            let mut applied = source.to_owned();
            applied.replace_range(edit.span.start..edit.span.end, &edit.replacement);
            assert_eq!(Ok(applied), syntax::format(source));
        }
    }
}
