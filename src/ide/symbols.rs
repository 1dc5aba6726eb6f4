//! The outline of a file: its statements, and the phases of its training.

use crate::diagnostic::Span;
use crate::syntax::ast::{Clause, Statement};
use crate::syntax::parse;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    Statement,
    Binding,
    Phase,
}

/// One entry of the outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub name: String,
    /// What is written after the name, on one line.
    pub detail: String,
    pub kind: SymbolKind,
    pub span: Span,
    /// The part of `span` that names it.
    pub selection: Span,
    pub children: Vec<Symbol>,
}

/// The outline of a file, sound or not.
pub fn symbols(source: &str) -> Vec<Symbol> {
    let (file, _) = parse(source);
    file.statements.iter().filter_map(|statement| symbol(source, statement)).collect()
}

fn symbol(source: &str, statement: &Statement) -> Option<Symbol> {
    let first = statement.clauses.first()?;
    let named = first.name.as_ref();
    let name = named.unwrap_or(&first.keyword);
    let kind = if named.is_some() { SymbolKind::Binding } else { SymbolKind::Statement };
    let children = phases(source, statement);
    let detail_end = if children.is_empty() { statement.span.end } else { end(first).max(name.span.end) };
    let detail = one_line(source, Span::new(name.span.end, detail_end));
    let detail = detail.trim_start_matches(['=', ' ']).to_owned();
    Some(Symbol {
        name: name.text.clone(),
        detail,
        kind,
        span: statement.span,
        selection: name.span,
        children,
    })
}

/// The phases of a recipe; none for other statements.
fn phases(source: &str, statement: &Statement) -> Vec<Symbol> {
    let is_recipe = |clause: &Clause| {
        matches!(clause.keyword.text.as_str(), "train" | "curriculum" | "against" | "under")
    };
    if !statement.clauses.first().is_some_and(is_recipe) {
        return Vec::new();
    }
    let begins = |clause: &&Clause| clause.keyword.text == "then";
    let later = statement.clauses.iter().filter(begins).map(|clause| clause.keyword.span.start);
    let starts: Vec<usize> = std::iter::once(statement.span.start).chain(later).collect();
    let ends = starts.iter().skip(1).copied().chain([statement.span.end]);
    let phase = |(number, (start, end)): (usize, (&usize, usize))| {
        let span = Span::new(*start, start + source[*start..end].trim_end().len());
        phase(source, number + 1, span, statement)
    };
    starts.iter().zip(ends).enumerate().map(phase).collect()
}

fn phase(source: &str, number: usize, span: Span, statement: &Statement) -> Symbol {
    let at = statement.clauses.partition_point(|clause| clause.keyword.span.start < span.start);
    let first = statement.clauses.get(at);
    let selection = first.map_or(span, |clause| clause.keyword.span);
    let detail = one_line(source, span);
    let detail = detail.trim_start_matches("train ").trim_start_matches("then ").to_owned();
    Symbol {
        name: format!("phase {number}"),
        detail,
        kind: SymbolKind::Phase,
        span,
        selection,
        children: Vec::new(),
    }
}

fn end(clause: &Clause) -> usize {
    clause.values.last().map_or(clause.keyword.span.end, |value| value.span.end)
}

/// Source text without comments, with every run of white space as one blank.
fn one_line(source: &str, span: Span) -> String {
    let lines = source.get(span.start..span.end).unwrap_or_default().split(['\n', '\r']);
    let words = lines.flat_map(|line| without_comment(line).split_whitespace());
    words.collect::<Vec<_>>().join(" ")
}

fn without_comment(line: &str) -> &str {
    use crate::syntax::{TokenKind, tokens};
    let comment = tokens(line).find(|token| token.kind == TokenKind::Comment);
    comment.map_or(line, |comment| &line[..comment.span.start])
}
