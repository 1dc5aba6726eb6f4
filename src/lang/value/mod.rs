//! From written expressions to typed values: one `read` per type, with the findings of whatever does not fit.

mod arguments;
mod choice;
mod component;
mod interval;
mod list;
pub(crate) mod mistakes;
mod names;
mod normalize;
mod number;
mod probe;
mod schedule;
mod text;
mod time;

pub use arguments::Arguments;
pub use component::Member;
pub use interval::Interval;
pub use names::Names;
pub use normalize::Normalize;
pub use probe::ProbeLoss;

pub(crate) use choice::read_choice;
pub(crate) use component::{bind, locate};
pub(crate) use number::number;

use super::catalog::{Form, Parameter};
use super::check::Checker;
use crate::syntax::ast::{Expr, ExprKind};

/// A type that a parameter or a clause may have.
pub trait Value: Sized {
    /// What is expected, in the words of the language.
    const FORM: Form;

    /// Reads an expression that stands at `place`; whatever is wrong is reported, and then there is no value.
    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self>;
}

impl<T: Value> Value for Option<T> {
    const FORM: Form = Form { optional: true, ..T::FORM };

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        if is_word(checker.resolve(expr), "none") {
            return Some(None);
        }
        T::read(checker, expr, place).map(Some)
    }
}

/// Whether the expression is this bare word.
pub(crate) fn is_word(expr: &Expr, word: &str) -> bool {
    matches!(&expr.kind, ExprKind::Call(call) if call.arguments.is_none() && call.name.text == word)
}
