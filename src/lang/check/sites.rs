//! Where the choices of a file stand, and what names of variants call them.

use std::collections::{HashMap, HashSet};

use super::scope::{children, visit};
use crate::diagnostic::Span;
use crate::lang::catalog::{self, Kind};
use crate::syntax::ast::{Argument, Call, Clause, Expr, ExprKind, File};

/// An `each` that stands in no other one.
pub(super) struct Site<'a> {
    pub alternatives: &'a [Expr],
    /// What varies: `lr`, `batch`, the name of a `let`.
    pub label: String,
    /// As much of each path in the alternatives as tells it from the others.
    pub paths: HashMap<&'a str, String>,
}

/// The choices of a file, by their places.
pub(super) fn sites(file: &File) -> HashMap<Span, Site<'_>> {
    let mut found = Vec::new();
    for statement in &file.statements {
        let mut phase = 0;
        for clause in &statement.clauses {
            phase += usize::from(matches!(clause.keyword.text.as_str(), "train" | "then"));
            let place = Place::of(clause, phase);
            clause.values.iter().for_each(|value| walk(value, place, &mut found));
        }
    }
    let labels = labels(found.iter().map(|(place, ..)| *place));
    let mut sites = HashMap::with_capacity(found.len());
    for ((_, span, alternatives), label) in found.into_iter().zip(labels) {
        sites.insert(span, Site { alternatives, label, paths: paths(alternatives) });
    }
    sites
}

/// What an expression is the value of.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// From 1 on; 0 outside of recipes.
    phase: usize,
    /// The component whose parameter it is.
    owner: Option<&'a str>,
    /// The parameter, the clause, or the `let`.
    name: &'a str,
}

impl<'a> Place<'a> {
    fn of(clause: &'a Clause, phase: usize) -> Self {
        let name = clause.name.as_ref().unwrap_or(&clause.keyword);
        Self { phase, owner: None, name: &name.text }
    }

    /// What it is called, in more and more words.
    fn names(self) -> [String; 3] {
        let name = self.name.to_owned();
        let owned = self.owner.map_or_else(|| name.clone(), |owner| format!("{owner}-{name}"));
        let phase = if self.phase > 0 { format!("phase-{}-{owned}", self.phase) } else { owned.clone() };
        [name, owned, phase]
    }
}

/// For every place the shortest name that no other one has, or the longest.
fn labels<'a>(places: impl Iterator<Item = Place<'a>>) -> Vec<String> {
    let names: Vec<[String; 3]> = places.map(Place::names).collect();
    let mut counts: HashMap<(usize, &str), usize> = HashMap::new();
    for (length, name) in names.iter().flat_map(|names| names.iter().enumerate()) {
        *counts.entry((length, name.as_str())).or_default() += 1;
    }
    let shortest = |names: &[String; 3]| {
        let alone = |length: &usize| counts.get(&(*length, names[*length].as_str())) == Some(&1);
        names[(0..names.len()).find(alone).unwrap_or(names.len() - 1)].clone()
    };
    names.iter().map(shortest).collect()
}

fn walk<'a>(expr: &'a Expr, place: Place<'a>, found: &mut Vec<(Place<'a>, Span, &'a [Expr])>) {
    match &expr.kind {
        ExprKind::Each(alternatives) => found.push((place, expr.span, alternatives)),
        ExprKind::Call(call) => {
            for (index, argument) in call.arguments.iter().flatten().enumerate() {
                walk(&argument.value, argument_place(call, index, argument, place), found);
            }
        }
        _ => children(expr).into_iter().for_each(|child| walk(child, place, found)),
    }
}

/// The parts of a schedule without names are what their schedule is: values of its parameter.
fn argument_place<'a>(call: &'a Call, index: usize, argument: &'a Argument, outer: Place<'a>) -> Place<'a> {
    let entries = catalog::find(&call.name.text);
    let owner = entries.iter().find(|entry| entry.kind != Kind::Schedule);
    let first = || owner.filter(|_| index == 0)?.first().map(|parameter| parameter.name);
    match argument.name.as_ref().map(|name| name.text.as_str()).or_else(first) {
        Some(name) => Place { owner: Some(&call.name.text), name, ..outer },
        None => outer,
    }
}

