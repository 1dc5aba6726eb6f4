//! Expressions as text, on one line, with `let` and `each` replaced by what they stand for.

use super::Checker;
use crate::syntax::ast::{Argument, Expr, ExprKind, Name};

impl<'a> Checker<'a> {
    /// The value as it would be written in a file without `let` and `each`.
    pub(super) fn print(&self, expr: &'a Expr) -> String {
        let resolved = self.resolve(expr);
        match &resolved.kind {
            ExprKind::Number(_)
            | ExprKind::Ratio(..)
            | ExprKind::Percent(_)
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::Missing => self.slice(resolved.span).to_string(),
            ExprKind::Quantity(..) | ExprKind::Moment(..) => self.words(resolved),
            ExprKind::Range(start, end, unit) => {
                format!("{}..{}{}", self.print(start), self.print(end), suffix(unit))
            }
            ExprKind::Last(inner) => format!("last {}", self.print(inner)),
            ExprKind::Arrow(from, to) => format!("{} -> {}", self.print(from), self.print(to)),
            ExprKind::List(items, unit) => format!("[{}]{}", self.print_all(items), suffix(unit)),
            ExprKind::Each(_) => String::new(),
            ExprKind::Then(first, rest) => format!("{} then {}", self.print(first), self.print(rest)),
            ExprKind::Call(call) => match &call.arguments {
                None => call.name.text.clone(),
                Some(arguments) => format!("{}({})", call.name.text, self.print_arguments(arguments)),
            },
        }
    }

    /// The source text with every run of white space as one space.
    fn words(&self, expr: &Expr) -> String {
        self.slice(expr.span).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn print_all(&self, items: &'a [Expr]) -> String {
        items.iter().map(|item| self.print(item)).collect::<Vec<_>>().join(", ")
    }

    fn print_arguments(&self, arguments: &'a [Argument]) -> String {
        let written = |argument: &'a Argument| match &argument.name {
            Some(name) => format!("{} = {}", name.text, self.print(&argument.value)),
            None => self.print(&argument.value),
        };
        arguments.iter().map(written).collect::<Vec<_>>().join(", ")
    }
}

fn suffix(unit: &Option<Name>) -> String {
    unit.as_ref().map_or_else(String::new, |unit| format!(" {}", unit.text))
}
