//! The syntax tree: what was written, with byte spans, before any meaning.

use crate::diagnostic::Span;

/// A file: its statements in source order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    pub statements: Vec<Statement>,
}

/// A word with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    pub text: String,
    pub span: Span,
}

/// One statement: its clauses in source order. The first clause is the statement's own keyword
/// (`data`, `model`, `train`, `curriculum`, `under`, `evaluate`, ...), the others follow it
/// (`augment`, `batch`, `then`, `every`, ...). `let NAME = …` is a clause `let` whose `name` is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub clauses: Vec<Clause>,
    pub span: Span,
}

/// A keyword and what stands after it: none (`then` before a clause), one, or a comma list (`evaluate a, b`).
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    pub keyword: Name,
    /// The bound name of `let`.
    pub name: Option<Name>,
    pub values: Vec<Expr>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `5e-4`, `128`, `-1`, `inf` is not one.
    Number(f64),
    /// `8/255`.
    Ratio(f64, f64),
    /// `10%`; holds 10.
    Percent(f64),
    Text(String),
    Bool(bool),
    /// `200 epochs`; any word may stand where the unit does.
    Quantity(f64, Name),
    /// `epoch 160`, a point in time.
    Moment(f64, Name),
    /// `0..3`, `30..70 epochs`.
    Range(Box<Expr>, Box<Expr>, Option<Name>),
    /// `last 40 epochs`; the inner expression is whatever follows `last`.
    Last(Box<Expr>),
    /// `0.05 -> 0`.
    Arrow(Box<Expr>, Box<Expr>),
    /// `[40, 60, 80]`, `[40, 60, 80] epochs`.
    List(Vec<Expr>, Option<Name>),
    /// `each [a, b]`.
    Each(Vec<Expr>),
    /// `sgd`, `sam(rho = 0.1)`, `cosine(0.1 -> 0)`, the name of a `let`, `none`.
    Call(Call),
    /// `warmup(5 epochs) then cosine(0.05 -> 0)`.
    Then(Box<Expr>, Box<Expr>),
    /// Nothing stands where a value must; already reported by the parser.
    Missing,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub name: Name,
    /// `None` without parentheses.
    pub arguments: Option<Vec<Argument>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    pub name: Option<Name>,
    pub value: Expr,
    pub span: Span,
}
