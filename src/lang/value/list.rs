//! Lists of values of one type.

use super::{Value, mistakes};
use crate::lang::catalog::{Form, Parameter};
use crate::lang::check::Checker;
use crate::syntax::ast::{Expr, ExprKind};

impl Value for Vec<usize> {
    const FORM: Form = Form::of("a list of whole numbers, `[64, 64]`");

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        elements(checker, expr, place)
    }
}

impl Value for Vec<f64> {
    const FORM: Form = Form::of("a list of numbers, `[0.5, 0.5]`");

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        elements(checker, expr, place)
    }
}

impl Value for Vec<String> {
    const FORM: Form = Form::of("a list of texts, `[\"layer1\"]`");

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        elements(checker, expr, place)
    }
}

fn elements<'a, T: Value>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Vec<T>> {
    let resolved = checker.resolve(expr);
    let ExprKind::List(items, unit) = &resolved.kind else {
        let alone = match resolved.kind {
            ExprKind::Number(_) => T::FORM.noun.contains("number"),
            ExprKind::Text(_) => T::FORM.noun.ends_with("in quotes"),
            _ => false,
        };
        return match alone {
            true => mistakes::list_of_one(checker, expr, place),
            false => mistakes::wrong_type(checker, expr, place),
        };
    };
    if let Some(unit) = unit {
        return mistakes::unfitting_list_unit(checker, place, unit);
    }
    let place = Parameter { form: T::FORM, ..place.clone() };
    let read: Vec<Option<T>> = items.iter().map(|item| T::read(checker, item, &place)).collect();
    read.into_iter().collect()
}
