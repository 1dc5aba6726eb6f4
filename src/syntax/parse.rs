//! A file, statement by statement.

use pest::iterators::Pair;

use crate::diagnostic::{Bounded, Code, Diagnostic, Span};

use super::ast::{Clause, File, Name, Statement};
use super::grammar::{Rule, Stop, parse_statement};
use super::keyword::Keyword;
use super::split::{Piece, split};
use super::token::{TokenKind, tokens};
use super::unexpected::{Unexpected, unexpected};
use super::value::{Builder, missing_at};

/// So many statements of one line are told apart; the rest of the line is left out.
const MAX_SHARED: usize = 32;

/// Parses a file. Every mistake of every statement is reported; the tree holds what was meant, with `Missing` where that is unknown.
/// A statement that cannot be read is still there: its keyword, for `let` its name, and `Missing`.
pub fn parse(source: &str) -> (File, Vec<Diagnostic>) {
    let split = split(source);
    let mut reader = Reader { source, statements: Vec::new(), diagnostics: split.diagnostics };
    for piece in split.pieces {
        reader.piece(piece);
    }
    if reader.statements.is_empty() && reader.diagnostics.as_slice().is_empty() {
        reader.diagnostics.push(empty_file());
    }
    let mut diagnostics = reader.diagnostics.into_list();
    diagnostics.sort_by_key(|finding| finding.span().start);
    (File { statements: reader.statements }, diagnostics)
}

struct Reader<'a> {
    source: &'a str,
    statements: Vec<Statement>,
    diagnostics: Bounded,
}

impl Reader<'_> {
    fn piece(&mut self, piece: Piece) {
        if piece.broken { self.outline(piece.span) } else { self.line(piece.span) }
    }

    fn outline(&mut self, span: Span) {
        self.statements.extend(outline(self.source, span));
    }

    /// One statement, or several that share a line.
    fn line(&mut self, mut span: Span) {
        for _ in 0..MAX_SHARED {
            let Err(stop) = self.statement(span) else { return };
            let text = &self.source[span.start..span.end];
            match unexpected(self.source, span, &stop) {
                Unexpected::Statement { at, finding } => {
                    self.first_of_line(Span::new(span.start, span.start + text[..at].trim_end().len()));
                    self.diagnostics.push(finding);
                    span.start += at;
                }
                Unexpected::Other(finding) => return self.recover(span, finding, stop.at),
            }
        }
    }

    /// Reads the statement at `span` without what the grammar does not accept in it, which is blanked to the end of its clause;
    /// `at` is where the grammar gave up.
    fn recover(&mut self, span: Span, mut finding: Diagnostic, mut at: usize) {
        let mut text = self.source[span.start..span.end].to_owned();
        for _ in 0..MAX_SHARED {
            let from = finding.span().start.saturating_sub(span.start).min(at);
            self.diagnostics.push(finding);
            let Some(cut) = rest_of_clause(&text, from, at) else { break };
            text.replace_range(cut.start..cut.end, &" ".repeat(cut.end - cut.start));
            let stop = match parse_statement(&text) {
                Ok(pair) if pair.as_rule() == Rule::statement => return self.around_cuts(pair, span),
                Ok(_) => break,
                Err(stop) => stop,
            };
            match unexpected(&text, Span::new(0, text.len()), &stop) {
                Unexpected::Other(next) => (finding, at) = (next.moved(span.start), stop.at),
                Unexpected::Statement { .. } => break,
            }
        }
        self.statements.extend(outline(self.source, span));
    }

    /// What is left of a statement at `span`; that values are missing where something was cut is known.
    fn around_cuts(&mut self, pair: Pair<'_, Rule>, span: Span) {
        let mut found = Bounded::default();
        let mut builder = Builder { source: self.source, base: span.start, diagnostics: &mut found };
        self.statements.extend(builder.statement(pair));
        let found = found.into_list().into_iter();
        self.diagnostics.extend(found.filter(|finding| finding.code != Code::MissingValue));
    }

    fn first_of_line(&mut self, span: Span) {
        if self.statement(span).is_err() {
            self.outline(span);
        }
    }

    fn statement(&mut self, span: Span) -> Result<(), Stop> {
        let pair = parse_statement(&self.source[span.start..span.end])?;
        let mut builder =
            Builder { source: self.source, base: span.start, diagnostics: &mut self.diagnostics };
        let statement = match pair.as_rule() {
            Rule::unknown => {
                builder.unknown(pair);
                None
            }
            Rule::misplaced => {
                builder.misplaced(pair);
                None
            }
            _ => builder.statement(pair),
        };
        self.statements.extend(statement);
        Ok(())
    }
}

/// From byte `from` of a statement, or from the bracket that holds it, to the first clause behind byte `at`.
fn rest_of_clause(text: &str, from: usize, at: usize) -> Option<Span> {
    let mut depth = 0usize;
    let mut bracket = 0;
    let (mut start, mut keyword_end) = (None, None);
    for token in tokens(text) {
        let first = keyword_end.is_none();
        keyword_end.get_or_insert(token.span.end);
        if start.is_none() && token.span.end > from {
            start = Some(if depth > 0 { bracket } else { token.span.start });
        }
        match token.kind {
            TokenKind::Open => {
                bracket = if depth == 0 { token.span.start } else { bracket };
                depth += 1;
            }
            TokenKind::Close => depth = depth.saturating_sub(1),
            TokenKind::Word if depth == 0 && !first && token.span.start >= at => {
                if let (Some(start), Some(_)) = (start, Keyword::find(token.text(text))) {
                    return cut(keyword_end?, start, token.span.start);
                }
            }
            _ => {}
        }
    }
    cut(keyword_end?, start?, text.len())
}

/// The place from `start` to `end`, if the word of the statement is not in it.
fn cut(keyword_end: usize, start: usize, end: usize) -> Option<Span> {
    (keyword_end <= start && start < end).then(|| Span::new(start, end))
}

/// What is certain about a statement that cannot be read.
fn outline(source: &str, span: Span) -> Option<Statement> {
    let mut words = tokens(&source[span.start..span.end])
        .take_while(|token| token.kind == TokenKind::Word)
        .map(|token| Span::new(span.start + token.span.start, span.start + token.span.end))
        .map(|span| Name { text: source[span.start..span.end].to_owned(), span });
    let keyword = words.next()?;
    Keyword::find(&keyword.text).filter(|keyword| keyword.begins_statement)?;
    let name = if keyword.text == "let" { words.next() } else { None };
    let clause = Clause { keyword, name, values: vec![missing_at(span.end)], span };
    Some(Statement { clauses: vec![clause], span })
}

fn empty_file() -> Diagnostic {
    let message = "the file holds no statement";
    Diagnostic::new(Code::EmptyFile, Span::default(), message, "nothing to train")
        .help("one line is a whole file: `curriculum ssp(adm) under lesam(budget = 0.4, clip = 0.35)`")
}
