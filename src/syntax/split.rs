//! A file cut into statements before the grammar sees it, so that a mistake stays in its statement.

use crate::diagnostic::{Bounded, Code, Diagnostic, Span, nearest};

use super::keyword::{Keyword, clause_words, statement_words};
use super::slip::with_blanks;
use super::token::{Token, TokenKind, tokens};

/// Brackets may be nested this deep.
pub const MAX_DEPTH: usize = 64;

/// The source text of one statement, from its first to its last character.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    pub span: Span,
    /// The grammar is not asked: quotes or brackets do not close, or characters have no place.
    pub broken: bool,
}

#[derive(Debug, Default)]
pub(super) struct Split {
    pub pieces: Vec<Piece>,
    pub comments: Vec<Span>,
    /// What is wrong with broken pieces, and findings that leave the statements whole.
    pub diagnostics: Bounded,
}

/// The place of every statement, whether the grammar accepts it or not.
pub fn statements(source: &str) -> Vec<Span> {
    split(source).pieces.into_iter().map(|piece| piece.span).collect()
}

/// Cuts `source` into statements and comments.
pub(super) fn split(source: &str) -> Split {
    let tokens: Vec<Token> = tokens(source).collect();
    let mut splitter = Splitter { source, tokens: &tokens, ..Splitter::default() };
    let mut line_begins = true;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Newline => line_begins = true,
            TokenKind::Comment => splitter.out.comments.push(token.span),
            _ => {
                if std::mem::take(&mut line_begins) {
                    splitter.begin_line(at);
                }
                splitter.take(at);
            }
        }
    }
    splitter.finish();
    splitter.out
}

#[derive(Default)]
struct Splitter<'a> {
    source: &'a str,
    tokens: &'a [Token],
    open: Option<Open>,
    out: Split,
}

/// The statement being read.
struct Open {
    span: Span,
    broken: Option<Diagnostic>,
    brackets: Vec<(char, Span)>,
    /// Open brackets beyond `MAX_DEPTH`.
    too_deep: usize,
    /// The keyword it begins with, or most likely was to begin with.
    keyword: Option<&'static Keyword>,
    /// Place of the last clause within its training phase.
    rank: usize,
}

impl Open {
    fn new(span: Span, word: &str) -> Self {
        let meant = Keyword::find(word).or_else(|| Keyword::find(nearest(word, statement_words())?));
        Self { span, broken: None, brackets: Vec::new(), too_deep: 0, keyword: meant, rank: 0 }
    }

    fn is_closed(&self) -> bool {
        self.brackets.is_empty() && self.too_deep == 0
    }

    /// Keeps the first reason only: what follows it is most likely its consequence.
    fn break_with(&mut self, reason: Diagnostic) {
        self.broken.get_or_insert(reason);
    }

    /// Whether a line that begins with `word` goes on with this statement.
    fn continues_with(&self, word: &str) -> bool {
        let Some(begun) = self.keyword else { return false };
        let statement = if begun.begins_statement { begun.word } else { begun.owners[0] };
        let meant = || nearest(word, clause_words(statement)).and_then(Keyword::find);
        let next = Keyword::find(word).or_else(meant);
        next.is_some_and(|next| next.follows(statement) && next.rank().is_none_or(|rank| rank > self.rank))
    }
}

impl Splitter<'_> {
    /// Decides whether the line whose first token is `at` begins a statement.
    fn begin_line(&mut self, at: usize) {
        let token = self.tokens[at];
        let word = token.text(self.source);
        let begins_statement = self.looks_like_statement(at);
        let Some(open) = &mut self.open else { return };
        if !open.is_closed() && begins_statement {
            open.close_brackets();
        }
        let dangling = open.broken.is_some() && token.kind == TokenKind::Close;
        if open.is_closed() && !dangling && !open.continues_with(word) {
            self.finish();
        }
    }

    /// Whether a line beginning at token `at`, though inside brackets, can only be a new statement: a bracket was left open above it.
    fn looks_like_statement(&self, at: usize) -> bool {
        let word = self.tokens[at].text(self.source);
        let Some(next) = self.tokens.get(at + 1) else { return false };
        let is_value = match next.kind {
            TokenKind::Word => next.text(self.source) != "then",
            kind => matches!(kind, TokenKind::Figure | TokenKind::Text(_)),
        };
        let is_keyword = || Keyword::find(word).is_some() || nearest(word, statement_words()).is_some();
        is_value && !matches!(word, "then" | "last" | "each") && is_keyword()
    }

    fn take(&mut self, at: usize) {
        let token = self.tokens[at];
        let word = token.text(self.source);
        if token.kind == TokenKind::Semicolon && self.open.as_ref().is_none_or(Open::is_closed) {
            return self.end_at_semicolon(at);
        }
        let open = self.open.get_or_insert_with(|| Open::new(token.span, word));
        open.span.end = token.span.end;
        match token.kind {
            TokenKind::Open => open.open_bracket(token.span, word),
            TokenKind::Close => open.close_bracket(token.span, word),
            TokenKind::Word if open.is_closed() => open.note_clause(word),
            TokenKind::Text(false) => open.break_with(unclosed_text(token.span, self.source)),
            TokenKind::Stray => open.break_with(stray(token.span, word)),
            _ => {}
        }
    }

    fn end_at_semicolon(&mut self, at: usize) {
        let span = self.tokens[at].span;
        let next = self.tokens.get(at + 1).map(|token| token.kind);
        let last = matches!(next, None | Some(TokenKind::Newline | TokenKind::Comment));
        let finding = Diagnostic::new(
            Code::Semicolon,
            span,
            "a statement ends with its line, not with `;`",
            "not part of the language",
        );
        self.out.diagnostics.push(match last {
            true => finding.fix("remove `;`", span, ""),
            false => finding.fix("begin a new line", with_blanks(self.source, span), "\n"),
        });
        self.finish();
    }

    fn finish(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        open.close_brackets();
        self.out.pieces.push(Piece { span: open.span, broken: open.broken.is_some() });
        self.out.diagnostics.extend(open.broken);
    }
}

