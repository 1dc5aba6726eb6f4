//! Default values, as expressions: the catalogue and the edition write them as a file would.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::place::{DEFAULTS, shift};
use crate::diagnostic::Span;
use crate::lang::catalog;
use crate::lang::edition;
use crate::syntax;
use crate::syntax::ast::{Expr, ExprKind};

static PRELUDE: LazyLock<Prelude> = LazyLock::new(Prelude::parse);

struct Prelude {
    text: String,
    expressions: HashMap<&'static str, Expr>,
}

impl Prelude {
    /// One `let` per default, all parsed at once.
    fn parse() -> Self {
        let mut words: Vec<&'static str> = catalog::entries()
            .iter()
            .filter(|entry| entry.kind != catalog::Kind::Schedule)
            .flat_map(|entry| entry.parameters.iter().filter_map(|parameter| parameter.default))
            .chain(edition::DEFAULTS.iter().copied())
            .collect();
        words.sort_unstable();
        words.dedup();
        let line = |(index, word): (usize, &&str)| format!("let v{index} = {word}\n");
        let text: String = words.iter().enumerate().map(line).collect();
        let (file, _) = syntax::parse(&text);
        let values = file.statements.into_iter().filter_map(|statement| {
            statement.clauses.into_iter().next().and_then(|clause| clause.values.into_iter().next())
        });
        let shifted = values.map(|mut value| {
            shift(&mut value, DEFAULTS);
            value
        });
        Self { expressions: words.into_iter().zip(shifted).collect(), text }
    }
}

/// The expression of a default.
pub(crate) fn expression(default: &'static str) -> &'static Expr {
    static MISSING: Expr = Expr { kind: ExprKind::Missing, span: Span { start: DEFAULTS, end: DEFAULTS } };
    PRELUDE.expressions.get(default).unwrap_or(&MISSING)
}

/// The text that spans of defaults point into, from `DEFAULTS` on.
pub(super) fn text() -> &'static str {
    &PRELUDE.text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::ast::ExprKind;

    #[test]
    fn every_default_is_an_expression() {
        let (_, findings) = syntax::parse(text());
        assert_eq!(findings, []);
        for entry in catalog::entries().iter().filter(|entry| entry.kind != catalog::Kind::Schedule) {
            for default in entry.parameters.iter().filter_map(|parameter| parameter.default) {
                assert_ne!(expression(default).kind, ExprKind::Missing, "{default}");
            }
        }
    }
}
