//! Durations and windows.

use super::{Value, mistakes};
use crate::lang::catalog::{Bound, Form, Parameter, Range};
use crate::lang::check::Checker;
use crate::lang::schedule::{Duration, Moment, Unit, Window};
use crate::syntax::ast::{Expr, ExprKind, Name};

/// Longer than any training: beyond it numbers of steps would overflow.
const LONGEST: f64 = 1e9;

impl Value for Duration {
    const FORM: Form = Form::of("a duration, `10 epochs` or `5000 steps`");

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        let resolved = checker.resolve(expr);
        match &resolved.kind {
            ExprKind::Quantity(count, unit) => {
                let unit = read_unit(checker, unit)?;
                positive(checker, expr, place, *count, unit)
            }
            ExprKind::Number(count) => mistakes::missing_unit(checker, expr, place, *count),
            _ => mistakes::wrong_type(checker, expr, place),
        }
    }
}

impl Value for Moment {
    const FORM: Form = Form::of("a point in time, `epoch 160` or `step 5000`");

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        let resolved = checker.resolve(expr);
        let (count, unit) = match &resolved.kind {
            ExprKind::Moment(count, unit) | ExprKind::Quantity(count, unit) => (count, unit),
            ExprKind::Number(count) => return mistakes::missing_point(checker, expr, place, *count),
            _ => return mistakes::wrong_type(checker, expr, place),
        };
        let unit = read_unit(checker, unit)?;
        if *count < 0.0 {
            let bounded = place.clone().range(Range::NOT_NEGATIVE);
            return mistakes::out_of_range(checker, expr, &bounded, *count);
        }
        checker.time_in_phase(expr, *count, unit)?;
        Some(Moment { count: *count, unit })
    }
}

fn positive<'a>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    place: &Parameter,
    count: f64,
    unit: Unit,
) -> Option<Duration> {
    if !(count > 0.0 && count.is_finite()) {
        return mistakes::empty_duration(checker, expr, place);
    }
    if count > LONGEST {
        let bounded = place.clone().range(Range { low: Bound::None, high: Bound::Closed(LONGEST) });
        return mistakes::out_of_range(checker, expr, &bounded, count);
    }
    if unit == Unit::Steps && count.fract() != 0.0 {
        return mistakes::split_step(checker, expr);
    }
    Some(Duration { count, unit })
}

/// `epochs` or `steps`, singular too.
pub(super) fn read_unit(checker: &mut Checker<'_>, unit: &Name) -> Option<Unit> {
    match unit.text.as_str() {
        "epochs" | "epoch" => Some(Unit::Epochs),
        "steps" | "step" => Some(Unit::Steps),
        _ => mistakes::unknown_unit(checker, unit),
    }
}

impl Value for Window {
    const FORM: Form = Form::of("a window, `30..70 epochs` or `last 40 epochs`");

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        let resolved = checker.resolve(expr);
        let window = match &resolved.kind {
            ExprKind::Range(start, end, Some(unit)) => {
                let start = bound(checker, start, place);
                let unit = read_unit(checker, unit);
                let end = bound(checker, end, place)?;
                Window::Span { start: start?, end, unit: unit? }
            }
            ExprKind::Range(..) => return mistakes::window_without_unit(checker, expr),
            ExprKind::Last(length) => {
                let Duration { count, unit } = Duration::read(checker, length, place)?;
                Window::Last { count, unit }
            }
            _ => return mistakes::wrong_type(checker, expr, place),
        };
        checker.window_in_phase(expr, window)
    }
}

fn bound<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<f64> {
    let plain = Parameter::new(place.name, f64::FORM, "");
    f64::read(checker, expr, &plain)
}
