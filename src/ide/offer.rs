//! The lists behind completion: statements, clauses, components, parameters, values, names and units.

use super::bindings::{Binding, bindings, tokens_of};
use super::completion::{Completion, Offered};
use super::markdown;
use super::site::{Before, Frame, Site};
use super::slot::Slot;
use crate::diagnostic::Span;
use crate::lang::catalog::{self, Entry, Kind, Parameter};
use crate::syntax::{KEYWORDS, Keyword, Token, TokenKind, statements, tokens};

/// Collects what may be written at a place.
pub struct Offer<'a> {
    pub source: &'a str,
    /// The word that is replaced.
    pub span: Span,
    pub items: Vec<Completion>,
}

impl Offer<'_> {
    /// Where a line begins: a statement, or the next clause of the one above. An indented line is likelier a clause.
    pub fn line(&mut self, typing: &str, places: &[Span]) {
        let previous = places.len().checked_sub(2).map(|at| places[at]);
        let above = previous.filter(|place| typing[place.end..self.span.start].contains(['\n', '\r']));
        let indented = typing[..self.span.start].ends_with([' ', '\t']);
        if !indented {
            self.statements();
        }
        if let Some(above) = above {
            self.clauses(&Site::after(typing, tokens_of(typing, above)));
        }
        if indented {
            self.statements();
        }
    }

    /// Statements the file does not have yet, and those that may be repeated.
    fn statements(&mut self) {
        let is_typed = |place: &Span| place.start == self.span.start && self.span.start < self.span.end;
        let others = statements(self.source).into_iter().filter(|place| !is_typed(place));
        let written: Vec<&str> = others.filter_map(|place| first_word(self.source, place)).collect();
        for statement in catalog::STATEMENTS {
            // `train` may come to stand above a recipe that is there already.
            let joins = statement.keyword != "train" && is_recipe(statement.keyword);
            let given = |word: &&str| *word == statement.keyword || (joins && is_recipe(word));
            if !statement.repeats && written.iter().any(given) {
                continue;
            }
            let documentation =
                Keyword::find(statement.keyword).and_then(|keyword| markdown::keyword(keyword, true));
            let item = Completion::new(statement.keyword, Offered::Keyword, statement.summary);
            self.items.push(item.documented(documentation));
        }
    }

    /// After a value: a unit, or the next clause.
    pub fn end(&mut self, site: &Site<'_>) {
        if site.before == Before::Number && site.slot.takes_time() {
            for (unit, detail) in
                [("epochs", "passes over the training data"), ("steps", "updates of the weights")]
            {
                self.items.push(Completion::new(unit, Offered::Unit, detail));
            }
            return;
        }
        if site.closed == Some("warmup") {
            let item = Completion::new("then", Offered::Keyword, "the schedule after the warm-up");
            self.items.push(item);
        }
        self.clauses(site);
    }

    /// The clauses that may follow a whole value outside brackets.
    fn clauses(&mut self, site: &Site<'_>) {
        if !site.frames.is_empty() || !matches!(site.before, Before::Number | Before::Value) {
            return;
        }
        for keyword in KEYWORDS.iter().filter(|keyword| may_follow(keyword, site)) {
            let Some((clause, _)) = catalog::clause(keyword.word) else { continue };
            let item = Completion::new(clause.keyword, Offered::Keyword, clause.summary);
            self.items.push(item.documented(markdown::keyword(keyword, false)));
        }
    }

    /// Where a value begins, or an argument with its name.
    pub fn value(&mut self, site: &Site<'_>) {
        if site.follows_last() {
            return;
        }
        let call = site.call().filter(|_| site.before == Before::Argument);
        let names: Vec<Completion> = call.map(|call| self.parameter_names(call)).unwrap_or_default();
        // A component comes without its parameter's name, a number rarely does.
        let names_last =
            matches!(site.slot, Slot::Parameter(parameter) if parameter.form.component.is_some());
        let place = self.items.len();
        self.values(site);
        let place = if names_last { self.items.len() } else { place };
        self.items.splice(place..place, names);
    }

    fn values(&mut self, site: &Site<'_>) {
        match site.slot {
            Slot::Component(_) | Slot::Anything => self.components(site),
            Slot::Parameter(parameter) => self.parameter_values(site, parameter),
            Slot::Words(words) => self.words(words),
            Slot::Duration => self.bindings(site),
            Slot::Nothing => {}
        }
        if may_choose(site) {
            let detail = "one variant of the file per value of a list";
            self.items.push(Completion::new("each", Offered::Keyword, detail));
        }
    }

    fn components(&mut self, site: &Site<'_>) {
        self.bindings(site);
        let entries = site.slot.kinds().into_iter().flat_map(catalog::of_kind);
        self.items.extend(entries.map(|entry| component(entry, in_list_only(site))));
    }

    fn parameter_values(&mut self, site: &Site<'_>, parameter: &'static Parameter) {
        if let Some(word) = site.slot.only_word() {
            return self.items.push(Completion::new(word, Offered::Value, parameter.text));
        }
        let form = parameter.form;
        let is_default = |word: &str| parameter.default == Some(word);
        let detail = |word: &str| if is_default(word) { "the default" } else { parameter.text };
        self.bindings(site);
        self.items.extend(form.choices.iter().map(|word| choice(word, detail(word))));
        let entries = site.slot.kinds().into_iter().flat_map(catalog::of_kind);
        self.items.extend(entries.map(|entry| component(entry, false)));
        if site.slot.takes_window() {
            self.items.push(Completion::new("last", Offered::Keyword, "a window up to the end of the phase"));
        }
        if form.optional && !is_default("none") {
            self.items.push(Completion::new("none", Offered::Value, "without it"));
        }
        // The default of a choice or a component is among those already.
        if let Some(default) =
            parameter.default.filter(|_| form.choices.is_empty() && form.component.is_none())
            && call_of(site).is_none_or(|entry| entry.kind != Kind::Schedule)
        {
            self.items.push(Completion::new(default, Offered::Value, "the default"));
        }
    }

    fn words(&mut self, words: &[&str]) {
        self.items.extend(words.iter().map(|word| Completion::new(*word, Offered::Value, "")));
    }

    /// Names of `let`s whose value may fit, the one being bound apart.
    fn bindings(&mut self, site: &Site<'_>) {
        let is_other = |binding: &Binding<'_>| !is_inside(self.source, binding, self.span);
        let fitting =
            bindings(self.source).into_iter().filter(is_other).filter(|binding| fits(binding, site.slot));
        let item = |binding: Binding<'_>| {
            let value = binding.value.split_whitespace().collect::<Vec<_>>().join(" ");
            Completion::new(binding.name, Offered::Binding, value).documented(markdown::binding(&binding))
        };
        self.items.extend(fitting.map(item));
    }

    /// Parameters that the call does not have yet.
    fn parameter_names(&self, call: &Frame<'_>) -> Vec<Completion> {
        let Some(entry) = call.entry else { return Vec::new() };
        let behind = given_behind(self.source, self.span.end);
        let is_new = |parameter: &&Parameter| {
            let name = parameter.name;
            !call.given.contains(&name) && !behind.contains(&name) && is_named(entry, parameter)
        };
        entry.parameters.iter().filter(is_new).map(|parameter| parameter_name(entry, parameter)).collect()
    }
}

