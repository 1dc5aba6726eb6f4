//! Byte offsets as lines and columns.

use serde::Serialize;

use crate::diagnostic::Span;

/// A place as editors show it: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// Where the lines of a text begin.
#[derive(Debug)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub fn new(text: &'a str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// The place of the character at a byte; the end of the text for a byte beyond it.
    pub fn place(&self, byte: usize) -> Place {
        let byte = self.text.floor_char_boundary(byte);
        let line = self.line(byte);
        let start = self.starts[line - 1];
        Place { line, column: self.text[start..byte].chars().count() + 1 }
    }

    /// The line that holds a byte, from 1.
    pub fn line(&self, byte: usize) -> usize {
        self.starts.partition_point(|&start| start <= byte)
    }

    /// First and last-but-one place of a span.
    pub fn ends(&self, span: Span) -> (Place, Place) {
        (self.place(span.start), self.place(span.end))
    }

    /// Start of the line that holds `byte`, and its end without the line break.
    pub fn line_around(&self, byte: usize) -> (usize, usize) {
        let start = self.starts[self.line(byte) - 1];
        let line = self.text[start..].split('\n').next().unwrap_or_default();
        (start, start + line.trim_end_matches('\r').len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let lines = Lines::new("é = 1\nb");
        assert_eq!(lines.place(3), Place { line: 1, column: 3 });
        assert_eq!(lines.place(7), Place { line: 2, column: 1 });
        assert_eq!(lines.place(99), Place { line: 2, column: 2 });
        assert_eq!(lines.line_around(3), (0, 6));
    }

    #[test]
    fn an_empty_text_has_one_place() {
        assert_eq!(Lines::new("").place(0), Place { line: 1, column: 1 });
    }
}