impl Open {
    fn note_clause(&mut self, word: &str) {
        let rank = match word {
            "then" => Some(0),
            _ => Keyword::find(word).and_then(Keyword::rank),
        };
        self.rank = rank.unwrap_or(self.rank);
    }

    fn open_bracket(&mut self, span: Span, bracket: &str) {
        if self.brackets.len() < MAX_DEPTH {
            return self.brackets.extend(bracket.chars().map(|bracket| (bracket, span)));
        }
        self.too_deep += 1;
        let message = format!("brackets are nested more than {MAX_DEPTH} deep");
        let finding = Diagnostic::new(Code::NestingTooDeep, span, message, "one too many");
        self.break_with(finding.help("name the inner parts: `let NAME = …`"));
    }

    fn close_bracket(&mut self, span: Span, close: &str) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        let Some((open, opened)) = self.brackets.pop() else {
            let message = format!("`{close}` closes nothing");
            let finding = Diagnostic::new(Code::UnbalancedBracket, span, message, "no bracket is open here");
            return self.break_with(finding);
        };
        let expected = closing(open);
        if close != expected {
            let message = format!("`{open}` is closed by `{close}`");
            let finding =
                Diagnostic::new(Code::UnbalancedBracket, span, message, format!("expected `{expected}`"));
            self.break_with(finding.label(opened, "opened here"));
        }
    }

    /// Ends the statement although brackets are open.
    fn close_brackets(&mut self) {
        let innermost = self.brackets.pop();
        self.brackets.clear();
        self.too_deep = 0;
        let Some((open, opened)) = innermost else { return };
        let end = Span::new(self.span.end, self.span.end);
        let finding = Diagnostic::new(
            Code::UnbalancedBracket,
            opened,
            format!("`{open}` is never closed"),
            "opened here",
        )
        .label(end, "the statement ends here")
        .help(format!("write `{}` where it ends", closing(open)));
        self.break_with(finding);
    }
}

fn closing(open: char) -> &'static str {
    match open {
        '(' => ")",
        '[' => "]",
        _ => "}",
    }
}

fn unclosed_text(span: Span, source: &str) -> Diagnostic {
    let opening = Span::new(span.start, span.start + 1);
    let end = Span::new(span.end, span.end);
    let finding =
        Diagnostic::new(Code::UnclosedText, opening, "a text has no closing quote", "the text begins here")
            .label(end, "the line ends here");
    let written = source[span.start..span.end].trim_end();
    // With a bracket or a comment sign in it, the quote may belong further left.
    if written.contains(['(', ')', '[', ']', '#', ',', '\\']) || written.len() == 1 {
        return finding.help("close the text with `\"`");
    }
    let place = span.start + written.len();
    finding.fix("close the text", Span::new(place, place), "\"")
}

fn stray(span: Span, found: &str) -> Diagnostic {
    let c = found.chars().next().unwrap_or_default();
    let shown = c.is_alphanumeric() || c.is_ascii_graphic();
    let name = if shown { format!("`{c}`") } else { format!("the character U+{:04X}", c as u32) };
    let finding = Diagnostic::new(
        Code::UnexpectedCharacter,
        span,
        format!("{name} has no place here"),
        "not part of the language",
    );
    match c {
        '\'' => finding.help("a text stands in double quotes: `\"…\"`"),
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{3000}' => {
            finding.help("it looks like a blank").fix("write a blank", span, " ")
        }
        _ => finding.help("characters outside ASCII may stand in texts and comments only"),
    }
}
