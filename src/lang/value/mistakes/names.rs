//! Names that stand for nothing here, or for something of another kind.

use super::listed;
use crate::diagnostic::{Code, Diagnostic, Span, nearest};
use crate::lang::catalog::{self, Entry, Kind, Parameter, of_kind};
use crate::lang::check::Checker;
use crate::syntax::ast::Call;

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
