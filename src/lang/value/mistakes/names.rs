//! Names that stand for nothing here, or for something of another kind.

use super::listed;
use crate::diagnostic::{Code, Diagnostic, Span, nearest};
use crate::lang::catalog::{
    self, Absent, Entry, Kind, Parameter, component_elsewhere, is_absent_word, of_kind, word_elsewhere,
};
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
    // `none` is a minimizer, but whoever writes it elsewhere means nothing.
    if let Some(entry) = catalog::find(name).first().filter(|_| name != "none") {
        checker.report(wrong_kind(entry, span, kinds));
        return None;
    }
    let finding = Diagnostic::new(
        Code::UnknownComponent,
        span,
        format!("unknown {} `{name}`", wanted.name()),
        format!("not {}", wanted.noun()),
    );
    if let Some(here) = component_elsewhere(name, kinds) {
        checker.report(finding.help(format!("here that is `{here}`")));
        return None;
    }
    if let Some(absent) = catalog::absent(name, kinds) {
        checker.report(not_built(absent, name, span, kinds));
        return None;
    }
    let legal: Vec<&'static str> = kinds.iter().flat_map(|kind| names_of(*kind)).collect();
    let near = nearest(name, legal.iter().copied());
    let bound = nearest(name, checker.bindings());
    let finding = match (near, bound, foreign(name)) {
        (Some(near), ..) => finding.nearest(wanted.name(), span, name, near),
        (None, Some(bound), _) => finding.nearest("`let`", span, name, bound),
        (None, None, Some(noun)) => finding.help(format!("`{name}` is {noun}")).help(legal_names(kinds)),
        (None, None, None) => finding.help(legal_names(kinds)),
    };
    checker.report(finding);
    kinds.iter().find_map(|kind| catalog::find_in(*kind, near?))
}

/// Something well known that the catalogue does not have.
fn not_built(absent: &Absent, name: &str, span: Span, kinds: &[Kind]) -> Diagnostic {
    let wanted = kinds.iter().copied().find(|kind| *kind == absent.kind).unwrap_or(kinds[0]);
    let message = match wanted == absent.kind {
        true => format!("`{name}` is not built; {}", Absent::present(wanted)),
        false => format!(
            "`{name}` is {} and not built, and {} stands here; {}",
            absent.kind.noun(),
            wanted.noun(),
            Absent::present(wanted)
        ),
    };
    let label = format!("{} that is not built", absent.kind.noun());
    let finding = Diagnostic::new(Code::UnknownComponent, span, message, label);
    match absent.instead {
        "" => finding,
        instead => finding.help(instead),
    }
}

/// What a word is where it is right: a component, a statement, a clause, a parameter.
pub(super) fn foreign(word: &str) -> Option<String> {
    if let Some(entry) = catalog::find(word).first() {
        return Some(format!("{}, which stands {}", entry.kind.noun(), entry.kind.place()));
    }
    if let Some(statement) = catalog::statement(word) {
        return Some(format!("a statement: `{}`", statement.usage));
    }
    if let Some((clause, owners)) = catalog::clause(word) {
        return Some(format!("a clause of {}: `{}`", listed(owners.iter().copied(), "and"), clause.usage));
    }
    let owners = catalog::entries().iter().filter(|entry| entry.parameter(word).is_some());
    let owners: Vec<&str> = owners.map(|entry| entry.name).take(4).collect();
    let first = owners.first()?;
    Some(format!("a parameter of {}, as in `{first}({word} = ..)`", listed(owners.iter().copied(), "and")))
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
    let takes = || format!("`{}` takes {}", place.name, listed(choices.iter().copied(), "or"));
    let span = call.name.span;
    if let Some(here) = word_elsewhere(place.name, word, choices) {
        let finding = finding.help(format!("here that is `{here}`"));
        checker.report(finding.fix(format!("replace by `{here}`"), span, here));
        return None;
    }
    if is_absent_word(place.name, word) {
        let message = format!("`{word}` is not built; {}", takes());
        checker.report(Diagnostic::new(Code::UnknownValue, span, message, "not built"));
        return None;
    }
    let finding = match (nearest(word, choices.iter().copied()), foreign(word)) {
        (Some(near), _) => finding.nearest("value", span, word, near),
        (None, Some(noun)) => finding.help(format!("`{word}` is {noun}")).help(takes()),
        (None, None) => finding.help(takes()),
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
