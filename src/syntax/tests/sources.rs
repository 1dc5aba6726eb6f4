//! Valid files, written in every way that is allowed.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

// Places where blanks may stand, filled in by `lay_out`.
const MAYBE: char = '\u{1}';
const BLANK: char = '\u{2}';
const CLAUSE: char = '\u{3}';
const STATEMENT: char = '\u{4}';

/// Whole files.
pub fn file() -> impl Strategy<Value = String> {
    (vec(statement(), 1..8), vec(any::<u8>(), 1..200)).prop_map(|(statements, choices)| {
        let separator = STATEMENT.to_string();
        lay_out(&format!("{separator}{}{separator}", statements.join(&separator)), &choices)
    })
}

fn lay_out(written: &str, choices: &[u8]) -> String {
    let mut choices = choices.iter().cycle().copied();
    let mut pick = |from: &[&'static str]| from[usize::from(choices.next().unwrap_or(0)) % from.len()];
    let (mut out, mut depth, mut quoted, mut escaped) = (String::new(), 0, false, false);
    for c in written.chars() {
        match c {
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth -= 1,
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        match (c, depth) {
            (MAYBE, 0) => out.push_str(pick(&["", " ", "\t"])),
            (MAYBE, _) => {
                out.push_str(pick(&["", "", " ", "  ", "\n", " # (a\n", "\n\n", "\n# b\n\n  #c  \n"]))
            }
            (BLANK, 0) => out.push_str(pick(&[" ", "  ", "\t"])),
            (BLANK, _) => out.push_str(pick(&[" ", " ", "  ", "\n", " # d\"\n", "\n\n\n"])),
            (CLAUSE, _) => out.push_str(pick(&[" ", " ", "  ", "\n", "\n    ", " # e\n", "\n\n# f [\n \n"])),
            (STATEMENT, _) => {
                out.push_str(pick(&["\n", "\n", "\n\n", " # g\n", "\n# h é\n", "\n\n\n\n# i\n\n\n", " \n"]))
            }
            _ => out.push(c),
        }
    }
    out
}

fn number() -> impl Strategy<Value = String> {
    let written: &[&str] =
        &["0", "1", "128", "0.05", "5e-4", "1E3", "-1", "-0.40", "1e-8", "2026", "12345.678"];
    select(written).prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> {
    select(&["sam", "lesam", "adm", "x", "_y2", "best", "none", "SGD"][..]).prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> {
    let written: &[&str] = &[r#""""#, r#""data/x""#, r##""# ( [ ""##, r#""a \"b\" \\""#, r#""é → “\n\t""#];
    select(written).prop_map(str::to_owned)
}

fn unit() -> impl Strategy<Value = &'static str> {
    select(&["epochs", "steps", "parsecs"][..])
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        number(),
        Just(format!("8{MAYBE}/{MAYBE}255")),
        Just("-2/3".to_owned()),
        select(&["10%", "2.5%"][..]).prop_map(str::to_owned),
    ]
}

fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        scalar(),
        (number(), unit()).prop_map(|(count, unit)| format!("{count}{BLANK}{unit}")),
        (scalar(), scalar()).prop_map(|(start, end)| format!("{start}..{end}")),
        (number(), number(), unit()).prop_map(|(a, b, unit)| format!("{a}..{b}{BLANK}{unit}")),
        name(),
        text(),
        select(&["true", "false"][..]).prop_map(str::to_owned),
        (number(), unit()).prop_map(|(count, unit)| format!("last{BLANK}{count}{BLANK}{unit}")),
    ]
}

fn value() -> impl Strategy<Value = String> {
    leaf().prop_recursive(4, 24, 4, |value| {
        prop_oneof![
            call(value.clone()),
            (number(), value.clone()).prop_filter_map("no arrow in an arrow", |(a, b)| {
                (!b.contains("->") && !b.contains("then")).then(|| format!("{a}{MAYBE}->{MAYBE}{b}"))
            }),
            list(value.clone()),
            (list(number()), unit()).prop_map(|(list, unit)| format!("{list}{BLANK}{unit}")),
            list(value.clone()).prop_map(|list| format!("each{MAYBE}{list}")),
            (list(number()), unit()).prop_map(|(list, unit)| format!("each{MAYBE}{list}{BLANK}{unit}")),
            (call(value.clone()), call(value)).prop_map(|(a, b)| format!("f({a}{BLANK}then{BLANK}{b})")),
        ]
    })
}

fn list(item: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let comma = format!("{MAYBE},{MAYBE}");
    vec(item, 0..5).prop_map(move |items| format!("[{MAYBE}{}{MAYBE}]", items.join(&comma)))
}

fn call(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let names: &[&str] = &["lr", "rho", "batch", "data", "under", "last"];
    let argument = (proptest::option::of(select(names)), value).prop_map(|(name, value)| match name {
        Some(name) => format!("{name}{MAYBE}={MAYBE}{value}"),
        None => value,
    });
    let comma = format!("{MAYBE},{MAYBE}");
    (name(), vec(argument, 1..4))
        .prop_map(move |(name, arguments)| format!("{name}({MAYBE}{}{MAYBE})", arguments.join(&comma)))
}

fn statement() -> impl Strategy<Value = String> {
    let setting =
        select(&["edition", "title", "optimize", "select", "seeds", "device", "precision", "export"][..]);
    prop_oneof![
        (setting, value()).prop_map(|(word, value)| format!("{word}{BLANK}{value}")),
        (select(&["a", "flat", "a_very_long_name"][..]), value())
            .prop_map(|(name, value)| format!("let{BLANK}{name}{MAYBE}={MAYBE}{value}")),
        clauses("data", &["augment", "test", "batch", "micro", "validation", "shuffle"]),
        clauses("model", &["from"]),
        (value(), clauses("evaluate", &["every"])).prop_map(|(value, rest)| {
            rest.replacen("evaluate", &format!("evaluate{BLANK}{value}{MAYBE},{MAYBE}"), 1)
        }),
        phases(),
    ]
}

fn clauses(word: &'static str, others: &'static [&'static str]) -> impl Strategy<Value = String> {
    let others = proptest::sample::subsequence(others, 0..=others.len());
    (value(), others, vec(value(), 4)).prop_map(move |(first, others, values)| {
        let others = others.iter().zip(values).map(|(word, value)| format!("{CLAUSE}{word}{BLANK}{value}"));
        format!("{word}{BLANK}{first}{}", others.collect::<String>())
    })
}

fn phases() -> impl Strategy<Value = String> {
    let recipe = &["curriculum", "against", "under", "over"];
    let begins = prop_oneof![
        clauses("train", recipe),
        clauses("curriculum", &recipe[1..]),
        clauses("under", &recipe[3..])
    ];
    (begins, vec(clauses("then", recipe), 0..3)).prop_map(|(first, then)| {
        let then = then.iter().map(|phase| format!("{CLAUSE}{phase}"));
        format!("{first}{}", then.collect::<String>())
    })
}
