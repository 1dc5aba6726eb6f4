//! The phases: how long, which samples, which minimizer over which optimizer.

use super::outline::{Outline, PhaseOutline};
use super::phase::PhaseTime;
use super::ramp::Fullness;
use super::{Checker, minimizer};
use crate::diagnostic::{Code, Diagnostic};
use crate::lang::catalog::{
    self, Adversary, Base, Entry, Kind, Minimizer, Optimizer, Pacing, Parameter, Source,
};
use crate::lang::edition;
use crate::lang::program::{Origin, Phase};
use crate::lang::schedule::Duration;
use crate::lang::value::{self, Arguments, Value};
use crate::syntax::ast::{Call, Expr, ExprKind};

impl<'a> Checker<'a> {
    /// Every phase in order; without `train` one phase of the data set's default duration.
    pub(super) fn phases(
        &mut self,
        outline: &Outline<'a>,
        source: Option<&Source>,
        steps_per_epoch: Option<u64>,
    ) -> Option<Vec<Phase>> {
        let alone = [PhaseOutline::default()];
        let written = if outline.phases.is_empty() { &alone[..] } else { &outline.phases };
        let base = outline.value("optimize").unwrap_or(self.default(edition::OPTIMIZER));
        let mut phases = Vec::with_capacity(written.len());
        let mut fullness = Fullness::default();
        for (index, phase) in written.iter().enumerate() {
            let read = self.at(&format!("train.{index}"), |checker| {
                checker.time(phase, source, steps_per_epoch);
                checker.one_phase(phase, base)
            });
            phases.push(read);
            let unfinished = self.unfinished.take();
            if phase.against.is_some() {
                fullness.phase(unfinished);
            }
        }
        self.phase = None;
        fullness.finding().into_iter().for_each(|finding| self.report(finding));
        phases.into_iter().collect()
    }

    /// Sets the time that the schedules of a phase are checked against.
    fn time(&mut self, phase: &PhaseOutline<'a>, source: Option<&Source>, steps_per_epoch: Option<u64>) {
        let default = source.map(|source| self.default(edition::duration(source)));
        let Some(expr) = phase.duration.or(default) else {
            self.phase = None;
            return;
        };
        self.at("duration", |checker| checker.record_written(expr));
        let place =
            Parameter::new(if phase.duration.is_some() { "train" } else { "duration" }, Duration::FORM, "");
        let duration = Duration::read(self, expr, &place);
        let span = self.resolve(expr).span;
        self.phase = duration.map(|duration| PhaseTime { duration, span, steps_per_epoch });
    }

    fn one_phase(&mut self, phase: &PhaseOutline<'a>, base: &'a Expr) -> Option<Phase> {
        let curriculum = phase.curriculum.unwrap_or(self.default(edition::PACING));
        let pacing = Parameter::new("curriculum", Pacing::FORM, "");
        let curriculum = self.at("curriculum", |checker| Pacing::read(checker, curriculum, &pacing));
        self.sums_losses = curriculum.as_ref().is_some_and(minimizer::sums_losses);
        let adversary = phase.against.map(|written| {
            let place = Parameter::new("against", Adversary::FORM, "");
            self.at("against", |checker| Adversary::read(checker, written, &place))
        });
        let (minimizer, optimizer) = self.descent(phase, base);
        let adversary = match adversary {
            Some(adversary) => Some(adversary?),
            None => None,
        };
        let duration = self.phase.map(|phase| phase.duration);
        Some(Phase {
            duration: duration?,
            curriculum: curriculum?,
            adversary,
            minimizer: minimizer?,
            optimizer: optimizer?,
        })
    }

    /// The minimizer and the optimizer below it. An optimizer after `under` is both.
    fn descent(
        &mut self,
        phase: &PhaseOutline<'a>,
        base: &'a Expr,
    ) -> (Option<Minimizer>, Option<Optimizer>) {
        let Some(under) = phase.under else {
            self.at("under", |checker| checker.record("none".into(), Origin::Default));
            let optimizer = self.over(phase, base);
            return (Some(Minimizer::Base(Base {})), optimizer);
        };
        let place = Parameter::new("under", Minimizer::FORM, "");
        let located = value::locate(self, under, &[Kind::Minimizer, Kind::Optimizer], &place);
        match located {
            Some((entry, call)) if entry.kind == Kind::Optimizer => {
                match phase.over {
                    Some(over) => self.both_named(over, call),
                    None => self.contradicts(under, entry, base),
                }
                let optimizer = self.at("under", |checker| checker.optimizer(under, entry, call, base));
                (Some(Minimizer::Base(Base {})), optimizer)
            }
            Some((entry, call)) => {
                let optimizer = self.over(phase, base);
                self.optimizer.clone_from(&optimizer);
                let minimizer = self.at("under", |checker| value::bind(checker, under, entry, call, None));
                (minimizer, optimizer)
            }
            None => (None, self.over(phase, base)),
        }
    }

