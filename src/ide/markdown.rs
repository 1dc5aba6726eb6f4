//! What the catalogue says, as Markdown for small windows: lists instead of tables, since not every editor draws those.

use std::fmt::Write;

use super::bindings::Binding;
use crate::lang::catalog::{ClauseEntry, Entry, Parameter, StatementEntry, clause, find, statement};
use crate::syntax::Keyword;

fn fenced(language: &str, content: &str) -> String {
    format!("```{language}\n{content}\n```\n")
}

/// All about a component.
pub fn component(entry: &Entry) -> String {
    let facts = &entry.facts;
    let mut text = format!("**{}**: {}\n\n{}\n\n", entry.name, entry.kind.noun(), facts.summary);
    text.push_str(&fenced("flat", &entry.usage()));
    if !facts.rule.is_empty() {
        let _ = write!(text, "\n{}", fenced("text", facts.rule));
    }
    if !entry.parameters.is_empty() {
        text.push('\n');
    }
    for parameter in &entry.parameters {
        let _ = writeln!(text, "- `{}`: {}; {}", parameter.name, parameter.text, parameter.default_line());
    }
    let aliases = facts.aliases.join(", ");
    for (title, content) in [
        ("Also called", aliases.as_str()),
        ("Passes per step", facts.passes),
        ("State", facts.state),
        ("Source", facts.source),
        ("Notes", facts.notes),
    ] {
        if !content.is_empty() {
            let _ = write!(text, "\n{title}: {content}\n");
        }
    }
    text
}

/// A parameter of a component.
pub fn parameter(owner: Option<&Entry>, parameter: &Parameter) -> String {
    let of = owner.map_or_else(String::new, |entry| format!(" of `{}`", entry.name));
    format!(
        "**{}**{of}: {}\n\n{}\n\n{}\n",
        parameter.name,
        parameter.summary(),
        parameter.text,
        parameter.default_line()
    )
}

/// A keyword that begins a statement, or a clause in one.
pub fn keyword(keyword: &Keyword, begins: bool) -> Option<String> {
    let of_statement = statement(keyword.word).filter(|_| begins).map(of_statement);
    of_statement.or_else(|| clause(keyword.word).map(|(entry, _)| of_clause(entry)))
}

fn of_statement(entry: &StatementEntry) -> String {
    let mut text = format!("{}\n{}\n", fenced("flat", entry.usage), entry.summary);
    if let Some((clause, _)) = clause(entry.keyword) {
        let _ = write!(text, "\n`{}`: {}\n", clause.usage, clause.summary);
    }
    if !entry.absent.is_empty() {
        let _ = write!(text, "\nWhen absent: {}\n", entry.absent);
    }
    text
}

fn of_clause(entry: &ClauseEntry) -> String {
    format!("{}\n{}\n", fenced("flat", entry.usage), entry.summary)
}

/// A name and its value.
pub fn binding(binding: &Binding<'_>) -> String {
    let mut text = fenced("flat", &format!("let {} = {}", binding.name, binding.value));
    let head =
        binding.value.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
    for entry in find(head) {
        let _ = write!(text, "\n{}: {}\n", entry.name, entry.facts.summary);
    }
    text
}
