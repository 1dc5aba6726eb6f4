//! What the parameters of a minimizer must say together.

use super::Checker;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::{
    Accumulation, Asam, Decay, Eigensam, Esam, Fishersam, Fsam, Gsam, Lesam, LesamPlus, Looksam, Metric,
    Minimizer, Msam, NormOver, Optimizer, Pacing, Perturbed, Perturbing, Reduction, S2sam, Sagm, Sam, Ssam,
    Wsam,
};
use crate::lang::schedule::{Beat, Clock, Schedule};
use crate::lang::value::{Arguments, mistakes::shown};

/// Gradient norms of a classifier in training lie between these, give or take; a clip that binds only outside is a slip.
const USUAL_NORMS: (f64, f64) = (1e-3, 1e3);

/// The largest radius of the usual grid is 0.5.
const LARGE_RADIUS: f64 = 1.0;

/// The authors' radii in the adaptive metric begin at 0.5; SAM's end at 0.2 on CIFAR.
const SMALL_ADAPTIVE_RADIUS: f64 = 0.2;

/// What the checks ask of every member.
pub(crate) trait Member {
    fn rho(&self) -> Option<&Schedule> {
        None
    }

    /// Whether radii are in units of the weights' own size.
    fn adaptive(&self) -> bool {
        false
    }

    /// The budget that stands in for a radius, and its clip.
    fn budget(&self) -> Option<(&Schedule, Option<&Schedule>)> {
        None
    }

    fn perturbing(&self) -> Option<&Perturbing> {
        None
    }
}

macro_rules! members {
    ($($member:ident $(rho $rho:ident)? $(metric $metric:ident)? $(adaptive $adaptive:literal)? $(budget $budget:ident)? $(perturbing $perturbing:ident)?;)*) => {
        $(impl Member for $member {
            $(fn rho(&self) -> Option<&Schedule> { Some(&self.$rho) })?
            $(fn adaptive(&self) -> bool { matches!(self.$metric, Some(Metric::Adaptive(_))) })?
            $(fn adaptive(&self) -> bool { $adaptive })?
            $(fn budget(&self) -> Option<(&Schedule, Option<&Schedule>)> { Some((&self.$budget, self.clip.as_ref())) })?
            $(fn perturbing(&self) -> Option<&Perturbing> { Some(&self.$perturbing) })?
        })*

        impl Minimizer {
            /// Options of a perturbed step; `None` for members with a single pass.
            pub fn perturbing(&self) -> Option<&Perturbing> {
                match self {
                    Minimizer::Base(_) => None,
                    $(Minimizer::$member(member) => member.perturbing(),)*
                }
            }
        }
    };
}

members! {
    Sam rho rho metric metric perturbing perturbing;
    Asam rho rho adaptive true perturbing perturbing;
    Esam rho rho metric metric perturbing perturbing;
    Fsam rho rho metric metric perturbing perturbing;
    Eigensam rho rho perturbing perturbing;
    Fishersam rho rho perturbing perturbing;
    Gsam rho rho metric metric perturbing perturbing;
    Ssam rho rho metric metric perturbing perturbing;
    Msam;
    S2sam rho rho;
    Sagm rho rho metric metric perturbing perturbing;
    Wsam rho rho metric metric perturbing perturbing;
    Looksam rho rho metric metric perturbing perturbing;
    Lesam budget budget perturbing perturbing;
    LesamPlus budget budget perturbing perturbing;
}

/// The checks of every member.
pub(crate) fn family<'a, M: Member>(
    member: M,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<M> {
    if let Some(rho) = member.rho() {
        checker.lint_radius(arguments, rho, member.adaptive());
    }
    if let Some((budget, clip)) = member.budget() {
        checker.lint_budget(arguments, budget, clip);
    }
    if let Some(perturbing) = member.perturbing() {
        checker.lint_perturbing(arguments, perturbing);
    }
    Some(member)
}

/// The eigenvector must be computed before the phase is over.
pub(crate) fn eigensam<'a>(
    eigensam: Eigensam,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Eigensam> {
    if let Some(clock) = checker.counted_clock() {
        let rhythm = eigensam.refresh.steps(clock.steps_per_epoch).max(1);
        if eigensam.perturbing.beat(&clock).passed(rhythm, clock.steps) == 0 {
            let help = format!("the phase has {} steps", clock.steps);
            checker.lint_unused(arguments, "refresh", "no eigenvector is ever computed", &help);
        }
    }
    family(eigensam, checker, arguments)
}

