//! What the attacks of a file say about each other and about the data.

use super::Checker;
use super::outline::Outline;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::{Evaluator, Norm, Source, Strength};
use crate::lang::program::Experiment;
use crate::lang::value::mistakes::shown;

impl<'a> Checker<'a> {
    /// What attacks in training say about those of the evaluation, and about the data.
    pub(super) fn lint_attacks(&mut self, outline: &Outline<'a>, experiment: &Experiment) {
        let trained: Vec<Strength> = experiment
            .phases
            .iter()
            .filter_map(|phase| phase.adversary.as_ref())
            .map(|adversary| adversary.strength())
            .collect();
        let attacks: Vec<Attack> =
            experiment.evaluate.iter().filter_map(|measurement| attack(&measurement.evaluator)).collect();
        self.lint_weak_evaluation(outline, &trained, &attacks);
        let radii = trained.iter().map(|strength| (strength.norm, strength.eps));
        let radii: Vec<_> = radii.chain(attacks.iter().map(|attack| (attack.norm, attack.eps))).collect();
        self.lint_normalized_radius(outline, &experiment.data.source, &radii);
    }

    /// Every evaluation attack in a norm is weaker than the one that was trained with.
    fn lint_weak_evaluation(&mut self, outline: &Outline<'a>, trained: &[Strength], attacks: &[Attack]) {
        for strength in trained {
            let alike: Vec<_> = attacks.iter().filter(|attack| attack.norm == strength.norm).collect();
            let [first, ..] = alike[..] else { continue };
            if alike.iter().any(|attack| !attack.is_weaker(strength)) {
                continue;
            }
            let span = outline.evaluate.first().and_then(|statement| statement.clauses.first());
            let span = span.map_or(Span::default(), |clause| clause.span);
            let message = format!(
                "`{}` is weaker than the training attack: eps = {}, {} steps",
                first.label,
                shown(strength.eps),
                strength.steps
            );
            let finding = Diagnostic::new(Code::WeakEvaluation, span, message, "weaker than in training");
            self.report(finding.help(format!(
                "write `pgd(eps = {}, steps = {})` or more",
                shown(strength.eps),
                strength.steps.max(20)
            )));
            return;
        }
    }

    /// Radii divided by the data set's standard deviation, as for inputs that were normalised before the attack.
    fn lint_normalized_radius(&mut self, outline: &Outline<'a>, source: &Source, radii: &[(Norm, f64)]) {
        let linf = radii.iter().filter(|(norm, _)| *norm == Norm::Linf);
        let Some(levels) = linf.into_iter().find_map(|(_, eps)| normalized(source, *eps)) else { return };
        let span = outline.value("data").map_or(Span::default(), |expr| self.resolve(expr).span);
        let message = format!("`eps` looks like {levels}/255 divided by the standard deviation of the data");
        let finding = Diagnostic::new(Code::NormalizedRadius, span, message, "normalised inside the network");
        self.report(finding.help(format!("attacks see pixels in [0, 1]: write `eps = {levels}/255`")));
    }
}

/// An evaluation attack.
struct Attack {
    label: String,
    norm: Norm,
    eps: f64,
    /// Over all restarts.
    steps: usize,
}

fn attack(evaluator: &Evaluator) -> Option<Attack> {
    match evaluator {
        Evaluator::Pgd(pgd) => {
            let (norm, eps, steps) = (pgd.norm, pgd.eps, pgd.steps * pgd.restarts);
            Some(Attack { label: pgd.label(), norm, eps, steps })
        }
        Evaluator::Autoattack(spec) => {
            let label = format!("autoattack(eps = {})", shown(spec.eps));
            Some(Attack { label, norm: spec.norm, eps: spec.eps, steps: usize::MAX })
        }
        _ => None,
    }
}

impl Attack {
    fn is_weaker(&self, strength: &Strength) -> bool {
        // Ratios and decimals of the same radius differ by a rounding.
        self.eps < strength.eps * (1.0 - 1e-6) || self.steps < strength.steps
    }
}

/// Grey levels that papers attack with.
const USUAL_LEVELS: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];

/// Grey levels of a radius in units of the published standard deviation; `None` for radii in pixels.
fn normalized(source: &Source, eps: f64) -> Option<f64> {
    let levels = eps * 255.0;
    if (levels - levels.round()).abs() < 1e-6 {
        return None;
    }
    let deviations: &[f64] = match source {
        Source::Mnist(_) => &[0.3081],
        Source::FashionMnist(_) => &[0.3530],
        Source::Cifar10(_) => &[0.2470, 0.2435, 0.2616],
        Source::Cifar100(_) => &[0.2675, 0.2565, 0.2761],
        Source::Folder(_) | Source::Domains(_) => &[0.229, 0.224, 0.225],
        Source::Longtail(tail) => return normalized(&tail.source, eps),
        Source::Digits(_) | Source::Idx(_) => &[],
    };
    let close = |usual: &f64| deviations.iter().any(|std| (levels * std / usual - 1.0).abs() < 1e-3);
    USUAL_LEVELS.into_iter().find(close)
}
