//! The reference pages, made from the catalogue.

use std::fmt::Write;

use super::{Entry, Kind, Parameter, STATEMENTS, StatementEntry, WORDS, WordEntry, of_kind};

/// Every page under `docs/reference/`: file name and Markdown.
pub fn reference() -> Vec<(String, String)> {
    let mut pages = vec![
        ("README.md".to_string(), index()),
        ("statements.md".to_string(), statements()),
        ("words.md".to_string(), words()),
    ];
    pages.extend(Kind::ALL.into_iter().map(|kind| (file_name(kind), page(kind))));
    pages
}

fn file_name(kind: Kind) -> String {
    format!("{}.md", kind.plural().replace(' ', "_"))
}

const GENERATED: &str = "<!-- Made from the catalogue in src/lang/catalog/; change it there. -->\n";

fn index() -> String {
    let mut text = format!("{GENERATED}\n# Reference\n\n- [Statements](statements.md)\n");
    let listed: Vec<String> = WORDS.iter().map(|entry| format!("`{}`", entry.word)).collect();
    let _ = writeln!(text, "- [Words](words.md): {}", listed.join(", "));
    for kind in Kind::ALL {
        let names: Vec<String> = of_kind(kind).map(|entry| format!("`{}`", entry.name)).collect();
        let names = if names.is_empty() { "none in this version".to_string() } else { names.join(", ") };
        let _ = writeln!(text, "- [{}]({}): {names}", capitalised(kind.plural()), file_name(kind));
    }
    text
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn statements() -> String {
    let mut text = format!("{GENERATED}\n# Statements\n");
    for statement in STATEMENTS {
        text.push_str(&statement_section(statement));
    }
    text
}

fn words() -> String {
    let mut text = format!("{GENERATED}\n# Words\n");
    for WordEntry { word, usage, summary, example, notes } in WORDS {
        let _ = write!(text, "\n## {word}\n\n```text\n{usage}\n```\n\n{}.\n", capitalised(summary));
        notes.lines().for_each(|note| {
            let _ = write!(text, "\n{note}\n");
        });
        let _ = write!(text, "\nExample: `{example}`\n");
    }
    text
}

fn statement_section(statement: &StatementEntry) -> String {
    let mut text = format!("\n## {}\n\n```text\n{}\n```\n\n", statement.keyword, statement.usage);
    let _ = writeln!(text, "{}.", capitalised(statement.summary));
    if !statement.absent.is_empty() {
        let _ = writeln!(text, "When absent: {}.", statement.absent);
    }
    if !statement.clauses.is_empty() {
        text.push_str("\n| clause | meaning |\n|---|---|\n");
    }
    for clause in statement.clauses {
        let _ = writeln!(text, "| `{}` | {} |", clause.usage, clause.summary);
    }
    text
}

fn page(kind: Kind) -> String {
    let mut text = format!("{GENERATED}\n# {}\n\n", capitalised(kind.plural()));
    let _ = writeln!(text, "{} stands {}.", capitalised(kind.noun()), kind.place());
    let entries: Vec<&Entry> = of_kind(kind).collect();
    if entries.is_empty() {
        text.push_str("\nThis version has none.\n");
    }
    entries.iter().for_each(|entry| text.push_str(&section(entry)));
    text
}

fn section(entry: &Entry) -> String {
    let facts = &entry.facts;
    let mut text = format!("\n## {}\n\n{}\n", entry.name, facts.summary);
    let _ = write!(text, "\n```text\n{}\n```\n", entry.usage());
    let aliases = facts.aliases.join(", ");
    for (title, content) in [
        ("Also called", aliases.as_str()),
        ("Passes per step", facts.passes),
        ("State", facts.state),
        ("Source", facts.source),
    ] {
        if !content.is_empty() {
            let _ = write!(text, "\n{title}: {content}.\n");
        }
    }
    if !facts.rule.is_empty() {
        let _ = write!(text, "\n```text\n{}\n```\n", facts.rule);
    }
    text.push_str(&table(&entry.parameters));
    for note in facts.notes.lines() {
        let _ = write!(text, "\n{note}\n");
    }
    let _ = write!(text, "\nExample: `{}`\n", facts.example);
    text
}

fn table(parameters: &[Parameter]) -> String {
    if parameters.is_empty() {
        return String::new();
    }
    let mut text = "\n| parameter | takes | default | meaning |\n|---|---|---|---|\n".to_string();
    for parameter in parameters {
        let default = match parameter.default {
            None => "must be given".to_string(),
            Some(default) if parameter.origin.is_empty() => format!("`{default}`"),
            Some(default) => format!("`{default}` ({})", parameter.origin),
        };
        let takes = parameter.summary();
        let _ = writeln!(text, "| `{}` | {takes} | {default} | {} |", parameter.name, parameter.text);
    }
    text
}
