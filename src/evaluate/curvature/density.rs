//! Spectral density by stochastic Lanczos quadrature (Golub and Welsch; Yao et al., PyHessian, 2020).

use serde::{Deserialize, Serialize};

use super::krylov::Krylov;
use super::operator::Operator;
use super::small::eigen;
use super::trace::Mean;
use super::vector::{Precision, signs};
use crate::evaluate::{Headway, MeasureError, Session};

/// Streams of the starts, as part of a key.
const START: u64 = 3;

/// Beyond the outermost nodes the grid goes on by this.
const MARGIN: f64 = 0.01;

/// Variance of the Gaussian at a node, as a share of the range of the nodes, or of 1 where that is smaller.
const VARIANCE: f64 = 1e-5;

/// How a density is estimated.
#[derive(Clone, Copy, Debug)]
pub struct Quadrature {
    /// Products per start.
    pub steps: usize,
    pub starts: usize,
    pub precision: Precision,
}

/// Nodes and weights of one start; the weights sum to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Nodes {
    pub values: Vec<f64>,
    pub weights: Vec<f64>,
}

/// Nodes of every start.
///
/// # Errors
/// Those of a product; the session was stopped.
pub fn nodes(
    rule: &Quadrature,
    operator: &mut dyn Operator,
    session: &mut Session<'_, '_>,
) -> Result<Vec<Nodes>, MeasureError> {
    let what = "spectrum";
    let mut all: Vec<Nodes> = session.state(what).unwrap_or_default();
    while all.len() < rule.starts {
        let start = all.len();
        all.push(one(rule, operator, start, session)?);
        session.notes.write(&format!("{what}.json"), &all)?;
    }
    Ok(all)
}

fn one(
    rule: &Quadrature,
    operator: &mut dyn Operator,
    start: usize,
    session: &mut Session<'_, '_>,
) -> Result<Nodes, MeasureError> {
    let name = format!("spectrum-{start}");
    let dimension = operator.dimension();
    let steps = rule.steps.min(dimension);
    let key = [START, start as u64];
    let fresh = Krylov::new(signs(dimension, &key), rule.precision, &key);
    let mut space = Krylov::resume(fresh, session.notes, &name);
    // A space that stops growing is exhausted: its nodes are eigenvalues.
    while space.size() < steps && (space.size() == 0 || space.added() > 0.0) {
        space.expand(operator)?;
        let done = start * steps + space.size();
        let headway = Headway { what: "spectrum", unit: "products", done, of: rule.starts * steps };
        session.advance_with(headway, |notes| space.note(notes, &name))?;
    }
    let Some(solved) = eigen(space.projected()) else { return Ok(Nodes::default()) };
    let weights = solved.vectors.iter().map(|vector| vector[0] * vector[0]).collect();
    Ok(Nodes { values: solved.values, weights })
}

/// A density on a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    pub grid: Vec<f64>,
    pub values: Vec<f64>,
}

/// The mean over the starts of Gaussians at the nodes; sums to 1 over the grid. Empty where nothing was finite.
pub fn density(all: &[Nodes], points: usize) -> Density {
    let nodes =
        || all.iter().flat_map(|nodes| nodes.values.iter().copied().zip(nodes.weights.iter().copied()));
    let (low, high) = range(all);
    if low > high {
        return Density { grid: Vec::new(), values: Vec::new() };
    }
    let variance = VARIANCE * (high - low).max(1.0);
    let (first, last) = (low - MARGIN, high + MARGIN);
    let spacing = (last - first) / (points - 1).max(1) as f64;
    let grid: Vec<f64> = (0..points).map(|point| first + spacing * point as f64).collect();
    let height = 1.0 / (std::f64::consts::TAU * variance).sqrt() / all.len() as f64;
    let at = |x: &f64| {
        let gaussian = |(node, weight): (f64, f64)| weight * (-(x - node).powi(2) / (2.0 * variance)).exp();
        height * nodes().map(gaussian).sum::<f64>()
    };
    let mut values: Vec<f64> = grid.iter().map(at).collect();
    let mass = values.iter().sum::<f64>() * spacing;
    values.iter_mut().for_each(|value| *value /= mass);
    Density { grid, values }
}

