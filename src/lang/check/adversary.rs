//! What the parameters of an adversary must say together.

use super::Checker;
use super::ball::{Size, check_loss, check_radius, check_size, written};
use super::ramp::{DAT, HSAT, PSAT, ladder};
use crate::diagnostic::{Code, Diagnostic};
use crate::lang::catalog::{At, Cat18, Cat20, Dat, Fat, Hsat, Iaat, Mart, Psat, PsatSingle, Trades};
use crate::lang::value::{Arguments, mistakes::shown};

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
    check_cat20 Cat20;
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
    let lambda = PSAT.or_own(checker, arguments, spec.lambda);
    Some(PsatSingle { lambda, ..spec })
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
