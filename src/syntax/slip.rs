//! Findings for text that is not Flat but whose meaning is plain.

use crate::diagnostic::{Code, Diagnostic, Edit, Fix, Span};

use super::ast::{ExprKind, Name};
use super::keyword::Keyword;
use super::literal::{Meant, OutOfReach};

/// Nothing stands after `written`, where `wanted` must.
pub(super) fn missing_after(span: Span, wanted: &str, written: &str) -> Diagnostic {
    let message = format!("expected {wanted} after {written}");
    Diagnostic::new(Code::MissingValue, span, message, "no value follows")
}

pub(super) fn missing_equals(name: &Name) -> Diagnostic {
    let message = format!("expected `=` between `{}` and its value", name.text);
    let end = Span::new(name.span.end, name.span.end);
    Diagnostic::new(Code::MissingEquals, name.span, message, "`=` is missing after this").fix(
        "write `=`",
        end,
        " =",
    )
}

pub(super) fn wrong_equals(source: &str, span: Span, name: &str) -> Diagnostic {
    let found = &source[span.start..span.end];
    let message = format!("expected `=` between `{name}` and its value, found `{found}`");
    Diagnostic::new(Code::MissingEquals, span, message, "not `=`").fix(
        "write `=`",
        with_blanks(source, span),
        " = ",
    )
}

pub(super) fn stray_equals(source: &str, span: Span, keyword: &Keyword) -> Diagnostic {
    let found = &source[span.start..span.end];
    let message = format!("`{}` takes its value without `{found}`", keyword.word);
    Diagnostic::new(Code::StrayEquals, span, message, "not needed")
        .help(format!("for example `{}`", keyword.example))
        .fix(format!("remove `{found}`"), with_blanks(source, span), " ")
}

/// `span` and the blanks around it.
pub(super) fn with_blanks(source: &str, span: Span) -> Span {
    let start = source[..span.start].trim_end_matches([' ', '\t']).len();
    let after = &source[span.end..];
    Span::new(start, span.end + after.len() - after.trim_start_matches([' ', '\t']).len())
}

/// Two values at `first` and `second` with nothing between them.
pub(super) fn missing_comma(source: &str, first: Span, second: Span) -> Diagnostic {
    if first.end == second.start && source[second.start..].starts_with('-') {
        let sign = Span::new(second.start, second.start + 1);
        let (left, right) = (&source[first.start..first.end], &source[sign.end..second.end]);
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_name = left.starts_with(|c: char| c.is_ascii_alphabetic()) && left.chars().all(word);
        return if is_name { hyphen_in_name(sign, left, right) } else { arithmetic(sign, "-") };
    }
    let message = "expected `,` between two values";
    Diagnostic::new(Code::MissingComma, second, message, "a second value begins here").fix(
        "write `,`",
        Span::new(first.end, first.end),
        ",",
    )
}

/// Two arguments without a name, the first a single word, which may be the name of the second.
pub(super) fn missing_comma_or_equals(source: &str, first: Span, second: Span) -> Diagnostic {
    let (left, right) = (&source[first.start..first.end], &source[second.start..second.end]);
    let message = format!("expected `,` or `=` after `{left}`");
    Diagnostic::new(Code::MissingComma, second, message, "a second value begins here")
        .help(format!("`{left}, {right}` for two arguments, `{left} = {right}` for one"))
}

pub(super) fn arithmetic(span: Span, sign: &str) -> Diagnostic {
    let message = format!("expected a value, found a calculation with `{sign}`");
    Diagnostic::new(Code::SyntaxError, span, message, "nothing is calculated here")
        .help("write the result; a ratio such as `8/255` is kept exact")
}

/// `resnet-18`: a name that is written with `-` elsewhere.
pub(super) fn hyphen_in_name(span: Span, left: &str, right: &str) -> Diagnostic {
    let message = format!("`{left}-{right}` is not a name: none has a `-`");
    Diagnostic::new(Code::SyntaxError, span, message, "no part of a name")
        .help(format!("write `{left}{right}` or `{left}_{right}`"))
}

pub(super) fn stray_comma(span: Span) -> Diagnostic {
    Diagnostic::new(Code::StrayComma, span, "no value follows the comma", "not needed").fix(
        "remove `,`",
        span,
        "",
    )
}

pub(super) fn empty_arguments(span: Span, name: &str) -> Diagnostic {
    let message = format!("`{name}` is given no arguments");
    Diagnostic::new(Code::EmptyArguments, span, message, "nothing between the parentheses")
        .help(format!("`{name}` alone takes every default"))
        .fix("remove the parentheses", span, "")
}

pub(super) fn wrong_sign(span: Span, found: &str, right: &str) -> Diagnostic {
    let message = format!("expected `{right}`, found `{found}`");
    Diagnostic::new(Code::WrongSign, span, message, "another sign").fix(
        format!("write `{right}`"),
        span,
        right,
    )
}

/// Another sign for `..`. The fix is not safe: where the sign comes from, the end may be included; here it is not.
pub(super) fn wrong_range(span: Span, found: &str) -> Diagnostic {
    let finding = wrong_sign(span, found, "..");
    let fix = finding.fix.clone().map(|fix| Fix { safe: false, ..fix });
    Diagnostic { fix, ..finding }.help("the end is not in the range: `0..3` is 0, 1, 2")
}

