//! Paths of settings, and the expressions in the tree that they lead to.

use std::collections::HashMap;

use super::defaults;
use super::descend::{Patched, Unknown, descend, in_file};
use crate::diagnostic::Span;
use crate::lang::catalog::Kind;
use crate::lang::edition;
use crate::syntax::ast::{Clause, Expr, File, Name, Statement};

const SINGLE: [&str; 7] = ["edition", "title", "select", "seeds", "device", "precision", "export"];
const DATA: [&str; 6] = ["augment", "test", "batch", "micro", "validation", "shuffle"];
const SLOTS: [&str; 4] = ["curriculum", "against", "under", "over"];
const RECIPES: [&str; 4] = ["train", "curriculum", "against", "under"];

/// One change of a file.
pub(super) struct Patch<'f> {
    file: &'f mut File,
    bindings: HashMap<String, Expr>,
}

impl<'f> Patch<'f> {
    pub fn new(file: &'f mut File) -> Self {
        let clauses = file.statements.iter().filter_map(|statement| statement.clauses.first());
        let bound = clauses
            .filter_map(|clause| Some((clause.name.as_ref()?.text.clone(), clause.values.first()?.clone())));
        let bindings = bound.collect();
        Self { file, bindings }
    }

    /// Puts `value` at a path; the place of what stood there, if the file had written it.
    pub fn set(mut self, path: &str, value: Expr) -> Patched {
        let steps: Vec<&str> = path.split('.').collect();
        match steps.as_slice() {
            [keyword] if SINGLE.contains(keyword) => Ok(self.statement_value(keyword, value)),
            ["data", clause, rest @ ..] if DATA.contains(clause) && rest.is_empty() => {
                Ok(self.clause_value("data", edition::SOURCE, clause, value))
            }
            ["data", "source", rest @ ..] => {
                self.component("data", Kind::Source, edition::SOURCE, "data.source.", rest, value)
            }
            ["data", rest @ ..] => {
                self.component("data", Kind::Source, edition::SOURCE, "data.", rest, value)
            }
            ["model", "from"] => Ok(self.clause_value("model", edition::MODEL, "from", value)),
            ["model", rest @ ..] => {
                self.component("model", Kind::Model, edition::MODEL, "model.", rest, value)
            }
            ["optimize", rest @ ..] => {
                self.component("optimize", Kind::Optimizer, edition::OPTIMIZER, "optimize.", rest, value)
            }
            ["train", rest @ ..] => self.phase_path(rest, value),
            [slot, ..] if SLOTS.contains(slot) => self.only_phase("", &steps, value),
            ["evaluate", rest @ ..] => self.evaluate(rest, value),
            ["let", name] => self.binding(name, value),
            _ => Err(Unknown::at("", top_level())),
        }
    }

    fn position(&self, keyword: &str) -> Option<usize> {
        let begins = |statement: &Statement| {
            statement.clauses.first().is_some_and(|clause| clause.keyword.text == keyword)
        };
        self.file.statements.iter().position(begins)
    }

    /// The statement of a keyword, added with `value` where it is absent.
    fn statement_or(&mut self, keyword: &str, value: impl FnOnce() -> Expr) -> &mut Statement {
        let index = self.position(keyword).unwrap_or_else(|| {
            self.file.statements.push(statement(vec![clause(keyword, vec![value()])]));
            self.file.statements.len() - 1
        });
        &mut self.file.statements[index]
    }

    fn statement_value(&mut self, keyword: &str, value: Expr) -> Span {
        let statement = self.statement_or(keyword, || value.clone());
        replace(&mut statement.clauses[0], value)
    }

    fn clause_value(&mut self, keyword: &str, default: &'static str, name: &str, value: Expr) -> Span {
        let statement = self.statement_or(keyword, || defaults::expression(default).clone());
        set_clause(&mut statement.clauses, 1, name, value)
    }

