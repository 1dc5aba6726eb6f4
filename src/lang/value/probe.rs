//! The loss that curvature and surfaces look at.

use std::fmt;

use serde::Serialize;

use super::{Value, bind, is_word, mistakes};
use crate::lang::catalog::{Evaluator, Form, Kind, Parameter, PgdEvaluator, find_in};
use crate::lang::check::Checker;
use crate::syntax::ast::{Expr, ExprKind};

/// `loss = clean`, or `loss = pgd(eps = 8/255)`: cross-entropy at the images, or at attacked ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeLoss {
    Clean,
    Pgd(PgdEvaluator),
}

impl Value for ProbeLoss {
    const FORM: Form = Form {
        choices: &["clean", "pgd"],
        component: Some(Kind::Evaluator),
        ..Form::of("`clean` or `pgd(..)`")
    };

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        let resolved = checker.resolve(expr);
        if is_word(resolved, "clean") {
            checker.record_written(expr);
            return Some(ProbeLoss::Clean);
        }
        match &resolved.kind {
            ExprKind::Call(call) if call.name.text == "pgd" => {
                let entry = find_in(Kind::Evaluator, "pgd")?;
                match bind(checker, expr, entry, call, None)? {
                    Evaluator::Pgd(spec) => Some(ProbeLoss::Pgd(spec)),
                    _ => None,
                }
            }
            ExprKind::Call(call) if call.name.text == "clean" => mistakes::word_with_arguments(checker, call),
            ExprKind::Call(call) => mistakes::unknown_value(checker, call, place),
            _ => mistakes::wrong_type(checker, expr, place),
        }
    }
}

/// As a label says it.
impl fmt::Display for ProbeLoss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProbeLoss::Clean => formatter.write_str("clean"),
            ProbeLoss::Pgd(spec) => formatter.write_str(&spec.label()),
        }
    }
}
