//! Pairs of the grammar turned into expressions. Every form that is not Flat but plain in meaning is reported here and read as meant.

use pest::iterators::Pair;

use crate::diagnostic::{Bounded, Diagnostic, Span};

use super::ast::{Expr, ExprKind, Name};
use super::grammar::{Rule, parts};
use super::slip;

/// Builds the tree of one statement.
pub(super) struct Builder<'a> {
    pub source: &'a str,
    /// Where the statement begins in the source.
    pub base: usize,
    pub diagnostics: &'a mut Bounded,
}

impl Builder<'_> {
    pub fn report(&mut self, finding: Diagnostic) {
        self.diagnostics.push(finding);
    }

    /// The place of `pair` in the source. Only for rules that end with their last token: others take in the blanks after them.
    pub fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        Span::new(self.base + span.start(), self.base + span.end())
    }

    /// A name; each `-` in it is reported and read as `_`.
    pub fn name(&mut self, pair: &Pair<'_, Rule>) -> Name {
        let (span, written) = (self.span(pair), pair.as_str());
        for (at, _) in written.match_indices('-') {
            self.report(slip::wrong_sign(Span::new(span.start + at, span.start + at + 1), "-", "_"));
        }
        Name { text: written.replace('-', "_"), span }
    }

    /// `value { then value }`, the left ones first.
    pub fn chain(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let mut whole: Option<Expr> = None;
        let mut then = Span::default();
        for part in parts(pair) {
            let next = match part.as_rule() {
                Rule::word_then => {
                    then = self.span(&part);
                    continue;
                }
                Rule::missing => self.missing(slip::missing_after(then, "a schedule", "`then`")),
                _ => self.value(part),
            };
            whole = Some(match whole.take() {
                Some(first) => joined(first, next, ExprKind::Then),
                None => next,
            });
        }
        whole.unwrap_or_else(|| missing_at(self.base))
    }

    /// `operand [-> operand]`.
    pub fn value(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let base = self.base;
        let mut parts = parts(pair);
        let first = match parts.next() {
            Some(operand) => self.operand(operand),
            None => return missing_at(base),
        };
        let Some(sign) = parts.next() else { return first };
        let span = self.span(&sign);
        if sign.as_rule() == Rule::wrong_arrow {
            self.report(slip::wrong_sign(span, sign.as_str(), "->"));
        }
        let second = match parts.next() {
            Some(operand) if operand.as_rule() != Rule::missing => self.operand(operand),
            _ => self.missing(slip::missing_after(span, "a value", "`->`")),
        };
        joined(first, second, ExprKind::Arrow)
    }

    fn operand(&mut self, pair: Pair<'_, Rule>) -> Expr {
        match pair.as_rule() {
            Rule::measure => self.measure(pair),
            Rule::moment => self.moment(pair),
            Rule::component => self.component(pair),
            Rule::call => self.call(pair),
            Rule::last => self.last(pair),
            Rule::list => self.list(pair),
            Rule::each => self.each(pair),
            Rule::text | Rule::wrong_text => self.text(&pair),
            Rule::boolean | Rule::wrong_word => self.word(&pair),
            _ => self.scalar(pair),
        }
    }

    /// `epoch 160`.
    fn moment(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let base = self.base;
        let (mut unit, mut value) = (None, missing_at(base));
        for part in parts(pair) {
            match part.as_rule() {
                Rule::moment_unit => unit = Some(self.name(&part)),
                _ => value = self.scalar(part),
            }
        }
        match (value.kind, unit) {
            (ExprKind::Number(count), Some(unit)) => {
                Expr { span: unit.span.join(value.span), kind: ExprKind::Moment(count, unit) }
            }
            (kind, _) => Expr { kind, span: value.span },
        }
    }

    /// `scalar [unit] [.. scalar [unit]]`.
    fn measure(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let base = self.base;
        let mut value = missing_at(base);
        let mut unit = None;
        for part in parts(pair) {
            match part.as_rule() {
                Rule::unit => unit = Some(self.name(&part)),
                Rule::range_end => return self.range(value, unit, part),
                _ => value = self.scalar(part),
            }
        }
        match unit {
            Some(unit) => self.quantity(value, unit),
            None => value,
        }
    }

    fn component(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let base = self.base;
        let mut value = missing_at(base);
        for part in parts(pair) {
            match part.as_rule() {
                Rule::range_end => return self.range(value, None, part),
                _ => value = self.call(part),
            }
        }
        value
    }

    /// `.. end [unit]` after `start`; a unit after `start` is reported and taken for the unit of the range.
    fn range(&mut self, start: Expr, early: Option<Name>, pair: Pair<'_, Rule>) -> Expr {
        let (mut sign, mut end, mut unit) = (Span::default(), None, None);
        for part in parts(pair) {
            match part.as_rule() {
                Rule::dots => sign = self.span(&part),
                Rule::wrong_range => {
                    sign = self.span(&part);
                    self.report(slip::wrong_range(sign, part.as_str()));
                }
                Rule::unit => unit = Some(self.name(&part)),
                Rule::missing => {}
                _ => end = Some(self.operand(part)),
            }
        }
        let end =
            end.unwrap_or_else(|| self.missing(slip::missing_after(sign, "the end of the range", "`..`")));
        if let Some(early) = &early {
            self.report(slip::early_unit(early, start.span, unit.is_none().then_some(end.span)));
        }
        let unit = unit.or(early);
        let span = unit.iter().fold(start.span.join(end.span), |span, unit| span.join(unit.span));
        Expr { kind: ExprKind::Range(Box::new(start), Box::new(end), unit), span }
    }

    fn last(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let base = self.base;
        let mut span = Span::new(base, base);
        let mut inner = missing_at(base);
        for part in parts(pair) {
            match part.as_rule() {
                Rule::word_last => span = self.span(&part),
                _ => inner = self.operand(part),
            }
        }
        Expr { span: span.join(inner.span), kind: ExprKind::Last(Box::new(inner)) }
    }

    /// Items, unit and place of `[a, b] [unit]`.
    fn items(&mut self, pair: Pair<'_, Rule>) -> (Vec<Expr>, Option<Name>, Span) {
        let (mut items, mut unit, mut span) = (Vec::new(), None, Span::default());
        for part in parts(pair) {
            if part.as_rule() == Rule::unit {
                unit = Some(self.name(&part));
            } else {
                span = self.span(&part);
                items = self.sequence(part, Builder::chain, Builder::comma_between_values);
            }
        }
        let span = unit.iter().fold(span, |span, unit| span.join(unit.span));
        (items, unit, span)
    }

    fn list(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let (items, unit, span) = self.items(pair);
        Expr { kind: ExprKind::List(items, unit), span }
    }

    /// `each [a, b]`; a unit after the list belongs to each of its numbers.
    fn each(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let base = self.base;
        let mut word = Span::new(base, base);
        for part in parts(pair) {
            match part.as_rule() {
                Rule::word_each => word = self.span(&part),
                Rule::missing => break,
                _ => {
                    let (items, unit, span) = self.items(part);
                    let items = self.with_unit(items, unit);
                    return Expr { kind: ExprKind::Each(items), span: word.join(span) };
                }
            }
        }
        self.missing(
            slip::missing_after(word, "a list", "`each`").help("for example `each [sgd, sam(rho = 0.05)]`"),
        )
    }

    fn with_unit(&mut self, items: Vec<Expr>, unit: Option<Name>) -> Vec<Expr> {
        let Some(unit) = unit else { return items };
        let measured = |item: Expr| {
            let span = item.span;
            Expr { span, ..self.quantity(item, unit.clone()) }
        };
        items.into_iter().map(measured).collect()
    }

    /// Reports `finding` and stands for the value that is not there.
    pub fn missing(&mut self, finding: Diagnostic) -> Expr {
        let at = finding.span().end;
        self.report(finding);
        missing_at(at)
    }
}

pub(super) fn missing_at(at: usize) -> Expr {
    Expr { kind: ExprKind::Missing, span: Span::new(at, at) }
}

fn joined(first: Expr, second: Expr, kind: fn(Box<Expr>, Box<Expr>) -> ExprKind) -> Expr {
    let span = first.span.join(second.span);
    Expr { kind: kind(Box::new(first), Box::new(second)), span }
}