    fn over(&mut self, phase: &PhaseOutline<'a>, base: &'a Expr) -> Option<Optimizer> {
        let place = Parameter::new("over", Optimizer::FORM, "");
        match phase.over {
            Some(over) => self.at("over", |checker| {
                let (entry, call) = value::locate(checker, over, &[Kind::Optimizer], &place)?;
                checker.optimizer(over, entry, call, base)
            }),
            None => self.base_optimizer(base),
        }
    }

    /// The optimizer of `optimize`, recorded once for all phases that use it.
    fn base_optimizer(&mut self, base: &'a Expr) -> Option<Optimizer> {
        self.base_used = true;
        let place = Parameter::new("optimize", Optimizer::FORM, "");
        let known = self.settings.iter().any(|setting| setting.path == "optimize");
        let (settings, path) = (self.settings.len(), std::mem::take(&mut self.path));
        let optimizer = self.at("optimize", |checker| Optimizer::read(checker, base, &place));
        self.path = path;
        if known {
            self.settings.truncate(settings);
        }
        optimizer
    }

    /// An optimizer that a phase names: what it leaves out is as `optimize` says of the same optimizer.
    fn optimizer(
        &mut self,
        expr: &'a Expr,
        entry: &'static Entry,
        call: &'a Call,
        base: &'a Expr,
    ) -> Option<Optimizer> {
        let inherited = self.arguments_of(base, entry);
        self.base_used |= inherited.as_ref().is_some_and(|inherited| inherited.adds_to(call));
        value::bind(self, expr, entry, call, inherited.as_ref())
    }

    fn arguments_of(&mut self, base: &'a Expr, entry: &'static Entry) -> Option<Arguments<'a>> {
        let call = match &self.resolve(base).kind {
            ExprKind::Call(call) if entry.answers_to(&call.name.text) => call,
            _ => return None,
        };
        Some(Arguments::of(self, entry, call, None))
    }

    /// An `optimize` that every phase replaces as a whole.
    pub(super) fn lint_unused_base(&mut self, outline: &Outline<'a>) {
        let Some(written) = outline.value("optimize").filter(|_| !self.base_used) else { return };
        let message = "`optimize` has no effect: every phase names an optimizer of its own";
        let span = self.resolve(written).span;
        let finding = Diagnostic::new(Code::UnusedValue, span, message, "no phase takes a value from it");
        self.report(finding.help("leave it out, or write the values at the phases: `over sgd(lr = 0.1)`"));
    }

    /// `under sgd` beside `optimize adam`: a file that says twice by what it trains, and not the same.
    fn contradicts(&mut self, under: &'a Expr, named: &Entry, base: &'a Expr) {
        let written = self.resolve(base);
        let ExprKind::Call(call) = &written.kind else { return };
        let Some(entry) = catalog::find_in(Kind::Optimizer, &call.name.text) else { return };
        if entry.name == named.name || self.origin(written) == Origin::Default {
            return;
        }
        self.base_used = true;
        let (here, file, span) = (named.name, entry.name, self.resolve(under).span);
        let message = format!("`under {here}` trains by `{here}`, and `optimize` names `{file}`");
        let finding = Diagnostic::new(Code::OtherOptimizer, span, message, "another base optimizer")
            .label(call.name.span, "the base optimizer of the file")
            .help(format!("`under none` trains by `{file}` alone, without a perturbation"))
            .help(format!("`under none over {here}` trains by `{here}` in this phase"))
            .suggest("write `none`", span, "none");
        self.report(finding);
    }

    /// `under sgd over adam`: two base optimizers.
    fn both_named(&mut self, over: &'a Expr, call: &Call) {
        let name = &call.name.text;
        self.base_used = true;
        let finding = Diagnostic::new(
            Code::TwoOptimizers,
            self.resolve(over).span,
            format!("`under {name}` already names the base optimizer of this phase"),
            "a second base optimizer",
        )
        .label(call.name.span, "a base optimizer, no perturbation")
        .help(format!("write `under {name}` alone, or a minimizer: `under sam over {name}`"))
        .help("`none` perturbs nothing: `under none over adam`");
        self.report(finding);
    }
}
