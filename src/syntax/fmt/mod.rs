//! The canonical form of a file.
//!
//! `layout` turns one statement into clauses and brackets with their comments, `statement` writes it on one line or several, and here
//! statements, comments and blank lines are put together.

mod layout;
mod statement;

use crate::diagnostic::{Code, Diagnostic, Span};

use super::grammar::parse_statement;
use super::parse::parse;
use super::split::split;
use statement::{Shape, Written};

/// Lines longer than this many characters are broken where they can be.
const WIDTH: usize = 110;

/// The canonical form of `source`: the same statements and comments, in the same order, with the same meaning.
///
/// # Errors
/// The findings of a file that does not parse; nothing of it is formatted.
pub fn format(source: &str) -> Result<String, Vec<Diagnostic>> {
    let (_, diagnostics) = parse(source);
    if diagnostics.iter().any(|finding| finding.code != Code::EmptyFile) {
        return Err(diagnostics);
    }
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let unix = source.replace("\r\n", "\n").replace('\r', "\n");
    let formatted = write(&align(entries(&unix)?));
    Ok(match source.find(['\n', '\r']) {
        Some(at) if source[at..].starts_with("\r\n") => formatted.replace('\n', "\r\n"),
        _ => formatted,
    })
}

/// A statement, or a comment on a line of its own.
struct Entry {
    /// Whether a blank line stands before it.
    blank: bool,
    shape: Shape,
    text: String,
    /// A comment on its last line.
    trailing: Option<String>,
}

fn entries(source: &str) -> Result<Vec<Entry>, Vec<Diagnostic>> {
    let split = split(source);
    let mut comments = split.comments.iter().copied().peekable();
    let mut entries: Vec<Entry> = Vec::new();
    let mut end = 0;
    for piece in &split.pieces {
        while let Some(comment) = comments.next_if(|comment| comment.start < piece.span.start) {
            add_comment(&mut entries, source, comment, end);
        }
        let mut inside = Vec::new();
        while let Some(comment) = comments.next_if(|comment| comment.start < piece.span.end) {
            inside.push(comment);
        }
        entries.push(statement_entry(source, piece.span, &inside)?);
        end = piece.span.end;
    }
    comments.for_each(|comment| add_comment(&mut entries, source, comment, end));
    Ok(entries)
}

fn statement_entry(source: &str, span: Span, comments: &[Span]) -> Result<Entry, Vec<Diagnostic>> {
    let text = &source[span.start..span.end];
    let moved =
        comments.iter().map(|comment| Span::new(comment.start - span.start, comment.end - span.start));
    let Ok(pair) = parse_statement(text) else { return Err(parse(source).1) };
    let Written { shape, text } = statement::write(text, moved.collect(), pair);
    Ok(Entry { blank: follows_blank_line(source, span.start), shape, text, trailing: None })
}

/// A comment after the statement that ends at `end`: on the line of that statement, or on its own.
fn add_comment(entries: &mut Vec<Entry>, source: &str, comment: Span, end: usize) {
    let text = source[comment.start..comment.end].trim_end().to_owned();
    match entries.last_mut() {
        Some(last) if !source[end..comment.start].contains('\n') => last.trailing = Some(text),
        _ => {
            let blank = follows_blank_line(source, comment.start);
            entries.push(Entry { blank, shape: Shape::Comment, text, trailing: None });
        }
    }
}

/// Whether `at` is the first thing of a line, and the line before it is blank.
fn follows_blank_line(source: &str, at: usize) -> bool {
    let line = source[..at].trim_end_matches(is_blank).strip_suffix('\n');
    line.is_some_and(|before| {
        let before = before.trim_end_matches(is_blank);
        before.is_empty() || before.ends_with('\n')
    })
}

/// White space within a line.
fn is_blank(c: char) -> bool {
    c.is_whitespace() && c != '\n'
}

/// Gives the values of neighbouring one-line statements of one shape a column of their own.
fn align(mut entries: Vec<Entry>) -> Vec<Entry> {
    let mut start = 0;
    while start < entries.len() {
        let Shape::Column(kind, _) = entries[start].shape else {
            start += 1;
            continue;
        };
        let goes_on = |entry: &&Entry| !entry.blank && entry.shape.joins(kind);
        let end = start + 1 + entries[start + 1..].iter().take_while(goes_on).count();
        pad(&mut entries[start..end]);
        start = end;
    }
    entries
}

fn pad(run: &mut [Entry]) {
    let width = run.iter().map(|entry| entry.shape.head()).max().unwrap_or(0);
    for entry in run {
        let head = entry.shape.head();
        if head > 0 {
            entry.text.insert_str(head, &" ".repeat(width - head));
        }
    }
}

fn write(entries: &[Entry]) -> String {
    let mut out = String::new();
    for entry in entries {
        if entry.blank && !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&entry.text);
        if let Some(comment) = &entry.trailing {
            out.push_str("  ");
            out.push_str(comment);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests;
