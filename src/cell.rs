//! Text as a cell of CSV that no spreadsheet takes for a formula.
//!
//! A spreadsheet computes cells that begin with one of a few signs, and names of folders, which become names of
//! measurements, may begin with any. As OWASP advises, such a cell begins with `'`; so does one that began with `'`, so
//! that reading gives back what was written.

const SIGNS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// `text` as a cell.
pub fn written(text: &str) -> String {
    let sign = if text.starts_with(SIGNS) { "'" } else { "" };
    format!("{sign}{text}")
}

/// What was written.
pub fn read(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| text.starts_with(SIGNS)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_text_and_is_read_back() {
        assert_eq!(written("=cmd|calc!A0.accuracy"), "'=cmd|calc!A0.accuracy");
        for text in ["=1", "+1", "-1", "@a", "\t=1", "'=1", "''", "'a", "a=1", "", "accuracy"] {
            assert_eq!(read(&written(text)), text);
            assert!(!written(text).starts_with(['=', '+', '-', '@', '\t', '\r']), "{text}");
        }
    }
}
