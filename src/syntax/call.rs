//! Components with their arguments, and the commas and signs between values.

use pest::iterators::Pair;

use crate::diagnostic::{Diagnostic, Span};

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
                let arguments = self.with_decimal_points(arguments);
                if arguments.is_empty() {
                    self.report(slip::empty_arguments(place, &call.name.text));
                }
                call.arguments = Some(arguments);
                span = span.join(place);
            }
        }
        Expr { kind: ExprKind::Call(call), span }
    }

    /// `sgd(lr = 0,1)`: numbers that a comma cuts in two, reported and put together.
    fn with_decimal_points(&mut self, arguments: Vec<Argument>) -> Vec<Argument> {
        let mut whole: Vec<Argument> = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match whole.last_mut().and_then(|before| self.joined_number(before, &argument)) {
                Some(finding) => self.report(finding),
                None => whole.push(argument),
            }
        }
        whole
    }

    /// Takes the digits of `after` into the number that `before` ends with, if only a comma stands between them.
    fn joined_number(&self, before: &mut Argument, after: &Argument) -> Option<Diagnostic> {
        let (end, start) = (before.span.end, after.span.start);
        if after.name.is_some() || self.source.get(end..start) != Some(",") {
            return None;
        }
        let named = before.name.is_some();
        let last = last_number(&mut before.value)?;
        let mut value = after.value.clone();
        let first = first_number(&mut value)?;
        let (left, right) = (&self.source[last.start..last.end], &self.source[first.start..first.end]);
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(left.trim_start_matches('-'))
            || !digits(right)
            || !(named || left.trim_start_matches('-') == "0")
        {
            return None;
        }
        let finding = slip::decimal_comma(self.source, last, first);
        let number: f64 = format!("{left}.{right}").parse().ok()?;
        set_number(&mut before.value, number, value);
        before.span = before.span.join(after.span);
        Some(finding)
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

/// The place of the plain number that a value ends with.
fn last_number(value: &mut Expr) -> Option<Span> {
    match &mut value.kind {
        ExprKind::Number(_) => Some(value.span),
        ExprKind::Arrow(_, end) => last_number(end),
        _ => None,
    }
}

/// The place of the plain number that a value begins with.
fn first_number(value: &mut Expr) -> Option<Span> {
    match &mut value.kind {
        ExprKind::Number(_) => Some(value.span),
        ExprKind::Arrow(start, _) => first_number(start),
        _ => None,
    }
}

/// Puts `number` for the number that `value` ends with and `rest` begins with, and goes on with what else `rest` has.
fn set_number(value: &mut Expr, number: f64, rest: Expr) {
    let place = value.span.join(rest.span);
    match (&mut value.kind, rest.kind) {
        (ExprKind::Arrow(_, end), kind) => set_number(end, number, Expr { kind, span: rest.span }),
        (_, ExprKind::Arrow(mut start, end)) => {
            start.kind = ExprKind::Number(number);
            start.span = value.span.join(start.span);
            value.kind = ExprKind::Arrow(start, end);
        }
        _ => value.kind = ExprKind::Number(number),
    }
    value.span = place;
}