/// `30 epochs..70 epochs`: the unit stands once, after the end. `end` is set where no unit stands there.
pub(super) fn early_unit(unit: &Name, start: Span, end: Option<Span>) -> Diagnostic {
    let message = "the unit of a range stands once, after its end";
    let finding = Diagnostic::new(Code::MisplacedUnit, unit.span, message, "too early");
    let mut edits = Vec::new();
    if start.end <= unit.span.start {
        edits.push(Edit { span: Span::new(start.end, unit.span.end), replacement: String::new() });
    }
    if let Some(end) = end {
        let replacement = format!(" {}", unit.text);
        edits.push(Edit { span: Span::new(end.end, end.end), replacement });
    }
    Diagnostic { fix: Some(Fix { title: "write the unit once".into(), edits, safe: true }), ..finding }
}

pub(super) fn unit_after(kind: &ExprKind, unit: &Name, value: Span) -> Diagnostic {
    let thing = match kind {
        ExprKind::Percent(_) => "a percentage",
        ExprKind::Ratio(..) => "a ratio",
        ExprKind::Quantity(..) | ExprKind::Moment(..) => "a quantity that has one",
        _ => "this value",
    };
    let message = format!("the unit `{}` cannot follow {thing}", unit.text);
    Diagnostic::new(Code::MisplacedUnit, unit.span, message, "no unit fits here").label(value, "the value")
}

pub(super) fn wrong_quotes(span: Span, inside: &str) -> Diagnostic {
    let right = format!("\"{}\"", inside.replace('\\', "\\\\").replace('"', "\\\""));
    Diagnostic::new(Code::WrongQuotes, span, "a text stands in double quotes", "in other quotes").fix(
        format!("write `{right}`"),
        span,
        right,
    )
}

/// A backslash at `start`, followed by `rest`.
pub(super) fn unknown_escape(start: usize, rest: &str) -> Diagnostic {
    let escaped = rest.chars().next().unwrap_or_default();
    let span = Span::new(start, start + 1 + escaped.len_utf8());
    let message = format!("`\\{escaped}` means nothing in a text");
    let backslash = Span::new(start, start + 1);
    Diagnostic::new(Code::UnknownEscape, span, message, "known are `\\\"`, `\\\\`, `\\n`, `\\t`").fix(
        "double the backslash",
        backslash,
        "\\\\",
    )
}

pub(super) fn capitalised(span: Span, found: &str, right: &str) -> Diagnostic {
    let message = format!("`{found}` is written `{right}`");
    Diagnostic::new(Code::CapitalisedWord, span, message, "in capitals").fix(
        format!("write `{right}`"),
        span,
        right,
    )
}

/// `gap` is what stands between the number and its `%`.
pub(super) fn loose_percent(gap: Span, number: &str) -> Diagnostic {
    let message = "a percentage is written in one piece";
    let finding = Diagnostic::new(Code::MalformedNumber, gap, message, "no blank stands here");
    finding.fix(format!("write `{number}%`"), gap, "")
}

pub(super) fn malformed_number(span: Span, written: &str, meant: &Meant) -> Diagnostic {
    let finding = |message: String, label| Diagnostic::new(Code::MalformedNumber, span, message, label);
    match meant {
        Meant::Number(right) => finding(format!("`{written}` is written `{right}`"), "another notation").fix(
            format!("write `{right}`"),
            span,
            right,
        ),
        Meant::Quantity(number, unit) => {
            let right = format!("{number} {unit}");
            finding(format!("`{written}` is written `{right}`"), "a blank is missing before the unit").fix(
                format!("write `{right}`"),
                span,
                right,
            )
        }
        Meant::Unclear => finding(format!("`{written}` is not a number"), "cannot be read")
            .help("numbers look like `128`, `0.05`, `5e-4`, `8/255`, `10%`"),
    }
}

/// `0,1`: two runs of digits with a comma between them and no blank.
pub(super) fn decimal_comma(source: &str, whole: Span, part: Span) -> Diagnostic {
    let (left, right) = (&source[whole.start..whole.end], &source[part.start..part.end]);
    let span = whole.join(part);
    let message = format!("`{left},{right}` is not a number: the decimal sign is a point");
    let finding = Diagnostic::new(Code::MalformedNumber, span, message, "a comma separates two values");
    let decimal = format!("{left}.{right}");
    let digits = right.chars().take_while(char::is_ascii_digit).count();
    let finding = match digits == 3 && left != "0" {
        true => finding.help(format!("write `{left}{right}` or `{decimal}`: thousands have no sign")),
        false => finding.help(format!("write `{decimal}`")),
    };
    finding.suggest(format!("write `{decimal}`"), span, decimal)
}

/// `evaluate accuracy every 2 epochs, loss`: `head` is what stands before the clause, `rest` what goes on behind it.
pub(super) fn list_after_clause(comma: Span, head: &str, clause: &str, rest: &str) -> Diagnostic {
    let message = format!("`{clause}` ends its statement, found `,`");
    let keyword = head.split_whitespace().next().unwrap_or_default();
    Diagnostic::new(Code::SyntaxError, comma, message, "the list goes on behind a clause")
        .help(format!("write `{head}, {rest} {clause}`: the clause stands last"))
        .help(format!("or, without it, `{keyword} {rest}` on a line of its own"))
}

pub(super) fn out_of_reach(span: Span, written: &str, reason: OutOfReach) -> Diagnostic {
    let (size, limit) = match reason {
        OutOfReach::TooLarge => ("large", "the largest is about 1.8e308"),
        OutOfReach::TooSmall => ("small", "the smallest is about 4.9e-324"),
    };
    Diagnostic::new(Code::NumberOutOfReach, span, format!("`{written}` is too {size} to hold"), limit)
}

pub(super) fn division_by_zero(span: Span, denominator: Span) -> Diagnostic {
    Diagnostic::new(Code::DivisionByZero, denominator, "the ratio divides by zero", "zero")
        .label(span, "the ratio")
        .help("pixels are in [0, 1]: an attack radius is written `8/255`")
}
