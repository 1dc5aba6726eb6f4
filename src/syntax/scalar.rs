//! The values without parts: texts, words, numbers, ratios, percentages, quantities.

use pest::iterators::Pair;

use crate::diagnostic::Span;

use super::ast::{Call, Expr, ExprKind, Name};
use super::grammar::{Rule, parts};
use super::literal::{self, Meant};
use super::slip;
use super::value::{Builder, missing_at};

impl Builder<'_> {
    pub fn text(&mut self, pair: &Pair<'_, Rule>) -> Expr {
        let span = self.span(pair);
        let written = pair.as_str();
        let quote = written.chars().next().map_or(0, char::len_utf8);
        let close = written.chars().next_back().map_or(0, char::len_utf8);
        let inside = &written[quote..written.len() - close];
        if pair.as_rule() == Rule::wrong_text {
            self.report(slip::wrong_quotes(span, inside));
            return Expr { kind: ExprKind::Text(inside.to_owned()), span };
        }
        let (text, unknown) = literal::unescape(inside);
        for at in unknown {
            let start = span.start + quote + at;
            self.report(slip::unknown_escape(start, &inside[at + 1..]));
        }
        Expr { kind: ExprKind::Text(text), span }
    }

    pub fn word(&mut self, pair: &Pair<'_, Rule>) -> Expr {
        let span = self.span(pair);
        let written = pair.as_str();
        let meant = written.to_ascii_lowercase();
        if pair.as_rule() == Rule::wrong_word {
            self.report(slip::capitalised(span, written, &meant));
        }
        let kind = match meant.as_str() {
            "none" => ExprKind::Call(Call { name: Name { text: meant, span }, arguments: None }),
            truth => ExprKind::Bool(truth == "true"),
        };
        Expr { kind, span }
    }

    /// A number, a ratio or a percentage.
    pub fn scalar(&mut self, pair: Pair<'_, Rule>) -> Expr {
        match pair.as_rule() {
            Rule::percent => self.percent(pair, true),
            Rule::loose_percent => self.percent(pair, false),
            Rule::ratio => self.ratio(pair),
            _ => self.figure(&pair),
        }
    }

    fn percent(&mut self, pair: Pair<'_, Rule>, tight: bool) -> Expr {
        let span = self.span(&pair);
        let Some(figure) = parts(pair).next() else { return missing_at(self.base) };
        let share = self.figure(&figure);
        if !tight {
            self.report(slip::loose_percent(Span::new(share.span.end, span.end - 1), figure.as_str()));
        }
        match share.kind {
            ExprKind::Number(share) => Expr { kind: ExprKind::Percent(share), span },
            _ => Expr { kind: ExprKind::Missing, span },
        }
    }

    fn ratio(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let start = self.span(&pair).start;
        let figures: Vec<Expr> = parts(pair)
            .filter(|part| part.as_rule() != Rule::missing)
            .map(|figure| self.figure(&figure))
            .collect();
        let span = figures.iter().fold(Span::new(start, start), |span, figure| span.join(figure.span));
        let missing = Expr { kind: ExprKind::Missing, span };
        let numbers: Vec<&ExprKind> = figures.iter().map(|figure| &figure.kind).collect();
        let finding = match numbers[..] {
            [ExprKind::Number(_), ExprKind::Number(0.0)] => slip::division_by_zero(span, figures[1].span),
            [ExprKind::Number(over), ExprKind::Number(under)] => {
                return Expr { kind: ExprKind::Ratio(*over, *under), span };
            }
            [_] => slip::missing_after(span, "a denominator", "`/`").help("for example `8/255`"),
            _ => return missing,
        };
        self.report(finding);
        missing
    }

    fn figure(&mut self, pair: &Pair<'_, Rule>) -> Expr {
        let span = self.span(pair);
        let written = pair.as_str();
        if pair.as_rule() == Rule::number {
            return self.number(written, span);
        }
        let meant = literal::meant(written);
        self.report(slip::malformed_number(span, written, &meant));
        match meant {
            Meant::Number(number) => self.number(&number, span),
            Meant::Quantity(number, unit) => {
                let unit = Name { span: Span::new(span.end - unit.len(), span.end), text: unit };
                let count = self.number(&number, span);
                self.quantity(count, unit)
            }
            Meant::Unclear => Expr { kind: ExprKind::Missing, span },
        }
    }

    fn number(&mut self, written: &str, span: Span) -> Expr {
        let kind = match literal::number(written) {
            Ok(value) => ExprKind::Number(value),
            Err(reason) => {
                self.report(slip::out_of_reach(span, written, reason));
                ExprKind::Missing
            }
        };
        Expr { kind, span }
    }

    /// `value` counted in `unit`.
    pub fn quantity(&mut self, value: Expr, unit: Name) -> Expr {
        let span = value.span.join(unit.span);
        let kind = match value.kind {
            ExprKind::Number(count) => ExprKind::Quantity(count, unit),
            ExprKind::Missing => ExprKind::Missing,
            kind => {
                self.report(slip::unit_after(&kind, &unit, value.span));
                kind
            }
        };
        Expr { kind, span }
    }
}