/// The last parts of every path, as few as no other path ends in.
fn paths(alternatives: &[Expr]) -> HashMap<&str, String> {
    let mut texts: HashSet<&str> = HashSet::new();
    for alternative in alternatives {
        visit(alternative, &mut |expr| {
            if let ExprKind::Text(text) = &expr.kind {
                texts.insert(text);
            }
        });
    }
    let mut named = HashMap::new();
    let mut length = 1;
    while !texts.is_empty() {
        let mut counts: HashMap<String, usize> = HashMap::new();
        texts.iter().for_each(|text| *counts.entry(ending(text, length)).or_default() += 1);
        texts.retain(|text| {
            let name = ending(text, length);
            let settled = counts.get(&name) == Some(&1) || parts(text).len() <= length;
            if settled {
                named.insert(*text, name);
            }
            !settled
        });
        length += 1;
    }
    named
}

fn parts(path: &str) -> Vec<&str> {
    path.split(['/', '\\']).filter(|part| !part.is_empty()).collect()
}

/// The last parts of a path as a word.
fn ending(path: &str, length: usize) -> String {
    let parts = parts(path);
    plain(&parts[parts.len().saturating_sub(length)..].join("-"))
}

/// Small letters, digits, `.` and `_`, with `-` for everything else.
pub(super) fn plain(text: &str) -> String {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || letter == '.' || letter == '_';
    let words = text.split(|letter| !safe(letter)).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    joined.trim_matches(['.', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn labels_of(source: &str) -> Vec<String> {
        let (file, _) = parse(source);
        let mut sites: Vec<_> = sites(&file).into_iter().collect();
        sites.sort_by_key(|(span, _)| *span);
        sites.into_iter().map(|(_, site)| site.label).collect()
    }

    #[test]
    fn a_choice_is_called_by_what_holds_it() {
        for (source, label) in [
            ("optimize sgd(lr = each [0.1, 0.2])", "lr"),
            ("optimize sgd(each [0.1, 0.2])", "lr"),
            ("optimize sgd(lr = cosine(each [0.1, 0.2] -> 0))", "lr"),
            ("optimize sgd(lr = steps(0.1, factor = each [0.1, 0.2], at = [1] epochs))", "factor"),
            ("data digits batch each [32, 64]", "batch"),
            ("data digits augment [crop(pad = each [2, 4])]", "pad"),
            ("let rate = each [0.1, 0.2]", "rate"),
            ("let flat = sam(rho = each [0.1, 0.2])", "rho"),
            ("under each [none, sam]", "under"),
            ("train each [1 epochs, 2 epochs]", "train"),
        ] {
            assert_eq!(labels_of(source), [label], "{source}");
        }
    }

    #[test]
    fn choices_of_one_name_are_told_apart() {
        let two = "train 1 epochs under sam(rho = each [1, 2]) then 1 epochs under asam(rho = each [1, 2])";
        assert_eq!(labels_of(two), ["sam-rho", "asam-rho"]);
        let same = "train 1 epochs under sam(rho = each [1, 2]) then 1 epochs under sam(rho = each [1, 2])";
        assert_eq!(labels_of(same), ["phase-1-sam-rho", "phase-2-sam-rho"]);
    }

    #[test]
    fn a_path_is_as_long_as_it_must_be() {
        let (file, _) =
            parse("data each [folder(\"a/train\"), folder(\"b/train\"), folder(\"b/More birds\")]");
        let sites = sites(&file);
        let paths = &sites.values().next().expect("a choice").paths;
        let of = |text: &str| paths[text].as_str();
        assert_eq!((of("a/train"), of("b/train"), of("b/More birds")), ("a-train", "b-train", "more-birds"));
    }
}
