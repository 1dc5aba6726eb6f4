//! The alternatives of `each`, and every combination of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Checker;
use super::outline::Outline;
use super::scope::{Scope, children};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lang::program::Variant;
use crate::syntax::ast::{Expr, ExprKind, File};

/// The most variants a file may have.
pub(super) const MOST_VARIANTS: usize = 10_000;

/// Which alternative is taken at each `each`, by its place in the source.
pub(super) type Choice = BTreeMap<Span, usize>;

/// Every `each` that matters under some choices made so far.
pub(super) struct Choices<'a> {
    scope: &'a Scope<'a>,
    roots: Vec<&'a Expr>,
}

impl<'a> Choices<'a> {
    pub fn of(file: &'a File, scope: &'a Scope<'a>) -> Self {
        let clauses = file.statements.iter().flat_map(|statement| &statement.clauses);
        let written = clauses.filter(|clause| clause.keyword.text != "let");
        Self { scope, roots: written.flat_map(|clause| &clause.values).collect() }
    }

    /// Every combination in source order, the last `each` fastest; `None` when there are too many.
    pub fn combinations(&self) -> Option<Vec<Choice>> {
        let mut found = Vec::new();
        let mut waiting = vec![Choice::new()];
        while let Some(choice) = waiting.pop() {
            match self.next_open(&choice) {
                None => found.push(choice),
                Some((site, alternatives)) => {
                    let taken = (0..alternatives.max(1)).rev().map(|taken| {
                        let mut longer = choice.clone();
                        longer.insert(site, taken);
                        longer
                    });
                    waiting.extend(taken);
                }
            }
            if found.len() + waiting.len() > MOST_VARIANTS {
                return None;
            }
        }
        Some(found)
    }

    /// Every `each` the file reaches, whatever is chosen, in source order.
    pub fn sites(&self) -> Vec<(Span, &'a [Expr])> {
        let mut sites: HashMap<Span, &'a [Expr]> = HashMap::new();
        let mut passed = HashSet::new();
        for root in &self.roots {
            self.walk(root, None, &mut passed, &mut |span, alternatives| {
                sites.insert(span, alternatives);
            });
        }
        let mut sites: Vec<_> = sites.into_iter().collect();
        sites.sort_by_key(|(span, _)| *span);
        sites
    }

    /// The first `each` in the source that the choices reach and leave open.
    fn next_open(&self, choice: &Choice) -> Option<(Span, usize)> {
        let mut first: Option<(Span, usize)> = None;
        let mut passed = HashSet::new();
        for root in &self.roots {
            self.walk(root, Some(choice), &mut passed, &mut |span, alternatives| {
                let open = !choice.contains_key(&span) && first.is_none_or(|(earliest, _)| span < earliest);
                if open {
                    first = Some((span, alternatives.len()));
                }
            });
        }
        first
    }

    /// Visits each `each` once: under the alternatives taken, or under all of them without a choice.
    fn walk(
        &self,
        expr: &'a Expr,
        choice: Option<&Choice>,
        passed: &mut HashSet<&'a str>,
        see: &mut impl FnMut(Span, &'a [Expr]),
    ) {
        match &expr.kind {
            ExprKind::Each(alternatives) => {
                see(expr.span, alternatives);
                let taken = choice.map(|choice| choice.get(&expr.span).copied());
                for (index, alternative) in alternatives.iter().enumerate() {
                    if taken.is_none_or(|taken| taken == Some(index)) {
                        self.walk(alternative, choice, passed, see);
                    }
                }
            }
            ExprKind::Call(call) if call.arguments.is_none() => {
                let name = call.name.text.as_str();
                if let (Some(value), true) = (self.scope.value(name), passed.insert(name)) {
                    self.walk(value, choice, passed, see);
                }
            }
            _ => children(expr).into_iter().for_each(|child| self.walk(child, choice, passed, see)),
        }
    }
}

impl<'a> Checker<'a> {
    /// A choice that makes no difference: written alike, or of what no phase uses.
    pub(super) fn lint_equal_variants(
        &mut self,
        outline: &Outline<'a>,
        combinations: &[Choice],
        variants: &[Variant],
    ) {
        let mut seen: HashMap<String, usize> = HashMap::with_capacity(variants.len());
        for (index, variant) in variants.iter().enumerate() {
            let experiment = serde_json::to_string(&variant.experiment).unwrap_or_default();
            let first = *seen.entry(experiment).or_insert(index);
            let Some(span) = self.difference(outline, &combinations[first], &combinations[index]) else {
                continue;
            };
            let message =
                format!("the variants `{}` and `{}` are the same run", variants[first].slug, variant.slug);
            let finding = Diagnostic::new(Code::EqualVariants, span, message, "makes no difference")
                .help("an optimizer that a phase names itself hides the values of `optimize`")
                .help("for more runs of one setting, write more seeds: `seeds 0..3`");
            self.report(finding);
        }
    }

    /// The first alternative in which a choice differs from another one, unless both are written alike.
    fn difference(&self, outline: &Outline<'a>, first: &Choice, other: &Choice) -> Option<Span> {
        let (site, taken) = other.iter().find(|(site, taken)| first.get(site) != Some(taken))?;
        let alternatives = outline.sites.get(site)?.alternatives;
        let [one, two] = [first.get(site)?, taken].map(|taken| alternatives.get(*taken));
        let (one, two) = (one?, two?);
        (self.slice(one.span) != self.slice(two.span)).then_some(two.span)
    }
}
