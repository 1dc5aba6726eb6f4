//! Text of others in Markdown: it is shown, and makes no markup.

/// `text` on one line, without HTML and links.
pub fn line(text: &str) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    flat.replace('<', "&lt;").replace("](", "]\\(")
}

/// `text` as a cell of a table.
pub fn cell(text: &str) -> String {
    line(&text.replace('\\', "\\\\").replace('|', "\\|").replace('`', "\\`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(
            cell("<img src=x onerror=alert(1)>\n| a\\|"),
            "&lt;img src=x onerror=alert(1)> \\| a\\\\\\|"
        );
        assert_eq!(line("a [b](javascript:c)\r\n# d"), "a [b]\\(javascript:c)  # d");
        assert_eq!(cell("hessian(top=10).trace"), "hessian(top=10).trace");
    }
}
