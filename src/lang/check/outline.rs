//! The statements of a file by what they are about: each once, with the clauses that belong to it.

use std::collections::HashMap;

use super::findings::Findings;
use super::sites::{Site, sites};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog::statement;
use crate::syntax::ast::{Expr, File, Statement};

/// What the file says, before any value is read.
#[derive(Default)]
pub(super) struct Outline<'a> {
    statements: HashMap<&'static str, &'a Statement>,
    pub evaluate: Vec<&'a Statement>,
    /// Empty without `train` and without a recipe.
    pub phases: Vec<PhaseOutline<'a>>,
    /// The choices of the file, by their places.
    pub sites: HashMap<Span, Site<'a>>,
}

/// The clauses of one phase.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PhaseOutline<'a> {
    pub duration: Option<&'a Expr>,
    pub curriculum: Option<&'a Expr>,
    pub against: Option<&'a Expr>,
    pub under: Option<&'a Expr>,
    pub over: Option<&'a Expr>,
}

impl<'a> PhaseOutline<'a> {
    fn slot(&mut self, keyword: &str) -> Option<&mut Option<&'a Expr>> {
        match keyword {
            "train" => Some(&mut self.duration),
            "curriculum" => Some(&mut self.curriculum),
            "against" => Some(&mut self.against),
            "under" => Some(&mut self.under),
            "over" => Some(&mut self.over),
            _ => None,
        }
    }
}

const RECIPES: [&str; 4] = ["train", "curriculum", "against", "under"];

impl<'a> Outline<'a> {
    pub fn of(file: &'a File, findings: &mut Findings) -> Self {
        let mut outline = Self { sites: sites(file), ..Self::default() };
        for statement in &file.statements {
            outline.add(statement, findings);
        }
        outline
    }

    /// The statement that a keyword begins.
    pub fn statement(&self, keyword: &str) -> Option<&'a Statement> {
        self.statements.get(keyword).copied()
    }

    /// What stands after the keyword of a statement.
    pub fn value(&self, keyword: &str) -> Option<&'a Expr> {
        self.statement(keyword)?.clauses.first()?.values.first()
    }

    /// What stands after a clause of a statement.
    pub fn clause(&self, keyword: &str, clause: &str) -> Option<&'a Expr> {
        self.statement(keyword).and_then(|statement| clause_value(statement, clause))
    }

    fn add(&mut self, written: &'a Statement, findings: &mut Findings) {
        let Some(first) = written.clauses.first() else { return };
        let keyword = first.keyword.text.as_str();
        let Some(entry) = statement(keyword) else { return };
        if RECIPES.contains(&keyword) {
            self.add_recipe(entry.keyword, written, findings);
        } else if keyword == "evaluate" {
            self.evaluate.push(written);
        } else if keyword != "let" {
            self.add_once(entry.keyword, written, findings);
        }
    }

    fn add_once(&mut self, keyword: &'static str, written: &'a Statement, findings: &mut Findings) {
        match self.statements.get(keyword) {
            Some(first) => findings.push(duplicate_statement(keyword, first, written)),
            None => {
                self.statements.insert(keyword, written);
            }
        }
    }

    fn add_recipe(&mut self, keyword: &'static str, written: &'a Statement, findings: &mut Findings) {
        let earlier = self.statements.iter().find(|(keyword, _)| RECIPES.contains(keyword));
        match earlier {
            Some((first, earlier)) => findings.push(second_recipe(first, earlier, keyword, written)),
            None => {
                self.statements.insert(keyword, written);
                self.phases = phases(written);
            }
        }
    }
}

/// What stands after a clause.
pub(super) fn clause_value<'a>(statement: &'a Statement, keyword: &str) -> Option<&'a Expr> {
    statement.clauses.iter().find(|clause| clause.keyword.text == keyword)?.values.first()
}

fn phases(written: &Statement) -> Vec<PhaseOutline<'_>> {
    let mut phases = vec![PhaseOutline::default()];
    for clause in &written.clauses {
        let (keyword, value) = (clause.keyword.text.as_str(), clause.values.first());
        if keyword == "then" {
            phases.push(PhaseOutline { duration: value, ..PhaseOutline::default() });
        } else if let Some(slot) = phases.last_mut().and_then(|phase| phase.slot(keyword)) {
            *slot = value;
        }
    }
    phases
}

fn duplicate_statement(keyword: &str, first: &Statement, again: &Statement) -> Diagnostic {
    let span = |statement: &Statement| {
        statement.clauses.first().map_or(statement.span, |clause| clause.keyword.span)
    };
    Diagnostic::new(
        Code::DuplicateStatement,
        span(again),
        format!("a file has one `{keyword}`"),
        "given again here",
    )
    .label(span(first), "first given here")
    .help(format!("keep one `{keyword}`; for several values of one setting, write `each [.., ..]`"))
}

fn second_recipe(first: &str, earlier: &Statement, keyword: &str, again: &Statement) -> Diagnostic {
    let span = |statement: &Statement| {
        statement.clauses.first().map_or(statement.span, |clause| clause.keyword.span)
    };
    let message = if first == keyword {
        format!("a file has one `{keyword}` recipe")
    } else {
        format!("a file has one recipe: `{first}` has given it")
    };
    Diagnostic::new(Code::SecondRecipe, span(again), message, "a second recipe")
        .label(span(earlier), "the first recipe")
        .help("to train on after the first recipe, write `then 40 epochs ..` below it")
        .help("to compare both, write `under each [none, sam]`")
}
