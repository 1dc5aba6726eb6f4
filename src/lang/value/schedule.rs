//! Schedules: their written forms, and the check that every value lies where its parameter may.

use super::{Value, is_word, mistakes, number};
use crate::lang::catalog::{Anneal, Form, Kind, Parameter, Range, find_in};
use crate::lang::check::Checker;
use crate::lang::schedule::{Change, Duration, Schedule, Unit, Window};
use crate::syntax::ast::{Call, Expr, ExprKind};

const ENDS: Form = Form::of("two numbers, `a -> b`");

impl Value for Schedule {
    const FORM: Form = Form { schedule: true, ..Form::of("a number or a schedule") };

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        let schedule = written(checker, expr, place)?;
        checker.schedule_in_range(expr, place, &schedule)?;
        if place.rises {
            checker.schedule_rises(expr, place, &schedule)?;
        }
        Some(schedule)
    }
}

impl Value for Anneal {
    const FORM: Form = Form { schedule: true, ..Form::of("a window (`last 40 epochs`) or a schedule") };

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        match checker.resolve(expr).kind {
            ExprKind::Range(..) | ExprKind::Last(_) => Window::read(checker, expr, place).map(Anneal::Window),
            _ => {
                let factor = Schedule::read(checker, expr, place)?;
                checker.schedule_ends_at_zero(expr, &factor)?;
                Some(Anneal::Factor(factor))
            }
        }
    }
}

fn written<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Schedule> {
    let resolved = checker.resolve(expr);
    match &resolved.kind {
        ExprKind::Call(call) => called(checker, resolved, call, place),
        ExprKind::Then(first, rest) => warmed(checker, first, rest, place),
        ExprKind::Arrow(..) => mistakes::bare_arrow(checker, resolved, place),
        _ => number(checker, expr, place).map(Schedule::Constant),
    }
}

fn called<'a>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    call: &'a Call,
    place: &Parameter,
) -> Option<Schedule> {
    if find_in(Kind::Schedule, &call.name.text).is_none() {
        return mistakes::unknown_schedule(checker, expr, call, place);
    }
    if call.arguments.is_none() {
        return mistakes::bare_schedule(checker, call);
    }
    match call.name.text.as_str() {
        "steps" => steps(checker, call, place),
        "follow" => follow(checker, call, place),
        "warmup" => mistakes::lone_warmup(checker, expr),
        _ => curve(checker, call, place),
    }
}

/// Values inside a schedule: of the place's unit, without its range, which is checked over the whole schedule.
fn inner(place: &Parameter, name: &'static str, form: Form) -> Parameter {
    Parameter::new(name, form, "").unit(place.unit)
}

fn ends<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<(f64, f64)> {
    let resolved = checker.resolve(expr);
    let ExprKind::Arrow(from, to) = &resolved.kind else {
        return mistakes::wrong_type(checker, expr, &inner(place, place.name, ENDS));
    };
    let place = inner(place, place.name, f64::FORM);
    let from = number(checker, from, &place);
    let to = number(checker, to, &place)?;
    Some((from?, to))
}

fn curve<'a>(checker: &mut Checker<'a>, call: &'a Call, place: &Parameter) -> Option<Schedule> {
    let given = mistakes::schedule_arguments(checker, call, &["a -> b", "window"], &["a -> b"])?;
    let window_place = inner(place, "window", Window::FORM);
    let window = given.get("window").map(|expr| Window::read(checker, expr, &window_place));
    let arrow = given.get("a -> b")?;
    let (from, to) = ends(checker, arrow, place)?;
    let window = match window {
        Some(window) => Some(window?),
        None => None,
    };
    match call.name.text.as_str() {
        "cosine" => Some(Schedule::Cosine { from, to, window }),
        "linear" => Some(Schedule::Linear { from, to, window }),
        _ if from * to <= 0.0 => mistakes::geometric_zero(checker, arrow),
        _ => Some(Schedule::Exp { from, to, window }),
    }
}

