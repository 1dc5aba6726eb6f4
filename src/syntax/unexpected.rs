//! The one finding of a statement that the grammar does not accept, in the words of the user.

use crate::diagnostic::{Code, Diagnostic, Span, nearest};

use super::clause::listed;
use super::expected::expectation;
use super::grammar::{Rule, Stop};
use super::keyword::{Keyword, clause_words};
use super::slip;
use super::token::{Token, TokenKind, tokens};

pub(super) enum Unexpected {
    /// Another statement begins at `at` in the text.
    Statement {
        at: usize,
        finding: Diagnostic,
    },
    Other(Diagnostic),
}

/// Why the text at `span` in `source` is not a statement.
pub(super) fn unexpected(source: &str, span: Span, stop: &Stop) -> Unexpected {
    let text = &source[span.start..span.end];
    let tokens: Vec<Token> =
        tokens(text).filter(|token| !matches!(token.kind, TokenKind::Comment | TokenKind::Newline)).collect();
    let at = tokens.partition_point(|token| token.span.end <= stop.at);
    let place = Place { source, text, base: span.start, tokens: &tokens, at };
    if let Some(finding) = place.second_statement() {
        let at = tokens.get(at).map_or(text.len(), |found| found.span.start);
        return Unexpected::Statement { at, finding };
    }
    let finding = place
        .not_a_statement()
        .or_else(|| place.after_keyword())
        .or_else(|| place.sign())
        .or_else(|| place.clause())
        .unwrap_or_else(|| place.otherwise(&stop.expected));
    Unexpected::Other(finding)
}

