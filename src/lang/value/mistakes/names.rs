//! Names that stand for nothing here, and arguments that match no parameter.

use std::collections::HashMap;

use super::listed;
use crate::diagnostic::{Code, Diagnostic, Span, nearest};
use crate::lang::catalog::{self, Entry, Kind, Parameter, entries, of_kind};
use crate::lang::check::Checker;
use crate::syntax::ast::{Argument, Call, Expr, Name};

/// Says what a component that does not stand here is, or which name is near; returns the near one.
pub(crate) fn unknown_component(
    checker: &mut Checker<'_>,
    call: &Call,
    kinds: &[Kind],
) -> Option<&'static Entry> {
    let (name, span) = (call.name.text.as_str(), call.name.span);
    let wanted = kinds[0];
    if checker.bindings().any(|bound| bound == name) {
        checker.report(binding_with_arguments(call));
        return None;
    }
    if let Some(entry) = catalog::find(name).first() {
        checker.report(wrong_kind(entry, span, kinds));
        return None;
    }
    let legal: Vec<&'static str> = kinds.iter().flat_map(|kind| names_of(*kind)).collect();
    let near = nearest(name, legal.iter().copied());
    let bound = nearest(name, checker.bindings());
    let finding = Diagnostic::new(
        Code::UnknownComponent,
        span,
        format!("unknown {} `{name}`", wanted.name()),
        format!("not {}", wanted.noun()),
    );
    let finding = match (near, bound) {
        (Some(near), _) => finding.help(format!("the nearest {} is `{near}`", wanted.name())).fix(
            format!("replace by `{near}`"),
            span,
            near,
        ),
        (None, Some(bound)) => finding.help(format!("the nearest `let` is `{bound}`")).fix(
            format!("replace by `{bound}`"),
            span,
            bound,
        ),
        (None, None) => finding.help(legal_names(kinds)),
    };
    checker.report(finding);
    kinds.iter().find_map(|kind| catalog::find_in(*kind, near?))
}

fn names_of(kind: Kind) -> impl Iterator<Item = &'static str> {
    of_kind(kind).flat_map(|entry| std::iter::once(entry.name).chain(entry.facts.aliases.iter().copied()))
}

fn legal_names(kinds: &[Kind]) -> String {
    let listing = |kind: &Kind| {
        let names = listed(of_kind(*kind).map(|entry| entry.name), "and");
        match names.as_str() {
            "" => format!("this version has no {}", kind.plural()),
            names => format!("the {} are {names}", kind.plural()),
        }
    };
    kinds.iter().map(listing).collect::<Vec<_>>().join("; ")
}

fn wrong_kind(entry: &Entry, span: Span, kinds: &[Kind]) -> Diagnostic {
    let (name, noun) = (entry.name, entry.kind.noun());
    Diagnostic::new(
        Code::WrongKind,
        span,
        format!("`{name}` is {noun}, but {} stands here", kinds[0].noun()),
        noun.to_string(),
    )
    .help(format!("{noun} stands {}", entry.kind.place()))
    .help(legal_names(kinds))
}

/// A word that is not one of the few that the place takes.
pub(crate) fn unknown_value<T>(checker: &mut Checker<'_>, call: &Call, place: &Parameter) -> Option<T> {
    let (word, choices) = (&call.name.text, place.form.choices);
    let finding = Diagnostic::new(
        Code::UnknownValue,
        call.name.span,
        format!("`{}` has no value `{word}`", place.name),
        format!("{} is expected", place.form.noun),
    );
    let finding = match nearest(word, choices.iter().copied()) {
        Some(near) => finding.help(format!("the nearest value is `{near}`")).fix(
            format!("replace by `{near}`"),
            call.name.span,
            near,
        ),
        None => finding.help(format!("`{}` takes {}", place.name, listed(choices.iter().copied(), "or"))),
    };
    checker.report(finding);
    None
}

/// `hard(0.5)` where the word alone is meant.
pub(crate) fn word_with_arguments<T>(checker: &mut Checker<'_>, call: &Call) -> Option<T> {
    let word = &call.name.text;
    checker.report(
        Diagnostic::new(
            Code::ExtraArgument,
            call.name.span,
            format!("`{word}` takes no arguments"),
            "a word alone",
        )
        .help(format!("write `{word}`")),
    );
    None
}