/// LookSAM has a rhythm of its own.
pub(crate) fn looksam<'a>(
    looksam: Looksam,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<Looksam> {
    let Some(written) = arguments.written("every") else {
        if let Some(clock) = checker.counted_clock()
            && looksam.beat(&clock).count(clock.steps) == 1
        {
            let help = format!("the phase has {} steps", clock.steps);
            checker.lint_unused(arguments, "k", "no step after the first is ever SAM's", &help);
        }
        return family(looksam, checker, arguments);
    };
    let span = checker.resolve(written).span;
    let message = "`looksam` takes its rhythm from `k`";
    let finding = Diagnostic::new(Code::ExclusiveParameters, span, message, "a second rhythm");
    checker.report(finding.help(format!("leave out `every`; `k = {}` is the rhythm", looksam.k)));
    None
}

/// MSAM needs a momentum to perturb along.
pub(crate) fn msam<'a>(msam: Msam, checker: &mut Checker<'a>, arguments: &Arguments<'a>) -> Option<Msam> {
    if matches!(&checker.optimizer, Some(Optimizer::Sgd(sgd)) if sgd.momentum == 0.0) {
        let message = "`msam` perturbs along the momentum, and `sgd(momentum = 0)` has none";
        let finding = Diagnostic::new(Code::NoMomentum, arguments.span, message, "nothing to perturb along");
        let help = "write `sgd(momentum = 0.9)`, or `s2sam`, which perturbs along the last gradient";
        checker.report(finding.help(help));
        return None;
    }
    if arguments.written("decay").is_some() && msam.decay == Decay::Inside {
        checker.lint_decay(arguments);
    }
    family(msam, checker, arguments)
}

impl Perturbing {
    /// The steps that are perturbed.
    pub fn beat(&self, clock: &Clock) -> Beat {
        let every = self.every.steps(clock.steps_per_epoch).max(1);
        Beat { first: self.from.map_or(0, |from| from.step(clock)), every }
    }
}

impl Looksam {
    /// The steps that are SAM's.
    pub fn beat(&self, clock: &Clock) -> Beat {
        Beat { every: self.k as u64, ..self.perturbing.beat(clock) }
    }
}

impl<'a> Checker<'a> {
    fn lint_radius(&mut self, arguments: &Arguments<'a>, rho: &Schedule, adaptive: bool) {
        let place = arguments.written("rho").or_else(|| arguments.written("metric"));
        let Some(written) = place else { return };
        let (_, highest) = rho.extremes(&self.clock());
        let (name, span) = (arguments.entry.name, self.resolve(written).span);
        let (message, label, help) = if adaptive && highest < SMALL_ADAPTIVE_RADIUS {
            let message =
                format!("a radius of {} in the adaptive metric is one of SAM's size", shown(highest));
            (message, "ten times too small", "the authors' radii are 0.5 on CIFAR-10 and 1.0 on CIFAR-100")
        } else if !adaptive && highest >= LARGE_RADIUS {
            let message = format!("a radius of {} is very large for `{name}`", shown(highest));
            (message, "1 or more", "the usual radii are 0.01 to 0.5")
        } else {
            return;
        };
        let finding = Diagnostic::new(Code::SuspiciousMagnitude, span, message, label);
        self.report(finding.help(help));
    }

    fn lint_perturbing(&mut self, arguments: &Arguments<'a>, perturbing: &Perturbing) {
        if arguments.written("decay").is_some() && perturbing.decay == Decay::Inside {
            self.lint_decay(arguments);
        }
        if perturbing.accumulate == Accumulation::PerMicroBatch && self.micro.is_none() {
            let help = "write `data .. batch 128 micro 32`, or leave out `accumulate`";
            self.lint_unused(arguments, "accumulate", "the batch is in one part", help);
        }
        if perturbing.norm == NormOver::All
            && perturbing.perturb == Perturbed::All
            && arguments.entry.name != "esam"
        {
            let help = "leave out `norm`, or perturb a part: `perturb = norms`";
            self.lint_unused(arguments, "norm", "all weights are perturbed", help);
        }
        let Some(clock) = self.counted_clock() else { return };
        let help = format!("the phase has {} steps", clock.steps);
        match perturbing.beat(&clock).count(clock.steps) {
            0 => self.lint_unused(arguments, "from", "no step is ever perturbed", &help),
            1 => self.lint_unused(arguments, "every", "no step after the first is ever perturbed", &help),
            _ => {}
        }
    }

