//! Findings of one code, of which the first are kept and the others counted.

use std::collections::HashMap;

use super::{Code, Diagnostic};

/// So many findings of one code are kept.
pub const MOST_KEPT: usize = 10_000;
/// So many of them are shown.
pub const MOST_SHOWN: usize = 100;

/// A list of findings. The last of each code that it holds says how many more there are ([`Diagnostic::more`]).
#[derive(Clone, Debug)]
pub struct Bounded {
    most: usize,
    list: Vec<Diagnostic>,
    known: HashMap<Code, Known>,
}

/// What the list holds of a code.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    count: usize,
    /// Index of the last one.
    last: usize,
}

impl Default for Bounded {
    fn default() -> Self {
        Self::new(MOST_KEPT)
    }
}

impl Bounded {
    /// An empty list that keeps `most` findings of each code.
    pub fn new(most: usize) -> Self {
        Self { most, list: Vec::new(), known: HashMap::new() }
    }

    pub fn push(&mut self, mut finding: Diagnostic) {
        let known = self.known.entry(finding.code).or_default();
        if known.count == self.most {
            self.list[known.last].more += 1 + finding.more;
            return;
        }
        if known.count > 0 {
            finding.more += std::mem::take(&mut self.list[known.last].more);
        }
        *known = Known { count: known.count + 1, last: self.list.len() };
        self.list.push(finding);
    }

    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.list
    }

    pub fn into_list(self) -> Vec<Diagnostic> {
        self.list
    }
}

impl Extend<Diagnostic> for Bounded {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, findings: T) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }
}

/// The first hundred findings of each code, the last of them with the number of the others.
pub fn shown(findings: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut shown = Bounded::new(MOST_SHOWN);
    shown.extend(findings.iter().cloned());
    shown.into_list()
}

/// `10,000`
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;

    fn finding(code: Code, at: usize) -> Diagnostic {
        Diagnostic::new(code, Span::new(at, at + 1), "m", "l")
    }

    #[test]
    fn what_is_not_kept_is_counted_at_the_last_of_its_code() {
        let mut list = Bounded::new(2);
        list.extend((0..5).map(|at| finding(Code::UnknownStatement, at)));
        list.push(finding(Code::UnusedLet, 5));
        let more: Vec<(Code, usize)> =
            list.as_slice().iter().map(|finding| (finding.code, finding.more)).collect();
        assert_eq!(more, [(Code::UnknownStatement, 0), (Code::UnknownStatement, 3), (Code::UnusedLet, 0)]);
        assert_eq!(list.as_slice()[1].rest().as_deref(), Some("and 3 more of F0102"));
    }

    #[test]
    fn a_list_made_of_lists_loses_no_count() {
        let mut kept = Bounded::new(200);
        kept.extend((0..40_000).map(|at| finding(Code::UnknownStatement, at)));
        let shown = shown(kept.as_slice());
        assert_eq!(shown.len(), MOST_SHOWN);
        let counted: Vec<usize> = shown.iter().map(|finding| finding.more).filter(|&more| more > 0).collect();
        assert_eq!(counted, [39_900]);
        assert_eq!(shown[99].rest().as_deref(), Some("and 39,900 more of F0102"));
    }
}
