//! `evaluate` and `select`: what is measured, and which weights count.

use super::Checker;
use super::ball::{Size, check_loss, check_radius, check_size, lint_targeted_dlr};
use super::outline::{Outline, clause_value};
use crate::diagnostic::{Code, Diagnostic, Span, nearest};
use crate::lang::catalog::{
    AutoattackEvaluator, DifficultyEvaluator, EstimatesEvaluator, Evaluator, Form, Parameter, PgdEvaluator,
};
use crate::lang::edition;
use crate::lang::program::{Measurement, Select};
use crate::lang::schedule::Duration;
use crate::lang::value::{Arguments, Value, mistakes};
use crate::syntax::ast::{Call, Expr, ExprKind, Statement};

const SELECTION: Form = Form { choices: &["last", "best"], ..Form::of("`last` or `best(EVALUATOR)`") };

impl<'a> Checker<'a> {
    pub(super) fn evaluate(&mut self, outline: &Outline<'a>) -> Option<Vec<Measurement>> {
        if outline.evaluate.is_empty() {
            let default = self.default(edition::EVALUATOR);
            return self.measurement(0, default, None).map(|measurement| vec![measurement]);
        }
        let mut read = Vec::new();
        for statement in &outline.evaluate {
            self.measurements(statement, &mut read);
        }
        self.lint_repeated(&read);
        read.into_iter().map(|(measurement, _)| measurement).collect()
    }

    /// An evaluator that measures what another one of the file measures.
    fn lint_repeated(&mut self, read: &[(Option<Measurement>, Span)]) {
        let known: Vec<(&Evaluator, Span)> =
            read.iter().filter_map(|(m, span)| m.as_ref().map(|m| (&m.evaluator, *span))).collect();
        for (index, (evaluator, span)) in known.iter().enumerate() {
            let Some((_, first)) = known[..index].iter().find(|(other, _)| other == evaluator) else {
                continue;
            };
            let message = format!("`{}` is measured twice with the same settings", evaluator.name());
            let finding = Diagnostic::new(Code::RepeatedEvaluator, *span, message, "the same number again")
                .label(*first, "first here")
                .help("leave one out; a measurement `every` so often is taken at the end too");
            self.report(finding);
        }
    }

    fn measurements(&mut self, statement: &'a Statement, read: &mut Vec<(Option<Measurement>, Span)>) {
        let every = clause_value(statement, "every");
        for value in statement.clauses.first().map_or(&[][..], |clause| &clause.values) {
            let resolved = self.resolve(value);
            let items = match &resolved.kind {
                ExprKind::List(items, None) => items.as_slice(),
                _ => std::slice::from_ref(value),
            };
            for item in items {
                let measurement = self.measurement(read.len(), item, every);
                read.push((measurement, self.resolve(item).span));
            }
        }
    }

    fn measurement(&mut self, index: usize, expr: &'a Expr, every: Option<&'a Expr>) -> Option<Measurement> {
        self.at(&format!("evaluate.{index}"), |checker| {
            let evaluator = Evaluator::read(checker, expr, &Parameter::new("evaluate", Evaluator::FORM, ""));
            let every = match every {
                None => None,
                Some(every) => {
                    checker.at("every", |checker| checker.record_written(every));
                    Some(Duration::read(checker, every, &Parameter::new("every", Duration::FORM, ""))?)
                }
            };
            Some(Measurement { evaluator: evaluator?, every })
        })
    }

    pub(super) fn select(&mut self, outline: &Outline<'a>, evaluate: &[Measurement]) -> Option<Select> {
        let expr = outline.value("select").unwrap_or(self.default(edition::SELECT));
        self.at("select", |checker| checker.record_written(expr));
        let resolved = self.resolve(expr);
        let ExprKind::Call(call) = &resolved.kind else {
            return mistakes::wrong_type(self, expr, &Parameter::new("select", SELECTION, ""));
        };
        match (call.name.text.as_str(), &call.arguments) {
            ("last", None) => Some(Select::Last),
            ("last", Some(_)) => mistakes::word_with_arguments(self, call),
            ("best", arguments) => match arguments.as_deref() {
                Some([argument]) if argument.name.is_none() => self.best(&argument.value, evaluate),
                _ => self.best_of_what(call),
            },
            _ => self.unknown_selection(call),
        }
    }