    fn component(
        &mut self,
        keyword: &str,
        kind: Kind,
        default: &'static str,
        prefix: &str,
        rest: &[&str],
        value: Expr,
    ) -> Patched {
        let bindings = std::mem::take(&mut self.bindings);
        let statement = self.statement_or(keyword, || defaults::expression(default).clone());
        let Some(written) = statement.clauses[0].values.first_mut() else {
            return Err(Unknown::at(prefix, Vec::<String>::new()));
        };
        let extra: &[&str] = match keyword {
            "data" => &["source", "augment", "test", "batch", "micro", "validation", "shuffle"],
            "model" => &["from"],
            _ => &[],
        };
        descend(written, &[kind], prefix, rest, &value, &bindings).map_err(|mut unknown| {
            if unknown.prefix == prefix && prefix != "data.source." {
                unknown.legal.extend(extra.iter().map(ToString::to_string));
            }
            unknown
        })
    }

    fn phase_path(&mut self, rest: &[&str], value: Expr) -> Patched {
        let count = self.phase_count();
        match rest {
            [index, rest @ ..] if index.parse::<usize>().is_ok() => {
                let number = index.parse::<usize>().unwrap_or(usize::MAX);
                if number >= count {
                    return Err(Unknown::at("train.", (0..count).map(|index| index.to_string())));
                }
                self.slot(number, &format!("train.{number}."), rest, value)
            }
            _ => self.only_phase("train.", rest, value),
        }
    }

    /// A path without the number of a phase, where there is one phase.
    fn only_phase(&mut self, prefix: &str, rest: &[&str], value: Expr) -> Patched {
        match self.phase_count() {
            1 => self.slot(0, prefix, rest, value),
            count => Err(Unknown::at("train.", (0..count).map(|index| index.to_string()))),
        }
    }

    fn recipe(&self) -> Option<usize> {
        RECIPES.iter().find_map(|keyword| self.position(keyword))
    }

    fn phase_count(&self) -> usize {
        let then = |clause: &&Clause| clause.keyword.text == "then";
        let phases = |index: usize| 1 + self.file.statements[index].clauses.iter().filter(then).count();
        self.recipe().map_or(1, phases)
    }

    fn slot(&mut self, number: usize, prefix: &str, rest: &[&str], value: Expr) -> Patched {
        let legal = || ["duration"].into_iter().chain(SLOTS);
        let Some((slot, rest)) = rest.split_first() else { return Err(Unknown::at(prefix, legal())) };
        if *slot == "duration" && rest.is_empty() {
            return Ok(self.set_duration(number, value));
        }
        if !SLOTS.contains(slot) {
            return Err(Unknown::at(prefix, legal()));
        }
        let bindings = std::mem::take(&mut self.bindings);
        let clauses = self.recipe_clauses();
        let (start, end) = phase_range(clauses, number);
        let written = clauses[start..end].iter_mut().find(|clause| clause.keyword.text == *slot);
        let prefix = format!("{prefix}{slot}.");
        match written.and_then(|clause| clause.values.first_mut()) {
            Some(written) => descend(written, kinds_of(slot), &prefix, rest, &value, &bindings),
            None if rest.is_empty() => {
                clauses.insert(end, clause(slot, vec![value]));
                Ok(Span::default())
            }
            None if *slot == "curriculum" => {
                let mut written = defaults::expression(edition::PACING).clone();
                descend(&mut written, kinds_of(slot), &prefix, rest, &value, &bindings)?;
                clauses.insert(end, clause(slot, vec![written]));
                Ok(Span::default())
            }
            None => Err(Unknown::at(&prefix, Vec::<String>::new())),
        }
    }

    /// The clauses of the recipe, which is added where the file has none.
    fn recipe_clauses(&mut self) -> &mut Vec<Clause> {
        let index = self.recipe().unwrap_or_else(|| {
            self.file.statements.push(Statement { clauses: Vec::new(), span: Span::default() });
            self.file.statements.len() - 1
        });
        &mut self.file.statements[index].clauses
    }