fn parameter_name(entry: &Entry, parameter: &Parameter) -> Completion {
    let default =
        parameter.default.map_or_else(|| "must be given".into(), |default| format!("default {default}"));
    let detail = format!("{default}; {}", parameter.summary());
    Completion::new(parameter.name, Offered::Parameter, detail)
        .documented(markdown::parameter(Some(entry), parameter))
        .inserting(format!("{} = ", parameter.name))
}

fn component(entry: &Entry, in_list: bool) -> Completion {
    let item = Completion::new(entry.name, Offered::Component, entry.facts.summary)
        .documented(markdown::component(entry));
    if in_list { item.inserting(format!("[{}]", entry.name)) } else { item }
}

fn choice(word: &str, detail: &str) -> Completion {
    let item = Completion::new(word, Offered::Value, detail);
    match word {
        "constants" => item.inserting("constants(mean = [0.5], std = [0.5])".into()),
        _ => item,
    }
}

/// Whether a list must stand here whose elements these are.
fn in_list_only(site: &Site<'_>) -> bool {
    site.frames.is_empty() && site.clause().is_some_and(|clause| matches!(clause.word, "augment" | "test"))
}

/// Whether `each` may stand here.
fn may_choose(site: &Site<'_>) -> bool {
    let one_for_all = matches!(site.slot, Slot::Nothing | Slot::Words([_]));
    !one_for_all && site.slot.only_word().is_none() && !in_list_only(site)
}

