//! Written arguments matched to the parameters of an entry.

use super::{Value, mistakes};
use crate::diagnostic::Span;
use crate::lang::catalog::{Entry, Parameter};
use crate::lang::check::{Checker, defaults};
use crate::syntax::ast::{Argument, Call, Expr};

/// What was written for each parameter of an entry.
pub struct Arguments<'a> {
    pub entry: &'static Entry,
    /// The name of the component in the file.
    pub span: Span,
    given: Vec<Option<&'a Expr>>,
    /// Whether an argument belongs to no parameter.
    strays: bool,
}

impl<'a> Arguments<'a> {
    /// Matches arguments by name, the first one also by position; reports those that fit nothing.
    pub(crate) fn of(
        checker: &mut Checker<'a>,
        entry: &'static Entry,
        call: &'a Call,
        inherited: Option<&Arguments<'a>>,
    ) -> Self {
        let mut matched =
            Self { entry, span: call.name.span, given: vec![None; entry.parameters.len()], strays: false };
        for (position, argument) in call.arguments.iter().flatten().enumerate() {
            matched.take(checker, call, position, argument);
        }
        if let Some(inherited) = inherited {
            matched.inherit(inherited);
        }
        matched.require(checker);
        matched
    }

    fn take(&mut self, checker: &mut Checker<'a>, call: &Call, position: usize, argument: &'a Argument) {
        let index = match &argument.name {
            Some(_) => mistakes::parameter_index(checker, self.entry, call, position),
            None => mistakes::first_index(checker, self.entry, position, argument),
        };
        let Some(index) = index else {
            self.strays = true;
            return;
        };
        match self.given[index] {
            Some(first) => {
                mistakes::duplicate_parameter(checker, &self.entry.parameters[index], first, argument)
            }
            None => self.given[index] = Some(&argument.value),
        }
    }

    fn inherit(&mut self, inherited: &Arguments<'a>) {
        for (own, other) in self.given.iter_mut().zip(&inherited.given) {
            *own = own.or(*other);
        }
    }

    /// Whether something is written here that `call` leaves out; a component without arguments is written as a whole.
    pub(crate) fn adds_to(&self, call: &Call) -> bool {
        let own: Vec<Option<&str>> = call
            .arguments
            .iter()
            .flatten()
            .enumerate()
            .map(|(position, argument)| match &argument.name {
                Some(name) => Some(name.text.as_str()),
                None => self.entry.parameters.get(position).map(|parameter| parameter.name),
            })
            .collect();
        let mut written =
            self.entry.parameters.iter().zip(&self.given).filter(|(_, given)| given.is_some()).peekable();
        written.peek().is_none() || written.any(|(parameter, _)| !own.contains(&Some(parameter.name)))
    }

    fn require(&self, checker: &mut Checker<'a>) {
        let absent = |(parameter, given): &(&Parameter, &Option<&Expr>)| {
            parameter.default.is_none() && given.is_none()
        };
        let missing: Vec<&str> = self
            .entry
            .parameters
            .iter()
            .zip(&self.given)
            .filter(absent)
            .map(|(parameter, _)| parameter.name)
            .collect();
        if !missing.is_empty() {
            mistakes::missing::<()>(checker, self.span, self.entry.name, &missing);
        }
    }

    /// Whether an argument belongs to no parameter, so that a default may stand where a value was meant.
    pub fn has_strays(&self) -> bool {
        self.strays
    }

    /// What was written for a parameter; `None` where its default holds.
    pub fn written(&self, name: &str) -> Option<&'a Expr> {
        let index = self.entry.parameters.iter().position(|parameter| parameter.name == name)?;
        self.given[index]
    }

    /// The value of a parameter, written or default, recorded among the settings.
    pub(crate) fn read<T: Value>(&self, checker: &mut Checker<'a>, name: &str) -> Option<T> {
        let place = self.entry.parameter(name)?;
        let expr = match self.written(name) {
            Some(expr) => expr,
            None => defaults::expression(place.default?),
        };
        checker.at(name, |checker| {
            if T::FORM.component.is_none() {
                checker.record_written(expr);
            }
            T::read(checker, expr, place)
        })
    }
}
