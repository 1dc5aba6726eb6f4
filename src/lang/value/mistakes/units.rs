//! Units that are missing, unknown, or of something else.

use super::types::{found, shown};
use crate::diagnostic::{Code, Diagnostic, Span, nearest};
use crate::lang::catalog::{EPOCHS, PIXELS, Parameter};
use crate::lang::check::Checker;
use crate::syntax::ast::{Expr, ExprKind, Name};

const UNITS: [&str; 2] = ["epochs", "steps"];

/// `train 200`
pub(crate) fn missing_unit<'a, T>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    place: &Parameter,
    count: f64,
) -> Option<T> {
    let count = shown(count);
    let forms = [format!("{count} epochs"), format!("{count} steps")];
    without_unit(checker, expr, place, "a duration", forms)
}

/// `from = 30`
pub(crate) fn missing_point<'a, T>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    place: &Parameter,
    count: f64,
) -> Option<T> {
    let count = shown(count);
    let forms = [format!("epoch {count}"), format!("step {count}")];
    without_unit(checker, expr, place, "a point in time", forms)
}

/// A bare number where `noun` stands; it could be meant in either of two forms, likelier the first.
fn without_unit<'a, T>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    place: &Parameter,
    noun: &str,
    [first, second]: [String; 2],
) -> Option<T> {
    let resolved = checker.resolve(expr);
    let message = format!("`{}` takes {noun}, found a number without a unit", place.name);
    let label = format!("{first} or {second}");
    let finding = Diagnostic::new(Code::MissingUnit, resolved.span, message, label)
        .help(format!("write `{first}` or `{second}`"))
        .suggest(format!("write `{first}`"), resolved.span, first);
    checker.report(checker.used_at(finding, expr, resolved));
    None
}

/// `30..70` where a window stands.
pub(crate) fn window_without_unit<'a, T>(checker: &mut Checker<'a>, expr: &'a Expr) -> Option<T> {
    let span = checker.resolve(expr).span;
    let window = checker.slice(span);
    checker.report(
        Diagnostic::new(
            Code::MissingUnit,
            span,
            format!("a window needs a unit, found `{window}`"),
            "epochs or steps",
        )
        .help(format!("write `{window} epochs` or `{window} steps`"))
        .suggest(format!("write `{window} epochs`"), span, format!("{window} epochs")),
    );
    None
}

/// `at = [40, 60]`
pub(crate) fn list_without_unit<T>(checker: &mut Checker<'_>, list: &Expr, count: usize) -> Option<T> {
    let text = checker.slice(list.span);
    let what = if count == 1 { "this time needs a unit" } else { "these times need a unit" };
    checker.report(
        Diagnostic::new(Code::MissingUnit, list.span, what, "epochs or steps")
            .help(format!("write `{text} epochs` or `{text} steps`"))
            .suggest(format!("write `{text} epochs`"), list.span, format!("{text} epochs")),
    );
    None
}

/// `lr = 5 epochs`
pub(crate) fn unfitting_unit<'a, T>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    place: &Parameter,
    count: f64,
    unit: &Name,
) -> Option<T> {
    let resolved = checker.resolve(expr);
    let finding = Diagnostic::new(
        Code::UnfittingUnit,
        resolved.span,
        format!("`{}` takes {}, found {}", place.name, place.form.noun, found(resolved)),
        format!("`{}` does not fit here", unit.text),
    )
    .help(match place.unit {
        PIXELS if count >= 1.0 => format!("in units of the pixel range that is `{}/255`", shown(count)),
        EPOCHS => format!("`{}` counts epochs, as in `{} = 10 epochs`", place.name, place.name),
        _ => format!("write the number alone: `{}`", shown(count)),
    });
    checker.report(checker.used_at(finding, expr, resolved));
    None
}

/// `hidden = [64, 64] epochs`
pub(crate) fn unfitting_list_unit<T>(checker: &mut Checker<'_>, place: &Parameter, unit: &Name) -> Option<T> {
    checker.report(
        Diagnostic::new(
            Code::UnfittingUnit,
            unit.span,
            format!("`{}` takes {}, without a unit", place.name, place.form.noun),
            format!("`{}` does not fit here", unit.text),
        )
        .help(format!("leave out `{}`", unit.text)),
    );
    None
}

/// `lr = 10%`
pub(crate) fn unfitting_percent<'a, T>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    place: &Parameter,
    share: f64,
) -> Option<T> {
    let resolved = checker.resolve(expr);
    let number = shown(share / 100.0);
    let finding = Diagnostic::new(
        Code::UnfittingUnit,
        resolved.span,
        format!("`{}` is not a share of anything, found a percentage", place.name),
        "a percentage",
    )
    .help(format!("write it as a number: `{number}`"));
    checker.report(checker.used_at(finding, expr, resolved));
    None
}

/// `200 epocs`
pub(crate) fn unknown_unit<T>(checker: &mut Checker<'_>, unit: &Name) -> Option<T> {
    let word = &unit.text;
    let finding =
        Diagnostic::new(Code::UnknownUnit, unit.span, format!("unknown unit `{word}`"), "not a unit of time");
    let finding = match nearest(word, UNITS) {
        Some(near) => finding.nearest("unit", unit.span, word, near),
        None => finding.help("time is counted in `epochs` or `steps`"),
    };
    checker.report(finding);
    None
}

/// `0 epochs`
pub(crate) fn empty_duration<'a, T>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    place: &Parameter,
) -> Option<T> {
    let resolved = checker.resolve(expr);
    let written = checker.slice(resolved.span);
    checker.report(
        Diagnostic::new(
            Code::OutOfRange,
            resolved.span,
            format!("`{}` takes a duration > 0, found {written}", place.name),
            "no time at all",
        )
        .help("write at least `1 step`"),
    );
    None
}

/// `2.5 steps`
pub(crate) fn split_step<'a, T>(checker: &mut Checker<'a>, expr: &'a Expr) -> Option<T> {
    let resolved = checker.resolve(expr);
    let ExprKind::Quantity(count, unit) = &resolved.kind else { return None };
    let (below, above) = (shown(count.floor()), shown(count.ceil()));
    checker.report(
        Diagnostic::new(
            Code::OutOfRange,
            resolved.span,
            format!("a step cannot be split, found {} {}", shown(*count), unit.text),
            "not a whole number of steps",
        )
        .help(format!("write `{below} steps` or `{above} steps`")),
    );
    None
}

/// The place of a value that is read through a `let`, as a second label.
impl<'a> Checker<'a> {
    pub(crate) fn used_at(&self, finding: Diagnostic, written: &Expr, resolved: &Expr) -> Diagnostic {
        let (from, to): (Span, Span) = (written.span, resolved.span);
        let inside = from.start <= to.start && to.end <= from.end;
        if inside { finding } else { finding.label(from, "used here") }
    }
}
