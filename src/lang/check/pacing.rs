//! What the parameters of a curriculum must say together.

use super::Checker;
use crate::diagnostic::{Code, Diagnostic};
use crate::lang::catalog::{Adm, Scope, Spl, Ssp, Weighting};
use crate::lang::program::Origin;
use crate::lang::value::{Arguments, mistakes::shown};

/// Pacing of `spl` where neither `fraction` nor `lambda` is written.
pub(crate) const FRACTION_DEFAULT: &str = "linear(0.1 -> 1)";

/// One of `fraction` and `lambda`, which rises; weights that the threshold allows.
pub(crate) fn check_spl<'a>(
    mut spl: Spl,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Spl> {
    if arguments.written("fraction").is_none() && spl.lambda.is_some() {
        spl.fraction = None;
        checker.amend("fraction", "none", Origin::Default);
    }
    match (&spl.fraction, &spl.lambda) {
        (Some(_), Some(_)) => return two_thresholds(checker, arguments),
        (None, None) => return no_threshold(checker, arguments),
        (Some(_), None) | (None, Some(_)) => {}
    }
    log_needs_small_lambda(checker, arguments, &spl)?;
    lint_empty_batch(checker, arguments, &spl);
    idle(checker, arguments, "mixture", spl.weight == Weighting::Mixture, "only `weight = mixture` reads it");
    idle(checker, arguments, "power", spl.weight == Weighting::Poly, "only `weight = poly` reads it");
    Some(spl)
}

/// `ln(l + z) / ln(z)` with `z = 1 - lambda` exists for `0 < lambda < 1` alone.
fn log_needs_small_lambda<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>, spl: &Spl) -> Option<()> {
    let (Weighting::Log, Some(lambda)) = (spl.weight, &spl.lambda) else { return Some(()) };
    let (_, highest) = lambda.extremes(&checker.clock());
    if highest < 1.0 {
        return Some(());
    }
    let span = arguments.written("lambda").map_or(arguments.span, |expr| checker.resolve(expr).span);
    let message = format!("`weight = log` needs `lambda` below 1, found {}", shown(highest));
    let finding =
        Diagnostic::new(Code::OutOfRange, span, message, "the logarithm of 1 - lambda does not exist").help(
            "write a `lambda` below 1, or `fraction`, which measures difficulties in units of its threshold",
        );
    checker.report(finding);
    None
}

/// With one epoch there is no first and no last: every weight is 1.
pub(crate) fn check_ssp<'a>(ssp: Ssp, checker: &mut Checker<'a>, arguments: &Arguments<'a>) -> Option<Ssp> {
    if let Some(clock) = checker.known_clock().filter(|clock| clock.steps <= clock.steps_per_epoch) {
        let message = format!("`ssp` over {} is `erm`", share_of_epoch(clock.steps, clock.steps_per_epoch));
        let finding =
            Diagnostic::new(Code::SingleEpochCurriculum, arguments.span, message, "every weight is 1")
                .help("its weights go from easy to hard over the epochs of the phase: give it two or more");
        checker.report(finding);
    }
    Some(ssp)
}

fn share_of_epoch(steps: u64, steps_per_epoch: u64) -> String {
    if steps == steps_per_epoch {
        "one epoch".into()
    } else {
        format!("{steps} of the {steps_per_epoch} steps of an epoch")
    }
}

/// The step of the attack is in pixels.
pub(crate) fn check_adm<'a>(adm: Adm, checker: &mut Checker<'a>, arguments: &Arguments<'a>) -> Option<Adm> {
    checker.lint_pixel_distance(arguments, "alpha", adm.alpha);
    Some(adm)
}

/// Reports a written value that nothing reads.
fn idle<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>, name: &str, used: bool, why: &str) {
    let Some(written) = arguments.written(name) else { return };
    if used || checker.origin(written) == Origin::Default {
        return;
    }
    let message = format!("`{name}` has no effect: {why}");
    let finding = Diagnostic::new(Code::UnusedValue, written.span, message, "never read");
    checker.report(finding.help(format!("leave out `{name}`")));
}

fn two_thresholds<'a, T>(checker: &mut Checker<'a>, arguments: &Arguments<'a>) -> Option<T> {
    let span = |name| arguments.written(name).map_or(arguments.span, |expr| expr.span);
    let finding = Diagnostic::new(
        Code::ExclusiveParameters,
        span("lambda"),
        "`fraction` and `lambda` both say how much is kept",
        "a threshold on the difficulty",
    )
    .label(span("fraction"), "a share of the samples")
    .help("keep `fraction`, which does not depend on the scale of the difficulty, or `lambda`");
    checker.report(finding);
    None
}

fn no_threshold<'a, T>(checker: &mut Checker<'a>, arguments: &Arguments<'a>) -> Option<T> {
    let span = arguments.written("fraction").map_or(arguments.span, |expr| expr.span);
    let finding = Diagnostic::new(
        Code::MissingParameter,
        span,
        "`spl` needs `fraction` or `lambda`",
        "nothing says how much is kept",
    )
    .help("write `fraction = linear(0.1 -> 1)`, or `curriculum erm` to keep every sample");
    checker.report(finding);
    None
}

/// Less than one sample of a batch: the easiest one is kept.
fn lint_empty_batch<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>, spl: &Spl) {
    let (Some(fraction), Some(batch), Scope::Batch) = (&spl.fraction, checker.batch, spl.scope) else {
        return;
    };
    let (lowest, _) = fraction.extremes(&checker.clock());
    if lowest * batch as f64 >= 1.0 {
        return;
    }
    let span = arguments.written("fraction").map_or(arguments.span, |expr| checker.resolve(expr).span);
    let message =
        format!("`fraction` begins at {}: less than one sample of a batch of {batch}", shown(lowest));
    let finding = Diagnostic::new(Code::PacingEmptiesBatch, span, message, "the easiest sample is kept")
        .help(format!(
            "start at one sample or more: {} and up",
            shown((1.0 / batch as f64 * 1e4).ceil() / 1e4)
        ));
    checker.report(finding);
}
