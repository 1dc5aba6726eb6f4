//! `flatrun explain`: the page of a finding, a component, a statement, a clause or another word of the language.

use super::exit::{Exit, Failure};
use super::fill::markdown;
use super::terminal::{Terminal, paint};
use crate::diagnostic::{CODES, Code, nearest};
use crate::lang::catalog::{self, STATEMENTS, StatementEntry, WORDS, WordEntry};

/// Explain a finding or a component
///
/// Takes the code or name of a finding (F0201, unknown-component), the name of a component (lesam), or a
/// statement, clause or other word of the language (train, augment, each).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A finding, a component, a statement or a clause
    name: String,
}

/// # Errors
/// Nothing has this name, or standard output cannot be written.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let pages = pages(&args.name, terminal.width);
    if pages.is_empty() {
        return Err(unknown(&args.name));
    }
    terminal.print(&colored(&pages.join("\n"), terminal.output_color))?;
    Ok(Exit::Done)
}

/// Everything a name stands for; `loss` is a difficulty and an evaluator.
fn pages(name: &str, width: usize) -> Vec<String> {
    let mut pages: Vec<String> =
        Code::parse(name).map(|code| markdown(code.info().page, width)).into_iter().collect();
    pages.extend(catalog::find(name).into_iter().map(catalog::describe));
    pages.extend(catalog::statement(name).map(describe_statement));
    if pages.is_empty() {
        pages.extend(describe_clause(name).or_else(|| describe_word(name)));
    }
    pages
}

fn describe_statement(statement: &StatementEntry) -> String {
    let mut text = format!(
        "{}: a statement\n\n{}\n\nUsage\n  {}\n",
        statement.keyword, statement.summary, statement.usage
    );
    if !statement.absent.is_empty() {
        text.push_str(&format!("\nWhen absent\n  {}\n", statement.absent));
    }
    if !statement.clauses.is_empty() {
        text.push_str("\nClauses\n");
    }
    for clause in statement.clauses {
        text.push_str(&format!("  {}\n      {}\n", clause.usage, clause.summary));
    }
    text
}

fn describe_clause(name: &str) -> Option<String> {
    let (clause, owners) = catalog::clause(name)?;
    let owners: Vec<String> = owners.iter().map(|owner| format!("`{owner}`")).collect();
    let owners = owners.join(", ");
    Some(format!(
        "{}: a clause of {owners}\n\n{}\n\nUsage\n  {}\n",
        clause.keyword, clause.summary, clause.usage
    ))
}

fn describe_word(name: &str) -> Option<String> {
    let WordEntry { word, usage, summary, example } = WORDS.iter().find(|entry| entry.word == name)?;
    Some(format!("{word}: a word of the language\n\n{summary}\n\nUsage\n  {usage}\n\nExample\n  {example}\n"))
}

fn unknown(name: &str) -> Failure {
    let failure = Failure::usage(format!(
        "nothing is named `{name}`: expected a finding, a component, a statement or a clause"
    ));
    match nearest(name, names()) {
        Some(near) => failure.help(format!("the nearest name is `{near}`")),
        None => failure.help("`flatrun catalog` lists all components"),
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    let components = catalog::entries()
        .iter()
        .flat_map(|entry| [entry.name].into_iter().chain(entry.facts.aliases.iter().copied()));
    let statements = STATEMENTS.iter().map(|statement| statement.keyword);
    let clauses = STATEMENTS.iter().flat_map(|statement| statement.clauses).map(|clause| clause.keyword);
    let codes = CODES.iter().flat_map(|code| [code.info().slug, code.info().id]);
    let words = WORDS.iter().map(|entry| entry.word);
    components.chain(statements).chain(clauses).chain(words).chain(codes)
}

/// Titles in bold: the first line, and lines over indented ones.
fn colored(page: &str, color: bool) -> String {
    let lines: Vec<&str> = page.lines().collect();
    let is_title = |at: usize| {
        let next_is_inside = lines.get(at + 1).is_some_and(|next| next.starts_with(' '));
        at == 0
            || lines[at].starts_with('#')
            || (next_is_inside && lines[at].starts_with(|letter: char| letter != ' '))
    };
    let painted =
        |(at, line): (usize, &&str)| if is_title(at) { paint(line, "1", color) } else { (*line).to_owned() };
    lines.iter().enumerate().map(|line| painted(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_two_kinds_has_two_pages() {
        assert_eq!(pages("loss", 80).len(), 2);
    }

    #[test]
    fn every_code_has_a_page() {
        for code in CODES {
            let page = pages(code.info().id, 80);
            assert!(page[0].starts_with(&format!("# {}", code.info().id)), "{}", page[0]);
        }
    }

    #[test]
    fn statements_and_clauses_are_explained() {
        assert!(pages("data", 80)[0].contains("When absent\n  the embedded `digits`"));
        assert!(pages("augment", 80)[0].starts_with("augment: a clause of `data`"));
        for entry in WORDS {
            assert!(pages(entry.word, 80)[0].contains(entry.example), "{}", entry.word);
        }
    }
}
