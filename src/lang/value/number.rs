//! Numbers and counts.

use super::{Value, mistakes};
use crate::lang::catalog::{Bound, EPOCHS, FRACTION, Form, Parameter, Range};
use crate::lang::check::Checker;
use crate::syntax::ast::{Expr, ExprKind, Name};

/// More of anything than a program holds; a bound that arithmetic on counts cannot overflow.
const LARGEST_COUNT: f64 = 1e9;

impl Value for f64 {
    const FORM: Form = Form::of("a number");

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        let value = number(checker, expr, place)?;
        in_range(checker, expr, place, value)
    }
}

impl Value for usize {
    const FORM: Form = Form::of("a whole number");

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        let resolved = checker.resolve(expr);
        if let ExprKind::Percent(_) | ExprKind::Ratio(..) = resolved.kind {
            return mistakes::wrong_type(checker, expr, place);
        }
        let value = number(checker, expr, place)?;
        if value.fract() != 0.0 {
            return mistakes::wrong_type(checker, expr, place);
        }
        if value > LARGEST_COUNT {
            let bounded = place.clone().range(Range { low: Bound::None, high: Bound::Closed(LARGEST_COUNT) });
            return mistakes::out_of_range(checker, expr, &bounded, value);
        }
        let value = in_range(checker, expr, place, value)?;
        if value < 0.0 {
            return mistakes::negative_count(checker, expr, place, value);
        }
        Some(value as usize)
    }
}

/// A finite number, whatever its size: plain, a ratio, or a percentage where a share is meant.
pub(crate) fn number<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<f64> {
    let resolved = checker.resolve(expr);
    let value = match &resolved.kind {
        ExprKind::Number(value) => *value,
        ExprKind::Ratio(above, below) => above / below,
        ExprKind::Percent(share) if place.unit == FRACTION => share / 100.0,
        ExprKind::Percent(share) => return mistakes::unfitting_percent(checker, expr, place, *share),
        ExprKind::Quantity(count, unit) if place.unit == EPOCHS && is_epochs(unit) => *count,
        ExprKind::Quantity(count, unit) => {
            return mistakes::unfitting_unit(checker, expr, place, *count, unit);
        }
        _ => return mistakes::wrong_type(checker, expr, place),
    };
    if value.is_finite() { Some(value) } else { mistakes::not_finite(checker, expr, place) }
}

fn is_epochs(unit: &Name) -> bool {
    ["epoch", "epochs"].contains(&unit.text.as_str())
}

/// The value, if the place allows it.
pub(crate) fn in_range<'a>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    place: &Parameter,
    value: f64,
) -> Option<f64> {
    if place.range.contains(value) {
        Some(value)
    } else {
        mistakes::out_of_range(checker, expr, place, value)
    }
}
