//! The parser that pest makes of `grammar/flat.pest`.

use pest::Parser;
use pest::iterators::Pair;
use pest_derive::Parser;

#[derive(Parser)]
#[grammar = "grammar/flat.pest"]
struct Grammar;

/// Where and why the grammar gave up.
#[derive(Debug)]
pub(super) struct Stop {
    pub at: usize,
    pub expected: Vec<Rule>,
}

/// The one statement that `text` holds.
pub(super) fn parse_statement(text: &str) -> Result<Pair<'_, Rule>, Stop> {
    let mut pairs = Grammar::parse(Rule::input, text).map_err(|error| stop(&error))?;
    let found = pairs.next().and_then(|input| parts(input).next());
    found.ok_or_else(|| Stop { at: 0, expected: Vec::new() })
}

fn stop(error: &pest::error::Error<Rule>) -> Stop {
    let at = match error.location {
        pest::error::InputLocation::Pos(at) | pest::error::InputLocation::Span((at, _)) => at,
    };
    let expected = match &error.variant {
        pest::error::ErrorVariant::ParsingError { positives, .. } => positives.clone(),
        pest::error::ErrorVariant::CustomError { .. } => Vec::new(),
    };
    Stop { at, expected }
}

/// The inner pairs that are not comments.
pub(super) fn parts(pair: Pair<'_, Rule>) -> impl Iterator<Item = Pair<'_, Rule>> {
    pair.into_inner().filter(|part| part.as_rule() != Rule::COMMENT)
}
