//! No text and no place makes an answer fail, and what is answered fits the text.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use flatrun::ide::{self, Lines};
use flatrun::lang::{self, Settings, catalog};
use flatrun::syntax::{Token, TokenKind, tokens};
use proptest::prelude::*;

use super::applied;
use super::world::{Files, TestWorld};

static EXAMPLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut texts = Vec::new();
    for folder in ["pipelines", "tests/ui", "pipelines/papers/adm"] {
        let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
            .expect("a folder of examples");
        let paths = files.map(|file| file.expect("a file").path());
        let mut paths: Vec<PathBuf> =
            paths.filter(|path| path.extension().is_some_and(|end| end == "flat")).collect();
        paths.sort();
        texts.extend(paths.iter().map(|path| std::fs::read_to_string(path).expect("text")));
    }
    texts
});

/// What a hand on a keyboard puts between other words.
const INSERTED: &[&str] = &[
    "",
    "(",
    ")",
    "[",
    "]",
    ",",
    "=",
    "->",
    "..",
    "\n",
    "\r\n",
    "\r",
    "\"",
    "#",
    ";",
    "let a = ",
    "a",
    "each [",
    "😀",
    "é",
    "\u{feff}",
    "last ",
    "then ",
    "200 epochs",
    "sam(rho = ",
    "8/255",
    "10%",
    "\t",
    "\0",
    "'",
];

fn broken() -> impl Strategy<Value = String> {
    (any::<prop::sample::Index>(), any::<usize>(), 0usize..12, prop::sample::select(INSERTED), any::<bool>())
        .prop_map(|(example, at, removed, inserted, cut)| {
            let text = example.get(&EXAMPLES);
            let start = text.floor_char_boundary(at % (text.len() + 1));
            let end = text.ceil_char_boundary((start + removed).min(text.len()));
            let rest = if cut { "" } else { &text[end..] };
            format!("{}{inserted}{rest}", &text[..start])
        })
}

/// Asks everything about one place, and holds the answers to the text.
fn ask(text: &str, at: usize) {
    let found = ide::completions(text, at);
    assert!(text.get(found.span.start..found.span.end).is_some());
    let hover = ide::hover(text, at).map(|hover| hover.span);
    let places = ide::references(text, at, true);
    let name = places.first().map(|span| &text[span.start..span.end]);
    assert!(places.iter().all(|span| Some(&text[span.start..span.end]) == name));
    assert!(hover.is_none_or(|span| text.get(span.start..span.end).is_some()));
    assert!(ide::definition(text, at).is_none_or(|span| places.contains(&span)));
    assert_eq!(ide::renamed(text, at).is_some(), ide::rename(text, at, "a_new_name").is_ok());
}

fn ask_everywhere(text: &str) {
    for at in (0..text.len() + 3).step_by(1 + text.len() / 16) {
        ask(text, at);
    }
    let lines = Lines::new(text);
    for finding in lang::check(text, &Settings::default(), &TestWorld(Files::There)).diagnostics {
        finding
            .labels
            .iter()
            .for_each(|label| assert!(lines.range(label.span).start <= lines.range(label.span).end));
    }
    ide::symbols(text);
    if let Some(edit) = ide::formatting(text) {
        let formatted = applied(text, &[edit]);
        assert_eq!(ide::formatting(&formatted), None, "{text:?}");
    }
}

#[test]
fn every_beginning_of_every_example_is_answered() {
    for text in EXAMPLES.iter() {
        for end in text.char_indices().map(|(at, _)| at).chain([text.len()]) {
            ide::completions(&text[..end], end);
            ide::hover(&text[..end], end);
        }
        ask_everywhere(text);
    }
}

/// Numbers, texts and new names apart, everything a sound file says could have been chosen from a list.
#[test]
fn every_word_of_sound_examples_is_offered_where_it_stands() {
    for text in EXAMPLES.iter().filter(|text| is_sound(text)) {
        for token in tokens(text).filter(|token| token.kind == TokenKind::Word) {
            let word = token.text(text);
            let is_new = text[..token.span.start].trim_end().ends_with("let");
            let is_alias = catalog::find(word).iter().any(|entry| entry.name != word);
            if !is_new && !is_alias {
                assert!(is_offered(text, token), "`{word}` at byte {} of\n{text}", token.span.start);
            }
        }
    }
}

/// Whether a word is in the list that opens where it was taken out.
fn is_offered(text: &str, token: Token) -> bool {
    let without = format!("{} {}", &text[..token.span.start], &text[token.span.end..]);
    let found = ide::completions(&without, token.span.start);
    found.items.iter().any(|item| item.insert.trim_start_matches('[').starts_with(token.text(text)))
}

fn is_sound(text: &str) -> bool {
    lang::check(text, &Settings::default(), &TestWorld(Files::There)).program.is_some()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn broken_texts_are_answered(text in broken()) {
        ask_everywhere(&text);
    }

    #[test]
    fn any_text_is_answered(text in "(?s)[a-e (\\[,=\"#\n\r0-9.é😀]{0,60}|.{0,40}") {
        ask_everywhere(&text);
    }
}

/// A new name means the same file: what the checker finds and what the program is stay.
#[test]
fn renaming_changes_nothing() {
    let source = "edition 2026\nlet flat = sam(rho = decay)\nlet decay = cosine(0.1 -> 0.05)\nlet long = 40 epochs\n\
                  train long under each [sgd, flat] then long under flat\n";
    let program = |text: &str| {
        let checked = lang::check(text, &Settings::default(), &TestWorld(Files::There));
        assert_eq!(checked.diagnostics, [], "{text}");
        let variants = checked.program.expect("a program").variants.into_iter();
        variants.map(|variant| variant.experiment).collect::<Vec<_>>()
    };
    for at in ["flat", "decay", "long"].map(|name| source.find(name).expect("a name")) {
        let edits = ide::rename(source, at, "another").expect("a name");
        assert_eq!(program(&applied(source, &edits)), program(source));
    }
}
