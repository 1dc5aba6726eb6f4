//! Values of another type than the place takes, and numbers outside its range.

use super::listed;
use super::names::{binding_with_arguments, foreign};
use crate::diagnostic::{Code, Diagnostic, Span, nearest};
use crate::lang::catalog::{self, FRACTION, Kind, PIXELS, Parameter};
use crate::lang::check::Checker;
use crate::syntax::ast::{Call, Expr, ExprKind};

/// Something else stands where a value of the place's type must.
pub(crate) fn wrong_type<'a, T>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<T> {
    let resolved = checker.resolve(expr);
    let finding = match &resolved.kind {
        ExprKind::Missing => return None,
        ExprKind::Call(call) => misplaced_word(checker, resolved, call, place),
        ExprKind::Text(text) if numeric(place) && text.parse::<f64>().is_ok() => {
            mismatch(place, resolved.span, found(resolved))
                .help(format!("numbers stand without quotes: `{text}`"))
                .fix("leave out the quotes", resolved.span, text.as_str())
        }
        _ => mismatch(place, resolved.span, found(resolved)).help(example(place)),
    };
    let finding = match &resolved.kind {
        ExprKind::Call(call) if quotable(place, call) => {
            let quoted = format!("`{} = \"{}\"`", place.name, call.name.text);
            let finding = Diagnostic { help: Vec::new(), ..finding };
            finding.help(format!("names stand in quotes: {quoted}")).fix(
                "put it in quotes",
                call.name.span,
                format!("\"{}\"", call.name.text),
            )
        }
        _ => finding,
    };
    checker.report(checker.used_at(finding, expr, resolved));
    None
}

fn numeric(place: &Parameter) -> bool {
    place.form.schedule || place.form.noun.contains("number")
}

fn quotable(place: &Parameter, call: &Call) -> bool {
    place.form.noun.contains("in quotes") && call.arguments.is_none()
}

fn mismatch(place: &Parameter, span: Span, found: String) -> Diagnostic {
    let message = format!("`{}` takes {}, found {found}", place.name, place.form.expected());
    Diagnostic::new(Code::WrongType, span, message, found)
}

fn example(place: &Parameter) -> String {
    if place.form.choices.len() > 2 {
        return format!("write {}", listed(place.form.choices.iter().copied(), "or"));
    }
    match place.default {
        Some(default) => format!("for example `{} = {default}`", place.name),
        None => format!("write {}", place.form.expected()),
    }
}

fn misplaced_word(checker: &Checker<'_>, expr: &Expr, call: &Call, place: &Parameter) -> Diagnostic {
    let word = &call.name.text;
    if call.arguments.is_some() && checker.bindings().any(|bound| bound == word) {
        return binding_with_arguments(call);
    }
    if word == "none" {
        return mismatch(place, call.name.span, "`none`".into()).help(example(place));
    }
    if let Some(entry) = catalog::find(word).first() {
        if entry.kind == Kind::Schedule {
            return unscheduled(place, expr.span, word);
        }
        let found = format!("{}, `{word}`", entry.kind.noun());
        return mismatch(place, call.name.span, found).help(example(place));
    }
    unknown_name(checker, call, place)
}

fn unscheduled(place: &Parameter, span: Span, schedule: &str) -> Diagnostic {
    Diagnostic::new(
        Code::ScheduleNotAllowed,
        span,
        format!("`{}` takes {}; it cannot change over a phase", place.name, place.form.expected()),
        format!("a schedule, `{schedule}`"),
    )
    .help(example(place))
}

fn unknown_name(checker: &Checker<'_>, call: &Call, place: &Parameter) -> Diagnostic {
    let word = &call.name.text;
    let finding = Diagnostic::new(
        Code::UnknownName,
        call.name.span,
        format!("nothing is called `{word}`; `{}` takes {}", place.name, place.form.expected()),
        "not the name of a `let`",
    );
    let words = place.form.choices.iter().copied().chain(checker.bindings());
    match (nearest(word, words), foreign(word)) {
        (Some(near), _) => finding.nearest("name", call.name.span, word, near),
        (None, Some(noun)) => finding.help(format!("`{word}` is {noun}")).help(example(place)),
        _ if place.form.choices.is_empty() => finding.help(example(place)),
        _ => finding.help(format!("write {}", listed(place.form.choices.iter().copied(), "or"))),
    }
}

/// `freeze = "layer1"` where a list stands.
pub(crate) fn list_of_one<'a, T>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<T> {
    let resolved = checker.resolve(expr);
    let list = format!("[{}]", checker.slice(resolved.span));
    let finding = mismatch(place, resolved.span, found(resolved))
        .help(format!("a list stands in brackets, also one of a single value: `{} = {list}`", place.name))
        .fix(format!("write `{list}`"), resolved.span, list);
    checker.report(checker.used_at(finding, expr, resolved));
    None
}

/// A list that is no pair of rising numbers.
pub(crate) fn no_interval<'a, T>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<T> {
    let span = checker.resolve(expr).span;
    let message = format!("`{}` takes {}", place.name, place.form.expected());
    let finding =
        Diagnostic::new(Code::WrongType, span, message, "not two rising numbers").help(example(place));
    checker.report(finding);
    None
}