    fn best(&mut self, metric: &'a Expr, evaluate: &[Measurement]) -> Option<Select> {
        let attack = named_attack(self.resolve(metric));
        let mut own = evaluate.iter().map(|measurement| &measurement.evaluator);
        if let Some(own) = attack.and_then(|attack| own.find(|evaluator| evaluator.name() == attack)) {
            return Some(Select::Best(own.clone()));
        }
        let settings = self.settings.len();
        let metric = attack.map_or(metric, |attack| self.default(attack));
        let evaluator = Evaluator::read(self, metric, &Parameter::new("best", Evaluator::FORM, ""));
        self.settings.truncate(settings);
        let evaluator = evaluator?;
        if let Some(why) = many_numbers(&evaluator) {
            let span = self.resolve(metric).span;
            let finding = Diagnostic::new(Code::NoSingleNumber, span, why, "not one number")
                .help("write `select best(accuracy)`, `select best(loss)` or `select best(pgd.accuracy)`");
            self.report(finding);
            return None;
        }
        Some(Select::Best(evaluator))
    }

    fn best_of_what(&mut self, call: &Call) -> Option<Select> {
        let finding = Diagnostic::new(
            Code::MissingParameter,
            call.name.span,
            "`best` needs one evaluator",
            "best by what?",
        )
        .help("write `select best(accuracy)` or `select best(loss)`");
        self.report(finding);
        None
    }

    fn unknown_selection(&mut self, call: &Call) -> Option<Select> {
        let word = &call.name.text;
        let finding = Diagnostic::new(
            Code::UnknownValue,
            call.name.span,
            format!("`select` has no value `{word}`"),
            format!("{} is expected", SELECTION.noun),
        );
        let finding = match nearest(word, SELECTION.choices.iter().copied()) {
            Some(near) => finding.help(format!("the nearest value is `{near}`")).fix(
                format!("replace by `{near}`"),
                call.name.span,
                near,
            ),
            None => finding.help("write `select last` or `select best(accuracy)`"),
        };
        self.report(finding);
        None
    }
}

/// `pgd`, `pgd.accuracy` and the like without arguments mean the attack that the file measures with.
fn named_attack(metric: &Expr) -> Option<&'static str> {
    let ExprKind::Call(call) = &metric.kind else { return None };
    let name = call.name.text.strip_suffix(".accuracy").unwrap_or(&call.name.text);
    edition::ATTACKS.into_iter().find(|attack| call.arguments.is_none() && *attack == name)
}

/// Why weights cannot be chosen by an evaluator.
fn many_numbers(evaluator: &Evaluator) -> Option<&'static str> {
    if evaluator.probing().is_some() {
        return Some(
            "the evaluator looks at training samples or at the loss around the weights; weights are not chosen by it",
        );
    }
    match evaluator {
        Evaluator::Difficulty(_) => Some("`difficulty` gives many numbers; the best of them is not defined"),
        Evaluator::Estimates(_) => {
            Some("`estimates` gives a correlation for every estimate; weights are not chosen by it")
        }
        Evaluator::Corruption(_) => Some(
            "`corruption` gives an error for every kind, on the test images alone; weights are not chosen by it",
        ),
        Evaluator::Perturbation(_) => {
            Some("`perturbation` measures the adversary; weights are not chosen by it")
        }
        _ => None,
    }
}

/// An attack step of the size of pixels.
pub(crate) fn check_difficulty<'a>(
    evaluator: DifficultyEvaluator,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<DifficultyEvaluator> {
    checker.lint_pixel_distance(arguments, "alpha", evaluator.alpha);
    Some(evaluator)
}

/// An attack that reaches its boundary, on enough classes.
pub(crate) fn check_pgd<'a>(
    pgd: PgdEvaluator,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<PgdEvaluator> {
    let size = Size { norm: pgd.norm, eps: pgd.eps, step: pgd.step(), steps: pgd.steps };
    check_size(checker, arguments, &size)?;
    check_loss(checker, arguments, pgd.loss)?;
    Some(pgd)
}

/// An attack that reaches its boundary.
pub(crate) fn check_estimates<'a>(
    spec: EstimatesEvaluator,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<EstimatesEvaluator> {
    let size = Size { norm: spec.norm, eps: spec.eps, step: spec.step, steps: spec.steps };
    check_size(checker, arguments, &size)?;
    Some(spec)
}

/// A ball inside the pixel range, and enough classes for the targeted loss.
pub(crate) fn check_autoattack<'a>(
    spec: AutoattackEvaluator,
    checker: &mut Checker<'a>,
    arguments: &Arguments<'a>,
) -> Option<AutoattackEvaluator> {
    check_radius(checker, arguments, spec.norm, spec.eps)?;
    lint_targeted_dlr(checker, arguments);
    Some(spec)
}
