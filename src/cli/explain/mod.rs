//! `flatrun explain`: the page of a finding, a component, a parameter, a statement, a clause, another word of the language,
//! or of something that people look for.

mod concepts;
mod parameters;

use super::exit::{Exit, Failure};
use super::fill::markdown;
use super::terminal::{Terminal, paint};
use crate::diagnostic::{CODES, Code, nearest};
use crate::lang::catalog::{self, Absent, Kind, STATEMENTS, StatementEntry, WORDS};
use concepts::{CONCEPTS, Concept};

/// Explain a finding or a component
///
/// Takes the code or name of a finding (F0201, unknown-component), the name of a component (lesam), a parameter
/// (rho), a statement, clause or other word of the language (train, augment, each), or what you look for
/// (early stopping, gpu, continue).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A finding, a component, a parameter, a statement, or what you look for
    #[arg(required = true, value_name = "NAME")]
    name: Vec<String>,
}

/// # Errors
/// Nothing has this name, or standard output cannot be written.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let name = args.name.join(" ");
    let found = found(&name, terminal.width);
    if found.is_empty() {
        return Err(unknown(&name));
    }
    terminal.print(&colored(&filled(&found.join("\n"), terminal.width), terminal.output_color))?;
    Ok(Exit::Done)
}

/// Whether there is a page for a name.
pub fn knows(name: &str) -> bool {
    !found(name, 80).is_empty()
}

/// The pages of a name as it is written, else in small letters with `_` for `-`.
fn found(name: &str, width: usize) -> Vec<String> {
    let written = pages(name, width);
    match written.is_empty() {
        true => pages(&name.to_ascii_lowercase().replace('-', "_"), width),
        false => written,
    }
}

/// Everything a name stands for; `loss` is a difficulty, an evaluator and a parameter.
fn pages(name: &str, width: usize) -> Vec<String> {
    let mut pages: Vec<String> =
        Code::parse(name).map(|code| markdown(code.info().page, width)).into_iter().collect();
    pages.extend(catalog::find(name).into_iter().map(catalog::describe));
    pages.extend(catalog::statement(name).map(describe_statement));
    if catalog::statement(name).is_none() {
        pages.extend(describe_clause(name));
    }
    pages.extend(describe_word(name));
    pages.extend(parameters::page(name));
    pages.extend(concepts::find(name).map(Concept::page));
    pages
}

/// Lines that are wider than the terminal, broken between words and indented as they begin.
fn filled(page: &str, width: usize) -> String {
    page.lines().map(|line| broken(line, width) + "\n").collect()
}

fn broken(line: &str, width: usize) -> String {
    let indent = " ".repeat(line.len() - line.trim_start().len());
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let mut text = String::new();
    let mut column = 0;
    for word in line.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            text.push('\n');
            column = 0;
        }
        let before = if column == 0 { indent.as_str() } else { " " };
        text.push_str(before);
        text.push_str(word);
        column += before.len() + length;
    }
    text
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
    WORDS.iter().find(|entry| entry.word == name).map(catalog::describe_word)
}

fn unknown(name: &str) -> Failure {
    let failure = Failure::usage(format!(
        "nothing is named `{name}`: expected a finding, a component, a parameter, a statement or a clause"
    ));
    if let Some(here) = catalog::component_elsewhere(name, &Kind::ALL) {
        return failure.help(format!("here that is `{here}`"));
    }
    if let Some(absent) = catalog::absent(name, &[]) {
        return failure.help(format!(
            "it is {} and not built; {}",
            absent.kind.noun(),
            Absent::present(absent.kind)
        ));
    }
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
    let concepts = CONCEPTS.iter().flat_map(|concept| concept.names.iter().copied());
    let all = components.chain(statements).chain(clauses).chain(words).chain(codes);
    all.chain(parameters::names()).chain(concepts)
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
    fn a_name_has_a_page_for_all_it_stands_for() {
        let titles: Vec<String> =
            pages("loss", 80).iter().map(|page| page.lines().next().unwrap_or_default().to_owned()).collect();
        assert_eq!(titles[..2], ["loss: a difficulty", "loss: an evaluator"]);
        assert!(titles[2].starts_with("loss: a parameter of "), "{titles:?}");
    }

    #[test]
    fn capitals_and_hyphens_are_no_matter() {
        for (name, title) in [
            ("SAM", "sam: a minimizer"),
            ("Lesam-Plus", "lesam_plus: a minimizer"),
            ("Train", "train: a statement"),
        ] {
            assert!(found(name, 80)[0].starts_with(title), "{name}");
        }
    }

    #[test]
    fn long_lines_are_broken_with_their_indent() {
        assert_eq!(broken("  one two three", 9), "  one two\n  three");
        assert_eq!(broken("  one    two", 80), "  one    two");
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
            assert!(pages(entry.word, 80).concat().contains(entry.example), "{}", entry.word);
        }
    }
}
