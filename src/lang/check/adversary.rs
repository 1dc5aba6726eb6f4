//! What the parameters of an adversary must say together.

use super::Checker;
use super::ball::{Size, check_loss, check_radius, check_size, written};
use super::ramp::{DAT, HSAT, PSAT, PSAT_SINGLE, ladder};
use crate::diagnostic::{Code, Diagnostic};
use crate::lang::catalog::{At, Cat18, Cat20, Dat, Fat, Hsat, Iaat, Mart, Psat, PsatSingle, Trades};
use crate::lang::schedule::Unit;
use crate::lang::value::Arguments;
use crate::lang::value::mistakes::{distance, shown};
use crate::lang::words::counted;

/// The size of an adversary's attack.
macro_rules! size {
    ($spec:expr) => {
        Size { norm: $spec.norm, eps: $spec.eps, step: $spec.step, steps: $spec.steps }
    };
}

/// Adversaries whose size is all there is to check, but for a schedule that the paper has where the file has none.
macro_rules! sized {
    ($($check:ident $spec:ident $($field:ident: $ramp:ident)?;)*) => {
        $(pub(crate) fn $check<'a>(
            spec: $spec,
            checker: &mut Checker<'a>,
            arguments: &Arguments<'a>,
        ) -> Option<$spec> {
            check_size(checker, arguments, &size!(spec))?;
            $(let $field = $ramp.or_own(checker, arguments, spec.$field);)?
            Some($spec { $($field,)? ..spec })
        })*
    };
}

sized! {
    check_trades Trades;
    check_mart Mart;
    check_psat Psat lambda: PSAT;
    check_hsat Hsat lambda: HSAT;
    check_dat Dat threshold: DAT;
}

pub(crate) fn check_at<'a>(at: At, checker: &mut Checker<'a>, arguments: &Arguments<'a>) -> Option<At> {
    check_size(checker, arguments, &size!(at))?;
    check_loss(checker, arguments, at.loss)?;
    Some(at)
}

pub(crate) fn check_psat_single<'a>(
    spec: PsatSingle,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<PsatSingle> {
    let lambda = PSAT_SINGLE.or_own(checker, arguments, spec.lambda);
    Some(PsatSingle { lambda, ..spec })
}

pub(crate) fn check_fat<'a>(
    mut fat: Fat,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Fat> {
    check_size(checker, arguments, &size!(fat))?;
    match fat.tau.clone() {
        None => fat.tau = Some(ladder(checker)),
        Some(tau) => {
            let (_, most) = tau.extremes(&checker.clock());
            if most > fat.steps as f64 {
                let (tau, steps) = (shown(most), counted(fat.steps, "step"));
                let message =
                    format!("`tau` reaches {tau}, and an attack has {steps}: it does not end early");
                let span = written(checker, arguments, "tau");
                let finding = Diagnostic::new(Code::UnusedValue, span, message, "more than there are steps");
                checker.report(finding.help("the authors' tau goes from 0 to 2, of ten steps"));
            }
        }
    }
    Some(fat)
}

/// Radii that grow over several visits, and labels that are not lost on the way.
pub(crate) fn check_cat20<'a>(
    cat: Cat20,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Cat20> {
    check_size(checker, arguments, &size!(cat))?;
    if cat.eta > cat.eps * (1.0 + 1e-9) {
        let (eta, eps) = (distance(cat.eta), distance(cat.eps));
        let message = format!("`eta` is {eta}, more than the largest radius of {eps}: no radius grows");
        let span =
            written(checker, arguments, if arguments.written("eta").is_some() { "eta" } else { "eps" });
        let finding = Diagnostic::new(Code::UnusedValue, span, message, "the first visit is the whole way");
        checker.report(finding.help("write an `eta` of a small part of `eps`, such as `0.005`"));
    }
    if cat.smoothing * cat.eps >= 1.0 {
        let lost = distance(1.0 / cat.smoothing);
        let message =
            format!("from a radius of {lost} on nothing is left of a label: `smoothing` x eps is 1 there");
        let name = if arguments.written("smoothing").is_some() { "smoothing" } else { "eps" };
        let span = written(checker, arguments, name);
        let finding = Diagnostic::new(Code::SuspiciousMagnitude, span, message, "labels become pure noise");
        checker.report(finding.help(format!(
            "the paper's 10 is for radii up to 8/255; for eps = {} the same share is `smoothing = {}`",
            distance(cat.eps),
            distance(10.0 * 8.0 / 255.0 / cat.eps)
        )));
    }
    Some(cat)
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
    let epochs = checker.phase.and_then(|phase| phase.length(Unit::Epochs));
    if let Some(epochs) = epochs.filter(|epochs| iaat.warmup >= *epochs && iaat.warmup > 0.0) {
        let message = format!(
            "`warmup` is {} {} of a phase of {}: radii never adapt",
            shown(iaat.warmup),
            Unit::Epochs.of(iaat.warmup),
            shown((epochs * 100.0).round() / 100.0)
        );
        let span = written(checker, arguments, "warmup");
        let finding = Diagnostic::new(Code::UnfinishedCurriculum, span, message, "as long as the phase");
        checker.report(finding.help("write a shorter one; the authors have 10 of 110 epochs"));
    }
    Some(iaat)
}
