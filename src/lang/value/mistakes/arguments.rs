//! Arguments that match no parameter, are given twice, or are not there.

use std::collections::HashMap;

use super::listed;
use super::names::foreign;
use crate::diagnostic::{Code, Diagnostic, Span, nearest};
use crate::lang::catalog::{self, Entry, Form, Here, Kind, Parameter, entries, parameter_elsewhere};
use crate::lang::check::Checker;
use crate::syntax::ast::{Argument, Call, Expr, ExprKind, Name};

/// The place of argument `at` of a call, which has a name; a name that can only be meant for a parameter stands for it from here on.
pub(crate) fn parameter_index(
    checker: &mut Checker<'_>,
    entry: &'static Entry,
    call: &Call,
    at: usize,
) -> Option<usize> {
    let name = call.arguments.as_ref()?.get(at)?.name.as_ref()?;
    let position = |wanted: &str| entry.parameters.iter().position(|parameter| parameter.name == wanted);
    if let Some(index) = position(&name.text) {
        return Some(index);
    }
    let (finding, meant) = unknown_parameter(entry, name, &given(entry, call));
    checker.report(finding);
    position(meant?)
}

/// The parameters that a call gives by their own names, or first without one.
fn given<'n>(entry: &'n Entry, call: &'n Call) -> Vec<&'n str> {
    let arguments = call.arguments.iter().flatten().enumerate();
    let name = |(at, argument): (usize, &'n Argument)| match &argument.name {
        Some(name) => Some(name.text.as_str()),
        None => entry.first().filter(|_| at == 0).map(|first| first.name),
    };
    arguments.filter_map(name).collect()
}

/// What to say of a name that no parameter has, and the parameter it is meant for, if that is not given already.
fn unknown_parameter(
    entry: &'static Entry,
    name: &Name,
    given: &[&str],
) -> (Diagnostic, Option<&'static str>) {
    let (component, word) = (entry.name, name.text.as_str());
    let finding = Diagnostic::new(
        Code::UnknownParameter,
        name.span,
        format!("`{component}` has no parameter `{word}`"),
        format!("unknown parameter of `{component}`"),
    );
    match parameter_elsewhere(entry, word) {
        Some(Here::Parameter(here)) if given.contains(&here) => {
            return (finding.help(format!("here it is called `{here}`, which is given already")), None);
        }
        Some(Here::Parameter(here)) => {
            let finding = finding.help(format!("here it is called `{here}`"));
            return (finding.fix(format!("replace by `{here}`"), name.span, here), Some(here));
        }
        Some(Here::Said(text)) => return (finding.help(text), None),
        None => {}
    }
    let names = || entry.parameters.iter().map(|parameter| parameter.name);
    if let Some(near) = nearest(word, names().filter(|name| !given.contains(name))) {
        return (finding.nearest("parameter", name.span, word, near), Some(near));
    }
    if let Some(near) = nearest(word, names()) {
        let finding = finding.help(format!("the nearest parameter is `{near}`, which is given already"));
        return (finding.help(parameters_of(entry)), None);
    }
    let finding = match (owners(entry, word), foreign(word)) {
        (owners, _) if !owners.is_empty() => {
            finding.help(format!("`{word}` is a parameter of {}", listed(owners, "and")))
        }
        (_, Some(noun)) => finding.help(format!("`{word}` is {noun}")),
        (_, None) => finding,
    };
    (finding.help(parameters_of(entry)), None)
}

/// Components that do have the parameter, those of the same kind first.
fn owners(entry: &Entry, parameter: &str) -> Vec<&'static str> {
    let has = |other: &&&'static Entry| other.parameter(parameter).is_some();
    let (mut near, far): (Vec<_>, Vec<_>) = entries()
        .iter()
        .filter(has)
        .map(|other| (other.kind == entry.kind, other.name))
        .partition(|(same, _)| *same);
    if near.is_empty() {
        near = far;
    }
    near.into_iter().map(|(_, name)| name).take(4).collect()
}

fn parameters_of(entry: &Entry) -> String {
    match listed(entry.parameters.iter().map(|parameter| parameter.name), "and").as_str() {
        "" => format!("`{}` has no parameters", entry.name),
        name if entry.parameters.len() == 1 => format!("the only parameter of `{}` is {name}", entry.name),
        names => format!("the parameters of `{}` are {names}", entry.name),
    }
}

/// The place of an argument without a name.
pub(crate) fn first_index(
    checker: &mut Checker<'_>,
    entry: &'static Entry,
    position: usize,
    argument: &Argument,
) -> Option<usize> {
    let index = entry.parameters.iter().position(|parameter| parameter.first);
    if index.is_some() && position == 0 {
        return index;
    }
    let value = checker.slice(argument.value.span);
    let finding = match (index, position) {
        _ if entry.parameters.is_empty() => Diagnostic::new(
            Code::ExtraArgument,
            argument.span,
            format!("`{}` takes no arguments", entry.name),
            "no parameter for this value",
        ),
        (Some(first), _) => Diagnostic::new(
            Code::ExtraArgument,
            argument.span,
            format!(
                "`{}` takes one value without a name, `{}`, and it stands first",
                entry.name, entry.parameters[first].name
            ),
            "a value without a name",
        )
        .help(format!("write `{} = {value}`", likely_name(entry, position, &argument.value))),
        (None, _) => Diagnostic::new(
            Code::ExtraArgument,
            argument.span,
            format!("the values of `{}` are written with their names", entry.name),
            "a value without a name",
        )
        .help(format!("write `{} = {value}`", likely_name(entry, position, &argument.value))),
    };
    checker.report(finding.help(parameters_of(entry)));
    None
}

