//! Schedules that are not written as schedules are.

use std::collections::HashMap;

use super::arguments::unmatched;
use super::{missing, unknown_component, wrong_type};
use crate::diagnostic::{Code, Diagnostic, Span, nearest};
use crate::lang::catalog::{self, Entry, Kind, Parameter, absent, component_elsewhere, find_in, of_kind};
use crate::lang::check::Checker;
use crate::syntax::ast::{Argument, Call, Expr};

fn malformed(span: Span, message: impl Into<String>, label: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::MalformedSchedule, span, message, label)
}

fn example_of(name: &str) -> String {
    find_in(Kind::Schedule, name)
        .map_or_else(String::new, |entry| format!("for example `{}`", entry.facts.example))
}

/// A word where a number or a schedule must stand.
pub(crate) fn unknown_schedule<'a, T>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    call: &Call,
    place: &Parameter,
) -> Option<T> {
    let word = &call.name.text;
    let kind = [Kind::Schedule];
    if component_elsewhere(word, &kind).is_some()
        || absent(word, &kind).is_some_and(|absent| absent.kind == kind[0])
    {
        unknown_component(checker, call, &kind);
        return None;
    }
    let near = nearest(word, of_kind(Kind::Schedule).map(|entry| entry.name));
    let Some(near) = near.filter(|_| catalog::find(word).is_empty()) else {
        return wrong_type(checker, expr, place);
    };
    let finding = Diagnostic::new(
        Code::UnknownComponent,
        call.name.span,
        format!("unknown schedule `{word}`"),
        "not a schedule",
    );
    checker.report(finding.nearest("schedule", call.name.span, word, near));
    None
}

/// `cosine` without parentheses.
pub(crate) fn bare_schedule<T>(checker: &mut Checker<'_>, call: &Call) -> Option<T> {
    let name = &call.name.text;
    let finding =
        malformed(call.name.span, format!("`{name}` needs its arguments"), "a schedule without arguments");
    checker.report(finding.help(example_of(name)));
    None
}

/// `lr = 0.1 -> 0`
pub(crate) fn bare_arrow<T>(checker: &mut Checker<'_>, arrow: &Expr, place: &Parameter) -> Option<T> {
    let ends = checker.slice(arrow.span);
    let finding = malformed(
        arrow.span,
        format!("`{ends}` does not say how `{}` gets from one value to the other", place.name),
        "two ends without a shape",
    )
    .help(format!("write `cosine({ends})`, `linear({ends})` or `exp({ends})`"));
    checker.report(finding);
    None
}

