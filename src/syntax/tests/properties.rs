//! What must hold for any file, right or wrong.

use proptest::prelude::*;

use super::{meaning, sources, spans};
use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::split::split;
use crate::syntax::{format, parse};

fn comments(source: &str) -> Vec<String> {
    let text = |span: &Span| source[span.start..span.end].trim_end().to_owned();
    let mut comments: Vec<String> = split(source).comments.iter().map(text).collect();
    comments.sort();
    comments
}

fn is_in(source: &str, span: Span) -> bool {
    span.start <= span.end && source.get(span.start..span.end).is_some()
}

fn has_places_in(source: &str, finding: &Diagnostic) -> bool {
    let edits = finding.fix.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span);
    finding.labels.iter().map(|label| label.span).chain(edits).all(|span| is_in(source, span))
}

#[derive(Clone, Debug)]
enum Mutation {
    Delete,
    Double,
    Swap,
    Insert(char),
}

fn mutation() -> impl Strategy<Value = (prop::sample::Index, Mutation)> {
    let inserted = prop::sample::select(
        "()[]{}\"'“”#,;=:->.0e%/_ \t\r\n→…−é\u{a0}\0\u{feff}\\".chars().collect::<Vec<_>>(),
    );
    let kind = prop_oneof![
        Just(Mutation::Delete),
        Just(Mutation::Double),
        Just(Mutation::Swap),
        inserted.prop_map(Mutation::Insert)
    ];
    (any::<prop::sample::Index>(), kind)
}

fn mutated(source: &str, mutations: &[(prop::sample::Index, Mutation)]) -> String {
    let mut text: Vec<char> = source.chars().collect();
    for (index, mutation) in mutations {
        if text.is_empty() {
            break;
        }
        let at = index.index(text.len());
        match mutation {
            Mutation::Delete => drop(text.remove(at)),
            Mutation::Double => text.insert(at, text[at]),
            Mutation::Swap => {
                let next = (at + 1) % text.len();
                text.swap(at, next);
            }
            Mutation::Insert(c) => text.insert(at, *c),
        }
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn formatting_keeps_the_meaning_and_the_comments(source in sources::file()) {
        prop_assert_eq!(parse(&source).1, vec![]);
        let formatted = format(&source).unwrap();
        prop_assert_eq!(parse(&formatted).1, vec![], "{}", formatted);
        prop_assert_eq!(meaning(&formatted), meaning(&source));
        prop_assert_eq!(comments(&formatted), comments(&source));
    }

    #[test]
    fn formatting_twice_changes_nothing(source in sources::file()) {
        let once = format(&source).unwrap();
        prop_assert_eq!(format(&once).unwrap(), once);
    }

    #[test]
    fn formatted_text_is_tidy(source in sources::file()) {
        let formatted = format(&source).unwrap();
        prop_assert!(formatted.ends_with('\n') && !formatted.ends_with("\n\n"));
        prop_assert!(!formatted.starts_with('\n') && !formatted.contains("\n\n\n"));
        prop_assert!(formatted.lines().all(|line| line.trim_end() == line), "{}", formatted);
    }

    #[test]
    fn every_place_lies_in_the_text(
        source in sources::file(), mutations in prop::collection::vec(mutation(), 1..6)
    ) {
        let source = mutated(&source, &mutations);
        let (mut file, findings) = parse(&source);
        prop_assert!(spans(&mut file).into_iter().all(|span| is_in(&source, *span)));
        prop_assert!(findings.iter().all(|finding| has_places_in(&source, finding)), "{:?}", findings);
        if let Ok(formatted) = format(&source) {
            prop_assert_eq!(meaning(&formatted), meaning(&source));
            prop_assert_eq!(comments(&formatted), comments(&source));
        }
    }

    #[test]
    fn any_text_is_read(source in any::<String>()) {
        let (_, findings) = parse(&source);
        prop_assert!(findings.iter().all(|finding| has_places_in(&source, finding)));
    }
}
