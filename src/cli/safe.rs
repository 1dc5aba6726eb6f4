//! Text that a terminal shows and does not obey.
//!
//! Names of files, sources and arguments may hold anything. What a terminal would obey is written as `\u001b`, which is
//! also how JSON writes it.

use std::borrow::Cow;

/// The longest style that this program writes is far shorter.
const LONGEST_STYLE: usize = 16;

/// Control characters, and those that turn the direction of writing.
fn is_obeyed(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` with nothing that a terminal obeys but line breaks and tabs.
pub fn safe(text: &str) -> Cow<'_, str> {
    escaped(text, is_obeyed)
}

/// As [`safe`], on one line.
pub fn safe_line(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_obeyed(c) || c == '\n')
}

fn escaped(text: &str, is_unsafe: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) { safe.push_str(&format!("\\u{:04x}", c as u32)) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

/// As [`safe`], with the colours and weights of this program's own text.
pub fn safe_styled(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split('\u{1b}');
    let mut styled = safe(parts.next().unwrap_or_default()).into_owned();
    for part in parts {
        let (style, rest) = part.split_at(style_length(part));
        styled.push_str(if style.is_empty() { "\\u001b" } else { "\u{1b}" });
        styled.push_str(style);
        styled.push_str(&safe(rest));
    }
    Cow::Owned(styled)
}

/// Length of the style that `text` begins with, as `[1;31m`; 0 where there is none or it hides text.
fn style_length(text: &str) -> usize {
    let Some(end) = text.bytes().take(LONGEST_STYLE).position(|byte| byte == b'm') else { return 0 };
    let numbers = text[..end].strip_prefix('[');
    let is_style = |number: &str| matches!(number.parse(), Ok(0..=4 | 22..=24 | 30..=39 | 90..=97));
    if numbers.is_some_and(|numbers| numbers.split(';').all(is_style)) { end + 1 } else { 0 }
}

/// `text` for a drawing of its lines: as many bytes and lines, and nothing that a terminal obeys.
pub fn drawable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut drawable = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let ends_line = c == '\r' && characters.peek() == Some(&'\n');
        drawable.push(match c.len_utf8() {
            _ if ends_line || !is_obeyed(c) => c,
            1 => '?',
            2 => '¿',
            _ => char::REPLACEMENT_CHARACTER,
        });
    }
    Cow::Owned(drawable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_written_out() {
        assert_eq!(safe("a\u{1b}[2Jb\u{7}\rc\u{9b}\u{7f}"), "a\\u001b[2Jb\\u0007\\u000dc\\u009b\\u007f");
        assert_eq!(safe("x\u{202e}y\u{2066}"), "x\\u202ey\\u2066");
        assert!(matches!(safe("é → 平\n\ttab"), Cow::Borrowed(_)));
        assert_eq!(safe_line("a\nerror: b"), "a\\u000aerror: b");
    }

    #[test]
    fn own_styles_stay_and_others_do_not() {
        let own = "\u{1b}[1;31merror:\u{1b}[0m x";
        assert_eq!(safe_styled(own), own);
        assert_eq!(safe_styled("\u{1b}[8mhidden"), "\\u001b[8mhidden");
        assert_eq!(safe_styled("\u{1b}]0;title\u{7}m"), "\\u001b]0;title\\u0007m");
        assert_eq!(safe_styled("\u{1b}[2J\u{1b}"), "\\u001b[2J\\u001b");
        assert_eq!(safe_styled("\u{1b}é𝄞𝄞𝄞𝄞𝄞m"), "\\u001bé𝄞𝄞𝄞𝄞𝄞m");
    }

    #[test]
    fn a_drawing_keeps_bytes_and_lines() {
        let text = "a\u{1b}b\u{9b}c\u{202e}d\re\r\nf";
        let drawn = drawable(text);
        assert_eq!(drawn, "a?b¿c\u{fffd}d?e\r\nf");
        assert_eq!(drawn.len(), text.len());
    }
}
