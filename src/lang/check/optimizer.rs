//! What the parameters of an optimizer must say together.

use super::Checker;
use crate::diagnostic::{Code, Diagnostic};
use crate::lang::catalog::{Adam, Adamw, Optimizer, Sgd};
use crate::lang::schedule::Schedule;
use crate::lang::value::{Arguments, mistakes::shown};

/// Rates from here on make almost any network diverge.
const LARGE_SGD_RATE: f64 = 1.0;
const LARGE_ADAM_RATE: f64 = 0.1;

impl Optimizer {
    /// The learning rate.
    pub fn lr(&self) -> &Schedule {
        match self {
            Optimizer::Sgd(sgd) => &sgd.lr,
            Optimizer::Adam(adam) => &adam.lr,
            Optimizer::Adamw(adamw) => &adamw.lr,
        }
    }
}

pub(crate) fn check_sgd<'a>(sgd: Sgd, checker: &mut Checker<'a>, arguments: &Arguments<'a>) -> Option<Sgd> {
    lint_rate(checker, arguments, &sgd.lr, LARGE_SGD_RATE);
    if sgd.nesterov && sgd.momentum == 0.0 {
        nesterov_without_momentum(checker, arguments);
        return None;
    }
    Some(sgd)
}

pub(crate) fn check_adam<'a>(
    adam: Adam,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Adam> {
    lint_rate(checker, arguments, &adam.lr, LARGE_ADAM_RATE);
    Some(adam)
}

pub(crate) fn check_adamw<'a>(
    adamw: Adamw,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Adamw> {
    lint_rate(checker, arguments, &adamw.lr, LARGE_ADAM_RATE);
    Some(adamw)
}

fn lint_rate<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>, lr: &Schedule, large: f64) {
    let (_, highest) = lr.extremes(&checker.clock());
    let Some(written) = arguments.written("lr") else { return };
    if highest < large {
        return;
    }
    let name = arguments.entry.name;
    let finding = Diagnostic::new(
        Code::SuspiciousMagnitude,
        checker.resolve(written).span,
        format!("a learning rate of {} is very large for `{name}`", shown(highest)),
        format!("{} or more", shown(large)),
    )
    .help(format!(
        "the default is `lr = {}`",
        arguments.entry.parameter("lr").and_then(|lr| lr.default).unwrap_or_default()
    ));
    checker.report(finding);
}

fn nesterov_without_momentum<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>) {
    let span = arguments.written("nesterov").map_or(arguments.span, |expr| expr.span);
    let finding = Diagnostic::new(
        Code::ExclusiveParameters,
        span,
        "`nesterov` looks ahead along the momentum, and `momentum` is 0",
        "no momentum to look along",
    )
    .help("write `momentum = 0.9`, or leave out `nesterov`");
    checker.report(finding);
}
