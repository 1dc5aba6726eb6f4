//! `evaluate` and `select`: what is measured, and which weights count.

use super::Checker;
use super::adversary::{Size, check_loss, check_radius, check_size, lint_targeted_dlr};
use super::outline::{Outline, clause_value};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::lang::catalog::{
    AutoattackEvaluator, DifficultyEvaluator, Evaluator, Form, Parameter, PgdEvaluator,
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
        read.into_iter().collect()
    }

    fn measurements(&mut self, statement: &'a Statement, read: &mut Vec<Option<Measurement>>) {
        let every = clause_value(statement, "every");
        for value in statement.clauses.first().map_or(&[][..], |clause| &clause.values) {
            let resolved = self.resolve(value);
            let items = match &resolved.kind {
                ExprKind::List(items, None) => items.as_slice(),
                _ => std::slice::from_ref(value),
            };
            for item in items {
                let measurement = self.measurement(read.len(), item, every);
                read.push(measurement);
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
        let attack = names_attack(self.resolve(metric));
        let own = evaluate.iter().map(|measurement| &measurement.evaluator);
        if let (true, Some(own)) = (attack, own.into_iter().find(|e| matches!(e, Evaluator::Pgd(_)))) {
            return Some(Select::Best(own.clone()));
        }
        let settings = self.settings.len();
        let metric = if attack { self.default(edition::ATTACK) } else { metric };
        let evaluator = Evaluator::read(self, metric, &Parameter::new("best", Evaluator::FORM, ""));
        self.settings.truncate(settings);
        let evaluator = evaluator?;
        if evaluator.probing().is_some()
            || matches!(evaluator, Evaluator::Difficulty(_) | Evaluator::Perturbation(_))
        {
            let name = evaluator.name();
            let finding = Diagnostic::new(
                Code::NoSingleNumber,
                self.resolve(metric).span,
                format!("`{name}` says how training went, not how good the network is: it has no best"),
                "not one number to choose by",
            )
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

/// `pgd` and `pgd.accuracy` without arguments mean the attack that the file measures with.
fn names_attack(metric: &Expr) -> bool {
    let ExprKind::Call(call) = &metric.kind else { return false };
    call.arguments.is_none() && matches!(call.name.text.as_str(), "pgd" | "pgd.accuracy")
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
