//! The findings of one file: each mistake once, however many variants share it.

use std::collections::HashSet;

use super::place;
use crate::diagnostic::{Bounded, Code, Diagnostic, Level, Span};
use crate::lang::program::Origin;

#[derive(Default)]
pub(super) struct Findings {
    list: Bounded,
    seen: HashSet<(Code, Span)>,
}

impl Findings {
    /// Keeps the finding unless the same one is there already. Nothing is wrong with a default.
    pub fn push(&mut self, finding: Diagnostic) {
        let span = finding.span();
        let fresh = match span == Span::default() {
            true => !self.list.as_slice().contains(&finding),
            false => self.seen.insert((finding.code, span)),
        };
        if fresh && place::origin(span) != Origin::Default {
            self.list.push(finding);
        }
    }

    pub fn has_errors(&self) -> bool {
        self.list.as_slice().iter().any(|finding| finding.level() == Level::Error)
    }

    pub fn into_list(self) -> Vec<Diagnostic> {
        self.list.into_list()
    }
}
