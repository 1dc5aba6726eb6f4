//! Names that `let` binds: where they are bound, where they are used, and how they are renamed.

use std::collections::HashSet;
use std::fmt;

use super::site::{Role, Site};
use crate::diagnostic::{Edit, Span};
use crate::lang::catalog;
use crate::syntax::{Token, TokenKind, is_reserved, statements, tokens};

/// A `let`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    pub name: &'a str,
    pub span: Span,
    /// As written; empty where nothing is.
    pub value: &'a str,
}

/// Why a name cannot be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misnamed {
    /// Nothing that can be renamed stands there.
    NoName,
    NotAWord(String),
    Reserved(String),
    Taken(String),
    /// A component of this kind has the name.
    Component(String, &'static str),
}

impl fmt::Display for Misnamed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misnamed::NoName => formatter.write_str("there is no name of a `let` here"),
            Misnamed::NotAWord(name) => {
                write!(
                    formatter,
                    "`{name}` is not a name: expected letters, digits and `_`, with no digit first"
                )
            }
            Misnamed::Reserved(name) => write!(formatter, "`{name}` is a word of the language"),
            Misnamed::Taken(name) => write!(formatter, "another `let` has the name `{name}`"),
            Misnamed::Component(name, noun) => {
                write!(formatter, "`{name}` is {noun}; a `let` cannot take its name")
            }
        }
    }
}

impl std::error::Error for Misnamed {}

/// The tokens of a statement that matter, at their places in `source`.
pub fn tokens_of(source: &str, statement: Span) -> Vec<Token> {
    let moved = |token: Token| Token {
        span: Span::new(token.span.start + statement.start, token.span.end + statement.start),
        ..token
    };
    let matters = |token: &Token| !matches!(token.kind, TokenKind::Comment | TokenKind::Newline);
    tokens(&source[statement.start..statement.end]).filter(matters).map(moved).collect()
}

/// Every `let` that has a name, in source order.
pub fn bindings(source: &str) -> Vec<Binding<'_>> {
    statements(source).into_iter().filter_map(|statement| binding(source, statement)).collect()
}

fn binding(source: &str, statement: Span) -> Option<Binding<'_>> {
    let tokens = tokens_of(source, statement);
    let [keyword, name, rest @ ..] = &tokens[..] else { return None };
    if keyword.text(source) != "let" || name.kind != TokenKind::Word {
        return None;
    }
    let is_equals = |token: &&Token| token.text(source) == "=";
    let start = rest.first().filter(is_equals).map_or(statement.end, |equals| equals.span.end);
    Some(Binding { name: name.text(source), span: name.span, value: source[start..statement.end].trim() })
}

/// A place where a bound name stands.
struct Occurrence<'a> {
    name: &'a str,
    span: Span,
    binds: bool,
}

fn occurrences(source: &str) -> Vec<Occurrence<'_>> {
    let bound: HashSet<&str> = bindings(source).iter().map(|binding| binding.name).collect();
    let mut found = Vec::new();
    for statement in statements(source) {
        let tokens = tokens_of(source, statement);
        let mut site = Site::start();
        for (at, token) in tokens.iter().enumerate() {
            let name = token.text(source);
            if token.kind == TokenKind::Word && bound.contains(name) {
                let next = tokens.get(at + 1).map(|next| next.text(source));
                found.extend(occurrence(&site, name, token.span, next));
            }
            site.take(source, *token);
        }
    }
    found
}

fn occurrence<'a>(site: &Site<'_>, name: &'a str, span: Span, next: Option<&str>) -> Option<Occurrence<'a>> {
    match site.role(name, next) {
        Role::Bound => Some(Occurrence { name, span, binds: true }),
        Role::Value if site.may_refer() && next != Some("(") => Some(Occurrence { name, span, binds: false }),
        _ => None,
    }
}

/// The name at a byte and all its places.
fn named_at(source: &str, offset: usize) -> Option<Vec<Occurrence<'_>>> {
    let mut all = occurrences(source);
    let name = all.iter().find(|place| (place.span.start..=place.span.end).contains(&offset))?.name;
    all.retain(|place| place.name == name);
    Some(all)
}

/// The value that a name stands for.
pub fn lookup<'a>(source: &'a str, name: &str) -> Option<Binding<'a>> {
    bindings(source).into_iter().find(|binding| binding.name == name)
}

/// Where the name at a byte is bound.
pub fn definition(source: &str, offset: usize) -> Option<Span> {
    named_at(source, offset)?.into_iter().find(|place| place.binds).map(|place| place.span)
}

/// Every place of the name at a byte, in source order.
pub fn references(source: &str, offset: usize, with_definition: bool) -> Vec<Span> {
    let all = named_at(source, offset).unwrap_or_default();
    all.into_iter().filter(|place| with_definition || !place.binds).map(|place| place.span).collect()
}

/// The name at a byte that can be renamed.
pub fn renamed(source: &str, offset: usize) -> Option<Span> {
    let inside = |span: &Span| (span.start..=span.end).contains(&offset);
    references(source, offset, true).into_iter().find(inside)
}

/// The edits that give the name at a byte another one, in source order.
///
/// # Errors
/// No name of a `let` stands there, or the new name cannot be one.
pub fn rename(source: &str, offset: usize, name: &str) -> Result<Vec<Edit>, Misnamed> {
    let old = renamed(source, offset).ok_or(Misnamed::NoName)?;
    if name != &source[old.start..old.end] {
        free(source, name)?;
    }
    let edit = |span| Edit { span, replacement: name.to_owned() };
    Ok(references(source, offset, true).into_iter().map(edit).collect())
}

fn free(source: &str, name: &str) -> Result<(), Misnamed> {
    let owned = || name.to_owned();
    if !is_word(name) {
        return Err(Misnamed::NotAWord(owned()));
    }
    if is_reserved(name) {
        return Err(Misnamed::Reserved(owned()));
    }
    if let Some(entry) = catalog::find(name).first() {
        return Err(Misnamed::Component(owned(), entry.kind.noun()));
    }
    match lookup(source, name) {
        Some(_) => Err(Misnamed::Taken(owned())),
        None => Ok(()),
    }
}

fn is_word(name: &str) -> bool {
    let mut all = tokens(name);
    let first = all.next();
    first.is_some_and(|token| token.kind == TokenKind::Word && token.text(name) == name)
}