/// Smallest and largest node; reversed where there is none.
pub fn range(all: &[Nodes]) -> (f64, f64) {
    let values = all.iter().flat_map(|nodes| nodes.values.iter().copied());
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// Trace of a matrix of this dimension, and at least the standard error of the estimate.
///
/// For random signs `v` the variance of `v' H v` is at most twice the sum of the squared eigenvalues (Avron and Toledo,
/// 2011), which the same nodes estimate: so one start is enough to say how far off it may be. The squares of the nodes of
/// one start sum to no more than those of the eigenvalues, whatever the weights that were drawn.
pub fn trace(all: &[Nodes], dimension: usize) -> Mean {
    let dimension = dimension as f64;
    let of_nodes = |nodes: &Nodes| nodes.values.iter().map(|value| value * value).sum::<f64>();
    let squares =
        (dimension * average(all, |value| value * value)).max(all.iter().map(of_nodes).fold(0.0, f64::max));
    Mean { value: dimension * average(all, |value| value), error: (2.0 * squares / all.len() as f64).sqrt() }
}

/// Share of the eigenvalues below zero, and how far off it may be.
///
/// A quadrature cannot say on which side of zero the eigenvalues lie that its two nodes next to zero stand for: the
/// share is within their weights (the separation theorem of Chebyshev, Markov and Stieltjes). To this comes the standard
/// error of random starts, at most `√(2 share / (dimension · starts))`.
pub fn share_below_zero(all: &[Nodes], dimension: usize) -> Mean {
    let starts = all.len() as f64;
    let value = average(all, |value| f64::from(value < 0.0));
    let unresolved = all.iter().map(Nodes::next_to_zero).sum::<f64>() / starts;
    let drawn = (2.0 * value.max(unresolved) / (dimension as f64 * starts)).sqrt();
    Mean { value, error: unresolved + drawn }
}

impl Nodes {
    /// The larger weight of the two nodes on either side of zero.
    fn next_to_zero(&self) -> f64 {
        let nodes = || self.values.iter().copied().zip(self.weights.iter().copied());
        let weight = |node: Option<(f64, f64)>| node.map_or(0.0, |(_, weight)| weight);
        let nearest = |one: &(f64, f64), other: &(f64, f64)| one.0.abs().total_cmp(&other.0.abs());
        let below = nodes().filter(|(value, _)| *value < 0.0).min_by(nearest);
        let above = nodes().filter(|(value, _)| *value >= 0.0).min_by(nearest);
        weight(below).max(weight(above))
    }
}

/// Mean over the starts of the weighted sum of `of` the nodes.
fn average(all: &[Nodes], of: impl Fn(f64) -> f64) -> f64 {
    let one = |nodes: &Nodes| {
        nodes.values.iter().zip(&nodes.weights).map(|(value, weight)| weight * of(*value)).sum::<f64>()
    };
    all.iter().map(one).sum::<f64>() / all.len() as f64
}

#[cfg(test)]
mod tests {
    use super::super::operator::dense::Dense;
    use super::*;
    use crate::evaluate::Notes;

    #[test]
    fn quadrature_integrates_polynomials_and_finds_the_ends() {
        let values: Vec<f64> = (0..50).map(|k| f64::from(k) * 0.1 - 1.0).collect();
        let mut matrix = Dense::diagonal(&values);
        let rule = Quadrature { steps: 50, starts: 3, precision: Precision::Double };
        let notes = &mut Notes::none();
        let all = nodes(&rule, &mut matrix, &mut Session { watch: &mut |_| true, notes }).unwrap();
        // With signs as the start every eigenvalue of a diagonal matrix has the same weight.
        let mean = |power: i32| values.iter().map(|value| value.powi(power)).sum::<f64>() / 50.0;
        for power in 0..6 {
            let found = average(&all, |value| value.powi(power));
            assert!((found - mean(power)).abs() < 1e-9, "moment {power}: {found}");
        }
        let (low, high) = range(&all);
        assert!((low + 1.0).abs() < 1e-9 && (high - 3.9).abs() < 1e-9);
        let density = density(&all, 4001);
        let spacing = density.grid[1] - density.grid[0];
        let negative = density.grid.iter().zip(&density.values).filter(|(x, _)| **x < -0.05);
        let mass: f64 = negative.map(|(_, y)| y * spacing).sum();
        assert!((mass - 0.2).abs() < 0.01, "ten of fifty eigenvalues are negative: {mass}");
    }

    /// Most eigenvalues near zero and a few large ones, as Hessians of networks have them.
    fn bulk_and_outliers() -> Vec<f64> {
        let bulk = (0..100).map(|k| 1e-3 * (f64::from(k) - 30.0));
        bulk.chain([2.0, 5.0, 11.0]).collect()
    }

    #[test]
    fn one_start_says_how_far_off_it_may_be() {
        let values = bulk_and_outliers();
        let (trace_of_all, below) = (values.iter().sum::<f64>(), 30.0 / 103.0);
        for (steps, starts) in [(5, 1), (20, 1), (20, 8), (80, 4)] {
            let mut matrix = Dense::rotated(&values);
            let rule = Quadrature { steps, starts, precision: Precision::Double };
            let notes = &mut Notes::none();
            let all = nodes(&rule, &mut matrix, &mut Session { watch: &mut |_| true, notes }).unwrap();
            let (found, share) = (trace(&all, values.len()), share_below_zero(&all, values.len()));
            let case = format!("{steps} steps, {starts} starts");
            assert!(
                (found.value - trace_of_all).abs() <= 2.0 * found.error,
                "{case}: {found:?}, {trace_of_all}"
            );
            assert!((share.value - below).abs() <= share.error, "{case}: {share:?}, {below}");
        }
    }

    #[test]
    fn errors_fall_with_steps_and_starts() {
        let errors = |steps, starts| {
            let mut matrix = Dense::rotated(&bulk_and_outliers());
            let rule = Quadrature { steps, starts, precision: Precision::Double };
            let notes = &mut Notes::none();
            let all = nodes(&rule, &mut matrix, &mut Session { watch: &mut |_| true, notes }).unwrap();
            (trace(&all, 103).error, share_below_zero(&all, 103).error)
        };
        assert!(errors(20, 64).0 < 0.3 * errors(20, 1).0, "the root of 64 is 8");
        assert!(errors(80, 1).1 < 0.5 * errors(10, 1).1);
    }
}
