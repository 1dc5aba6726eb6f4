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
use crate::syntax::ast::{Argument, Call, Expr, ExprKind};

const SELECTION: Form = Form { choices: &["last", "best"], ..Form::of("`last` or `best(EVALUATOR)`") };

const SELECTABLE: &str = "write `select best(accuracy)`, `select best(loss)` or `select best(pgd.accuracy)`";

impl<'a> Checker<'a> {
    pub(super) fn evaluate(&mut self, outline: &Outline<'a>) -> Option<Vec<Measurement>> {
        if outline.evaluate.is_empty() {
            let default = self.default(edition::EVALUATOR);
            return self.measurement(0, default, None).map(|measurement| vec![measurement]);
        }
        let written = self.measured(outline);
        let read: Vec<(Option<Measurement>, Span)> = written
            .into_iter()
            .enumerate()
            .map(|(index, (expr, every))| (self.measurement(index, expr, every), self.resolve(expr).span))
            .collect();
        self.lint_repeated(&read);
        read.into_iter().map(|(measurement, _)| measurement).collect()
    }

    /// Every evaluator of the file, in order, with how often it is taken on the way.
    pub(super) fn measured(&self, outline: &Outline<'a>) -> Vec<(&'a Expr, Option<&'a Expr>)> {
        let mut measured = Vec::new();
        for statement in &outline.evaluate {
            let every = clause_value(statement, "every");
            for value in statement.clauses.first().map_or(&[][..], |clause| &clause.values) {
                let items = match &self.resolve(value).kind {
                    ExprKind::List(items, None) => items.as_slice(),
                    _ => std::slice::from_ref(value),
                };
                measured.extend(items.iter().map(|item| (item, every)));
            }
        }
        measured
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
                Some([argument]) if argument.name.is_none() => self.best(outline, &argument.value, evaluate),
                other => self.best_of_what(call, other.unwrap_or_default()),
            },
            _ => self.unknown_selection(call),
        }
    }

    fn best(&mut self, outline: &Outline<'a>, metric: &'a Expr, evaluate: &[Measurement]) -> Option<Select> {
        let attack = match self.named_number(metric)? {
            Named::Attack(attack) => Some(attack),
            Named::Other => None,
        };
        let named = |(_, measurement): &(usize, &Measurement)| Some(measurement.evaluator.name()) == attack;
        let own: Vec<(usize, &Evaluator)> = evaluate
            .iter()
            .enumerate()
            .filter(named)
            .map(|(index, measurement)| (index, &measurement.evaluator))
            .collect();
        if let Some((_, first)) = own.first() {
            if own.iter().any(|(_, other)| other != first) {
                self.several_attacks(outline, metric, &own);
                return None;
            }
            return Some(Select::Best((*first).clone()));
        }
        let settings = self.settings.len();
        let metric = attack.map_or(metric, |attack| self.default(attack));
        let evaluator = Evaluator::read(self, metric, &Parameter::new("best", Evaluator::FORM, ""));
        self.settings.truncate(settings);
        let evaluator = evaluator?;
        if let Some(why) = many_numbers(&evaluator) {
            let span = self.resolve(metric).span;
            let finding = Diagnostic::new(Code::NoSingleNumber, span, why, "not one number").help(SELECTABLE);
            self.report(finding);
            return None;
        }
        Some(Select::Best(evaluator))
    }

    /// An attack by its name alone, where the file measures under several.
    fn several_attacks(&mut self, outline: &Outline<'a>, metric: &'a Expr, own: &[(usize, &Evaluator)]) {
        let name = own.first().map_or("", |(_, evaluator)| evaluator.name());
        let measured = self.measured(outline);
        let written = own.iter().filter_map(|(index, _)| measured.get(*index));
        let written: Vec<&'a Expr> = written.map(|(expr, _)| self.resolve(expr)).collect();
        let message = format!("the file measures under {} attacks named `{name}`", own.len());
        let finding =
            Diagnostic::new(Code::NoSingleNumber, self.resolve(metric).span, message, "by which of them?");
        let finding = written.iter().fold(finding, |finding, expr| finding.label(expr.span, "one of them"));
        let first = written.first().map_or("pgd", |expr| self.slice(expr.span));
        self.report(finding.help(format!("write which: `select best({first})`")));
    }

    /// `pgd`, `pgd.accuracy` and the like without arguments mean the attack that the file measures with; other words
    /// with a dot are no numbers that weights are chosen by.
    fn named_number(&mut self, metric: &'a Expr) -> Option<Named> {
        let ExprKind::Call(call) = &self.resolve(metric).kind else { return Some(Named::Other) };
        let (name, number) = match call.name.text.split_once('.') {
            Some((name, number)) => (name, Some(number)),
            None => (call.name.text.as_str(), None),
        };
        let attack = edition::ATTACKS.into_iter().find(|attack| *attack == name);
        match (attack, number) {
            (Some(attack), None | Some("accuracy")) if call.arguments.is_none() => {
                Some(Named::Attack(attack))
            }
            (_, None | Some("accuracy")) => Some(Named::Other),
            (attack, Some(number)) => {
                self.unknown_number(call, attack, number);
                None
            }
        }
    }

    /// `pgd.acuracy`, `hessian.top`
    fn unknown_number(&mut self, call: &Call, attack: Option<&str>, number: &str) {
        let written = &call.name.text;
        let message = format!("weights are not chosen by `{written}`");
        let finding =
            Diagnostic::new(Code::NoSingleNumber, call.name.span, message, "not a number of `select`");
        let near = nearest(number, ["accuracy"]);
        self.report(match (attack, near) {
            (Some(attack), Some(near)) => {
                finding.nearest("number", call.name.span, written, &format!("{attack}.{near}"))
            }
            (Some(attack), None) => finding.help(format!("write `select best({attack}.accuracy)`")),
            (None, _) => finding.help(SELECTABLE),
        });
    }

    fn best_of_what(&mut self, call: &Call, arguments: &[Argument]) -> Option<Select> {
        let finding = match arguments {
            [_, second, ..] => Diagnostic::new(
                Code::ExtraArgument,
                second.span,
                "`best` takes one number, and weights are the best by that",
                "a second one",
            ),
            _ => Diagnostic::new(
                Code::MissingParameter,
                call.name.span,
                "`best` needs one evaluator",
                "best by what?",
            ),
        };
        self.report(finding.help(SELECTABLE));
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
            Some(near) => finding.nearest("value", call.name.span, word, near),
            None => finding.help("write `select last` or `select best(accuracy)`"),
        };
        self.report(finding);
        None
    }
}

/// What weights are chosen by.
enum Named {
    /// An attack by its name alone.
    Attack(&'static str),
    /// Anything else, as it is written.
    Other,
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
