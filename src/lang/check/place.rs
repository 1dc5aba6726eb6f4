//! Where a text comes from: the file, a flag, or a default. Spans of flags and defaults lie beyond any file.

use crate::diagnostic::Span;
use crate::lang::program::Origin;
use crate::syntax::ast::{Argument, Expr, ExprKind, Name};

/// Spans from here on point into the values of flags.
pub(super) const FLAGS: usize = 1 << 29;
/// Spans from here on point into the defaults.
pub(super) const DEFAULTS: usize = 1 << 30;

/// Where the text of a span was written.
pub(super) fn origin(span: Span) -> Origin {
    match span.start {
        DEFAULTS.. => Origin::Default,
        FLAGS.. => Origin::Flag,
        _ => Origin::File,
    }
}

/// Moves every span of an expression.
pub(super) fn shift(expr: &mut Expr, by: usize) {
    shift_span(&mut expr.span, by);
    match &mut expr.kind {
        ExprKind::Quantity(_, unit) | ExprKind::Moment(_, unit) => shift_name(unit, by),
        ExprKind::Range(start, end, unit) => {
            shift(start, by);
            shift(end, by);
            unit.iter_mut().for_each(|unit| shift_name(unit, by));
        }
        ExprKind::Last(inner) => shift(inner, by),
        ExprKind::Arrow(first, second) | ExprKind::Then(first, second) => {
            shift(first, by);
            shift(second, by);
        }
        ExprKind::List(items, unit) => {
            items.iter_mut().for_each(|item| shift(item, by));
            unit.iter_mut().for_each(|unit| shift_name(unit, by));
        }
        ExprKind::Each(items) => items.iter_mut().for_each(|item| shift(item, by)),
        ExprKind::Call(call) => {
            shift_name(&mut call.name, by);
            call.arguments.iter_mut().flatten().for_each(|argument| shift_argument(argument, by));
        }
        ExprKind::Number(_)
        | ExprKind::Ratio(..)
        | ExprKind::Percent(_)
        | ExprKind::Text(_)
        | ExprKind::Bool(_)
        | ExprKind::Missing => {}
    }
}

fn shift_argument(argument: &mut Argument, by: usize) {
    shift_span(&mut argument.span, by);
    argument.name.iter_mut().for_each(|name| shift_name(name, by));
    shift(&mut argument.value, by);
}

fn shift_name(name: &mut Name, by: usize) {
    shift_span(&mut name.span, by);
}

fn shift_span(span: &mut Span, by: usize) {
    span.start += by;
    span.end += by;
}