/// The parameter that a value without a name is likely for: the one in its place, else the first of its type.
fn likely_name(entry: &Entry, position: usize, value: &Expr) -> &'static str {
    let fits = |parameter: &&Parameter| !parameter.first && suits(&parameter.form, value);
    let in_place = entry.parameters.get(position).filter(fits);
    in_place.or_else(|| entry.parameters.iter().find(fits)).map_or("NAME", |parameter| parameter.name)
}

fn suits(form: &Form, value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Number(value) if value.fract() == 0.0 => form.schedule || form.noun.contains("number"),
        ExprKind::Number(_) | ExprKind::Ratio(..) | ExprKind::Percent(_) => {
            form.schedule || form.noun.contains("number") && !form.noun.contains("whole")
        }
        ExprKind::Bool(_) => form.choices.contains(&"true"),
        ExprKind::Text(_) => form.noun.ends_with("in quotes"),
        ExprKind::List(..) => form.noun.starts_with("a list"),
        ExprKind::Range(..) | ExprKind::Last(_) => form.noun.contains("window"),
        ExprKind::Then(..) | ExprKind::Arrow(..) => form.schedule,
        ExprKind::Call(call) => {
            let name = call.name.text.as_str();
            let component = form.component.is_some_and(|kind| catalog::find_in(kind, name).is_some());
            let schedule = form.schedule && catalog::find_in(Kind::Schedule, name).is_some();
            component || schedule || form.choices.contains(&name)
        }
        ExprKind::Quantity(..) | ExprKind::Moment(..) | ExprKind::Each(_) | ExprKind::Missing => false,
    }
}

/// The same parameter twice.
pub(crate) fn duplicate_parameter(
    checker: &mut Checker<'_>,
    parameter: &Parameter,
    first: &Expr,
    again: &Argument,
) {
    checker.report(repeated(parameter.name, first.span, again.span));
}

fn repeated(name: &str, first: Span, again: Span) -> Diagnostic {
    Diagnostic::new(Code::DuplicateParameter, again, format!("`{name}` is given twice"), "given again here")
        .label(first, "first given here")
        .help(format!("keep one value of `{name}`"))
}

/// Parameters without a default that were not written.
pub(crate) fn missing<T>(
    checker: &mut Checker<'_>,
    span: Span,
    name: &str,
    parameters: &[&str],
) -> Option<T> {
    let list = listed(parameters.iter().copied(), "and");
    let arguments: Vec<String> = parameters.iter().map(|parameter| format!("{parameter} = ...")).collect();
    checker.report(
        Diagnostic::new(
            Code::MissingParameter,
            span,
            format!("`{name}` needs {list}"),
            format!("{list} not given"),
        )
        .help(format!("write `{name}({})`", arguments.join(", "))),
    );
    None
}

/// Arguments that are all written with names, each one of `legal`.
pub(crate) fn named_arguments<'a>(
    checker: &mut Checker<'a>,
    owner: &str,
    arguments: &'a [Argument],
    legal: &[&'static str],
) -> Option<HashMap<&'static str, &'a Expr>> {
    let mut given: HashMap<&'static str, &'a Expr> = HashMap::new();
    let mut sound = true;
    for argument in arguments {
        let known = argument.name.as_ref().and_then(|name| legal.iter().find(|legal| **legal == name.text));
        match known {
            Some(name) => {
                if let Some(first) = given.insert(*name, &argument.value) {
                    checker.report(repeated(name, first.span, argument.span));
                    sound = false;
                }
            }
            None => {
                checker.report(unmatched(owner, argument, arguments, legal));
                sound = false;
            }
        }
    }
    sound.then_some(given)
}

/// An argument among `all` of something without an entry, by a name it does not have or by none.
pub(super) fn unmatched(
    owner: &str,
    argument: &Argument,
    all: &[Argument],
    legal: &[&'static str],
) -> Diagnostic {
    let Some(name) = &argument.name else {
        return Diagnostic::new(
            Code::ExtraArgument,
            argument.span,
            format!("`{owner}` has no place for this value"),
            "a value without a name",
        )
        .help(format!("`{owner}` takes {}", listed(legal.iter().copied(), "and")));
    };
    let finding = Diagnostic::new(
        Code::UnknownParameter,
        name.span,
        format!("`{owner}` has no parameter `{}`", name.text),
        format!("unknown parameter of `{owner}`"),
    );
    let given = |word: &str| all.iter().flat_map(|argument| &argument.name).any(|name| name.text == word);
    match nearest(&name.text, legal.iter().copied().filter(|word| !given(word))) {
        Some(near) => finding.nearest("parameter", name.span, &name.text, near),
        None => {
            finding.help(format!("the parameters of `{owner}` are {}", listed(legal.iter().copied(), "and")))
        }
    }
}
