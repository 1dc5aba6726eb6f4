//! Paths inside a component: the argument that a path of parameters leads to.

use std::collections::HashMap;

use super::defaults;
use super::place::origin;
use crate::diagnostic::{Span, nearest};
use crate::lang::catalog::{self, Entry, Kind};
use crate::lang::program::Origin;
use crate::lang::value::mistakes::listed;
use crate::syntax::ast::{Argument, Expr, ExprKind, Name};

/// A path that leads nowhere: what could have stood at the first wrong step.
#[derive(Debug, PartialEq)]
pub(super) struct Unknown {
    /// The part of the path that is right, with its dot.
    pub prefix: String,
    pub legal: Vec<String>,
}

impl Unknown {
    pub fn at(prefix: &str, legal: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { prefix: prefix.to_string(), legal: legal.into_iter().map(Into::into).collect() }
    }

    /// The legal path nearest to the one given.
    pub fn nearest(&self, path: &str) -> Option<String> {
        let step = path.strip_prefix(&self.prefix).unwrap_or(path).split('.').next()?;
        let near = nearest(step, self.legal.iter().map(String::as_str))?;
        Some(format!("{}{near}", self.prefix))
    }

    pub fn legal(&self) -> String {
        let paths: Vec<String> = self.legal.iter().map(|step| format!("{}{step}", self.prefix)).collect();
        match paths.is_empty() {
            true => format!("`{}` has nothing below it", self.prefix.trim_end_matches('.')),
            false => format!("there is {}", listed(paths.iter().map(String::as_str), "and")),
        }
    }
}

pub(super) type Patched = Result<Span, Unknown>;

/// Follows `rest` into a component and puts `value` there. A `let` is copied first; of an `each`, every alternative
/// that has the path takes the value.
pub(super) fn descend(
    expr: &mut Expr,
    kinds: &[Kind],
    prefix: &str,
    rest: &[&str],
    value: &Expr,
    bindings: &HashMap<String, Expr>,
) -> Patched {
    let Some((step, below)) = rest.split_first() else {
        let place = in_file(expr.span);
        *expr = value.clone();
        return Ok(place);
    };
    unfold(expr, bindings);
    if let ExprKind::Each(alternatives) = &mut expr.kind {
        let tried: Vec<Patched> = alternatives
            .iter_mut()
            .map(|alternative| descend(alternative, kinds, prefix, rest, value, bindings))
            .collect();
        let failed = tried.iter().all(Result::is_err);
        let mut tried = tried.into_iter();
        let first = if failed { tried.next() } else { tried.find(Result::is_ok) };
        return first.unwrap_or_else(|| Err(Unknown::at(prefix, Vec::<String>::new())));
    }
    let Some((entry, parameter)) = parameter_of(expr, kinds, step) else {
        return Err(Unknown::at(prefix, parameters_of(expr, kinds)));
    };
    let Some(argument) = argument(expr, entry, parameter) else {
        return Err(Unknown::at(prefix, Vec::<String>::new()));
    };
    let parameter = &entry.parameters[parameter];
    let inner = parameter.form.component.map(|kind| [kind]);
    let prefix = format!("{prefix}{step}.");
    descend(argument, inner.as_ref().map_or(&[], |kinds| kinds), &prefix, below, value, bindings)
}

fn unfold(expr: &mut Expr, bindings: &HashMap<String, Expr>) {
    for _ in 0..bindings.len() {
        let ExprKind::Call(call) = &expr.kind else { return };
        match bindings.get(&call.name.text) {
            Some(bound) if call.arguments.is_none() => *expr = bound.clone(),
            _ => return,
        }
    }
}

fn entry_of(expr: &Expr, kinds: &[Kind]) -> Option<&'static Entry> {
    let ExprKind::Call(call) = &expr.kind else { return None };
    kinds.iter().find_map(|kind| catalog::find_in(*kind, &call.name.text))
}

fn parameter_of(expr: &Expr, kinds: &[Kind], step: &str) -> Option<(&'static Entry, usize)> {
    let entry = entry_of(expr, kinds)?;
    let index = entry.parameters.iter().position(|parameter| parameter.name == step)?;
    Some((entry, index))
}

fn parameters_of(expr: &Expr, kinds: &[Kind]) -> Vec<String> {
    let entry = entry_of(expr, kinds);
    entry.map_or_else(Vec::new, |entry| {
        entry.parameters.iter().map(|parameter| parameter.name.to_string()).collect()
    })
}

/// The written argument of a parameter, added with its default where it is absent.
fn argument<'e>(expr: &'e mut Expr, entry: &'static Entry, index: usize) -> Option<&'e mut Expr> {
    let parameter = &entry.parameters[index];
    let ExprKind::Call(call) = &mut expr.kind else { return None };
    let arguments = call.arguments.get_or_insert_default();
    let named = |argument: &Argument| argument.name.as_ref().is_some_and(|name| name.text == parameter.name);
    let first = |argument: &Argument| parameter.first && argument.name.is_none();
    let position = arguments.iter().position(|argument| named(argument) || first(argument));
    let position = position.unwrap_or_else(|| {
        let value = parameter.default.map_or(missing(), |default| defaults::expression(default).clone());
        let name = Name { text: parameter.name.to_string(), span: Span::default() };
        arguments.push(Argument { name: Some(name), value, span: Span::default() });
        arguments.len() - 1
    });
    arguments.get_mut(position).map(|argument| &mut argument.value)
}

fn missing() -> Expr {
    Expr { kind: ExprKind::Missing, span: Span::default() }
}

/// The span, if it is one of the file.
pub(super) fn in_file(span: Span) -> Span {
    if origin(span) == Origin::File { span } else { Span::default() }
}
