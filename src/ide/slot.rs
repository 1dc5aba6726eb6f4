//! What a value at a place is wanted for.

use crate::diagnostic::nearest;
use crate::lang::catalog::{self, Entry, Kind, Parameter};
use crate::syntax::Keyword;

/// What a value is wanted for.
#[derive(Clone, Copy, Debug)]
pub enum Slot {
    /// Numbers, texts, or nothing at all: no name fits.
    Nothing,
    Component(Kind),
    Parameter(&'static Parameter),
    Duration,
    /// One of the words of a clause.
    Words(&'static [&'static str]),
    /// The value of a `let`.
    Anything,
}

/// Words that a clause takes, that this version can follow, and that no component declares.
const WORDS: &[(&str, &[&str])] = &[
    ("edition", &["2026"]),
    ("shuffle", &["false", "true"]),
    ("select", &["last", "best(accuracy)"]),
    ("device", &["cpu", "cuda(0)"]),
    ("precision", &["f32", "bf16"]),
];

impl Slot {
    /// What stands after a keyword.
    pub fn after(keyword: &Keyword) -> Self {
        let word = keyword.word;
        if let Some((_, words)) = WORDS.iter().find(|(clause, _)| *clause == word) {
            return Slot::Words(words);
        }
        let of_statement = catalog::statement(word).and_then(|statement| statement.component);
        let component = of_statement.or_else(|| catalog::clause(word)?.0.component);
        match (component, word) {
            (Some(kind), _) => Slot::Component(kind),
            (None, "train" | "then" | "every") => Slot::Duration,
            _ => Slot::Nothing,
        }
    }

    /// The kinds of component that fit.
    pub fn kinds(self) -> Vec<Kind> {
        match self {
            // A base optimizer stands for itself where a minimizer may.
            Slot::Component(Kind::Minimizer) => vec![Kind::Minimizer, Kind::Optimizer],
            Slot::Component(kind) => vec![kind],
            Slot::Parameter(parameter) => {
                let schedule = parameter.form.schedule.then_some(Kind::Schedule);
                parameter.form.component.into_iter().chain(schedule).collect()
            }
            Slot::Anything => Kind::ALL.to_vec(),
            Slot::Nothing | Slot::Duration | Slot::Words(_) => Vec::new(),
        }
    }

    /// The component that a name stands for.
    pub fn entry(self, name: &str) -> Option<&'static Entry> {
        self.kinds().into_iter().find_map(|kind| catalog::find_in(kind, name))
    }

    /// The component that a name stands for or, where one is near, was to stand for.
    pub fn meant(self, name: &str) -> Option<&'static Entry> {
        let names = || self.kinds().into_iter().flat_map(catalog::of_kind).map(|entry| entry.name);
        self.entry(name).or_else(|| self.entry(nearest(name, names())?))
    }

    /// The one word that may stand here: the `lr` of `follow(lr, ..)`.
    pub fn only_word(self) -> Option<&'static str> {
        let Slot::Parameter(parameter) = self else { return None };
        parameter.form.noun.strip_prefix("the word `")?.strip_suffix('`')
    }

    /// Whether epochs or steps are counted here, as what is expected then says.
    pub fn takes_time(self) -> bool {
        match self {
            Slot::Duration | Slot::Anything => true,
            Slot::Parameter(parameter) => {
                let counted = |word: &&str| parameter.form.noun.contains(*word) || parameter.unit == *word;
                ["epochs", "duration"].iter().any(counted)
            }
            _ => false,
        }
    }

    /// Whether `last 40 epochs` may stand here.
    pub fn takes_window(self) -> bool {
        matches!(self, Slot::Parameter(parameter) if parameter.form.noun.contains("`last "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::site::Site;
    use crate::lang::{self, DatasetInfo, Settings, SourceInfo, World, WorldError};
    use crate::syntax::tokens;

    struct Nowhere;

    impl World for Nowhere {
        fn dataset(&self, _: &catalog::Source) -> Result<SourceInfo, WorldError> {
            Ok(DatasetInfo { train: 1437, test: 360, classes: 10, channels: 1, height: 8, width: 8 }.into())
        }

        fn corruptions(
            &self,
            _: &std::path::Path,
            _: usize,
            _: &catalog::Source,
            _: &DatasetInfo,
        ) -> Result<(), WorldError> {
            Ok(())
        }

        fn exists(&self, _: &std::path::Path) -> bool {
            false
        }
    }

    fn place(text: &str) -> Site<'_> {
        Site::after(text, tokens(text))
    }

    #[test]
    fn every_word_of_a_clause_is_accepted_by_the_checker() {
        for (clause, words) in WORDS {
            for word in *words {
                let statement = if *clause == "shuffle" { "data digits shuffle" } else { clause };
                let edition = if *clause == "edition" { "" } else { "edition 2026\n" };
                // Selecting by accuracy needs data to select on, half precision a card.
                let besides = match *word {
                    "bf16" => "device cuda(0)\n",
                    word if word.starts_with("best") => "data digits validation 10%\n",
                    _ => "",
                };
                let source = format!("{edition}{besides}{statement} {word}\n");
                let checked = lang::check(&source, &Settings::default(), &Nowhere);
                assert_eq!(checked.diagnostics, [], "{source}");
            }
        }
    }

    #[test]
    fn times_are_wanted_where_the_language_counts_them() {
        for text in [
            "train",
            "evaluate accuracy every",
            "under lesam(anneal =",
            "under sam(cosine(1 -> 0,",
            "under sam(warmup(",
        ] {
            assert!(place(text).slot.takes_time(), "{text}");
        }
        for text in ["data", "seeds", "under sam(rho =", "data digits batch", "optimize sgd(lr = cosine("] {
            assert!(!place(text).slot.takes_time(), "{text}");
        }
        assert!(place("under lesam(anneal =").slot.takes_window());
        assert!(!place("train").slot.takes_window());
    }
}
