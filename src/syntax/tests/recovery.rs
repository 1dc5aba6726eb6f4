//! A mistake stays in its statement, and any text is read in one piece.

use std::time::{Duration, Instant};

use crate::diagnostic::Code;
use crate::syntax::{MAX_DEPTH, parse};

fn codes(source: &str) -> Vec<&'static str> {
    parse(source).1.iter().map(|finding| finding.code.info().id).collect()
}

fn keywords(source: &str) -> Vec<Vec<String>> {
    let (file, _) = parse(source);
    let words =
        |clauses: &[crate::syntax::ast::Clause]| clauses.iter().map(|c| c.keyword.text.clone()).collect();
    file.statements.iter().map(|statement| words(&statement.clauses)).collect()
}

#[test]
fn ten_mistakes_in_ten_lines_are_ten_findings() {
    let source = "edition
title \"a
dat digits
model resnet18(
optimize sgd(lr: 0.1)
train 200epochs under sam
evaluate accuracy, pgd(eps = 8/0)
select best]
seeds 0...3
device cuda(0,)
";
    let expected = ["F0114", "F0110", "F0102", "F0108", "F0115", "F0120", "F0122", "F0108", "F0124", "F0118"];
    assert_eq!(codes(source), expected);
}

#[test]
fn a_clause_on_the_next_line_belongs_to_the_statement_that_can_take_it() {
    let source = "data digits
  augment [flip]
  # about the batch

  batch 128
curriculum ssp(adm)
under sam
over sgd
then 5 epochs
  curriculum spl
  under sam
evaluate accuracy
  every 10 epochs
model resnet18
 from \"w.safetensors\"";
    let expected = [
        vec!["data", "augment", "batch"],
        vec!["curriculum", "under", "over", "then", "curriculum", "under"],
        vec!["evaluate", "every"],
        vec!["model", "from"],
    ];
    assert_eq!(codes(source), [""; 0]);
    assert_eq!(keywords(source), expected);
}

#[test]
fn a_clause_that_stands_already_begins_a_statement() {
    assert_eq!(keywords("train 5 epochs\n under sgd\nunder sam"), [vec!["train", "under"], vec!["under"]]);
    assert_eq!(keywords("under sgd\ncurriculum ssp"), [["under"], ["curriculum"]]);
    assert_eq!(keywords("data digits\ncurriculum ssp\nunder sam").len(), 2);
}

#[test]
fn brackets_hold_lines_together() {
    let source = "optimize sgd(\n  lr = warmup(5 epochs)\n    then cosine(0.05 -> 0), # [\n\n  x = [\n1,\n2]\n)\nmodel mlp";
    assert_eq!(codes(source), [""; 0]);
    assert_eq!(keywords(source), [["optimize"], ["model"]]);
}

#[test]
fn an_open_bracket_does_not_swallow_the_statements_after_it() {
    let source = "train 200 epochs\n  curriculum ssp(adm(alpha = 8/255)\n  under lesam\nmodel resnet18(\n# note\nlet x = 5\nseeds 0..3";
    assert_eq!(codes(source), ["F0108", "F0108"]);
    assert_eq!(keywords(source), [["train"], ["model"], ["let"], ["seeds"]]);
}

#[test]
fn line_ends_tabs_and_marks() {
    let source = "\u{feff}data\tdigits\r\n\tbatch 128\r\n\r\nmodel mlp # é → “x”\rtitle \"é → “x”\"";
    assert_eq!(codes(source), [""; 0]);
    assert_eq!(keywords(source), [vec!["data", "batch"], vec!["model"], vec!["title"]]);
}

#[test]
fn a_file_without_a_statement_is_empty() {
    for source in ["", "\n\n", "# only a comment\n", "\u{feff}"] {
        assert_eq!(codes(source), ["F0128"], "{source:?}");
    }
}

#[test]
fn a_hundred_thousand_open_brackets_are_one_finding() {
    for bracket in ["(", "[", "(\n", "{", "sam(", "each [", "[("] {
        let source = format!("under {}", bracket.repeat(100_000));
        let started = Instant::now();
        assert_eq!(codes(&source), ["F0109"], "{bracket:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{bracket:?}");
    }
    assert_eq!(codes(&"(".repeat(100_000)), ["F0109"]);
    assert_eq!(codes(&")".repeat(100_000)), ["F0108"]);
    assert_eq!(codes(&")\n".repeat(1000)), ["F0108"]);
}

#[test]
fn the_deepest_nesting_is_read() {
    for (open, close) in
        [("[", "]"), ("f(", ")"), ("each [", "]"), ("f(a = ", ")"), ("last f(", ")"), ("f(1 -> ", ")")]
    {
        let nested = |depth: usize| format!("let x = {}1{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(codes(&nested(MAX_DEPTH)), [""; 0], "{open}");
        assert_eq!(codes(&nested(MAX_DEPTH + 1)), ["F0109"], "{open}");
    }
}

/// Were a bracket tried twice at any place, these would take longer than the universe has.
#[test]
fn a_mistake_at_the_deepest_place_is_found_at_once() {
    let opens = [
        "[",
        "f(",
        "each [",
        "f(a = ",
        "f(a ",
        "last f(",
        "last [",
        "f(1 -> ",
        "f(0..f(",
        "[a [",
        "f(a then ",
        "f(a, ",
        "f(a f(",
    ];
    for open in opens {
        let brackets: Vec<char> = open.chars().filter(|c| "([".contains(*c)).collect();
        let depth = MAX_DEPTH / brackets.len();
        let closing = |bracket: &char| if *bracket == '(' { ')' } else { ']' };
        let close: String = brackets.iter().rev().map(closing).collect();
        let source = format!("let x = {}?{}", open.repeat(depth), close.repeat(depth));
        let started = Instant::now();
        let (_, findings) = parse(&source);
        assert_eq!(
            findings.iter().filter(|finding| finding.code == Code::SyntaxError).count(),
            1,
            "{source}"
        );
        assert!(started.elapsed() < Duration::from_secs(5), "{open}");
    }
}

#[test]
fn endless_lines_are_read() {
    let started = Instant::now();
    for part in [
        "data digits ",
        "a ",
        "1,",
        "\"a\" ",
        "each ",
        "last ",
        "1 -> ",
        "then ",
        "under ",
        "-",
        "5..",
        "é",
        "'",
        "; ",
    ] {
        parse(&format!("under {}", part.repeat(3_000)));
        parse(&format!("let x = f({})", part.repeat(3_000)));
    }
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_statement_that_cannot_be_read_keeps_its_name() {
    let (file, findings) = parse("let flat = lesam(budget 0.4 ?)\nunder flat");
    assert_eq!(findings.len(), 1);
    assert_eq!(file.statements[0].clauses[0].name.as_ref().map(|name| name.text.as_str()), Some("flat"));
}
