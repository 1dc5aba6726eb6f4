//! Mistakes, one finding each, and how long files of any size take.

use super::*;

#[test]
fn one_mistake_is_reported_once_over_all_variants() {
    let checked = check("edition 2026\noptimize sgd(lr = each [0.1, 0.2, 0.3])\nunder sam(rho = -1)\n");
    assert_eq!(codes(&checked), [Code::OutOfRange]);
}

/// Nothing is said where the name is used, or is not used.
#[test]
fn a_let_with_the_name_of_a_component_is_one_mistake() {
    for rest in [
        "under sgd",
        "under each [sgd, sam]",
        "optimize adam(lr = sgd)\nunder sam",
        "data digits batch sgd\nunder sam",
        "let rate = sgd\noptimize adam(lr = rate)\nunder sam",
        "under sam",
    ] {
        let source = format!("edition 2026\nlet sgd = 1\n{rest}\n");
        assert_eq!(codes(&check(&source)), [Code::ShadowingLet], "{source}");
    }
    // Another mistake is another finding.
    let checked = check("edition 2026\nlet sgd = 1\nunder sgd(lr = -1)\n");
    assert_eq!(codes(&checked), [Code::ShadowingLet, Code::OutOfRange]);
    assert_eq!(codes(&check("edition 2026\nlet none = 1\nunder none\n")), [Code::ReservedName]);
}

/// `none` is no component of other kinds, and the finding does not say that it is a minimizer.
#[test]
fn none_stands_where_something_may_be_absent() {
    for source in ["curriculum none", "against none", "optimize none", "under sam(rho = none)", "model none"]
    {
        let checked = check(&format!("{source}\n"));
        let said: Vec<&str> = checked.diagnostics.iter().map(|finding| finding.message.as_str()).collect();
        assert!(said.len() == 1 && !said[0].contains("minimizer"), "{source}: {said:?}");
    }
}

#[test]
fn ten_mistakes_are_ten_findings() {
    let source = "edition 2025\n\
                  data cifra10 batch 0 validation 120%\n\
                  model cnn(widht = 8)\n\
                  optimize sgd(lr = cosine(0.1 -> -1), momentum = 2)\n\
                  train 20 curriculum erm(1) under adm\n\
                  seeds [1, 1]\n\
                  device tpu\n";
    let checked = check(source);
    let errors = checked.diagnostics.iter().filter(|finding| finding.level() == Level::Error);
    let codes: Vec<&str> = errors.map(|finding| finding.code.info().slug).collect();
    let expected = [
        "unknown-edition",
        "unknown-component",
        "out-of-range",
        "out-of-range",
        "unknown-parameter",
        "schedule-leaves-range",
        "out-of-range",
        "missing-unit",
        "extra-argument",
        "wrong-kind",
        "duplicate-seed",
        "unknown-value",
    ];
    assert_eq!(codes, expected);
}

#[test]
fn ten_thousand_variants_are_checked_in_seconds() {
    let ten =
        |from: usize| (from..from + 10).map(|value| format!("0.0{value}")).collect::<Vec<_>>().join(", ");
    let source = format!(
        "edition 2026\n\
         optimize sgd(lr = each [{}], momentum = each [{}], weight_decay = each [{}])\n\
         curriculum ssp(adm) under lesam(budget = each [{}])\n",
        ten(1),
        ten(11),
        ten(21),
        ten(31)
    );
    let start = Instant::now();
    let checked = check(&source);
    let elapsed = start.elapsed();
    assert_eq!(checked.program.map(|program| program.variants.len()), Some(10_000));
    assert!(elapsed < Duration::from_secs(20), "{elapsed:?}");
    let doubled = source.replace("ssp(adm)", "ssp(each [adm, gdm])");
    assert_eq!(codes(&check(&doubled)), [Code::TooManyVariants]);
}

#[test]
fn a_thousand_lines_are_checked_at_once() {
    let lets: String = (0..990).map(|index| format!("let v{index} = sam(rho = 0.{index:04}1)\n")).collect();
    let names: Vec<String> = (0..990).map(|index| format!("v{index}")).collect();
    let source = format!("edition 2026\n{lets}under each [{}]\n", names.join(", "));
    let start = Instant::now();
    let checked = check(&source);
    let elapsed = start.elapsed();
    assert_eq!(checked.diagnostics, []);
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
}

#[test]
fn chains_and_trees_of_let_do_not_exhaust_anything() {
    let chain: String = (0..5000).map(|index| format!("let a{index} = a{}\n", index + 1)).collect();
    let checked = check(&format!("{chain}let a5000 = 0.1\nunder sam(rho = a0)\n"));
    assert!(codes(&checked).contains(&Code::CircularLet));
    let tree: String =
        (0..60).map(|index| format!("let b{index} = [b{0}, b{0}, b{0}]\n", index + 1)).collect();
    let checked = check(&format!("{tree}let b60 = 1\nmodel mlp(b0)\n"));
    assert!(codes(&checked).contains(&Code::WrongType));
}

const WORDS: [&str; 40] = [
    "data",
    "model",
    "train",
    "under",
    "curriculum",
    "then",
    "let",
    "a",
    "=",
    "each",
    "[",
    "]",
    "(",
    ")",
    ",",
    "->",
    "..",
    "last",
    "epochs",
    "steps",
    "0.1",
    "-1",
    "10%",
    "8/255",
    "\"x\"",
    "none",
    "true",
    "sam",
    "sgd",
    "spl",
    "ssp",
    "adm",
    "cosine",
    "warmup",
    "follow",
    "lr",
    "seeds",
    "select",
    "evaluate",
    "\n",
];

proptest::proptest! {
    #[test]
    fn any_text_is_answered_with_findings_inside_it(picks in proptest::collection::vec(0_usize..WORDS.len(), 0..40)) {
        let words: Vec<&str> = picks.into_iter().map(|pick| WORDS[pick]).collect();
        let source = words.join(" ");
        let checked = check_with(&source, &set(&[("under.rho", "0.1"), ("train.0.duration", "2 epochs")]));
        let errors = checked.diagnostics.iter().filter(|finding| finding.level() == Level::Error).count();
        proptest::prop_assert_eq!(checked.program.is_some(), errors == 0);
        for finding in &checked.diagnostics {
            for label in &finding.labels {
                proptest::prop_assert!(source.get(label.span.start..label.span.end).is_some(), "{:?}", finding);
            }
        }
    }
}
