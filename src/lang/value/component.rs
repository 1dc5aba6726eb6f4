//! Components: a name, its arguments, and the struct they become.

use super::{Arguments, Value, mistakes};
use crate::lang::catalog::{self, Entry, Form, Kind, Parameter, Source};
use crate::lang::check::Checker;
use crate::syntax::ast::{Call, Expr, ExprKind};

/// The enum of all components of one kind.
pub trait Member: Sized {
    const KIND: Kind;

    fn entries() -> Vec<&'static Entry>;

    /// The component `name`, which is one of the entries' names, from its arguments.
    fn bind<'a>(name: &str, checker: &mut Checker<'a>, arguments: &Arguments<'a>) -> Option<Self>;
}

impl<K: Member> Value for K {
    const FORM: Form = Form { component: Some(K::KIND), ..Form::of(K::KIND.noun()) };

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        let (entry, call) = locate(checker, expr, &[K::KIND], place)?;
        bind(checker, expr, entry, call, None)
    }
}

impl Value for Box<Source> {
    const FORM: Form = Source::FORM;

    fn read<'a>(checker: &mut Checker<'a>, expr: &'a Expr, place: &Parameter) -> Option<Self> {
        Source::read(checker, expr, place).map(Box::new)
    }
}

/// The entry that an expression names, among the kinds that may stand there. A word with one near name stands for
/// it from here on, so that its arguments are checked too.
pub(crate) fn locate<'a>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    kinds: &[Kind],
    place: &Parameter,
) -> Option<(&'static Entry, &'a Call)> {
    let resolved = checker.resolve(expr);
    let ExprKind::Call(call) = &resolved.kind else {
        return mistakes::wrong_type(checker, expr, place);
    };
    let known = kinds.iter().find_map(|kind| catalog::find_in(*kind, &call.name.text));
    let entry = match known {
        Some(entry) => entry,
        None => mistakes::unknown_component(checker, call, kinds)?,
    };
    Some((entry, call))
}

/// The component of an entry, recorded among the settings; parameters that are not written come from `inherited`.
pub(crate) fn bind<'a, K: Member>(
    checker: &mut Checker<'a>,
    expr: &'a Expr,
    entry: &'static Entry,
    call: &'a Call,
    inherited: Option<&Arguments<'a>>,
) -> Option<K> {
    checker.record(entry.name.to_string(), checker.origin(expr));
    let arguments = Arguments::of(checker, entry, call, inherited);
    K::bind(entry.name, checker, &arguments)
}