/// `flat(budget = 0.3)` where `flat` is a `let`.
pub(super) fn binding_with_arguments(call: &Call) -> Diagnostic {
    let name = &call.name.text;
    let message = format!("`{name}` is a `let`; it already has its values and takes no arguments");
    Diagnostic::new(Code::ExtraArgument, call.name.span, message, "the name of a `let`")
        .help(format!("write `{name}` alone, or the component with other values"))
}

/// The place of a named argument; a near name stands for the parameter from here on.
pub(crate) fn parameter_index(
    checker: &mut Checker<'_>,
    entry: &'static Entry,
    name: &Name,
) -> Option<usize> {
    let position = |wanted: &str| entry.parameters.iter().position(|parameter| parameter.name == wanted);
    if let Some(index) = position(&name.text) {
        return Some(index);
    }
    let near = nearest(&name.text, entry.parameters.iter().map(|parameter| parameter.name));
    checker.report(unknown_parameter(entry, name, near));
    position(near?)
}

fn unknown_parameter(entry: &Entry, name: &Name, near: Option<&str>) -> Diagnostic {
    let (component, word) = (entry.name, &name.text);
    let finding = Diagnostic::new(
        Code::UnknownParameter,
        name.span,
        format!("`{component}` has no parameter `{word}`"),
        format!("unknown parameter of `{component}`"),
    );
    if let Some(near) = near {
        let help = format!("the nearest parameter is `{near}`");
        return finding.help(help).fix(format!("replace by `{near}`"), name.span, near);
    }
    let finding = match owners(entry, word) {
        owners if owners.is_empty() => finding,
        owners => finding.help(format!("`{word}` is a parameter of {}", listed(owners, "and"))),
    };
    finding.help(parameters_of(entry))
}

/// Components that do have the parameter, those of the same kind first.
fn owners(entry: &Entry, parameter: &str) -> Vec<&'static str> {
    let has = |other: &&&'static Entry| other.parameter(parameter).is_some();
    let (mut near, far): (Vec<_>, Vec<_>) =
        entries().iter().filter(has).map(|other| (other.kind == entry.kind, other.name)).partition(|(same, _)| *same);
    if near.is_empty() {
        near = far;
    }
    near.into_iter().map(|(_, name)| name).take(4).collect()
}

fn parameters_of(entry: &Entry) -> String {
    match listed(entry.parameters.iter().map(|parameter| parameter.name), "and").as_str() {
        "" => format!("`{}` has no parameters", entry.name),
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
        )
        .help(format!("write `{}`", entry.name)),
        (Some(first), _) => Diagnostic::new(
            Code::ExtraArgument,
            argument.span,
            format!(
                "`{}` takes one value without a name, `{}`, and it stands first",
                entry.name, entry.parameters[first].name
            ),
            "a value without a name",
        )
        .help(format!("write `{} = {value}`", likely_name(entry, position))),
        (None, _) => Diagnostic::new(
            Code::ExtraArgument,
            argument.span,
            format!("the values of `{}` are written with their names", entry.name),
            "a value without a name",
        )
        .help(format!("write `{} = {value}`", likely_name(entry, position))),
    };
    checker.report(finding);
    None
}

fn likely_name(entry: &Entry, position: usize) -> &'static str {
    let parameter = entry.parameters.get(position).or(entry.parameters.last());
    parameter.map_or("NAME", |parameter| parameter.name)
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
pub(crate) fn missing<T>(checker: &mut Checker<'_>, span: Span, name: &str, parameters: &[&str]) -> Option<T> {
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
                checker.report(unmatched(owner, argument, legal));
                sound = false;
            }
        }
    }
    sound.then_some(given)
}

/// An argument of something without an entry, by a name it does not have or by none.
pub(super) fn unmatched(owner: &str, argument: &Argument, legal: &[&'static str]) -> Diagnostic {
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
    match nearest(&name.text, legal.iter().copied()) {
        Some(near) => finding.help(format!("the nearest parameter is `{near}`")).fix(
            format!("replace by `{near}`"),
            name.span,
            near,
        ),
        None => finding.help(format!("the parameters of `{owner}` are {}", listed(legal.iter().copied(), "and"))),
    }
}
