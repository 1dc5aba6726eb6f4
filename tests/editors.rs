//! The grammar for editors knows the words of the language.

use std::collections::BTreeSet;

use flatrun::lang::catalog::STATEMENTS;
use serde_json::Value;

fn grammar() -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("editors/flat.tmLanguage.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the grammar")).expect("json")
}

/// The words between the parentheses of a rule's pattern.
fn words(grammar: &Value, rule: &str) -> BTreeSet<String> {
    let pattern = grammar["repository"][rule]["match"].as_str().expect("a pattern");
    let list = pattern.split(['(', ')']).nth(1).expect("a list of words");
    list.split('|').map(String::from).collect()
}

/// Every `include` in the grammar.
fn includes(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("include").and_then(Value::as_str).map(String::from);
            own.into_iter().chain(fields.values().flat_map(includes)).collect()
        }
        Value::Array(items) => items.iter().flat_map(includes).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn statements_are_those_of_the_catalogue() {
    let declared: BTreeSet<String> = STATEMENTS.iter().map(|statement| statement.keyword.into()).collect();
    assert_eq!(words(&grammar(), "statement"), declared);
}

#[test]
fn clauses_are_those_of_the_catalogue() {
    let clauses = STATEMENTS.iter().flat_map(|statement| statement.clauses);
    let declared: BTreeSet<String> = clauses.map(|clause| clause.keyword.into()).collect();
    assert_eq!(words(&grammar(), "clause"), declared);
}

#[test]
fn rules_refer_to_rules() {
    let grammar = grammar();
    for include in includes(&grammar) {
        let rule = include.strip_prefix('#').expect("a rule of this grammar");
        assert!(grammar["repository"][rule].is_object(), "{include}");
    }
}
