//! The names that `let` gives to values.

use std::collections::{HashMap, HashSet};

use super::findings::Findings;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::catalog;
use crate::lang::value::mistakes::listed;
use crate::syntax::ast::{Argument, Clause, Expr, ExprKind, File, Name};
use crate::syntax::is_reserved;

/// Bindings may name one another this deep.
const DEEPEST: usize = 64;
/// A value may have this many parts, with every name replaced by what it stands for.
const LARGEST: usize = 1_000_000;

/// Every binding of a file that can be followed to a value.
#[derive(Default)]
pub(super) struct Scope<'a> {
    bindings: HashMap<&'a str, Binding<'a>>,
    order: Vec<&'a str>,
}

struct Binding<'a> {
    name: &'a Name,
    value: &'a Expr,
    /// Part of a circle, too deep, or with the name of a component: stands for nothing, and all is said about it.
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
        if is_reserved(&name.text) {
            // Said by the parser.
            return;
        }
        let hidden = catalog::find(&name.text).first().map(|entry| entry.kind.noun());
        if let Some(noun) = hidden {
            findings.push(shadows(name, noun));
        }
        if let Some(first) = self.bindings.get(name.text.as_str()) {
            findings.push(duplicate(name, first.name.span));
            return;
        }
        self.order.push(&name.text);
        self.bindings.insert(&name.text, Binding { name, value, broken: hidden.is_some() });
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
        let mut sound: HashMap<&'a str, Extent> = HashMap::new();
        for name in self.order.clone() {
            let mut path = Vec::new();
            if let Err(circle) = self.extent(name, &mut path, &mut sound) {
                for member in &circle.members {
                    if let Some(binding) = self.bindings.get_mut(member) {
                        binding.broken = true;
                    }
                    sound.insert(*member, Extent::default());
                }
                findings.push(circle.finding(self));
            }
        }
    }

    /// How far a name is from its value, and how large that is.
    fn extent(
        &self,
        name: &'a str,
        path: &mut Vec<&'a str>,
        sound: &mut HashMap<&'a str, Extent>,
    ) -> Result<Extent, Circle<'a>> {
        if let Some(extent) = sound.get(name) {
            return Ok(*extent);
        }
        let Some(binding) = self.bindings.get(name) else { return Ok(Extent::default()) };
        if let Some(start) = path.iter().position(|passed| *passed == name) {
            return Err(Circle { members: path[start..].to_vec(), reason: Reason::Circle });
        }
        if path.len() == DEEPEST {
            return Err(Circle { members: vec![path[0]], reason: Reason::Deep });
        }
        path.push(name);
        let mut extent = Extent { depth: 0, size: 1 };
        for used in names_in(binding.value) {
            let inner = self.extent(used, path, sound)?;
            extent.depth = extent.depth.max(inner.depth + 1);
            extent.size = extent.size.saturating_add(inner.size + 1);
        }
        path.pop();
        if extent.depth > DEEPEST || extent.size > LARGEST {
            let reason = if extent.depth > DEEPEST { Reason::Deep } else { Reason::Large };
            return Err(Circle { members: vec![name], reason });
        }
        sound.insert(name, extent);
        Ok(extent)
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
        let bindings = names.filter_map(|name| self.bindings.get(name));
        bindings.filter(|binding| !binding.broken).map(|binding| binding.name).collect()
    }
}

/// Names between a binding and its value, and parts of the value.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    depth: usize,
    size: usize,
}

/// Bindings without a usable value.
struct Circle<'a> {
    members: Vec<&'a str>,
    reason: Reason,
}

enum Reason {
    Circle,
    Deep,
    Large,
}

impl Circle<'_> {
    fn finding(&self, scope: &Scope<'_>) -> Diagnostic {
        let span =
            |name: &&str| scope.bindings.get(*name).map_or(Span::default(), |binding| binding.name.span);
        let first = self.members.first().map_or(Span::default(), span);
        let names = listed(self.members.iter().copied(), "and");
        let (message, label) = match (&self.reason, self.members.len()) {
            (Reason::Deep, _) => (
                format!("{names} goes through more than {DEEPEST} other names to its value"),
                "too many steps to a value",
            ),
            (Reason::Large, _) => (format!("{names} has more than {LARGEST} parts"), "grows too large"),
            (Reason::Circle, 1) => (format!("{names} is defined by itself"), "never gets a value"),
            (Reason::Circle, _) => (format!("{names} are defined by each other"), "never gets a value"),
        };
        let finding = Diagnostic::new(Code::CircularLet, first, message, label);
        let finding = self
            .members
            .iter()
            .skip(1)
            .fold(finding, |finding, name| finding.label(span(name), "part of the circle"));
        finding.help("give one of the names a value of its own, for example `0.1` or `sam(rho = 0.05)`")
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
    Diagnostic::new(
        Code::DuplicateLet,
        name.span,
        format!("`{}` is bound twice", name.text),
        "bound again here",
    )
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
        ExprKind::Range(first, second, _)
        | ExprKind::Arrow(first, second)
        | ExprKind::Then(first, second) => {
            vec![first, second]
        }
        ExprKind::Last(inner) => vec![inner],
        ExprKind::List(items, _) | ExprKind::Each(items) => items.iter().collect(),
        ExprKind::Call(call) => {
            call.arguments.iter().flatten().map(|argument: &Argument| &argument.value).collect()
        }
        _ => Vec::new(),
    }
}