/// Where the grammar gave up: at token `at` of the statement `text`.
struct Place<'a> {
    source: &'a str,
    text: &'a str,
    base: usize,
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Place<'a> {
    fn token(&self, at: Option<usize>) -> Option<Token> {
        self.tokens.get(at?).copied()
    }

    fn found(&self) -> Option<Token> {
        self.token(Some(self.at))
    }

    fn previous(&self) -> Option<Token> {
        self.token(self.at.checked_sub(1))
    }

    fn next(&self) -> Option<Token> {
        self.token(self.at.checked_add(1))
    }

    fn word(&self, token: Option<Token>) -> &'a str {
        token.map_or("", |token| token.text(self.text))
    }

    fn statement(&self) -> &'a str {
        self.word(self.token(Some(0)))
    }

    fn span(&self, token: Token) -> Span {
        Span::new(self.base + token.span.start, self.base + token.span.end)
    }

    /// `token` with what is glued to it, as far as that is short: `0.1`, not `0`.
    fn written(&self, token: Token) -> &'a str {
        let rest = &self.text[token.span.start..];
        let end = rest.find(|c: char| c.is_whitespace() || "()[]{},=#".contains(c)).unwrap_or(rest.len());
        match end {
            1..=24 => &rest[..end],
            _ => token.text(self.text),
        }
    }

    /// The bracket that closes the one around the place.
    fn closing(&self) -> Option<&'static str> {
        let mut open = Vec::new();
        for token in &self.tokens[..self.at] {
            match (token.kind, token.text(self.text)) {
                (TokenKind::Open, "(") => open.push("`)`"),
                (TokenKind::Open, _) => open.push("`]`"),
                (TokenKind::Close, _) => drop(open.pop()),
                _ => {}
            }
        }
        open.pop()
    }

    fn finding(&self, code: Code, message: impl Into<String>, label: &str) -> Diagnostic {
        let end = Span::new(self.base + self.text.len(), self.base + self.text.len());
        let place = |found: Token| {
            let start = self.base + found.span.start;
            Span::new(start, start + self.written(found).len())
        };
        Diagnostic::new(code, self.found().map_or(end, place), message, label)
    }

    fn second_statement(&self) -> Option<Diagnostic> {
        let keyword = Keyword::find(self.word(self.found()))?;
        if !keyword.begins_statement || self.at == 0 || self.closing().is_some() {
            return None;
        }
        let span = self.span(self.found()?);
        let message = format!("`{}` begins another statement on the same line", keyword.word);
        let finding = Diagnostic::new(Code::SharedLine, span, message, "belongs on a line of its own");
        let blanks = Span::new(slip::with_blanks(self.source, span).start, span.start);
        Some(finding.fix("begin a new line", blanks, "\n"))
    }

    fn not_a_statement(&self) -> Option<Diagnostic> {
        let found = self.found().filter(|_| self.at == 0)?;
        let message = format!("expected a statement, found `{}`", self.written(found));
        let words =
            "a statement begins with a word such as `data`, `train`, `curriculum`, `under`, `evaluate`";
        Some(self.finding(Code::SyntaxError, message, "begins no statement").help(words))
    }

    /// `train (200 epochs)`, `each (a, b)`.
    fn after_keyword(&self) -> Option<Diagnostic> {
        let found = self.written(self.found()?);
        let previous = self.word(self.previous());
        let (takes, example) = match Keyword::find(previous) {
            _ if previous == "each" => ("a list", "each [sgd, sam(rho = 0.05)]"),
            // `let x = data …`: a name that is no keyword there.
            Some(_) if self.statement() == "let" && self.at > 1 => return None,
            Some(keyword) if self.closing().is_none() => (keyword.takes, keyword.example),
            _ => return None,
        };
        let message = format!("expected {takes} after `{previous}`, found `{found}`");
        let finding = self.finding(Code::MissingValue, message, "not the value");
        Some(finding.help(format!("for example `{example}`")))
    }

    fn sign(&self) -> Option<Diagnostic> {
        let found = self.found()?;
        let word = self.word(Some(found));
        match word {
            "{" | "}" => {
                let finding = self.finding(
                    Code::SyntaxError,
                    format!("`{word}` has no place here"),
                    "not part of the language",
                );
                Some(finding.help("arguments stand in `( )`, lists in `[ ]`"))
            }
            "+" | "*" | "/" | "^" | "%" => Some(slip::arithmetic(self.span(found), word)),
            "-" if self.statement() == "seeds" => Some(slip::wrong_range(self.span(found), word)),
            "-" if self.previous().is_some_and(|previous| previous.span.end == found.span.start) => {
                let name = self.previous().filter(|name| name.kind == TokenKind::Word);
                let number = self.next().filter(|next| next.span.start == found.span.end);
                Some(match (name, number) {
                    (Some(name), Some(number)) => {
                        slip::hyphen_in_name(self.span(found), self.word(Some(name)), self.written(number))
                    }
                    _ => slip::arithmetic(self.span(found), word),
                })
            }
            ":" => Some(self.colon()),
            "," if self.closing().is_none() => Some(self.comma(found)),
            _ => None,
        }
    }

    /// The clauses that could stand at the place.
    fn clauses_to_come(&self) -> Vec<&'static str> {
        let mut rank = 0;
        for token in &self.tokens[..self.at] {
            match Keyword::find(token.text(self.text)) {
                Some(Keyword { word: "then", .. }) => rank = 0,
                Some(keyword) => rank = keyword.rank().unwrap_or(rank),
                None => {}
            }
        }
        let before = &self.tokens[..self.at];
        let is_there = |word: &str| before.iter().any(|token| token.text(self.text) == word);
        let is_to_come = |word: &&str| match Keyword::find(word).and_then(Keyword::rank) {
            Some(other) => other > rank,
            None => *word == "then" || !is_there(word),
        };
        clause_words(self.statement()).filter(is_to_come).collect()
    }

    /// `device cuda:0`.
    fn colon(&self) -> Diagnostic {
        let finding = self.finding(Code::SyntaxError, "`:` has no place here", "unexpected");
        match (self.previous(), self.next()) {
            (Some(name), Some(value)) if name.kind == TokenKind::Word && value.kind == TokenKind::Figure => {
                finding.help(format!(
                    "arguments stand in parentheses: `{}({})`",
                    self.word(Some(name)),
                    self.written(value)
                ))
            }
            _ => finding,
        }
    }

    /// `seeds 0, 1, 2`, `under sam, lesam`, `train 200 epochs, under sam`.
    fn comma(&self, found: Token) -> Diagnostic {
        let is_keyword = |token: &Token| Keyword::find(token.text(self.text)).is_some();
        if self.next().is_none_or(|next| is_keyword(&next)) {
            return slip::stray_comma(self.span(found));
        }
        let owner = self.tokens[..self.at].iter().rposition(is_keyword).unwrap_or(0);
        let keyword = self.word(self.token(Some(owner)));
        if let Some(finding) = self.decimal_comma(found).filter(|_| keyword != "seeds") {
            return finding;
        }
        let first = self.tokens[(owner + 1).min(self.at)].span.start;
        let end = self.tokens[self.at..]
            .iter()
            .position(is_keyword)
            .map_or(self.tokens.len(), |next| self.at + next);
        let last = self.tokens[end - 1].span.end;
        let values = self.text[first..last].trim_end_matches(',');
        let finding = self.finding(
            Code::SyntaxError,
            format!("`{keyword}` takes one value, found `,`"),
            "a second value follows",
        );
        let span = Span::new(self.base + first, self.base + last);
        match keyword {
            "every" => {
                let head = self.text[..self.tokens[owner].span.start].trim_end();
                let clause = self.text[self.tokens[owner].span.start..found.span.start].trim_end();
                let rest = self.text[found.span.end..last].trim();
                slip::list_after_clause(self.span(found), head, clause, rest)
            }
            "seeds" | "augment" | "test" => finding.fix("write a list", span, format!("[{values}]")),
            "let" => finding.help("a list stands in brackets: `[…]`"),
            _ => finding.help(format!("a choice is written `{keyword} each [{values}]`")),
        }
    }

    /// `train 2,5 epochs`.
    fn decimal_comma(&self, comma: Token) -> Option<Diagnostic> {
        let is_figure = |token: &Token| token.kind == TokenKind::Figure;
        let whole = self.previous().filter(|whole| is_figure(whole) && whole.span.end == comma.span.start)?;
        let part = self.next().filter(|part| is_figure(part) && part.span.start == comma.span.end)?;
        Some(slip::decimal_comma(self.source, self.span(whole), self.span(part)))
    }

    /// A word where a clause could stand, or one that was taken for a unit and was to be a clause.
    fn clause(&self) -> Option<Diagnostic> {
        let found = self.found().filter(|_| self.at > 1 && self.closing().is_none())?;
        let near = |token: &Token| nearest(token.text(self.text), clause_words(self.statement())).is_some();
        let is_word = |token: &Token| token.kind == TokenKind::Word;
        if let Some(unit) = self.previous().filter(|unit| self.at > 2 && is_word(unit) && near(unit)) {
            return self.unknown_clause(unit);
        }
        if !is_word(&found) {
            return None;
        }
        match (Keyword::find(self.word(Some(found))), self.word(self.next())) {
            (Some(keyword), _) => Some(self.foreign_clause(keyword)),
            (None, "=") => Some(self.bare_argument(found)),
            (None, ":") => Some(Place { at: self.at + 1, ..*self }.colon()),
            (None, _) => self.unknown_clause(found),
        }
    }

    fn foreign_clause(&self, keyword: &Keyword) -> Diagnostic {
        let owner = keyword.owners.first().copied().unwrap_or_default();
        let message = format!("`{}` is a clause of `{owner}`, not of `{}`", keyword.word, self.statement());
        self.finding(Code::MisplacedClause, message, "cannot stand here")
    }

    /// `under sam rho = 0.1`.
    fn bare_argument(&self, found: Token) -> Diagnostic {
        let name = self.word(Some(found));
        let message = format!("`{name} = …` stands outside parentheses");
        let component = self.previous().filter(|token| token.kind == TokenKind::Word);
        let component = component.map_or("NAME", |token| token.text(self.text));
        self.finding(Code::SyntaxError, message, "an argument of what?")
            .help(format!("arguments stand in parentheses: `{component}({name} = …)`"))
    }

    fn unknown_clause(&self, token: Token) -> Option<Diagnostic> {
        let known = self.clauses_to_come();
        if known.is_empty() {
            return None;
        }
        let (word, span) = (self.word(Some(token)), self.span(token));
        let message = format!("`{}` has no clause `{word}`", self.statement());
        let finding = Diagnostic::new(Code::UnknownClause, span, message, "not a clause");
        Some(match nearest(word, known.iter().copied()) {
            Some(right) => finding.nearest("clause", span, word, right),
            None => finding.help(format!("it can go on with {}", listed(known.into_iter()))),
        })
    }

    fn otherwise(&self, expected: &[Rule]) -> Diagnostic {
        let found = match self.found() {
            Some(found) => format!("`{}`", self.written(found)),
            None => "the end of the statement".to_owned(),
        };
        let message = match expectation(expected, self.closing()) {
            Some(expected) => format!("expected {expected}, found {found}"),
            None => format!("{found} has no place here"),
        };
        let finding = self.finding(Code::SyntaxError, message, "unexpected");
        match self.loose_argument() {
            Some(call) => finding.help(format!("arguments stand in parentheses: `{call}`")),
            None => finding,
        }
    }

    /// `best accuracy`, written as it was meant.
    fn loose_argument(&self) -> Option<String> {
        let (name, value) = (self.previous()?, self.found()?);
        let is_value = matches!(value.kind, TokenKind::Word | TokenKind::Figure | TokenKind::Text(_));
        let fits = name.kind == TokenKind::Word && is_value && self.at > 1 && self.closing().is_none();
        fits.then(|| format!("{}({})", name.text(self.text), self.written(value)))
    }
}
