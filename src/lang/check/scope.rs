//! The names that `let` gives to values.

use std::collections::{HashMap, HashSet};

use super::findings::Findings;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog;
use crate::lang::value::mistakes::listed;
use crate::syntax::ast::{Argument, Clause, Expr, ExprKind, File, Name};

/// Bindings may name one another this deep.
const DEEPEST: usize = 64;

/// Every binding of a file that can be followed to a value.
#[derive(Default)]
pub(super) struct Scope<'a> {
    bindings: HashMap<&'a str, Binding<'a>>,
    order: Vec<&'a str>,
}

struct Binding<'a> {
    name: &'a Name,
    value: &'a Expr,
    /// Part of a circle, or too deep: stands for nothing.
    broken: bool,
}

impl<'a> Scope<'a> {
    /// Collects the bindings; reports names given twice, names that hide a component, and circles.
    pub fn collect(file: &'a File, findings: &mut Findings) -> Self {
        let mut scope = Self::default();
        let clauses = file.statements.iter().filter_map(|statement| statement.clauses.first());
        for clause in clauses.filter(|clause| clause.keyword.text == "let") {
            scope.bind(clause, findings);
        }
        scope.break_circles(findings);
        scope
    }

    fn bind(&mut self, clause: &'a Clause, findings: &mut Findings) {
        let (Some(name), Some(value)) = (&clause.name, clause.values.first()) else { return };
        if let Some(entry) = catalog::find(&name.text).first() {
            findings.push(shadows(name, entry.kind.noun()));
        }
        if let Some(first) = self.bindings.get(name.text.as_str()) {
            findings.push(duplicate(name, first.name.span));
            return;
        }
        self.order.push(&name.text);
        self.bindings.insert(&name.text, Binding { name, value, broken: false });
    }

    /// The value of a name.
    pub fn value(&self, name: &str) -> Option<&'a Expr> {
        self.bindings.get(name).filter(|binding| !binding.broken).map(|binding| binding.value)
    }

    /// Whether a `let` has this name, sound or not.
    pub fn holds(&self, name: &str) -> bool {
        self.bindings.contains_key(name)
    }

    /// Every name, in source order.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.order.iter().copied()
    }

    fn break_circles(&mut self, findings: &mut Findings) {
        let mut sound: HashMap<&'a str, usize> = HashMap::new();
        for name in self.order.clone() {
            let mut path = Vec::new();
            if let Err(circle) = self.depth(name, &mut path, &mut sound) {
                for member in &circle.members {
                    if let Some(binding) = self.bindings.get_mut(member) {
                        binding.broken = true;
                    }
                    sound.insert(*member, 0);
                }
                findings.push(circle.finding(self));
            }
        }
    }

    /// How many bindings a name goes through to its value.
    fn depth(
        &self,
        name: &'a str,
        path: &mut Vec<&'a str>,
        sound: &mut HashMap<&'a str, usize>,
    ) -> Result<usize, Circle<'a>> {
        if let Some(depth) = sound.get(name) {
            return Ok(*depth);
        }
        let Some(binding) = self.bindings.get(name) else { return Ok(0) };
        if let Some(start) = path.iter().position(|passed| *passed == name) {
            return Err(Circle { members: path[start..].to_vec(), deep: false });
        }
        if path.len() == DEEPEST {
            return Err(Circle { members: vec![path[0]], deep: true });
        }
        path.push(name);
        let mut deepest = 0;
        for used in names_in(binding.value) {
            deepest = deepest.max(self.depth(used, path, sound)? + 1);
        }
        path.pop();
        if deepest > DEEPEST {
            return Err(Circle { members: vec![name], deep: true });
        }
        sound.insert(name, deepest);
        Ok(deepest)
    }

    /// Names that nothing reachable from the statements uses.
    pub fn unused(&self, file: &'a File) -> Vec<&'a Name> {
        let mut used: HashSet<&str> = HashSet::new();
        let mut waiting: Vec<&'a str> = Vec::new();
        for clause in file.statements.iter().flat_map(|statement| &statement.clauses) {
            if clause.keyword.text != "let" {
                waiting.extend(clause.values.iter().flat_map(names_in));
            }
        }
        while let Some(name) = waiting.pop() {
            if let (true, Some(binding)) = (used.insert(name), self.bindings.get(name)) {
                waiting.extend(names_in(binding.value));
            }
        }
        let names = self.order.iter().filter(|name| !used.contains(*name));
        names.filter_map(|name| self.bindings.get(name)).map(|binding| binding.name).collect()
    }
}

struct Circle<'a> {
    members: Vec<&'a str>,
    deep: bool,
}

impl Circle<'_> {
    fn finding(&self, scope: &Scope<'_>) -> Diagnostic {
        let span = |name: &&str| scope.bindings.get(*name).map_or(Span::default(), |binding| binding.name.span);
        let first = self.members.first().map_or(Span::default(), span);
        if self.deep {
            let message = format!("`let` goes through more than {DEEPEST} other names to its value");
            return Diagnostic::new(Code::CircularLet, first, message, "too many steps to a value")
                .help("write the value at one of the names in between");
        }
        let circle = listed(self.members.iter().copied(), "and");
        let finding = match self.members.len() {
            1 => Diagnostic::new(Code::CircularLet, first, format!("{circle} is defined by itself"), "never gets a value"),
            _ => Diagnostic::new(Code::CircularLet, first, format!("{circle} are defined by each other"), "never gets a value"),
        };
        let others = self.members.iter().skip(1);
        others.fold(finding, |finding, name| finding.label(span(name), "part of the circle")).help("give one of them a value")
    }
}

fn shadows(name: &Name, noun: &str) -> Diagnostic {
    let word = &name.text;
    Diagnostic::new(
        Code::ShadowingLet,
        name.span,
        format!("`{word}` is {noun}; a `let` cannot take its name"),
        "a name of the catalogue",
    )
    .help(format!("another name, for example `my_{word}`"))
}

fn duplicate(name: &Name, first: Span) -> Diagnostic {
    Diagnostic::new(Code::DuplicateLet, name.span, format!("`{}` is bound twice", name.text), "bound again here")
        .label(first, "first bound here")
        .help(format!("give one of them another name, for example `{}_2`", name.text))
}

/// Bare words of an expression, each a possible name.
pub(super) fn names_in(expr: &Expr) -> Vec<&str> {
    let mut names = Vec::new();
    visit(expr, &mut |expr| {
        if let ExprKind::Call(call) = &expr.kind {
            names.push(call.name.text.as_str());
        }
    });
    names
}

/// Calls `see` with an expression and everything inside it, in source order.
pub(super) fn visit<'a>(expr: &'a Expr, see: &mut impl FnMut(&'a Expr)) {
    see(expr);
    children(expr).into_iter().for_each(|child| visit(child, see));
}

/// The direct parts of an expression.
pub(super) fn children(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Range(first, second, _) | ExprKind::Arrow(first, second) | ExprKind::Then(first, second) => {
            vec![first, second]
        }
        ExprKind::Last(inner) => vec![inner],
        ExprKind::List(items, _) | ExprKind::Each(items) => items.iter().collect(),
        ExprKind::Call(call) => call.arguments.iter().flatten().map(|argument: &Argument| &argument.value).collect(),
        _ => Vec::new(),
    }
}