    fn set_duration(&mut self, number: usize, value: Expr) -> Span {
        let clauses = self.recipe_clauses();
        let (start, _) = phase_range(clauses, number);
        if number > 0 {
            return replace(&mut clauses[start - 1], value);
        }
        match clauses.first_mut().filter(|clause| clause.keyword.text == "train") {
            Some(train) => replace(train, value),
            None => {
                clauses.insert(0, clause("train", vec![value]));
                Span::default()
            }
        }
    }

    fn evaluate(&mut self, rest: &[&str], value: Expr) -> Patched {
        let begins = |statement: &Statement| {
            statement.clauses.first().is_some_and(|clause| clause.keyword.text == "evaluate")
        };
        match rest {
            [] => {
                let place = self
                    .file
                    .statements
                    .iter()
                    .find(|statement| begins(statement))
                    .map(|statement| statement.span);
                self.file.statements.retain(|statement| !begins(statement));
                self.file.statements.push(statement(vec![clause("evaluate", vec![value])]));
                Ok(place.unwrap_or_default())
            }
            ["every"] => {
                self.statement_or("evaluate", || defaults::expression(edition::EVALUATOR).clone());
                let statements = self.file.statements.iter_mut().filter(|statement| begins(statement));
                let places: Vec<Span> = statements
                    .map(|statement| set_clause(&mut statement.clauses, 1, "every", value.clone()))
                    .collect();
                Ok(places.first().copied().unwrap_or_default())
            }
            _ => Err(Unknown::at("evaluate.", ["every"])),
        }
    }

    fn binding(&mut self, name: &str, value: Expr) -> Patched {
        let names: Vec<String> = self.bindings.keys().cloned().collect();
        let clauses = self.file.statements.iter_mut().filter_map(|statement| statement.clauses.first_mut());
        let mut bound = clauses.filter(|clause| clause.name.as_ref().is_some_and(|bound| bound.text == name));
        match bound.next() {
            Some(clause) => Ok(replace(clause, value)),
            None => Err(Unknown::at("let.", names)),
        }
    }
}

fn top_level() -> Vec<&'static str> {
    [&SINGLE[..], &["data", "model", "optimize", "train", "evaluate", "let"], &SLOTS].concat()
}

fn kinds_of(slot: &str) -> &'static [Kind] {
    match slot {
        "curriculum" => &[Kind::Pacing],
        "against" => &[Kind::Adversary],
        "under" => &[Kind::Minimizer, Kind::Optimizer],
        _ => &[Kind::Optimizer],
    }
}

/// The clauses of one phase, without the `then` before it.
fn phase_range(clauses: &[Clause], number: usize) -> (usize, usize) {
    let starts = clauses
        .iter()
        .enumerate()
        .filter(|(_, clause)| clause.keyword.text == "then")
        .map(|(index, _)| index);
    let starts: Vec<usize> = starts.collect();
    let start = if number == 0 { 0 } else { starts.get(number - 1).map_or(clauses.len(), |start| start + 1) };
    (start, starts.get(number).copied().unwrap_or(clauses.len()))
}

fn set_clause(clauses: &mut Vec<Clause>, at: usize, keyword: &str, value: Expr) -> Span {
    match clauses.iter_mut().find(|clause| clause.keyword.text == keyword) {
        Some(clause) => replace(clause, value),
        None => {
            clauses.insert(at, clause(keyword, vec![value]));
            Span::default()
        }
    }
}

fn replace(clause: &mut Clause, value: Expr) -> Span {
    let place = clause.values.first().map_or(clause.span, |old| old.span);
    clause.values = vec![value];
    in_file(place)
}

fn clause(keyword: &str, values: Vec<Expr>) -> Clause {
    let span = Span::default();
    Clause { keyword: Name { text: keyword.to_string(), span }, name: None, values, span }
}

fn statement(clauses: Vec<Clause>) -> Statement {
    Statement { clauses, span: Span::default() }
}
