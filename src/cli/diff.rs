//! The difference of two texts, line by line.

use std::fmt::Write;
use std::ops::Range;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;
/// Above this many pairs of lines the middle is shown as replaced whole.
const LARGEST: usize = 25_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    Kept(&'a str),
    Removed(&'a str),
    Added(&'a str),
}

/// The change from `old` to `new` as a patch of the file `name`; empty where there is none.
pub fn unified(name: &str, old: &str, new: &str) -> String {
    let lines = compare(
        &old.split_inclusive('\n').collect::<Vec<_>>(),
        &new.split_inclusive('\n').collect::<Vec<_>>(),
    );
    let mut text = String::new();
    for hunk in hunks(&lines) {
        if text.is_empty() {
            let _ = write!(text, "--- {name}\n+++ {name}\n");
        }
        write_hunk(&mut text, &lines, hunk);
    }
    text
}

fn compare<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_middle, old_tail) = old_rest.split_at(old_rest.len() - tail);
    let new_middle = &new_rest[..new_rest.len() - tail];
    let mut lines: Vec<Line<'a>> = old[..head].iter().map(|line| Line::Kept(line)).collect();
    lines.extend(middle(old_middle, new_middle));
    lines.extend(old_tail.iter().map(|line| Line::Kept(line)));
    lines
}

/// Removes and adds as few lines as possible.
fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    let (mut i, mut j) = (0, 0);
    if old.len() * new.len() <= LARGEST {
        let common = common_lengths(old, new);
        let columns = new.len() + 1;
        while i < old.len() && j < new.len() {
            if old[i] == new[j] {
                lines.push(Line::Kept(old[i]));
                (i, j) = (i + 1, j + 1);
            } else if common[(i + 1) * columns + j] >= common[i * columns + j + 1] {
                lines.push(Line::Removed(old[i]));
                i += 1;
            } else {
                lines.push(Line::Added(new[j]));
                j += 1;
            }
        }
    }
    lines.extend(old[i..].iter().map(|line| Line::Removed(line)));
    lines.extend(new[j..].iter().map(|line| Line::Added(line)));
    lines
}

/// Length of the longest common subsequence of `old[i..]` and `new[j..]`, at `i * (new.len() + 1) + j`.
fn common_lengths(old: &[&str], new: &[&str]) -> Vec<u32> {
    let columns = new.len() + 1;
    let mut lengths = vec![0; (old.len() + 1) * columns];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            lengths[i * columns + j] = if old[i] == new[j] {
                lengths[(i + 1) * columns + j + 1] + 1
            } else {
                lengths[(i + 1) * columns + j].max(lengths[i * columns + j + 1])
            };
        }
    }
    lengths
}

/// Changes with their context, merged where they meet.
fn hunks(lines: &[Line<'_>]) -> Vec<Range<usize>> {
    let mut hunks: Vec<Range<usize>> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if matches!(line, Line::Kept(_)) {
            continue;
        }
        let (start, end) = (at.saturating_sub(CONTEXT), (at + 1 + CONTEXT).min(lines.len()));
        match hunks.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => hunks.push(start..end),
        }
    }
    hunks
}

fn write_hunk(text: &mut String, lines: &[Line<'_>], hunk: Range<usize>) {
    let before = sizes(&lines[..hunk.start]);
    let size = sizes(&lines[hunk.clone()]);
    // A side without lines is placed after the line before it.
    let first = |before: usize, size: usize| if size == 0 { before } else { before + 1 };
    let (old, new) = (first(before.0, size.0), first(before.1, size.1));
    let _ = writeln!(text, "@@ -{old},{} +{new},{} @@", size.0, size.1);
    for line in &lines[hunk] {
        let (sign, line) = match line {
            Line::Kept(line) => (' ', line),
            Line::Removed(line) => ('-', line),
            Line::Added(line) => ('+', line),
        };
        text.push(sign);
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// Lines of the old and of the new text.
fn sizes(lines: &[Line<'_>]) -> (usize, usize) {
    let count = |of: fn(&Line<'_>) -> bool| lines.iter().filter(|line| of(line)).count();
    (count(|line| !matches!(line, Line::Added(_))), count(|line| !matches!(line, Line::Removed(_))))
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(unified("a", "x\ny\n", "x\ny\n"), "");
    }

    #[test]
    fn a_change_has_context() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n";
        let expected = "--- a\n+++ a\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(unified("a", old, new), expected);
    }

    #[test]
    fn far_changes_are_apart_and_a_missing_newline_is_told() {
        let old = "a\n1\n2\n3\n4\n5\n6\n7\nb";
        let new = "A\n1\n2\n3\n4\n5\n6\n7\nb\n";
        let expected = "--- f\n+++ f\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n\
                        \\ No newline at end of file\n+b\n";
        assert_eq!(unified("f", old, new), expected);
    }

    #[test]
    fn lines_into_nothing() {
        assert_eq!(unified("f", "", "a\n"), "--- f\n+++ f\n@@ -0,0 +1,1 @@\n+a\n");
    }
}
