//! Expressions as text, on one line, with `let` and `each` replaced by what they stand for.

use super::Checker;
use crate::diagnostic::Span;
use crate::syntax::ast::{Argument, Expr, ExprKind, Name};
use crate::syntax::{Token, TokenKind, tokens};

impl<'a> Checker<'a> {
    /// The value as it would be written in a file without `let` and `each`.
    pub(super) fn print(&self, expr: &'a Expr) -> String {
        let resolved = self.resolve(expr);
        match &resolved.kind {
            ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Missing => {
                self.slice(resolved.span).to_string()
            }
            ExprKind::Number(_) | ExprKind::Ratio(..) | ExprKind::Percent(_) => self.joined(resolved.span),
            ExprKind::Quantity(_, unit) => {
                let number = Span::new(resolved.span.start, resolved.span.end.min(unit.span.start));
                format!("{} {}", self.joined(number), unit.text)
            }
            ExprKind::Moment(_, unit) => {
                format!("{} {}", unit.text, self.joined(Span::new(unit.span.end, resolved.span.end)))
            }
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

    /// The source text without blanks, line breaks and comments.
    fn joined(&self, span: Span) -> String {
        let text = self.slice(span);
        let matters = |token: &Token| !matches!(token.kind, TokenKind::Comment | TokenKind::Newline);
        tokens(text).filter(matters).map(|token| token.text(text)).collect()
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
