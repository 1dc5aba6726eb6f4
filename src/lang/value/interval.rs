//! A pair of numbers, the lower first.

use serde::Serialize;

use super::{Value, mistakes};
use crate::lang::catalog::{Form, Parameter};
use crate::lang::check::Checker;
use crate::syntax::ast::Expr;

/// `[0.08, 1]`: both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Value for Interval {
    const FORM: Form = Form::of("two numbers, the lower first, `[0.5, 1]`");

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        match Vec::<f64>::read(checker, expr, place)?[..] {
            [low, high] if low <= high => Some(Self { low, high }),
            _ => mistakes::no_interval(checker, expr, place),
        }
    }
}
