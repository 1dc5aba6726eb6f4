//! What the parameters of a minimizer must say together.

use super::Checker;
use crate::diagnostic::{Code, Diagnostic};
use crate::lang::catalog::{Lesam, Sam};
use crate::lang::value::{Arguments, mistakes::shown};

/// Gradient norms of a classifier in training lie between these, give or take; a clip that binds only outside is a slip.
const USUAL_NORMS: (f64, f64) = (1e-3, 1e3);

/// The largest radius of the usual grid is 0.5.
const LARGE_RADIUS: f64 = 1.0;

/// A radius of SAM's size.
pub(crate) fn check_sam<'a>(sam: Sam, checker: &mut Checker<'a>, arguments: &Arguments<'a>) -> Option<Sam> {
    let (_, highest) = sam.rho.extremes(&checker.clock());
    if let (true, Some(written)) = (highest >= LARGE_RADIUS, arguments.written("rho")) {
        let message = format!("a radius of {} is very large for `sam`", shown(highest));
        let span = checker.resolve(written).span;
        let finding = Diagnostic::new(Code::SuspiciousMagnitude, span, message, "1 or more");
        checker.report(finding.help("the usual radii are 0.01 to 0.5"));
    }
    Some(sam)
}

/// A clip that can bind but does not always.
pub(crate) fn check_lesam<'a>(
    lesam: Lesam,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Lesam> {
    lint_clip(checker, arguments, &lesam);
    Some(lesam)
}

/// The radius is clipped while the gradient norm is below budget / clip.
fn lint_clip<'a>(checker: &mut Checker<'a>, arguments: &Arguments<'a>, lesam: &Lesam) {
    let Some(clip) = &lesam.clip else { return };
    let Some(written) = arguments.written("clip") else { return };
    let clock = checker.clock();
    let ((least, most), (lowest, highest)) = (lesam.budget.extremes(&clock), clip.extremes(&clock));
    let span = checker.resolve(written).span;
    let finding = if lowest > 0.0 && most / lowest < USUAL_NORMS.0 {
        Diagnostic::new(
            Code::ClipNeverBinds,
            span,
            format!(
                "`clip` binds only where the gradient norm is below {}: it never will",
                shown(most / lowest)
            ),
            "far above every radius",
        )
        .help("the published radii are 0.2 to 0.4; `clip = none` says that none is wanted")
    } else if highest > 0.0 && least / highest > USUAL_NORMS.1 {
        Diagnostic::new(
            Code::ClipAlwaysBinds,
            span,
            format!(
                "`clip` binds wherever the gradient norm is below {}: the budget never counts",
                shown(least / highest)
            ),
            "below every radius",
        )
        .help(format!(
            "as written this is `sam(rho = {})`; the published clips are 0.2 to 0.4",
            shown(highest)
        ))
    } else {
        return;
    };
    checker.report(finding);
}
