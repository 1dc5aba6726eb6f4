//! `flatrun catalog`: every component of the language.

use std::fmt::Write;

use clap::ValueEnum;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::fill::hanging;
use super::terminal::{Terminal, paint};
use crate::diagnostic::nearest;
use crate::lang::catalog::{Entry, Kind, STATEMENTS, StatementEntry, entries};
use crate::lang::edition::EDITION;

/// List every component of the language
#[derive(Debug, clap::Args)]
pub struct Args {
    /// text or json
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", hide_possible_values = true)]
    format: Format,
    /// Only components of this kind: minimizer, pacing, model, ..
    #[arg(long, value_parser = parse_kind)]
    kind: Option<Kind>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// Everything there is to write in a file.
#[derive(Serialize)]
struct Catalog {
    schema: u32,
    version: &'static str,
    edition: u32,
    components: Vec<&'static Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statements: Option<&'static [StatementEntry]>,
}

/// # Errors
/// Standard output cannot be written.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let wanted = |entry: &&&Entry| args.kind.is_none_or(|kind| kind == entry.kind);
    let components: Vec<&'static Entry> = entries().iter().filter(wanted).copied().collect();
    match args.format {
        Format::Text => terminal.print(&text(&components, terminal))?,
        Format::Json => terminal.data(&json(components, args.kind.is_none())?)?,
    }
    Ok(Exit::Done)
}

fn json(components: Vec<&'static Entry>, whole: bool) -> Result<String, Failure> {
    let statements = whole.then_some(STATEMENTS);
    let catalog =
        Catalog { schema: 1, version: env!("CARGO_PKG_VERSION"), edition: EDITION, components, statements };
    let text = serde_json::to_string_pretty(&catalog).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(text + "\n")
}

/// Names and what they do, by kind.
fn text(components: &[&Entry], terminal: &Terminal) -> String {
    let mut text = String::new();
    let column = components.iter().map(|entry| names(entry).len()).max().unwrap_or(0) + 2;
    for kind in Kind::ALL {
        let of_kind: Vec<&&Entry> = components.iter().filter(|entry| entry.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        let separator = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(
            text,
            "{separator}{}, {}",
            paint(kind.plural(), "1", terminal.output_color),
            kind.place()
        );
        for entry in of_kind {
            let summary = hanging(entry.facts.summary, terminal.width, column + 2);
            let _ = writeln!(text, "  {:<column$}{summary}", names(entry));
        }
    }
    text
}

fn names(entry: &Entry) -> String {
    let aliases: Vec<String> = entry.facts.aliases.iter().map(|alias| format!(" ({alias})")).collect();
    format!("{}{}", entry.name, aliases.concat())
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    let words = |kind: Kind| [kind.name(), kind.plural()];
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| words(*kind).contains(&text)) {
        return Ok(kind);
    }
    let known: Vec<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
    Err(match nearest(text, known.iter().copied()) {
        Some(near) => format!("there is no kind `{text}`; the nearest is `{near}`"),
        None => format!("there is no kind `{text}`; there are {}", known.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_neighbours() {
        assert_eq!(parse_kind("minimizers"), Ok(Kind::Minimizer));
        assert_eq!(
            parse_kind("minimiser"),
            Err("there is no kind `minimiser`; the nearest is `minimizer`".into())
        );
    }
}
