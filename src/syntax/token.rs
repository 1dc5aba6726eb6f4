//! Source text cut into tokens: enough to find strings, comments, brackets, words and lines, which pest is not asked for.

use crate::diagnostic::Span;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Word,
    /// A run that begins with a digit: `200`, `5e`, `200epochs`, `1_000`.
    Figure,
    /// A text in quotes of any kind; false where the closing quote is missing on its line.
    Text(bool),
    Open,
    Close,
    Comment,
    /// The end of a line, with the line break.
    Newline,
    Semicolon,
    /// An ASCII sign, or one of the other signs that have an ASCII form.
    Sign,
    /// A character that has no place outside texts and comments.
    Stray,
}

/// A piece of source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

impl Token {
    pub fn text(self, source: &str) -> &str {
        &source[self.span.start..self.span.end]
    }
}

/// The tokens of `source` in order; blanks, tabs and byte order marks are left out.
pub fn tokens(source: &str) -> impl Iterator<Item = Token> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += source[at..].len() - source[at..].trim_start_matches([' ', '\t', '\u{feff}']).len();
        let rest = &source[at..];
        let (kind, length) = first_token(rest, rest.chars().next()?);
        at += length;
        Some(Token { kind, span: Span::new(at - length, at) })
    })
}

/// Kind and length of the token that begins `rest`, whose first character is `first`.
fn first_token(rest: &str, first: char) -> (TokenKind, usize) {
    match first {
        '\n' => (TokenKind::Newline, 1),
        '\r' if rest.starts_with("\r\n") => (TokenKind::Newline, 2),
        '\r' => (TokenKind::Newline, 1),
        '#' => (TokenKind::Comment, rest.find(['\n', '\r']).unwrap_or(rest.len())),
        '"' => double_quoted(rest),
        '\'' => other_quoted(rest, '\''),
        '“' => other_quoted(rest, '”'),
        '(' | '[' | '{' => (TokenKind::Open, 1),
        ')' | ']' | '}' => (TokenKind::Close, 1),
        ';' => (TokenKind::Semicolon, 1),
        'a'..='z' | 'A'..='Z' | '_' => (TokenKind::Word, run(rest)),
        '0'..='9' => (TokenKind::Figure, run(rest)),
        '!'..='~' | '→' | '⇒' | '⟶' | '…' | '−' | '–' | '—' => {
            (TokenKind::Sign, first.len_utf8())
        }
        _ => (TokenKind::Stray, first.len_utf8()),
    }
}

fn run(rest: &str) -> usize {
    let outside = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    rest.find(outside).unwrap_or(rest.len())
}

/// A text in double quotes: to the quote that no backslash escapes, at most to the end of the line.
fn double_quoted(rest: &str) -> (TokenKind, usize) {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\n' | '\r' => return (TokenKind::Text(false), at),
            '"' if !escaped => return (TokenKind::Text(true), at + 1),
            _ => escaped = c == '\\' && !escaped,
        }
    }
    (TokenKind::Text(false), rest.len())
}

/// A text in quotes that Flat does not use; a quote that does not close on its line is a character of its own.
fn other_quoted(rest: &str, close: char) -> (TokenKind, usize) {
    let mut characters = rest.char_indices();
    let open = characters.next().map_or(close, |(_, open)| open);
    let end = characters.find(|(_, c)| *c == close || *c == open || matches!(c, '\n' | '\r'));
    match end {
        Some((at, c)) if c == close => (TokenKind::Text(true), at + close.len_utf8()),
        _ => (TokenKind::Stray, open.len_utf8()),
    }
}

#[cfg(test)]
mod tests {
    use super::TokenKind::*;
    use super::{TokenKind, tokens};

    fn kinds(source: &str) -> Vec<(TokenKind, &str)> {
        tokens(source).map(|token| (token.kind, token.text(source))).collect()
    }

    #[test]
    fn words_figures_and_signs() {
        let expected = [
            (Word, "lr"),
            (Sign, "="),
            (Figure, "0"),
            (Sign, "."),
            (Figure, "05"),
            (Sign, "-"),
            (Sign, ">"),
            (Figure, "200epochs"),
        ];
        assert_eq!(kinds("lr=0.05->\t200epochs"), expected);
    }

    #[test]
    fn brackets_and_marks_inside_texts_and_comments_do_not_count() {
        assert_eq!(kinds(r#""a # ( \" b" # [ ""#), [(Text(true), r#""a # ( \" b""#), (Comment, "# [ \"")]);
    }

    #[test]
    fn a_text_ends_with_its_line() {
        assert_eq!(kinds("\"a\r\nb"), [(Text(false), "\"a"), (Newline, "\r\n"), (Word, "b")]);
        assert_eq!(kinds("\"a\\"), [(Text(false), "\"a\\")]);
    }

    #[test]
    fn other_quotes_are_texts_when_they_close_on_their_line() {
        assert_eq!(kinds("'a b' “c”"), [(Text(true), "'a b'"), (Text(true), "“c”")]);
        assert_eq!(kinds("'a"), [(Stray, "'"), (Word, "a")]);
    }

    #[test]
    fn byte_order_mark_and_line_ends() {
        assert_eq!(kinds("\u{feff}a\rb\n"), [(Word, "a"), (Newline, "\r"), (Word, "b"), (Newline, "\n")]);
    }

    #[test]
    fn strays() {
        assert_eq!(kinds("é\u{a0}\0"), [(Stray, "é"), (Stray, "\u{a0}"), (Stray, "\0")]);
        assert_eq!(kinds("→"), [(Sign, "→")]);
    }
}
