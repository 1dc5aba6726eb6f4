//! What the attacks of a file say about each other and about the data.

use super::Checker;
use super::outline::Outline;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::{self, Adversary, Evaluator, Norm, PgdEvaluator, ProbeLoss, Strength};
use crate::lang::program::{Experiment, Select};
use crate::lang::value::mistakes::distance;
use crate::lang::words::counted;
use crate::syntax::ast::{Expr, ExprKind};

impl<'a> Checker<'a> {
    /// What attacks in training say about those of the evaluation, and about the data.
    pub(super) fn lint_attacks(&mut self, outline: &Outline<'a>, experiment: &Experiment) {
        let trained = self.trained(outline, experiment);
        let attacks = self.attacks(outline, experiment);
        for purpose in [Purpose::Evaluation, Purpose::Gap, Purpose::Selection] {
            let own: Vec<&Attack> = attacks.iter().filter(|attack| attack.purpose == purpose).collect();
            self.lint_weak_evaluation(&trained, &own);
        }
        let radii = trained.iter().map(|(strength, span)| (strength.norm, strength.eps, *span));
        let measured =
            attacks.iter().map(|attack| (attack.strength.norm, attack.strength.eps, attack.radius));
        let radii: Vec<_> = radii.chain(measured).collect();
        self.lint_normalized_radius(&experiment.data.source, &radii);
    }

    /// What each phase trains against, and where its radius is written.
    fn trained(&self, outline: &Outline<'a>, experiment: &Experiment) -> Vec<(Strength, Span)> {
        let mut trained = Vec::new();
        for (index, phase) in experiment.phases.iter().enumerate() {
            let Some(adversary) = &phase.adversary else { continue };
            let written = outline.phases.get(index).and_then(|phase| phase.against);
            let mut strength = adversary.strength();
            let largest = written.and_then(|written| self.given(written, "most"));
            if let (Adversary::Iaat(iaat), Some(_)) = (adversary, largest) {
                strength.eps = iaat.most;
            }
            trained
                .push((strength, written.map_or(Span::default(), |written| self.place_of(written, "eps"))));
        }
        trained
    }

    /// What measures and chooses weights under attack.
    fn attacks(&self, outline: &Outline<'a>, experiment: &Experiment) -> Vec<Attack> {
        let written = self.measured(outline);
        let mut attacks: Vec<Attack> = experiment
            .evaluate
            .iter()
            .enumerate()
            .filter_map(|(index, measurement)| {
                let (written, _) = written.get(index)?;
                self.attack(&measurement.evaluator, written)
            })
            .collect();
        let Select::Best(evaluator) = &experiment.select else { return attacks };
        // One of the file's own is looked at already.
        if !experiment.evaluate.iter().any(|measurement| measurement.evaluator == *evaluator) {
            let metric = outline.value("select").and_then(|written| self.first_argument(written));
            let attack = metric.and_then(|metric| self.attack(evaluator, metric));
            attacks.extend(attack.map(|attack| Attack { purpose: Purpose::Selection, ..attack }));
        }
        attacks
    }