/// The same text twice in a list of names.
pub(crate) fn repeated_name<'a, T>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    place: &Parameter,
    name: &str,
) -> Option<T> {
    let span = checker.resolve(expr).span;
    let message = format!("`{name}` stands twice in `{}`", place.name);
    checker.report(
        Diagnostic::new(Code::WrongType, span, message, "the second time").help("write each name once"),
    );
    None
}

/// What an expression is, in words.
pub(super) fn found(expr: &Expr) -> String {
    let noun = match &expr.kind {
        ExprKind::Number(value) => return format!("the number {}", shown(*value)),
        ExprKind::Ratio(..) => "a ratio",
        ExprKind::Percent(_) => "a percentage",
        ExprKind::Text(_) => "a text",
        ExprKind::Bool(value) => return format!("`{value}`"),
        ExprKind::Quantity(_, unit) if ["epochs", "steps"].contains(&unit.text.as_str()) => "a duration",
        ExprKind::Quantity(..) => "a number with a unit",
        ExprKind::Moment(..) => "a point in time",
        ExprKind::Range(..) => "a range",
        ExprKind::Last(_) => "a window",
        ExprKind::Arrow(..) => "two ends of a schedule, `a -> b`",
        ExprKind::List(..) => "a list",
        ExprKind::Each(_) => "a choice",
        ExprKind::Then(..) => "a schedule",
        ExprKind::Call(call) => return format!("`{}`", call.name.text),
        ExprKind::Missing => "nothing",
    };
    noun.to_string()
}

/// A number as a reader would write it: `0.05`, `1e-8`, `1e20`.
pub(crate) fn shown(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-4..1e15).contains(&size) { format!("{value}") } else { format!("{value:e}") }
}

/// A distance between images as a reader would write it: `0.1`, `8/255`, four digits of others.
pub(crate) fn distance(value: f64) -> String {
    let plain = shown(value);
    let levels = value * 255.0;
    if plain.len() <= 8 {
        return plain;
    }
    if levels >= 0.5 && (levels - levels.round()).abs() < 1e-6 {
        return format!("{}/255", levels.round());
    }
    let scale = 10f64.powi(3 - value.abs().log10().floor() as i32);
    let rounded = (value * scale).round() / scale;
    shown(rounded)
}

/// A number that the place does not allow.
pub(crate) fn out_of_range<'a, T>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    place: &Parameter,
    value: f64,
) -> Option<T> {
    let resolved = checker.resolve(expr);
    let finding = Diagnostic::new(
        Code::OutOfRange,
        resolved.span,
        format!("`{}` must be {}, found {}", place.name, place.range, checker.slice(resolved.span)),
        format!("not {}", place.range),
    );
    let finding = match likely_meant(place, value) {
        Some((meant, why)) => {
            let finding = finding.help(format!("`{meant}` {why}"));
            finding.suggest(format!("write `{meant}`"), resolved.span, meant)
        }
        None => finding.help(range_help(place)),
    };
    checker.report(checker.used_at(finding, expr, resolved));
    None
}

/// A share written as a percentage without its sign, a pixel distance written in steps of 255.
fn likely_meant(place: &Parameter, value: f64) -> Option<(String, &'static str)> {
    let too_large = value > 1.0 && value.fract() == 0.0;
    match place.unit {
        FRACTION if too_large && value <= 100.0 => Some((format!("{value}%"), "is the share")),
        PIXELS if too_large && value <= 255.0 => {
            Some((format!("{value}/255"), "is the distance; pixels lie in [0, 1]"))
        }
        _ => None,
    }
}

fn range_help(place: &Parameter) -> String {
    match place.default {
        Some(default) if default != "none" => format!("the default is `{} = {default}`", place.name),
        _ => format!("write a value {}", place.range),
    }
}

/// A count below zero, where the range alone does not say so.
pub(crate) fn negative_count<'a, T>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    place: &Parameter,
    value: f64,
) -> Option<T> {
    let place = Parameter { range: catalog::Range::NOT_NEGATIVE, ..place.clone() };
    out_of_range(checker, expr, &place, value)
}

/// A number too large to be one, or a ratio over zero.
pub(crate) fn not_finite<'a, T>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<T> {
    let resolved = checker.resolve(expr);
    let (message, help) = match resolved.kind {
        ExprKind::Ratio(..) => ("a ratio over zero has no value", "for example `8/255`"),
        _ => ("this number is too large to be kept", "numbers go up to about 1.8e308"),
    };
    let label = format!("value of `{}`", place.name);
    checker.report(Diagnostic::new(Code::OutOfRange, resolved.span, message, label).help(help));
    None
}

pub(crate) fn empty_path<'a, T>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<T> {
    let span = checker.resolve(expr).span;
    let message = format!("`{}` takes a path, found an empty text", place.name);
    checker.report(Diagnostic::new(Code::WrongType, span, message, "empty").help(example(place)));
    None
}

/// Means and standard deviations for another number of channels.
pub(crate) fn unequal_lengths<T>(
    checker: &mut Checker<'_>,
    span: Span,
    means: usize,
    deviations: usize,
) -> Option<T> {
    checker.report(
        Diagnostic::new(
            Code::UnequalLengths,
            span,
            format!("`mean` has {means} numbers and `std` has {deviations}"),
            "one number per channel in each",
        )
        .help("give both one number per channel: `constants(mean = [0.5], std = [0.5])`"),
    );
    None
}
