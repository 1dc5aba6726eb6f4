//! Self-paced weights: closed forms of `argmin_v v·ξ + g(v; λ)`, hard and soft.

use burn::tensor::{Bool, Tensor};

use crate::lang::catalog::{Spl, Weighting};
use crate::ops::Ops;

/// Which samples of a batch are easy enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// `ξ <= λ`, with λ given.
    Value(f64),
    /// `ξ <= λ`, with λ the quantile of a fraction.
    Quantile(f64),
    /// The given number of easiest samples; `λ` is the largest difficulty among them.
    Easiest(usize),
}

impl Threshold {
    /// `ceil(fraction · n)` samples, at least one.
    pub fn easiest(fraction: f64, n: usize) -> Self {
        // The product of an exact fraction may land a hair above a whole number.
        let count = (fraction * n as f64 - 1e-9).ceil() as usize;
        Self::Easiest(count.clamp(1, n))
    }
}

/// `v` for difficulties `xi` and their ranks, `[n]`.
pub fn spl_weights<B: Ops>(
    spl: &Spl,
    xi: Tensor<B, 1>,
    rank: Tensor<B, 1>,
    threshold: Threshold,
) -> Tensor<B, 1> {
    let (easy, lambda) = match threshold {
        Threshold::Value(lambda) | Threshold::Quantile(lambda) => {
            (xi.clone().lower_equal_elem(lambda), xi.clone().sum().full_like(lambda))
        }
        Threshold::Easiest(count) => {
            let easy = rank.lower_elem(count as f64);
            let lambda = xi.clone().mask_fill(easy.clone().bool_not(), 0.0).max();
            (easy, lambda)
        }
    };
    let hard = easy.clone().bool_not();
    let one = xi.ones_like();
    // Relative difficulty: 1 at the threshold. A threshold of 0 leaves only samples of difficulty 0.
    let u = xi.clone() / lambda.clone().clamp_min(f64::from(f32::MIN_POSITIVE));
    let soft = match spl.weight {
        Weighting::Hard => return one.mask_fill(hard, 0.0),
        Weighting::Linear => (one - u).mask_fill(hard, 0.0),
        Weighting::Log => logarithmic(xi, u, lambda, threshold).mask_fill(hard, 0.0),
        Weighting::Mixture => mixture(u, spl.mixture).mask_fill(hard, 0.0),
        Weighting::Logistic => logistic(xi, lambda),
        Weighting::Poly => (one - u).clamp_min(0.0).powf_scalar(1.0 / (spl.power - 1.0)).mask_fill(hard, 0.0),
    };
    match threshold {
        Threshold::Value(_) => soft,
        Threshold::Quantile(_) | Threshold::Easiest(_) => at_least_hard(soft, easy),
    }
}

/// A soft weight is 0 at the threshold itself, so a fraction that keeps only samples of the threshold's
/// difficulty would keep none: they then count fully.
fn at_least_hard<B: Ops>(soft: Tensor<B, 1>, easy: Tensor<B, 1, Bool>) -> Tensor<B, 1> {
    let n = soft.dims()[0];
    let nothing = soft.clone().sum().lower_equal_elem(0.0).expand([n]);
    let full = soft.ones_like().mask_fill(easy.bool_not(), 0.0);
    soft.mask_where(nothing, full)
}

/// `ln(ξ + ζ) / ln ζ`, `ζ = 1 - λ`, defined for `0 < λ < 1`. The quantile of a fraction has no such bound, so
/// difficulties are then measured in units of twice the threshold, which puts λ at 1/2.
fn logarithmic<B: Ops>(
    xi: Tensor<B, 1>,
    u: Tensor<B, 1>,
    lambda: Tensor<B, 1>,
    threshold: Threshold,
) -> Tensor<B, 1> {
    let (xi, zeta) = match threshold {
        Threshold::Value(_) => (xi, lambda.ones_like() - lambda),
        Threshold::Quantile(_) | Threshold::Easiest(_) => (u * 0.5, lambda.full_like(0.5)),
    };
    (xi + zeta.clone()).log() / zeta.log()
}

/// 1 up to `λ2 = ratio·λ1`, then `ζ (1/ξ - 1/λ1)`, `ζ = λ1 λ2 / (λ1 - λ2)`; in units of λ1.
fn mixture<B: Ops>(u: Tensor<B, 1>, ratio: f64) -> Tensor<B, 1> {
    let zeta = ratio / (1.0 - ratio);
    ((u.clamp_min(ratio).recip() - 1.0) * zeta).clamp_max(1.0)
}

/// `(1 + e^-λ) / (1 + e^(ξ - λ))`: never 0.
fn logistic<B: Ops>(xi: Tensor<B, 1>, lambda: Tensor<B, 1>) -> Tensor<B, 1> {
    let top = lambda.clone().neg().exp() + 1.0;
    top / ((xi - lambda).exp() + 1.0)
}

/// The `ceil(fraction · n)`-th smallest value; `None` of nothing.
pub fn smallest(values: &[f32], fraction: f64) -> Option<f64> {
    let Threshold::Easiest(count) = Threshold::easiest(fraction, values.len().max(1)) else { return None };
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted.get(count - 1).map(|&value| f64::from(value))
}
