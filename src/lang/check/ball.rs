//! The size of an attack: its ball, its steps, and the classes its loss needs.

use super::Checker;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::{AttackLoss, Norm, TARGETED_DLR_CLASSES, common_step};
use crate::lang::value::Arguments;
use crate::lang::value::mistakes::{distance, shown};
use crate::lang::words::counted;

/// Fewer classes have no third largest logit.
const DLR_CLASSES: usize = 3;

/// The size of an attack as it is checked.
pub(super) struct Size {
    pub norm: Norm,
    pub eps: f64,
    pub step: f64,
    pub steps: usize,
}

/// Radius, step and number of steps.
pub(super) fn check_size<'a>(
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
    size: &Size,
) -> Option<()> {
    check_radius(checker, arguments, size.norm, size.eps)?;
    lint_overshoot(checker, arguments, size);
    lint_reach(checker, arguments, size);
    Some(())
}

/// A radius that is a part of the pixel range; l2 distances may be longer.
pub(super) fn check_radius<'a>(
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
    norm: Norm,
    eps: f64,
) -> Option<()> {
    if norm == Norm::L2 {
        lint_whole_space(checker, arguments, eps);
        return Some(());
    }
    if eps < 1.0 {
        return Some(());
    }
    let span = written(checker, arguments, "eps");
    let message = format!("`eps` must be in (0, 1) for `norm = linf`, found {}", shown(eps));
    let finding = Diagnostic::new(Code::OutOfRange, span, message, "pixels lie in [0, 1]");
    let finding = if eps.fract() == 0.0 && eps <= 64.0 {
        let ratio = format!("{}/255", shown(eps));
        let finding = finding.help(format!("in units of the pixel range that is `{ratio}`"));
        finding.suggest(format!("write `{ratio}`"), span, ratio)
    } else {
        finding.help("a ball of radius 1 holds every image; the papers use `8/255` and, on MNIST, 0.3")
    };
    checker.report(finding);
    None
}

/// A ball of l2 that holds every image there is.
fn lint_whole_space<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>, eps: f64) {
    let Some(info) = checker.info else { return };
    let values = info.channels * info.height * info.width;
    let diameter = (values as f64).sqrt();
    if eps < diameter {
        return;
    }
    let message = format!(
        "a ball of radius {} holds every image: no two of {}x{} pixels are further apart than {}",
        distance(eps),
        info.height,
        info.width,
        distance(diameter)
    );
    let span = written(checker, arguments, "eps");
    let finding = Diagnostic::new(Code::LargePixelDistance, span, message, "not a limit to an attack");
    checker.report(finding.help("for `norm = l2` the papers use 0.5 on CIFAR-10 and 1.5 on MNIST"));
}

fn lint_overshoot<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>, size: &Size) {
    if size.step <= 2.0 * size.eps {
        return;
    }
    let message = format!(
        "a step of {} is longer than the ball is wide, 2 x {}",
        distance(size.step),
        distance(size.eps)
    );
    let span = written(checker, arguments, if arguments.written("step").is_some() { "step" } else { "eps" });
    let finding = Diagnostic::new(Code::AttackOvershoots, span, message, "jumps from side to side");
    checker.report(finding.help(format!("a common step is {}", suggestion(size))));
}

fn lint_reach<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>, size: &Size) {
    let reach = size.step * size.steps as f64;
    // The product of exact fractions may land a hair below.
    if reach >= size.eps * (1.0 - 1e-9) {
        return;
    }
    let message = format!(
        "{} x {} = {}: the attack cannot reach the boundary at {}",
        counted(size.steps, "step"),
        distance(size.step),
        distance(reach),
        distance(size.eps)
    );
    let name = ["steps", "step", "eps"].into_iter().find(|name| arguments.written(name).is_some());
    let span = written(checker, arguments, name.unwrap_or("eps"));
    let finding = Diagnostic::new(Code::AttackFallsShort, span, message, "too short");
    checker.report(finding.help(format!("write a longer step, such as {}", suggestion(size))));
}

/// The common step, which is never longer than the ball is wide.
fn suggestion(size: &Size) -> String {
    let step = common_step(size.eps, size.steps);
    let rule = if size.steps == 1 { "2 eps for a single one" } else { "2.5 eps / steps" };
    format!("{rule}: {}", distance(step))
}

/// `loss = dlr` needs three classes.
pub(super) fn check_loss<'a>(
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
    loss: AttackLoss,
) -> Option<()> {
    let Some(info) = checker.info.filter(|info| loss == AttackLoss::Dlr && info.classes < DLR_CLASSES) else {
        return Some(());
    };
    let span = written(checker, arguments, "loss");
    let message =
        format!("`loss = dlr` needs at least {DLR_CLASSES} classes, the data set has {}", info.classes);
    let finding = Diagnostic::new(Code::TooFewClasses, span, message, "divides by a third logit");
    checker.report(finding.help("write `loss = margin`, which two classes have, or `loss = ce`"));
    None
}

/// AutoAttack on fewer than four classes is another attack.
pub(super) fn lint_targeted_dlr<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>) {
    let Some(info) = checker.info.filter(|info| info.classes < TARGETED_DLR_CLASSES) else { return };
    let message = format!(
        "the targeted DLR of `autoattack` needs {TARGETED_DLR_CLASSES} classes, the data set has {}",
        info.classes
    );
    let finding = Diagnostic::new(Code::NoTargetedDlr, arguments.span, message, "apgd-t raises the margin");
    checker.report(
        finding.help("say so beside the number: it is not comparable with AutoAttack's on ten classes"),
    );
}

/// Where an argument is written, or the component's name.
pub(super) fn written<'a>(checker: &Checker<'a>, arguments: &Arguments<'a>, name: &str) -> Span {
    arguments.written(name).map_or(arguments.span, |expr| checker.resolve(expr).span)
}
