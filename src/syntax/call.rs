//! Components with their arguments, and the commas and signs between values.

use pest::iterators::Pair;

use crate::diagnostic::Span;

use super::ast::{Argument, Call, Expr, ExprKind, Name};
use super::grammar::{Rule, parts};
use super::slip;
use super::value::{Builder, missing_at};

impl Builder<'_> {
    pub fn call(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let base = self.base;
        let mut call =
            Call { name: Name { text: String::new(), span: Span::new(base, base) }, arguments: None };
        let mut span = call.name.span;
        for part in parts(pair) {
            if part.as_rule() == Rule::name {
                call.name = self.name(&part);
                span = call.name.span;
            } else {
                let place = self.span(&part);
                let arguments = self.sequence(part, Builder::argument, Builder::comma_between_arguments);
                if arguments.is_empty() {
                    self.report(slip::empty_arguments(place, &call.name.text));
                }
                call.arguments = Some(arguments);
                span = span.join(place);
            }
        }
        Expr { kind: ExprKind::Call(call), span }
    }

    /// What stands between brackets, and what is wrong with the commas there.
    pub fn sequence<T>(
        &mut self,
        pair: Pair<'_, Rule>,
        build: fn(&mut Self, Pair<'_, Rule>) -> T,
        comma_between: fn(&mut Self, &T, &T),
    ) -> Vec<T> {
        let mut items: Vec<T> = Vec::new();
        let mut comma_missing = false;
        for part in parts(pair) {
            match part.as_rule() {
                Rule::comma | Rule::trailing_comma => self.commas(&part),
                Rule::missing_comma => comma_missing = true,
                _ => {
                    let item = build(self, part);
                    if let (true, Some(previous)) = (std::mem::take(&mut comma_missing), items.last()) {
                        comma_between(self, previous, &item);
                    }
                    items.push(item);
                }
            }
        }
        items
    }

    /// Reports that no comma stands between `first` and `second`.
    pub fn comma_between_values(&mut self, first: &Expr, second: &Expr) {
        self.report(slip::missing_comma(self.source, first.span, second.span));
    }

    fn comma_between_arguments(&mut self, first: &Argument, second: &Argument) {
        let is_word = |kind: &ExprKind| matches!(kind, ExprKind::Call(Call { arguments: None, .. }));
        let could_be_one = first.name.is_none() && second.name.is_none() && is_word(&first.value.kind);
        let finding = if could_be_one { slip::missing_comma_or_equals } else { slip::missing_comma };
        self.report(finding(self.source, first.span, second.span));
    }

    /// Reports every comma that has no value after it.
    pub fn commas(&mut self, pair: &Pair<'_, Rule>) {
        let kept = usize::from(pair.as_rule() == Rule::comma);
        let start = self.base + pair.as_span().start();
        for (at, _) in pair.as_str().match_indices(',').skip(kept) {
            self.report(slip::stray_comma(Span::new(start + at, start + at + 1)));
        }
    }

    fn argument(&mut self, pair: Pair<'_, Rule>) -> Argument {
        let base = self.base;
        let Some(inner) = parts(pair).next() else {
            return Argument { name: None, value: missing_at(base), span: Span::new(base, base) };
        };
        match inner.as_rule() {
            Rule::named => self.named(inner),
            _ => {
                let value = self.chain(inner);
                Argument { name: None, span: value.span, value }
            }
        }
    }

    fn named(&mut self, pair: Pair<'_, Rule>) -> Argument {
        let base = self.base;
        let mut name = Name { text: String::new(), span: Span::new(base, base) };
        let mut written = name.span;
        let (mut sign, mut value) = (None, None);
        for part in parts(pair) {
            match part.as_rule() {
                Rule::argument_name | Rule::name => name = self.name(&part),
                Rule::equals | Rule::wrong_equals | Rule::missing_equals => {
                    written = name.span.join(self.span(&part));
                    sign = Some(part);
                }
                Rule::missing => {}
                _ => value = Some(self.chain(part)),
            }
        }
        let value = match (value, sign) {
            (Some(value), Some(sign)) => {
                self.assignment(&sign, &name);
                value
            }
            _ => self.missing(slip::missing_after(written, "a value", &format!("`{} =`", name.text))),
        };
        Argument { span: name.span.join(value.span), name: Some(name), value }
    }

    /// Reports anything but `=` between `name` and its value.
    pub fn assignment(&mut self, sign: &Pair<'_, Rule>, name: &Name) {
        let finding = match sign.as_rule() {
            Rule::wrong_equals => slip::wrong_equals(self.source, self.span(sign), &name.text),
            Rule::missing_equals => slip::missing_equals(name),
            _ => return,
        };
        self.report(finding);
    }
}
