//! Hutchinson's estimate of a trace: `v' H v` over random signs `v`, until its standard error is small.

use std::ops::Range;

use super::operator::Operator;
use super::vector::{dot, signs};
use crate::evaluate::{Headway, MeasureError, Session};

/// Streams of the signs, as part of a key.
const SIGNS: u64 = 2;

/// The standard error of fewer draws says little.
const LEAST: usize = 10;

/// When a trace is good enough.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Largest standard error over trace.
    pub error: f64,
    /// Most draws.
    pub probes: usize,
}

/// An estimate and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    pub value: f64,
    pub error: f64,
}

impl Mean {
    pub fn of(draws: impl Iterator<Item = f64> + Clone) -> Self {
        let n = draws.clone().count() as f64;
        let value = draws.clone().sum::<f64>() / n;
        let squares: f64 = draws.map(|draw| (draw - value).powi(2)).sum();
        Self { value, error: (squares / (n - 1.0) / n).sqrt() }
    }
}

/// Traces of the whole matrix, first, and of its blocks at `blocks`: each has its own mean over the same draws.
///
/// # Errors
/// Those of a product; the session was stopped.
pub fn traces(
    rule: &Rule,
    operator: &mut dyn Operator,
    blocks: &[Range<usize>],
    session: &mut Session<'_, '_>,
) -> Result<Vec<Mean>, MeasureError> {
    let what = "hessian trace";
    let mut draws: Vec<Vec<f64>> = session.state(what).unwrap_or_default();
    while !enough(rule, &draws) {
        let v = signs(operator.dimension(), &[SIGNS, draws.len() as u64]);
        let product = operator.apply(&v)?;
        let block = |range: &Range<usize>| dot(&v[range.clone()], &product[range.clone()]);
        draws.push(std::iter::once(dot(&v, &product)).chain(blocks.iter().map(block)).collect());
        let headway = Headway { what, unit: "draws", done: draws.len(), of: rule.probes };
        session.advance(what, headway, &draws)?;
    }
    Ok((0..=blocks.len()).map(|column| Mean::of(draws.iter().map(move |draw| draw[column]))).collect())
}

fn enough(rule: &Rule, draws: &[Vec<f64>]) -> bool {
    if draws.len() < LEAST.min(rule.probes) {
        return false;
    }
    let Mean { value, error } = Mean::of(draws.iter().map(|draw| draw[0]));
    draws.len() >= rule.probes || error <= rule.error * value.abs() || !value.is_finite()
}

#[cfg(test)]
mod tests {
    use super::super::operator::dense::Dense;
    use super::*;
    use crate::evaluate::Notes;

    fn run(rule: &Rule, matrix: &mut Dense, blocks: &[Range<usize>]) -> Vec<Mean> {
        let notes = &mut Notes::none();
        traces(rule, matrix, blocks, &mut Session { watch: &mut |_| true, notes }).unwrap()
    }

    #[test]
    fn a_diagonal_needs_no_more_than_the_least() {
        let mut matrix = Dense::diagonal(&[1.0, 2.0, 3.5]);
        let rule = Rule { error: 0.01, probes: 50 };
        let found = run(&rule, &mut matrix, &[0..1, 1..3]);
        let exact = |value| Mean { value, error: 0.0 };
        assert_eq!(found, [exact(6.5), exact(1.0), exact(5.5)]);
        assert_eq!(matrix.products, LEAST);
    }

    #[test]
    fn the_trace_is_within_its_error_and_the_rule_stops() {
        let values: Vec<f64> = (1..=60).map(|k| 1.0 / f64::from(k)).collect();
        let trace: f64 = values.iter().sum();
        let mut matrix = Dense::rotated(&values);
        let found = run(&Rule { error: 0.02, probes: 10_000 }, &mut matrix, &[])[0];
        assert!((found.value - trace).abs() <= 3.0 * found.error, "{found:?} {trace}");
        assert!(found.error <= 0.02 * found.value && matrix.products < 2000, "{}", matrix.products);
        let short = run(&Rule { error: 1e-6, probes: 12 }, &mut Dense::rotated(&values), &[])[0];
        assert!(short.error > 1e-6 * short.value);
    }
}
