//! Numbers and texts as written, read into values.

/// A number that a double cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutOfReach {
    TooLarge,
    TooSmall,
}

/// The value of a number in Flat's notation.
pub(super) fn number(written: &str) -> Result<f64, OutOfReach> {
    let value: f64 = written.parse().unwrap_or(f64::INFINITY);
    let mantissa = written.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = !mantissa.contains(|c| matches!(c, '1'..='9'));
    match value {
        value if value.is_infinite() => Err(OutOfReach::TooLarge),
        value if value == 0.0 && !is_zero => Err(OutOfReach::TooSmall),
        value => Ok(value),
    }
}

/// What a number in another notation most likely means.
#[derive(Debug, PartialEq)]
pub(super) enum Meant {
    Number(String),
    /// A number and a unit written in one piece: `200epochs`.
    Quantity(String, String),
    Unclear,
}

/// Reads `.5`, `5.`, `1_000`, `+1`, `−1`, `200epochs`.
pub(super) fn meant(written: &str) -> Meant {
    let cleaned = written.replace('_', "").replace(['−', '–'], "-");
    let cleaned = cleaned.trim_start_matches('+');
    let (digits, unit) = cleaned.split_at(number_length(cleaned));
    let value = with_digits_around_the_point(digits);
    if !is_number(&value) || unit.eq_ignore_ascii_case("e") {
        Meant::Unclear
    } else if unit.is_empty() {
        Meant::Number(value)
    } else if unit.chars().all(|c| c.is_ascii_alphabetic()) {
        Meant::Quantity(value, unit.to_owned())
    } else {
        Meant::Unclear
    }
}

/// Length of the part that may belong to a number: up to the first letter that begins no exponent.
fn number_length(written: &str) -> usize {
    let is_exponent = |at: usize| {
        let rest = written[at + 1..].trim_start_matches(['+', '-']);
        rest.starts_with(|c: char| c.is_ascii_digit())
    };
    let ends = |(at, c): &(usize, char)| {
        c.is_ascii_alphabetic() && !(c.eq_ignore_ascii_case(&'e') && is_exponent(*at))
    };
    written.char_indices().find(ends).map_or(written.len(), |(at, _)| at)
}

fn with_digits_around_the_point(written: &str) -> String {
    let (sign, rest) = match written.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", written),
    };
    let zero = if rest.starts_with('.') { "0" } else { "" };
    let (mantissa, exponent) = rest.split_at(rest.find(['e', 'E']).unwrap_or(rest.len()));
    format!("{sign}{zero}{}{exponent}", mantissa.strip_suffix('.').unwrap_or(mantissa))
}

/// Whether `written` is in Flat's notation: digits, perhaps a point with digits on both sides, perhaps an exponent.
fn is_number(written: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = written.strip_prefix('-').unwrap_or(written);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    digits(whole) && digits(fraction) && digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
}

/// The text between double quotes `inside`, and the byte offset of every backslash that means nothing.
pub(super) fn unescape(inside: &str) -> (String, Vec<usize>) {
    let mut text = String::with_capacity(inside.len());
    let mut unknown = Vec::new();
    let mut characters = inside.char_indices();
    while let Some((at, c)) = characters.next() {
        let escaped = if c == '\\' { characters.next().map(|(_, escaped)| escaped) } else { None };
        match escaped {
            None => text.push(c),
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some(same @ ('"' | '\\')) => text.push(same),
            Some(other) => {
                unknown.push(at);
                text.extend(['\\', other]);
            }
        }
    }
    (text, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(number("5e-4"), Ok(5e-4));
        assert_eq!(number("-1"), Ok(-1.0));
        assert_eq!(number("0.40"), Ok(0.4));
        assert_eq!(number("1E3"), Ok(1000.0));
    }

    #[test]
    fn numbers_out_of_reach() {
        assert_eq!(number("1e999"), Err(OutOfReach::TooLarge));
        assert_eq!(number("-1e999"), Err(OutOfReach::TooLarge));
        assert_eq!(number("1e-999"), Err(OutOfReach::TooSmall));
        assert_eq!(number("0e-999"), Ok(0.0));
        assert_eq!(number("0.000"), Ok(0.0));
    }

    #[test]
    fn other_notations() {
        let number = |text: &str| Meant::Number(text.to_owned());
        assert_eq!(meant(".5"), number("0.5"));
        assert_eq!(meant("-.5"), number("-0.5"));
        assert_eq!(meant("5."), number("5"));
        assert_eq!(meant("5.e3"), number("5e3"));
        assert_eq!(meant("1_000"), number("1000"));
        assert_eq!(meant("+1e-4"), number("1e-4"));
        assert_eq!(meant("−2"), number("-2"));
    }

    #[test]
    fn units_without_a_blank() {
        assert_eq!(meant("200epochs"), Meant::Quantity("200".into(), "epochs".into()));
        assert_eq!(meant(".5epochs"), Meant::Quantity("0.5".into(), "epochs".into()));
        assert_eq!(meant("1e3steps"), Meant::Quantity("1e3".into(), "steps".into()));
    }

    #[test]
    fn no_clear_meaning() {
        for written in ["1e", "1.2.3", "0x1F", "1e-4x2", "5e+"] {
            assert_eq!(meant(written), Meant::Unclear, "{written}");
        }
    }

    #[test]
    fn escapes() {
        assert_eq!(unescape(r#"a \"b\" \\ \n\t"#), ("a \"b\" \\ \n\t".to_owned(), vec![]));
        assert_eq!(unescape(r"C:\data é"), (r"C:\data é".to_owned(), vec![2]));
        assert_eq!(unescape(""), (String::new(), vec![]));
    }
}
