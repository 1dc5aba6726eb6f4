//! What the parameters of an attack must say together.

use super::Checker;
use super::phase::PhaseTime;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::{
    At, AttackLoss, Cat18, Cat20, Dat, Fat, Hsat, Iaat, Mart, Norm, Psat, PsatSingle, TARGETED_DLR_CLASSES,
    Trades,
};
use crate::lang::program::Origin;
use crate::lang::schedule::{Change, Schedule, Window};
use crate::lang::value::{Arguments, mistakes::shown};

/// A curriculum over attacks must be over by this share of its phase.
const FINISHED_BY: f64 = 0.9;

/// Fewer classes have no third largest logit.
const DLR_CLASSES: usize = 3;

/// The size of an attack as it is checked.
pub(super) struct Size {
    pub norm: Norm,
    pub eps: f64,
    pub step: f64,
    pub steps: usize,
}

/// The size of an adversary's attack.
macro_rules! size {
    ($spec:expr) => {
        Size { norm: $spec.norm, eps: $spec.eps, step: $spec.step, steps: $spec.steps }
    };
}

macro_rules! plain {
    ($($check:ident $spec:ident;)*) => {
        $(pub(crate) fn $check<'a>(
            spec: $spec,
            checker: &mut Checker<'a>,
            arguments: &Arguments<'a>,
        ) -> Option<$spec> {
            check_size(checker, arguments, &size!(spec))?;
            Some(spec)
        })*
    };
}

plain! {
    check_trades Trades;
    check_mart Mart;
    check_cat20 Cat20;
}

pub(crate) fn check_at<'a>(at: At, checker: &mut Checker<'a>, arguments: &Arguments<'a>) -> Option<At> {
    check_size(checker, arguments, &size!(at))?;
    check_loss(checker, arguments, at.loss)?;
    Some(at)
}

pub(crate) fn check_psat<'a>(
    mut psat: Psat,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Psat> {
    check_size(checker, arguments, &size!(psat))?;
    psat.lambda = fill(checker, psat.lambda, "lambda", &PSAT);
    lint_lambda(checker, arguments, &psat.lambda);
    Some(psat)
}

pub(crate) fn check_psat_single<'a>(
    mut psat: PsatSingle,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<PsatSingle> {
    psat.lambda = fill(checker, psat.lambda, "lambda", &PSAT);
    lint_lambda(checker, arguments, &psat.lambda);
    Some(psat)
}

pub(crate) fn check_hsat<'a>(
    mut hsat: Hsat,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Hsat> {
    check_size(checker, arguments, &size!(hsat))?;
    hsat.lambda = fill(checker, hsat.lambda, "lambda", &Line { from: 0.8, to: 1.0, over: (0.0, 0.3) });
    lint_lambda(checker, arguments, &hsat.lambda);
    Some(hsat)
}

pub(crate) fn check_dat<'a>(
    mut dat: Dat,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Dat> {
    check_size(checker, arguments, &size!(dat))?;
    dat.threshold = fill(checker, dat.threshold, "threshold", &Line { from: 0.5, to: 0.0, over: (0.0, 0.8) });
    Some(dat)
}

pub(crate) fn check_fat<'a>(
    mut fat: Fat,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Fat> {
    check_size(checker, arguments, &size!(fat))?;
    if fat.tau.is_none() {
        fat.tau = Some(ladder(checker));
    }
    Some(fat)
}

/// The step of `cat18` follows from its radius.
pub(crate) fn check_cat18<'a>(
    cat: Cat18,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Cat18> {
    check_radius(checker, arguments, cat.norm, cat.eps)?;
    Some(cat)
}

pub(crate) fn check_iaat<'a>(
    iaat: Iaat,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Iaat> {
    check_radius(checker, arguments, iaat.norm, iaat.eps)?;
    if iaat.most < iaat.eps {
        let message = format!(
            "`most` is {}, less than the `eps` of the warm-up, {}",
            shown(iaat.most),
            shown(iaat.eps)
        );
        let span =
            written(checker, arguments, if arguments.written("most").is_some() { "most" } else { "eps" });
        let finding = Diagnostic::new(Code::ExclusiveParameters, span, message, "no radius could be both");
        checker.report(finding.help("write a `most` of at least `eps`"));
        return None;
    }
    Some(iaat)
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
    if norm == Norm::L2 || eps < 1.0 {
        return Some(());
    }
    let span = written(checker, arguments, "eps");
    let message = format!("`eps` must be in (0, 1) for `norm = linf`, found {}", shown(eps));
    let finding = Diagnostic::new(Code::OutOfRange, span, message, "pixels lie in [0, 1]");
    let finding = if eps.fract() == 0.0 && eps <= 64.0 {
        let ratio = format!("{}/255", shown(eps));
        finding.help(format!("in units of the pixel range that is `{ratio}`")).fix(
            format!("write `{ratio}`"),
            span,
            ratio,
        )
    } else {
        finding.help("a ball of radius 1 holds every image; the papers use `8/255` and, on MNIST, 0.3")
    };
    checker.report(finding);
    None
}