    /// The clock of the phase, where the number of its steps is known.
    fn counted_clock(&self) -> Option<Clock> {
        self.known_clock().filter(|_| !self.steps_are_unknown())
    }

    /// `decay = inside` where there is no decay that could be.
    fn lint_decay(&mut self, arguments: &Arguments<'a>) {
        let why = match &self.optimizer {
            Some(Optimizer::Adamw(_)) => "`adamw` decays the weights outside of any gradient",
            Some(Optimizer::Sgd(sgd)) if sgd.weight_decay == 0.0 => "`weight_decay` is 0",
            Some(Optimizer::Adam(adam)) if adam.weight_decay == 0.0 => "`weight_decay` is 0",
            _ => return,
        };
        self.lint_unused(
            arguments,
            "decay",
            why,
            "leave out `decay`, or give the optimizer a `weight_decay`",
        );
    }

    fn lint_unused(&mut self, arguments: &Arguments<'a>, name: &str, why: &str, help: &str) {
        let Some(written) = arguments.written(name) else { return };
        let span = self.resolve(written).span;
        let message = format!("`{name} = {}` has no effect: {why}", self.slice(span));
        self.report(Diagnostic::new(Code::UnusedValue, span, message, "without effect").help(help));
    }

    fn lint_budget(&mut self, arguments: &Arguments<'a>, budget: &Schedule, clip: Option<&Schedule>) {
        if let Some(clip) = clip {
            self.lint_clip(arguments, budget, clip);
        }
        if self.sums_losses {
            let span =
                arguments.written("budget").map_or(arguments.span, |written| self.resolve(written).span);
            let message =
                "the budget is a rise of the loss, and `reduction = sum` makes the loss a sum over the batch";
            let finding = Diagnostic::new(Code::BudgetOfSum, span, message, "a rise of a sum");
            self.report(finding.help("leave out `reduction = sum`, or give the budget of a sum"));
        }
    }

    /// The radius is clipped while the gradient norm is below budget / clip.
    fn lint_clip(&mut self, arguments: &Arguments<'a>, budget: &Schedule, clip: &Schedule) {
        let place = arguments.written("clip").or_else(|| arguments.written("budget"));
        let Some(written) = place else { return };
        let clock = self.clock();
        let ((least, most), (lowest, highest)) = (budget.extremes(&clock), clip.extremes(&clock));
        let span = self.resolve(written).span;
        let finding = if lowest > 0.0 && most / lowest < USUAL_NORMS.0 {
            never_binds(span, most / lowest)
        } else if highest > 0.0 && least / highest > USUAL_NORMS.1 {
            always_binds(span, least / highest, highest)
        } else {
            return;
        };
        self.report(finding);
    }
}

fn never_binds(span: Span, norm: f64) -> Diagnostic {
    let message =
        format!("`clip` binds only where the gradient norm is below {}: it never will", shown(norm));
    Diagnostic::new(Code::ClipNeverBinds, span, message, "far above every radius")
        .help("the published radii are 0.2 to 0.4; `clip = none` says that none is wanted")
}

fn always_binds(span: Span, norm: f64, clip: f64) -> Diagnostic {
    let message =
        format!("`clip` binds wherever the gradient norm is below {}: the budget never counts", shown(norm));
    Diagnostic::new(Code::ClipAlwaysBinds, span, message, "below every radius")
        .help(format!("as written this is `sam(rho = {})`; the published clips are 0.2 to 0.4", shown(clip)))
}

/// Whether a curriculum sums the losses of a batch.
pub(super) fn sums_losses(curriculum: &Pacing) -> bool {
    matches!(curriculum, Pacing::Spl(spl) if spl.reduction == Reduction::Sum)
}
