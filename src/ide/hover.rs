//! What a word means, where it stands.

use super::bindings::{lookup, tokens_of};
use super::markdown;
use super::site::{Role, Site};
use super::slot::Slot;
use crate::diagnostic::Span;
use crate::syntax::{Token, TokenKind, statements};

/// An explanation and the word it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    pub span: Span,
    pub markdown: String,
}

/// What is to be said about the word at a byte.
pub fn hover(source: &str, offset: usize) -> Option<Hover> {
    let holds = |span: Span| (span.start..=span.end).contains(&offset);
    let statement = statements(source).into_iter().find(|span| holds(*span))?;
    let tokens = tokens_of(source, statement);
    let is_meant = |token: &Token| token.kind == TokenKind::Word && holds(token.span);
    let at = tokens.iter().position(is_meant)?;
    let site = Site::after(source, tokens[..at].iter().copied());
    let word = tokens[at].text(source);
    let next = tokens.get(at + 1).map(|next| next.text(source));
    let markdown = match site.role(word, next) {
        Role::Keyword(keyword) => markdown::keyword(keyword, site.statement.is_none()),
        Role::Parameter(entry, parameter) => Some(markdown::parameter(Some(entry), parameter)),
        Role::Bound => bound(source, word),
        Role::Value => {
            let name = Some(word).filter(|_| site.may_refer() && next != Some("("));
            name.and_then(|name| bound(source, name)).or_else(|| value(&site, word))
        }
        Role::Other => None,
    }?;
    Some(Hover { span: tokens[at].span, markdown })
}

fn bound(source: &str, name: &str) -> Option<String> {
    lookup(source, name).map(|binding| markdown::binding(&binding))
}

fn value(site: &Site<'_>, word: &str) -> Option<String> {
    if let Some(entry) = site.slot.entry(word) {
        return Some(markdown::component(entry));
    }
    let Slot::Parameter(parameter) = site.slot else { return None };
    let form = parameter.form;
    let fits = form.choices.contains(&word) || (form.optional && word == "none");
    fits.then(|| markdown::parameter(site.call().and_then(|call| call.entry), parameter))
}
