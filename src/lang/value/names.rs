//! One text, or a list of them.

use serde::Serialize;

use super::{Value, mistakes};
use crate::lang::catalog::{Form, Parameter};
use crate::lang::check::Checker;
use crate::syntax::ast::{Expr, ExprKind};

/// `"sketch"` or `["photo", "sketch"]`: at least one, none twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Names(pub Vec<String>);

impl Value for Names {
    const FORM: Form = Form::of("a name in quotes or a list of them, `[\"a\", \"b\"]`");

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        let resolved = checker.resolve(expr);
        let items = match &resolved.kind {
            ExprKind::List(items, None) if !items.is_empty() => items.as_slice(),
            _ => std::slice::from_ref(resolved),
        };
        let mut names: Vec<String> = Vec::with_capacity(items.len());
        for item in items {
            match &checker.resolve(item).kind {
                ExprKind::Text(text) if names.contains(text) => {
                    return mistakes::repeated_name(checker, item, place, text);
                }
                ExprKind::Text(text) => names.push(text.clone()),
                _ => return mistakes::wrong_type(checker, item, place),
            }
        }
        Some(Self(names))
    }
}
