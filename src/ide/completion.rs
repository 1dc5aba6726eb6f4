//! What may be written at a place, with one line about each.

use super::bindings::tokens_of;
use super::offer::Offer;
use super::site::{Before, Site};
use crate::diagnostic::Span;
use crate::syntax::{Token, TokenKind, statements, tokens};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    Keyword,
    Component,
    Parameter,
    /// One of a few words, or a default.
    Value,
    Binding,
    Unit,
}

/// Something that may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    pub label: String,
    pub kind: Offered,
    /// One line.
    pub detail: String,
    /// Markdown.
    pub documentation: Option<String>,
    /// What is written in place of the word at the cursor.
    pub insert: String,
}

/// All that may be written, the likeliest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// The word at the cursor; empty between words.
    pub span: Span,
    pub items: Vec<Completion>,
}

impl Completion {
    pub fn new(label: impl Into<String>, kind: Offered, detail: impl Into<String>) -> Self {
        let label = label.into();
        Self { insert: label.clone(), label, kind, detail: detail.into(), documentation: None }
    }

    pub fn documented(mut self, markdown: impl Into<Option<String>>) -> Self {
        self.documentation = markdown.into();
        self
    }

    pub fn inserting(mut self, text: String) -> Self {
        self.insert = text;
        self
    }
}

/// What may be written at a byte of a file that need not be whole.
pub fn completions(source: &str, offset: usize) -> Completions {
    let offset = source.floor_char_boundary(offset);
    let Some(span) = word_at(source, offset) else { return Completions::default() };
    // A word in place of what is being typed keeps its statement open as the real one will.
    let typing = format!("{}x", &source[..span.start]);
    let places = statements(&typing);
    let Some(current) = places.last().copied() else { return Completions::default() };
    let mut before = tokens_of(&typing, current);
    before.pop();
    let site = Site::after(&typing, before);
    let mut offer = Offer { source, span, items: Vec::new() };
    match site.before {
        Before::Start => offer.line(&typing, &places),
        Before::Argument | Before::Open => offer.value(&site),
        Before::Number | Before::Value => offer.end(&site),
    }
    Completions { span, items: offer.items }
}

/// The word that is being typed; `None` inside numbers, texts and comments.
fn word_at(source: &str, offset: usize) -> Option<Span> {
    let touches = |token: &Token| token.span.start < offset && offset <= token.span.end;
    let Some(token) = tokens(source).find(touches) else { return Some(Span::new(offset, offset)) };
    match token.kind {
        TokenKind::Word => Some(token.span),
        TokenKind::Figure | TokenKind::Comment | TokenKind::Text(false) => None,
        TokenKind::Text(true) if offset < token.span.end => None,
        _ => Some(Span::new(offset, offset)),
    }
}