/// Whether a parameter is written with its name: arrows, windows and lengths of schedules are not.
fn is_named(entry: &Entry, parameter: &Parameter) -> bool {
    entry.kind != Kind::Schedule || matches!(parameter.name, "factor" | "at" | "low" | "high")
}

fn is_recipe(keyword: &str) -> bool {
    matches!(keyword, "train" | "curriculum" | "against" | "under")
}

fn first_word(source: &str, statement: Span) -> Option<&str> {
    tokens_of(source, statement).first().map(|token| token.text(source))
}

fn call_of(site: &Site<'_>) -> Option<&'static Entry> {
    site.call().and_then(|call| call.entry)
}

/// Whether a clause may come next: those of a recipe in their order, `then` at its end, others once.
fn may_follow(keyword: &Keyword, site: &Site<'_>) -> bool {
    let Some(statement) = site.statement.filter(|statement| keyword.follows(statement.word)) else {
        return false;
    };
    let rank = |word: &str| KEYWORDS.iter().position(|keyword| keyword.word == word);
    if keyword.word == "then" {
        return true;
    }
    match is_recipe(statement.word) {
        true => {
            site.clauses.iter().all(|clause| clause.word == "then" || rank(clause.word) < rank(keyword.word))
        }
        false => site.clauses.iter().all(|clause| clause.word != keyword.word),
    }
}

/// Whether the cursor is in the statement that binds the name.
fn is_inside(source: &str, binding: &Binding<'_>, span: Span) -> bool {
    let holds = |place: &Span| place.start <= binding.span.start && binding.span.end <= place.end;
    statements(source)
        .into_iter()
        .find(holds)
        .is_some_and(|place| place.start <= span.start && span.start <= place.end)
}

/// Whether a value may stand in a slot, as far as its first word tells.
fn fits(binding: &Binding<'_>, slot: Slot) -> bool {
    let skipped = |token: &Token| {
        matches!(token.kind, TokenKind::Open | TokenKind::Newline | TokenKind::Comment)
            || token.text(binding.value) == "each"
    };
    let Some(head) = tokens(binding.value).find(|token| !skipped(token)) else { return false };
    let kinds = slot.kinds();
    let components_only = matches!(slot, Slot::Component(_))
        || matches!(slot, Slot::Parameter(parameter) if parameter.form.component.is_some());
    if head.kind != TokenKind::Word {
        return !components_only;
    }
    let entries = catalog::find(head.text(binding.value));
    entries.is_empty() || entries.iter().any(|entry| kinds.contains(&entry.kind))
}

/// Names of the arguments between a byte and the end of the call around it.
fn given_behind(source: &str, from: usize) -> Vec<&str> {
    let mut names = Vec::new();
    let mut depth = 0usize;
    let mut word = None;
    for token in tokens(source).skip_while(|token| token.span.start < from) {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close if depth == 0 => break,
            TokenKind::Close => depth -= 1,
            TokenKind::Sign if depth == 0 && token.text(source) == "=" => names.extend(word),
            _ => {}
        }
        word = (token.kind == TokenKind::Word).then(|| token.text(source));
    }
    names
}