fn lint_overshoot<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>, size: &Size) {
    if size.step <= 2.0 * size.eps {
        return;
    }
    let message =
        format!("a step of {} is longer than the ball is wide, 2 x {}", shown(size.step), shown(size.eps));
    let span = written(checker, arguments, if arguments.written("step").is_some() { "step" } else { "eps" });
    let finding = Diagnostic::new(Code::AttackOvershoots, span, message, "jumps from side to side");
    checker.report(finding.help(format!("a common step is 2.5 eps / steps: {}", suggestion(size))));
}

fn lint_reach<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>, size: &Size) {
    let reach = size.step * size.steps as f64;
    // The product of exact fractions may land a hair below.
    if reach >= size.eps * (1.0 - 1e-9) {
        return;
    }
    let message = format!(
        "{} x {} = {}: the attack cannot reach the boundary at {}",
        count(size.steps),
        shown(size.step),
        shown(reach),
        shown(size.eps)
    );
    let name = ["steps", "step", "eps"].into_iter().find(|name| arguments.written(name).is_some());
    let span = written(checker, arguments, name.unwrap_or("eps"));
    let finding = Diagnostic::new(Code::AttackFallsShort, span, message, "too short");
    checker
        .report(finding.help(format!("write a longer step, such as 2.5 eps / steps: {}", suggestion(size))));
}

fn count(steps: usize) -> String {
    if steps == 1 { "1 step".into() } else { format!("{steps} steps") }
}

fn suggestion(size: &Size) -> String {
    let step = 2.5 * size.eps / size.steps as f64;
    shown((step * 1e4).ceil() / 1e4)
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
fn written<'a>(checker: &Checker<'a>, arguments: &Arguments<'a>, name: &str) -> Span {
    arguments.written(name).map_or(arguments.span, |expr| checker.resolve(expr).span)
}

/// A line over a part of a phase, in shares of it.
struct Line {
    from: f64,
    to: f64,
    over: (f64, f64),
}

/// P-SAT's lambda.
const PSAT: Line = Line { from: 0.0, to: 1.0, over: (0.3, 0.7) };

/// The schedule, or the paper's line scaled to the phase.
fn fill(checker: &mut Checker<'_>, schedule: Option<Schedule>, name: &str, line: &Line) -> Option<Schedule> {
    if schedule.is_some() {
        return schedule;
    }
    let window = checker.phase.map(|PhaseTime { duration, .. }| {
        let at = |share: f64| rounded(share * duration.count);
        Window::Span { start: at(line.over.0), end: at(line.over.1), unit: duration.unit }
    });
    let ends = format!("{} -> {}", shown(line.from), shown(line.to));
    let text = match window {
        Some(Window::Span { start, end, unit }) => {
            format!("linear({ends}, {}..{} {})", shown(start), shown(end), unit.word())
        }
        _ => format!("linear({ends})"),
    };
    checker.amend(name, &text, Origin::Default);
    Some(Schedule::Linear { from: line.from, to: line.to, window })
}

/// 0, 1 and 2 from 0, 5/12 and 3/4 of the phase on.
fn ladder(checker: &mut Checker<'_>) -> Schedule {
    let Some(PhaseTime { duration, .. }) = checker.phase else { return Schedule::Constant(0.0) };
    let at = [5.0 / 12.0, 0.75].map(|share| rounded(share * duration.count));
    let unit = duration.unit;
    let text = format!("steps(0 -> 2, at = [{}, {}] {})", shown(at[0]), shown(at[1]), unit.word());
    checker.amend("tau", &text, Origin::Default);
    Schedule::Steps { from: 0.0, change: Change::To(2.0), at: at.to_vec(), unit }
}

fn rounded(time: f64) -> f64 {
    (time * 1e6).round() / 1e6
}

/// A curriculum over attacks that never becomes the full attack, or only at the very end.
fn lint_lambda<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>, lambda: &Option<Schedule>) {
    let (Some(lambda), Some(expr)) = (lambda, arguments.written("lambda")) else { return };
    let clock = checker.clock();
    let knots = lambda.knots(&clock);
    let Some(last) = knots.last() else { return };
    let span = checker.resolve(expr).span;
    let finding = if last.value < 1.0 {
        let message =
            format!("`lambda` ends at {}: the full attack is never trained against", shown(last.value));
        Diagnostic::new(Code::UnfinishedCurriculum, span, message, "never reaches 1")
            .help("at 1 this is `at`; the paper's lambda rises to 1 between 30 % and 70 % of the phase")
    } else if knots.len() > 1 && last.step > FINISHED_BY * clock.steps as f64 {
        let message = "`lambda` reaches 1 only at the end of the phase";
        Diagnostic::new(Code::UnfinishedCurriculum, span, message, "no time is left at the full attack")
            .help("let it rise earlier, such as `lambda = linear(0 -> 1, 30..70 epochs)` of 100 epochs")
    } else {
        return;
    };
    checker.report(finding);
}