fn steps<'a>(checker: &mut Checker<'a>, call: &'a Call, place: &Parameter) -> Option<Schedule> {
    let given = mistakes::schedule_arguments(checker, call, &["a", "factor", "at"], &["a", "at"])?;
    let at = times(checker, given.get("at")?, place);
    let first = given.get("a")?;
    let arrow = matches!(checker.resolve(first).kind, ExprKind::Arrow(..));
    let (from, change) = match given.get("factor") {
        Some(factor) if arrow => return mistakes::factor_with_ends(checker, factor, first),
        None if !arrow => return mistakes::steps_without_factor(checker, call, first),
        None => {
            let (from, to) = ends(checker, first, place)?;
            (from, Change::To(to))
        }
        Some(factor) => {
            let positive = Parameter::new("factor", f64::FORM, "").range(Range::POSITIVE);
            let factor = f64::read(checker, factor, &positive);
            (number(checker, first, &inner(place, place.name, f64::FORM))?, Change::Factor(factor?))
        }
    };
    let (at, unit) = at?;
    Some(Schedule::Steps { from, change, at, unit })
}

/// `[40, 60, 80] epochs`: at least one time, rising, inside the phase.
fn times<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<(Vec<f64>, Unit)> {
    let resolved = checker.resolve(expr);
    let (items, unit) = match &resolved.kind {
        ExprKind::List(items, Some(unit)) => (items, super::time::read_unit(checker, unit)?),
        ExprKind::List(items, None) => return mistakes::list_without_unit(checker, resolved, items.len()),
        _ => {
            let form = Form::of("a list of times, `[40, 60, 80] epochs`");
            return mistakes::wrong_type(checker, expr, &inner(place, "at", form));
        }
    };
    let plain = Parameter::new("at", f64::FORM, "").range(Range::POSITIVE);
    let read: Vec<Option<f64>> = items.iter().map(|item| f64::read(checker, item, &plain)).collect();
    let at: Vec<f64> = read.into_iter().collect::<Option<_>>()?;
    if at.is_empty() || at.windows(2).any(|pair| pair[0] >= pair[1]) {
        return mistakes::times_out_of_order(checker, resolved);
    }
    for (item, time) in items.iter().zip(&at) {
        checker.time_in_phase(item, *time, unit)?;
    }
    Some((at, unit))
}

fn follow<'a>(checker: &mut Checker<'a>, call: &'a Call, place: &Parameter) -> Option<Schedule> {
    let names = ["lr", "low", "high"];
    let given = mistakes::schedule_arguments(checker, call, &names, &names)?;
    if place.name == "lr" {
        return mistakes::rate_follows_itself(checker, call);
    }
    let target = given.get("lr")?;
    if !is_word(target, "lr") {
        return mistakes::wrong_type(checker, target, &inner(place, "follow", Form::of("the word `lr`")));
    }
    let low = number(checker, given.get("low")?, &inner(place, "low", f64::FORM));
    let high = number(checker, given.get("high")?, &inner(place, "high", f64::FORM))?;
    checker.lint_constant_rate(call);
    Some(Schedule::Follow { low: low?, high })
}

fn warmed<'a>(
    checker: &mut Checker<'a>,
    first: &'a Expr,
    rest: &'a Expr,
    place: &Parameter,
) -> Option<Schedule> {
    let over = warmup_length(checker, first);
    let resolved = checker.resolve(rest);
    let again = matches!(&resolved.kind, ExprKind::Then(..));
    let then = if again { mistakes::second_warmup(checker, resolved) } else { written(checker, rest, place) };
    Some(Schedule::Warmup { over: over?, then: Box::new(then?) })
}

fn warmup_length<'a>(checker: &mut Checker<'a>, expr: &'a Expr) -> Option<Duration> {
    let resolved = checker.resolve(expr);
    let ExprKind::Call(call) = &resolved.kind else {
        return mistakes::not_a_warmup(checker, resolved);
    };
    if call.name.text != "warmup" {
        return mistakes::not_a_warmup(checker, resolved);
    }
    let given = mistakes::schedule_arguments(checker, call, &["duration"], &["duration"])?;
    let length = given.get("duration")?;
    let over = Duration::read(checker, length, &Parameter::new("warmup", Duration::FORM, ""))?;
    checker.time_in_phase(length, over.count, over.unit)?;
    Some(over)
}
