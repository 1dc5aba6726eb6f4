//! Parameters that take one of a few words.

use super::mistakes;
use crate::lang::catalog::Parameter;
use crate::lang::check::Checker;
use crate::syntax::ast::{Expr, ExprKind};

/// The word, if it is one that the place takes.
pub(crate) fn read_choice<'a>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    place: &Parameter,
) -> Option<&'static str> {
    let ExprKind::Call(call) = &checker.resolve(expr).kind else {
        return mistakes::wrong_type(checker, expr, place);
    };
    let known = place.form.choices.iter().find(|choice| **choice == call.name.text);
    match known {
        Some(_) if call.arguments.is_some() => mistakes::word_with_arguments(checker, call),
        Some(choice) => Some(choice),
        None => mistakes::unknown_value(checker, call, place),
    }
}
