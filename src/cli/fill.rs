//! Text filled to the width of the terminal.

use std::fmt::Write;

/// Fills lines up to `width`, where the first begins at `column` and the others are indented to it.
pub fn hanging(text: &str, width: usize, column: usize) -> String {
    let mut filled = String::new();
    let mut at = column;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if at > column && at + 1 + length > width {
            let _ = write!(filled, "\n{:column$}{word}", "");
            at = column + length;
            continue;
        }
        if at > column {
            filled.push(' ');
            at += 1;
        }
        filled.push_str(word);
        at += length;
    }
    filled
}

/// Markdown with its paragraphs filled; headings, lists, tables and code stay as they are.
pub fn markdown(page: &str, width: usize) -> String {
    let mut text = String::new();
    let mut paragraph = String::new();
    let mut code = false;
    for line in page.lines() {
        let fence = line.starts_with("```");
        if !code
            && !fence
            && line.starts_with(|letter: char| letter.is_alphanumeric() || letter == '`' || letter == '*')
        {
            paragraph.push_str(line);
            paragraph.push('\n');
            continue;
        }
        end(&mut paragraph, width, &mut text);
        code ^= fence;
        text.push_str(line);
        text.push('\n');
    }
    end(&mut paragraph, width, &mut text);
    text
}

fn end(paragraph: &mut String, width: usize, text: &mut String) {
    if !paragraph.is_empty() {
        text.push_str(&hanging(paragraph, width, 0));
        text.push('\n');
        paragraph.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_lines_hang() {
        assert_eq!(hanging("one two three", 12, 4), "one two\n    three");
    }

    #[test]
    fn code_is_not_filled() {
        let page =
            "# A title that is long\n\nOne two\nthree four.\n\n```flat\nlet a = 1  # b\nlet c = 2\n```\n";
        let filled =
            "# A title that is long\n\nOne two three\nfour.\n\n```flat\nlet a = 1  # b\nlet c = 2\n```\n";
        assert_eq!(markdown(page, 14), filled);
    }
}
