//! A statement as text and brackets, with every comment at the thing it belongs to.

use std::iter::Peekable;
use std::vec::IntoIter;

use pest::iterators::Pair;

use crate::diagnostic::Span;
use crate::syntax::grammar::{Rule, parts};

use super::{follows_blank_line, is_blank};

/// A clause: `train 200 epochs`.
#[derive(Debug, Default)]
pub(super) struct Clause {
    pub keyword: String,
    /// The keyword, and the name and `=` of a `let`.
    pub head: String,
    pub values: Vec<Part>,
    pub place: Place,
}

/// What stands before and after a clause or an item, and what it begins.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Comments on lines of their own before it.
    pub leading: Vec<Comment>,
    /// Whether it began a line, and whether that line followed a blank one.
    pub begins_line: bool,
    pub blank: bool,
    /// A comment after it on its line.
    pub trailing: Option<String>,
}

#[derive(Debug)]
pub(super) struct Comment {
    pub blank: bool,
    pub text: String,
}

#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    Group(Group),
}

/// What stands in brackets.
#[derive(Debug)]
pub(super) struct Group {
    pub open: char,
    pub close: char,
    pub items: Vec<Item>,
    /// Comments after the last item.
    pub tail: Vec<Comment>,
}

#[derive(Debug)]
pub(super) struct Item {
    pub parts: Vec<Part>,
    pub place: Place,
}

/// The clauses of the statement `pair`, which is `text` and holds `comments`.
pub(super) fn clauses(text: &str, comments: Vec<Span>, pair: Pair<'_, Rule>) -> Vec<Clause> {
    let mut layout = Layout { text, comments: comments.into_iter().peekable(), displaced: Vec::new() };
    let mut clauses: Vec<Clause> = Vec::new();
    let mut end = 0;
    for pair in parts(pair) {
        let start = pair.as_span().start();
        let place = layout.place(start, end, clauses.last_mut().map(|clause| &mut clause.place));
        end = last_end(&pair);
        clauses.push(Clause { place, ..layout.clause(pair) });
    }
    clauses
}

struct Layout<'a> {
    text: &'a str,
    /// Comments not placed yet.
    comments: Peekable<IntoIter<Span>>,
    /// Comments inside the item being read but outside its brackets: they go before it.
    displaced: Vec<Comment>,
}

impl Layout<'_> {
    fn clause(&mut self, pair: Pair<'_, Rule>) -> Clause {
        let mut clause = Clause::default();
        for part in parts(pair) {
            match part.as_rule() {
                Rule::binding_name | Rule::equals => {
                    clause.head.push(' ');
                    clause.head.push_str(part.as_str());
                }
                _ if clause.head.is_empty() => {
                    clause.keyword = part.as_str().to_owned();
                    clause.head.push_str(part.as_str());
                }
                _ => self.parts(part, &mut clause.values),
            }
        }
        clause
    }

    fn parts(&mut self, pair: Pair<'_, Rule>, out: &mut Vec<Part>) {
        let rule = pair.as_rule();
        let text = pair.as_str();
        match rule {
            Rule::arguments | Rule::brackets => {
                let group = self.group(pair);
                out.push(Part::Group(group));
            }
            Rule::number | Rule::percent => push(out, text),
            Rule::arrow | Rule::word_then | Rule::equals => push(out, &format!(" {text} ")),
            Rule::comma => push(out, ", "),
            Rule::unit => push(out, &format!(" {text}")),
            Rule::word_each | Rule::word_last | Rule::moment_unit => push(out, &format!("{text} ")),
            _ => {
                let inner: Vec<_> = parts(pair).collect();
                if inner.is_empty() {
                    push(out, text);
                }
                for (position, part) in inner.into_iter().enumerate() {
                    if rule == Rule::ratio && position > 0 {
                        push(out, "/");
                    }
                    self.parts(part, out);
                }
            }
        }
    }

    fn group(&mut self, pair: Pair<'_, Rule>) -> Group {
        let span = pair.as_span();
        let (open, close) = if pair.as_rule() == Rule::brackets { ('[', ']') } else { ('(', ')') };
        self.displace(span.start());
        let displaced = std::mem::take(&mut self.displaced);
        let mut items: Vec<Item> = Vec::new();
        let mut end = span.start();
        for pair in parts(pair).filter(|pair| pair.as_rule() != Rule::comma) {
            let item = self.item(pair, &mut end, items.last_mut());
            items.push(item);
        }
        let Place { leading: tail, .. } =
            self.place(span.end() - 1, end, items.last_mut().map(|item| &mut item.place));
        self.displaced = displaced;
        Group { open, close, items, tail }
    }

    /// The item `pair`, which comes after `previous`, which ended at `end`.
    fn item(&mut self, pair: Pair<'_, Rule>, end: &mut usize, previous: Option<&mut Item>) -> Item {
        let mut place = self.place(pair.as_span().start(), *end, previous.map(|item| &mut item.place));
        *end = last_end(&pair);
        let mut parts = Vec::new();
        self.parts(pair, &mut parts);
        self.displace(*end);
        place.leading.append(&mut self.displaced);
        Item { parts, place }
    }

    fn displace(&mut self, before: usize) {
        while let Some(comment) = self.comments.next_if(|comment| comment.start < before) {
            let comment = self.comment(comment);
            self.displaced.push(comment);
        }
    }

    /// The place of what begins at `start`; a comment on the line of what ended at `end` goes to the place of that, `previous`.
    fn place(&mut self, start: usize, end: usize, mut previous: Option<&mut Place>) -> Place {
        let mut leading = Vec::new();
        while let Some(span) = self.comments.next_if(|comment| comment.start < start) {
            let comment = self.comment(span);
            match &mut previous {
                Some(previous) if !self.text[end..span.start].contains('\n') => {
                    previous.trailing = Some(comment.text)
                }
                _ => leading.push(comment),
            }
        }
        let before = self.text[..start].trim_end_matches(is_blank);
        let begins_line = start > 0 && (before.is_empty() || before.ends_with('\n'));
        Place { leading, begins_line, blank: follows_blank_line(self.text, start), trailing: None }
    }

    fn comment(&self, span: Span) -> Comment {
        let text = self.text[span.start..span.end].trim_end().to_owned();
        Comment { blank: follows_blank_line(self.text, span.start), text }
    }
}

fn push(out: &mut Vec<Part>, text: &str) {
    match out.last_mut() {
        Some(Part::Text(last)) => last.push_str(text),
        _ => out.push(Part::Text(text.to_owned())),
    }
}

/// Where the last token of `pair` ends; the pair itself may take in blanks and comments after it.
fn last_end(pair: &Pair<'_, Rule>) -> usize {
    if matches!(pair.as_rule(), Rule::arguments | Rule::brackets) {
        return pair.as_span().end();
    }
    let last = parts(pair.clone()).last();
    last.map_or(pair.as_span().end(), |last| last_end(&last))
}
