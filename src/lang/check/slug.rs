//! Names of variants, which are their folders too: what varies, and what it is.

use std::collections::{HashMap, HashSet};

use super::Checker;
use super::sites::{Site, plain};
use crate::lang::catalog::{self, Kind};
use crate::lang::program::Variant;
use crate::syntax::ast::{Argument, Call, Expr, ExprKind, Name};

const LONGEST: usize = 80;

/// The words of all choices, `main` without any.
pub(super) fn of(choices: &[String]) -> String {
    if choices.is_empty() {
        return "main".into();
    }
    let slug = shortened(&choices.join("_"), LONGEST);
    if slug.is_empty() { "variant".into() } else { slug }
}

impl<'a> Checker<'a> {
    /// A choice in words: a component by itself, `sam-rho-0.05`, everything else behind what it is a value of, `lr-0.01`.
    pub(super) fn word(&self, site: &Site<'a>, taken: &'a Expr) -> String {
        let said = self.said(site, taken);
        match (self.says_what_it_is(taken), said.is_empty()) {
            (true, _) => said,
            (false, true) => plain(&site.label),
            (false, false) => format!("{}-{said}", plain(&site.label)),
        }
    }

    /// Whether an expression is a component, whose name tells its place. A schedule may stand in many, `none` anywhere.
    fn says_what_it_is(&self, expr: &'a Expr) -> bool {
        let ExprKind::Call(call) = &self.resolve(expr).kind else { return false };
        let entries = catalog::find(&call.name.text);
        call.name.text != "none" && entries.iter().any(|entry| entry.kind != Kind::Schedule)
    }

    /// An expression as a part of a folder's name, numbers as they are written.
    fn said(&self, site: &Site<'a>, expr: &'a Expr) -> String {
        let said = |expr: &'a Expr| self.said(site, expr);
        match &expr.kind {
            ExprKind::Number(_)
            | ExprKind::Ratio(..)
            | ExprKind::Percent(_)
            | ExprKind::Bool(_)
            | ExprKind::Quantity(..)
            | ExprKind::Moment(..) => number(self.slice(expr.span)),
            ExprKind::Text(text) => site.paths.get(text.as_str()).cloned().unwrap_or_else(|| plain(text)),
            ExprKind::Range(start, end, unit) => {
                joined([format!("{}..{}", said(start), said(end)), unit_of(unit)])
            }
            ExprKind::Last(inner) => joined(["last".to_owned(), said(inner)]),
            ExprKind::Arrow(from, to) => joined([said(from), "to".to_owned(), said(to)]),
            ExprKind::Then(first, rest) => joined([said(first), "then".to_owned(), said(rest)]),
            ExprKind::List(items, _) if items.is_empty() => "none".to_owned(),
            ExprKind::List(items, unit) => joined(items.iter().map(said).chain([unit_of(unit)])),
            ExprKind::Each(alternatives) => {
                let taken = self.choice.get(&expr.span).copied().unwrap_or(0);
                alternatives.get(taken).map_or_else(String::new, said)
            }
            ExprKind::Call(call) => self.call(site, call),
            ExprKind::Missing => String::new(),
        }
    }

    fn call(&self, site: &Site<'a>, call: &'a Call) -> String {
        let argument = |argument: &'a Argument| {
            let name = argument.name.as_ref().map_or("", |name| &name.text);
            joined([plain(name), self.said(site, &argument.value)])
        };
        joined([plain(&call.name.text)].into_iter().chain(call.arguments.iter().flatten().map(argument)))
    }
}

/// `8/255` as `8_255`, `10%` as `10pct`, `10 epochs` as `10-epochs`.
fn number(written: &str) -> String {
    let tight = written.replace('+', "").replace('%', "pct");
    let ratio: Vec<&str> = tight.split('/').map(str::trim).collect();
    ratio.join("_").split_whitespace().collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

fn unit_of(unit: &Option<Name>) -> String {
    unit.as_ref().map_or_else(String::new, |unit| plain(&unit.text))
}

fn joined(words: impl IntoIterator<Item = String>) -> String {
    let words = words.into_iter().filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

fn shortened(slug: &str, length: usize) -> String {
    slug.get(..length.min(slug.len())).unwrap_or(slug).trim_end_matches(['-', '.', '_']).to_string()
}

/// Numbers the slugs that more than one variant has.
pub(super) fn make_unique(variants: &mut [Variant]) {
    let mut taken: HashSet<String> = HashSet::with_capacity(variants.len());
    let mut next: HashMap<String, usize> = HashMap::new();
    for variant in variants {
        let number = next.entry(variant.slug.clone()).or_insert(1);
        let mut slug = numbered(&variant.slug, *number);
        while !taken.insert(slug.clone()) {
            *number += 1;
            slug = numbered(&variant.slug, *number);
        }
        variant.slug = slug;
    }
}

fn numbered(slug: &str, number: usize) -> String {
    if number == 1 {
        return slug.to_string();
    }
    let ending = format!("-{number}");
    shortened(slug, LONGEST - ending.len()) + &ending
}

#[cfg(test)]
mod tests {
    use super::{number, of};

    #[test]
    fn choices_are_joined_and_cut() {
        assert_eq!(of(&[]), "main");
        assert_eq!(of(&["ssp-adm".into(), "sam-rho-0.05".into()]), "ssp-adm_sam-rho-0.05");
        assert_eq!(of(&["x".repeat(200)]).len(), 80);
    }

    #[test]
    fn numbers_are_as_they_are_written() {
        for (written, said) in [
            ("0.01", "0.01"),
            ("1e-3", "1e-3"),
            ("1e+3", "1e3"),
            ("-0.3", "-0.3"),
            ("8/255", "8_255"),
            ("8 / 255", "8_255"),
            ("10%", "10pct"),
            ("10 epochs", "10-epochs"),
            ("epoch 160", "epoch-160"),
        ] {
            assert_eq!(number(written), said);
        }
    }
}
