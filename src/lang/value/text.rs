//! Texts, paths and booleans.

use std::path::PathBuf;

use super::{Value, mistakes};
use crate::lang::catalog::{Form, Parameter};
use crate::lang::check::Checker;
use crate::syntax::ast::{Expr, ExprKind};

impl Value for String {
    const FORM: Form = Form::of("a text in quotes");

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        match &checker.resolve(expr).kind {
            ExprKind::Text(text) => Some(text.clone()),
            _ => mistakes::wrong_type(checker, expr, place),
        }
    }
}

impl Value for PathBuf {
    const FORM: Form = Form::of("a path in quotes");

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        match &checker.resolve(expr).kind {
            ExprKind::Text(text) if text.is_empty() => mistakes::empty_path(checker, expr, place),
            ExprKind::Text(text) => Some(PathBuf::from(text)),
            _ => mistakes::wrong_type(checker, expr, place),
        }
    }
}

impl Value for bool {
    const FORM: Form = Form { choices: &["true", "false"], ..Form::of("`true` or `false`") };

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        match &checker.resolve(expr).kind {
            ExprKind::Bool(value) => Some(*value),
            _ => mistakes::wrong_type(checker, expr, place),
        }
    }
}
