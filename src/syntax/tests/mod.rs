//! The syntax as its users meet it: trees, messages, and what must hold for any text.

mod messages;
mod properties;
mod recovery;
mod sources;
mod trees;

use super::ast::{Call, Expr, ExprKind, File};
use super::parse;
use crate::diagnostic::Span;

/// Every span of the tree.
fn spans(file: &mut File) -> Vec<&mut Span> {
    let mut all = Vec::new();
    for statement in &mut file.statements {
        all.push(&mut statement.span);
        for clause in &mut statement.clauses {
            all.extend([&mut clause.span, &mut clause.keyword.span]);
            all.extend(clause.name.iter_mut().map(|name| &mut name.span));
            clause.values.iter_mut().for_each(|value| expression_spans(value, &mut all));
        }
    }
    all
}

fn expression_spans<'a>(expression: &'a mut Expr, all: &mut Vec<&'a mut Span>) {
    all.push(&mut expression.span);
    match &mut expression.kind {
        ExprKind::Quantity(_, unit) | ExprKind::Moment(_, unit) => all.push(&mut unit.span),
        ExprKind::Range(start, end, unit) => {
            expression_spans(start, all);
            expression_spans(end, all);
            all.extend(unit.iter_mut().map(|unit| &mut unit.span));
        }
        ExprKind::Last(inner) => expression_spans(inner, all),
        ExprKind::Arrow(first, second) | ExprKind::Then(first, second) => {
            expression_spans(first, all);
            expression_spans(second, all);
        }
        ExprKind::List(items, unit) => {
            items.iter_mut().for_each(|item| expression_spans(item, all));
            all.extend(unit.iter_mut().map(|unit| &mut unit.span));
        }
        ExprKind::Each(items) => items.iter_mut().for_each(|item| expression_spans(item, all)),
        ExprKind::Call(Call { name, arguments }) => {
            all.push(&mut name.span);
            for argument in arguments.iter_mut().flatten() {
                all.push(&mut argument.span);
                all.extend(argument.name.iter_mut().map(|name| &mut name.span));
                expression_spans(&mut argument.value, all);
            }
        }
        _ => {}
    }
}

/// The tree without places.
fn meaning(source: &str) -> File {
    let (mut file, _) = parse(source);
    spans(&mut file).into_iter().for_each(|span| *span = Span::default());
    file
}
