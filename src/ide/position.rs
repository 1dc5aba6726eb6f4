//! Byte offsets as the editor protocol counts places: lines, and UTF-16 code units within a line. Nothing else counts them.

use lsp_types::{Position, Range};

use crate::diagnostic::Span;

/// Where the lines of a text begin. A line ends with `\n`, `\r\n` or `\r`.
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let breaks = |at: &usize| match bytes[*at] {
            b'\n' => true,
            byte => byte == b'\r' && bytes.get(*at + 1) != Some(&b'\n'),
        };
        let after_breaks = (0..bytes.len()).filter(breaks).map(|at| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// The place of a byte; inside a character its beginning, beyond the text its end.
    pub fn position(&self, byte: usize) -> Position {
        let byte = self.text.floor_char_boundary(byte);
        let line = self.starts.partition_point(|start| *start <= byte) - 1;
        let units: usize = self.text[self.starts[line]..byte].chars().map(char::len_utf16).sum();
        Position::new(line as u32, units as u32)
    }

    pub fn range(&self, span: Span) -> Range {
        Range::new(self.position(span.start), self.position(span.end))
    }

    /// The byte of a place; beyond its line the end of the line, beyond the last line the end of the text.
    pub fn byte(&self, position: Position) -> usize {
        let Some(start) = self.starts.get(position.line as usize).copied() else { return self.text.len() };
        let next = self.starts.get(position.line as usize + 1).copied();
        let line = self.text[start..next.unwrap_or(self.text.len())].trim_end_matches(['\n', '\r']);
        let mut units = 0;
        for (at, c) in line.char_indices() {
            units += c.len_utf16();
            if units > position.character as usize {
                return start + at;
            }
        }
        start + line.len()
    }

    pub fn span(&self, range: Range) -> Span {
        let start = self.byte(range.start);
        Span::new(start, self.byte(range.end).max(start))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_outside_the_basic_plane_count_twice() {
        let lines = Lines::new("# 😀é\r\nx");
        assert_eq!(lines.position(6), Position::new(0, 4));
        assert_eq!(lines.position(8), Position::new(0, 5));
        assert_eq!(lines.position(10), Position::new(1, 0));
        assert_eq!(lines.byte(Position::new(0, 3)), 2);
        assert_eq!(lines.byte(Position::new(0, 4)), 6);
    }

    #[test]
    fn places_outside_the_text_are_its_ends() {
        let lines = Lines::new("ab\ncd");
        assert_eq!(lines.byte(Position::new(0, 99)), 2);
        assert_eq!(lines.byte(Position::new(9, 0)), 5);
        assert_eq!(lines.position(99), Position::new(1, 2));
        assert_eq!(Lines::new("").range(Span::new(1, 2)), Range::default());
    }

    #[test]
    fn a_lone_carriage_return_ends_a_line() {
        assert_eq!(Lines::new("a\rb\n\rc").position(5), Position::new(3, 0));
    }

    proptest! {
        #[test]
        fn positions_lead_back(text in "[a😀é\r\n ]{0,40}", at in 0usize..200) {
            let at = text.floor_char_boundary(at);
            let lines = Lines::new(&text);
            // Between `\r` and `\n` there is no place of its own.
            prop_assume!(!(text[..at].ends_with('\r') && text[at..].starts_with('\n')));
            prop_assert_eq!(lines.byte(lines.position(at)), at);
        }
    }
}
