//! What the parameters of curvature and surfaces must say together.

use super::Checker;
use super::outline::Outline;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::{Evaluator, HessianEvaluator, LandscapeEvaluator, ProbeLoss};
use crate::lang::program::Experiment;
use crate::lang::value::Arguments;

/// As many products as eigenvalues, at least.
pub(crate) fn check_hessian<'a>(
    spec: HessianEvaluator,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<HessianEvaluator> {
    if spec.top == 1 || spec.iterations >= spec.top {
        return Some(spec);
    }
    let (top, iterations) = (spec.top, spec.iterations);
    let written = arguments.written("iterations").or(arguments.written("top"));
    let span = written.map_or(arguments.span, |expr| checker.resolve(expr).span);
    let message = format!("{iterations} products cannot find {top} eigenvalues");
    let finding = Diagnostic::new(Code::OutOfRange, span, message, "each product adds one direction");
    checker.report(finding.help(format!("write `iterations = {}` or more", 3 * top)));
    None
}

/// A point at the weights themselves.
pub(crate) fn check_landscape<'a>(
    spec: LandscapeEvaluator,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<LandscapeEvaluator> {
    if let (true, ProbeLoss::Clean, Some(written)) =
        (spec.regenerate, &spec.probe.loss, arguments.written("regenerate"))
    {
        let message = "`regenerate = true` has no effect: the surface of the clean loss attacks nothing";
        let span = checker.resolve(written).span;
        let finding = Diagnostic::new(Code::UnusedValue, span, message, "without effect");
        checker.report(finding.help("leave it out, or write `loss = pgd(..)`"));
    }
    if spec.points % 2 == 1 {
        return Some(spec);
    }
    let span = arguments.written("points").map_or(arguments.span, |expr| checker.resolve(expr).span);
    let (points, more) = (spec.points, spec.points + 1);
    let message = format!("none of {points} points is at the weights themselves");
    let finding = Diagnostic::new(Code::CentreMissed, span, message, "an even number");
    checker.report(finding.help(format!("write `{more}`")).suggest(
        format!("write `{more}`"),
        span,
        more.to_string(),
    ));
    Some(spec)
}

impl<'a> Checker<'a> {
    /// `perturbation` measures the adversary of the recipe.
    pub(super) fn require_adversary(&mut self, outline: &Outline<'a>, experiment: &Experiment) -> Option<()> {
        let measured = experiment.evaluate.iter().any(|m| matches!(m.evaluator, Evaluator::Perturbation(_)));
        if !measured || experiment.phases.iter().any(|phase| phase.adversary.is_some()) {
            return Some(());
        }
        let clause = outline.evaluate.iter().flat_map(|statement| statement.clauses.first());
        let mut values = clause.flat_map(|clause| &clause.values);
        let named = values.find_map(|value| {
            let mut found = None;
            super::scope::visit(self.resolve(value), &mut |expr| {
                if let crate::syntax::ast::ExprKind::Call(call) = &expr.kind
                    && call.name.text == "perturbation"
                {
                    found = Some(call.name.span);
                }
            });
            found
        });
        let message = "`perturbation` measures the adversary of the recipe, and there is none";
        let finding =
            Diagnostic::new(Code::NoAdversary, named.unwrap_or(Span::default()), message, "nothing attacks");
        self.report(
            finding.help("give the recipe one: `train 100 epochs against psat(eps = 8/255) under sgd`"),
        );
        None
    }
}