    fn attack(&self, evaluator: &Evaluator, written: &'a Expr) -> Option<Attack> {
        let span = self.resolve(written).span;
        let of = |purpose, pgd: &PgdEvaluator, written: &'a Expr| Attack {
            purpose,
            label: pgd.label(),
            name: "pgd",
            strength: Strength { norm: pgd.norm, eps: pgd.eps, steps: pgd.steps, restarts: pgd.restarts },
            span,
            radius: self.place_of(written, "eps"),
        };
        match evaluator {
            Evaluator::Pgd(pgd) => Some(of(Purpose::Evaluation, pgd, written)),
            Evaluator::Gap(gap) => match &gap.probe.loss {
                ProbeLoss::Pgd(pgd) => {
                    Some(of(Purpose::Gap, pgd, self.given(written, "loss").unwrap_or(written)))
                }
                ProbeLoss::Clean => None,
            },
            Evaluator::Autoattack(spec) => Some(Attack {
                purpose: Purpose::Evaluation,
                label: format!("autoattack(eps = {})", distance(spec.eps)),
                name: "autoattack",
                strength: Strength { norm: spec.norm, eps: spec.eps, steps: usize::MAX, restarts: 1 },
                span,
                radius: self.place_of(written, "eps"),
            }),
            _ => None,
        }
    }

    fn first_argument(&self, written: &'a Expr) -> Option<&'a Expr> {
        let ExprKind::Call(call) = &self.resolve(written).kind else { return None };
        call.arguments.as_deref()?.first().map(|argument| &argument.value)
    }

    /// What is written for a parameter of a component, by its name or first.
    fn given(&self, written: &'a Expr, name: &str) -> Option<&'a Expr> {
        let ExprKind::Call(call) = &self.resolve(written).kind else { return None };
        let entries = catalog::find(&call.name.text);
        let first = entries.iter().any(|entry| entry.parameter(name).is_some_and(|own| own.first));
        let named = |index: usize, own: Option<&str>| own.map_or(first && index == 0, |own| own == name);
        let arguments = call.arguments.as_deref().unwrap_or_default().iter().enumerate();
        let mut own = arguments
            .filter(|(index, argument)| named(*index, argument.name.as_ref().map(|name| name.text.as_str())));
        own.next().map(|(_, argument)| &argument.value)
    }

    /// Where a parameter of a component is written, or the component.
    fn place_of(&self, written: &'a Expr, name: &str) -> Span {
        self.resolve(self.given(written, name).unwrap_or(written)).span
    }

    /// Every attack of a purpose in a norm is weaker than the one that was trained with.
    fn lint_weak_evaluation(&mut self, trained: &[(Strength, Span)], attacks: &[&Attack]) {
        for (strength, place) in trained {
            let alike: Vec<_> =
                attacks.iter().filter(|attack| attack.strength.norm == strength.norm).collect();
            let [first, ..] = alike[..] else { continue };
            if alike.iter().any(|attack| !attack.is_weaker(strength)) {
                continue;
            }
            let restarts = match strength.restarts {
                1 => String::new(),
                several => format!(" x {several} restarts"),
            };
            let message = format!(
                "`{}` is weaker than the training attack: eps = {}, {}{restarts}",
                first.label,
                distance(strength.eps),
                counted(strength.steps, "step")
            );
            let finding =
                Diagnostic::new(Code::WeakEvaluation, first.span, message, "weaker than in training")
                    .label(*place, "the training attack");
            self.report(finding.help(format!("write `{}` or more", first.as_strong_as(strength))));
            return;
        }
    }
}

/// What an attack is measured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Evaluation,
    Gap,
    Selection,
}

/// An attack that measures.
struct Attack {
    purpose: Purpose,
    label: String,
    name: &'static str,
    strength: Strength,
    /// Where it is written.
    span: Span,
    /// Where its radius is.
    radius: Span,
}

impl Attack {
    fn is_weaker(&self, strength: &Strength) -> bool {
        // Ratios and decimals of the same radius differ by a rounding.
        self.strength.eps < strength.eps * (1.0 - 1e-6) || self.strength.all_steps() < strength.all_steps()
    }

    /// The same attack, no weaker than another one.
    fn as_strong_as(&self, strength: &Strength) -> String {
        let eps = distance(strength.eps);
        let norm = if strength.norm == Norm::L2 { ", norm = l2" } else { "" };
        if self.name == "autoattack" {
            return format!("autoattack(eps = {eps}{norm})");
        }
        let restarts = match strength.restarts {
            1 => String::new(),
            several => format!(", restarts = {several}"),
        };
        format!("pgd(eps = {eps}, steps = {}{restarts}{norm})", strength.steps.max(20))
    }
}
