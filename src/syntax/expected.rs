//! What could have stood where the grammar gave up, in the nouns of the user.

use super::grammar::Rule;
use super::keyword::KEYWORDS;

/// More expectations than this say nothing.
const MAX_EXPECTED: usize = 4;

/// `` `)`, `,` or a value ``; `closing` is the bracket that could close. `None` where too much, or nothing, could stand.
pub(super) fn expectation(expected: &[Rule], closing: Option<&'static str>) -> Option<String> {
    let mut nouns: Vec<&str> = expected.iter().filter_map(|rule| noun(*rule)).chain(closing).collect();
    nouns.sort_unstable();
    nouns.dedup();
    let last = nouns.pop()?;
    match nouns.len() {
        0 => Some(last.to_owned()),
        1..MAX_EXPECTED => Some(format!("{} or {last}", nouns.join(", "))),
        _ => None,
    }
}

/// What the user calls what `rule` matches; `None` where it would only add noise.
fn noun(rule: Rule) -> Option<&'static str> {
    if let Some(keyword) = KEYWORDS.iter().find(|keyword| keyword.slot == rule) {
        return Some(keyword.takes);
    }
    match rule {
        Rule::value
        | Rule::chain
        | Rule::last
        | Rule::list
        | Rule::text
        | Rule::measure
        | Rule::component
        | Rule::call => Some("a value"),
        Rule::argument | Rule::named | Rule::argument_name => Some("an argument"),
        Rule::comma | Rule::missing_comma | Rule::trailing_comma => Some("`,`"),
        Rule::equals | Rule::wrong_equals | Rule::missing_equals => Some("`=`"),
        Rule::EOI => Some("the end of the line"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Rule, expectation};

    #[test]
    fn nouns_are_listed_once() {
        let rules = [Rule::measure, Rule::minimizer, Rule::call, Rule::unit];
        assert_eq!(expectation(&rules, Some("`)`")).as_deref(), Some("`)`, a minimizer or a value"));
        assert_eq!(expectation(&[Rule::EOI], None).as_deref(), Some("the end of the line"));
    }

    #[test]
    fn too_many_say_nothing() {
        let rules = [Rule::source, Rule::minimizer, Rule::pacing, Rule::value, Rule::EOI];
        assert_eq!(expectation(&rules, None), None);
        assert_eq!(expectation(&[], None), None);
    }
}
