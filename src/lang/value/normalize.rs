//! The constants an input is normalised with.

use serde::Serialize;

use super::{Value, is_word, mistakes};
use crate::lang::catalog::{Form, Parameter, Range};
use crate::lang::check::Checker;
use crate::syntax::ast::{Argument, Expr, ExprKind};

/// `normalize = dataset`, `none` or `constants(mean = [..], std = [..])`, one number per channel.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalize {
    Dataset,
    None,
    Constants { mean: Vec<f64>, std: Vec<f64> },
}

impl Value for Normalize {
    const FORM: Form = Form {
        choices: &["dataset", "none", "constants"],
        ..Form::of("`dataset`, `none` or `constants(mean = [..], std = [..])`")
    };

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        let resolved = checker.resolve(expr);
        if is_word(resolved, "dataset") {
            return Some(Normalize::Dataset);
        }
        if is_word(resolved, "none") {
            return Some(Normalize::None);
        }
        match &resolved.kind {
            ExprKind::Call(call) if call.name.text == "constants" => {
                constants(checker, resolved, call.arguments.as_deref().unwrap_or(&[]))
            }
            ExprKind::Call(call) => mistakes::unknown_value(checker, call, place),
            _ => mistakes::wrong_type(checker, expr, place),
        }
    }
}

fn constants<'a>(checker: &mut Checker<'a>, expr: &'a Expr, arguments: &'a [Argument]) -> Option<Normalize> {
    let mean = Parameter::new("mean", Vec::<f64>::FORM, "");
    let std = Parameter::new("std", Vec::<f64>::FORM, "").range(Range::POSITIVE);
    let legal = ["mean", "std"];
    let given = mistakes::named_arguments(checker, "constants", arguments, &legal)?;
    let absent: Vec<&str> = legal.into_iter().filter(|name| !given.contains_key(name)).collect();
    if !absent.is_empty() {
        return mistakes::missing(checker, expr.span, "constants", &absent);
    }
    let mean_values = Vec::<f64>::read(checker, given.get("mean")?, &mean);
    let std_values = Vec::<f64>::read(checker, given.get("std")?, &std)?;
    let mean_values = mean_values?;
    if mean_values.len() != std_values.len() {
        return mistakes::unequal_lengths(checker, expr.span, mean_values.len(), std_values.len());
    }
    Some(Normalize::Constants { mean: mean_values, std: std_values })
}