/// Positional arguments in the order of `legal`, or any by name; those in `required` must be there.
pub(crate) fn schedule_arguments<'a>(
    checker: &mut Checker<'a>,
    call: &'a Call,
    legal: &[&'static str],
    required: &[&'static str],
) -> Option<HashMap<&'static str, &'a Expr>> {
    let mut given: HashMap<&'static str, &'a Expr> = HashMap::new();
    let mut sound = true;
    for (position, argument) in call.arguments.iter().flatten().enumerate() {
        match parameter_name(legal, position, argument) {
            Some(name) if !given.contains_key(name) => {
                given.insert(name, &argument.value);
            }
            Some(name) => {
                sound = false;
                checker.report(again(name, given[name].span, argument.span));
            }
            None => {
                sound = false;
                let all = call.arguments.as_deref().unwrap_or_default();
                checker.report(unmatched(&call.name.text, argument, all, legal));
            }
        }
    }
    let absent: Vec<&str> = required.iter().copied().filter(|name| !given.contains_key(name)).collect();
    if sound && !absent.is_empty() {
        return incomplete(checker, call, &absent);
    }
    sound.then_some(given)
}

/// Curves take their window by position, the other schedules one unnamed value.
fn parameter_name(legal: &[&'static str], position: usize, argument: &Argument) -> Option<&'static str> {
    let Some(name) = &argument.name else {
        let unnamed = if legal.contains(&"window") { 2 } else { 1 };
        return legal.get(position).copied().filter(|_| position < unnamed);
    };
    legal.iter().copied().find(|legal| *legal == name.text)
}

fn again(name: &str, first: Span, second: Span) -> Diagnostic {
    Diagnostic::new(Code::DuplicateParameter, second, format!("`{name}` is given twice"), "given again here")
        .label(first, "first given here")
        .help(format!("keep one value of `{name}`"))
}

fn incomplete<T>(checker: &mut Checker<'_>, call: &Call, absent: &[&str]) -> Option<T> {
    let name = &call.name.text;
    let usage = find_in(Kind::Schedule, name).map_or_else(String::new, Entry::usage);
    if absent.contains(&"a -> b") || absent.contains(&"a") || absent.contains(&"duration") {
        let finding =
            malformed(call.name.span, format!("`{name}` needs its values: `{usage}`"), "nothing to follow");
        checker.report(finding.help(example_of(name)));
        return None;
    }
    missing(checker, call.name.span, name, absent)
}

/// `exp(0.1 -> 0)`
pub(crate) fn geometric_zero<T>(checker: &mut Checker<'_>, arrow: &Expr) -> Option<T> {
    let ends = checker.slice(arrow.span);
    let finding = malformed(
        arrow.span,
        format!("`exp` multiplies at every step and cannot get from one end of `{ends}` to the other"),
        "zero, or a change of sign",
    )
    .help(format!("end near zero, as in `exp(0.1 -> 1e-4)`, or write `linear({ends})`"));
    checker.report(finding);
    None
}

pub(crate) fn factor_with_ends<T>(checker: &mut Checker<'_>, factor: &Expr, arrow: &Expr) -> Option<T> {
    let ends = checker.slice(arrow.span);
    checker.report(
        Diagnostic::new(
            Code::ExclusiveParameters,
            factor.span,
            format!("`factor` and the last value of `{ends}` both say how far a jump goes"),
            "a factor beside two ends",
        )
        .label(arrow.span, "rises in equal parts to the last value")
        .help("write `steps(0.1, factor = 0.1, at = [..] epochs)` or `steps(0 -> 1, at = [..] epochs)`"),
    );
    None
}

pub(crate) fn steps_without_factor<T>(checker: &mut Checker<'_>, call: &Call, first: &Expr) -> Option<T> {
    let value = checker.slice(first.span);
    checker.report(
        Diagnostic::new(
            Code::MissingParameter,
            call.name.span,
            "`steps` needs `factor`, or two ends",
            "nothing says how far a jump goes",
        )
        .help(format!("write `steps({value}, factor = 0.1, at = ..)` or `steps({value} -> .., at = ..)`")),
    );
    None
}

pub(crate) fn times_out_of_order<T>(checker: &mut Checker<'_>, list: &Expr) -> Option<T> {
    let finding =
        malformed(list.span, "the times of `steps` must rise, and there must be one", "not in rising order")
            .help("for example `at = [40, 60, 80] epochs`");
    checker.report(finding);
    None
}

/// `warmup(5 epochs)` with nothing after it.
pub(crate) fn lone_warmup<T>(checker: &mut Checker<'_>, expr: &Expr) -> Option<T> {
    let written = checker.slice(expr.span);
    let finding =
        malformed(expr.span, "`warmup` rises to another schedule, and none follows", "rises to what?")
            .help(format!("write `{written} then cosine(0.05 -> 0)`"));
    checker.report(finding);
    None
}

pub(crate) fn not_a_warmup<T>(checker: &mut Checker<'_>, expr: &Expr) -> Option<T> {
    let written = checker.slice(expr.span);
    let finding = malformed(
        expr.span,
        format!("only `warmup` may stand before `then`, found `{written}`"),
        "not a warm-up",
    )
    .help(example_of("warmup"));
    checker.report(finding);
    None
}

pub(crate) fn second_warmup<T>(checker: &mut Checker<'_>, expr: &Expr) -> Option<T> {
    let finding =
        malformed(expr.span, "one `warmup` is enough", "a second `then`").help(example_of("warmup"));
    checker.report(finding);
    None
}

/// `lr = follow(lr, ..)`
pub(crate) fn rate_follows_itself<T>(checker: &mut Checker<'_>, call: &Call) -> Option<T> {
    let finding = malformed(call.name.span, "the learning rate cannot follow itself", "`lr` follows `lr`")
        .help("for example `lr = cosine(0.05 -> 0)`");
    checker.report(finding);
    None
}
