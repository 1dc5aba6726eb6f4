//! What an attack raises: per-sample losses and their gradients for the logits.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

use crate::lang::catalog::AttackLoss;
use crate::ops::Ops;

/// So that equal logits do not divide by zero.
const DLR_FLOOR: f64 = 1e-12;

/// A per-sample loss of logits; what it holds per sample is `[n, classes]`.
#[derive(Clone)]
pub enum Criterion<B: Ops> {
    CrossEntropy,
    /// Cross-entropy against soft targets; with `kappa` also `max(margin + kappa, 0)`.
    Soft {
        targets: Tensor<B, 2>,
        kappa: Option<f64>,
    },
    /// `max_{k != y} z_k - z_y`.
    Margin,
    /// Difference of logits ratio (Croce and Hein 2020): the margin in units of the spread of the three largest logits,
    /// of which there must be three.
    Dlr,
    /// `z_t - z_y` for one other class `t` per sample, `[n]`.
    Toward(Tensor<B, 1, Int>),
    /// The same in units of `z_(1) - (z_(3) + z_(4)) / 2` (Croce and Hein 2020): there must be four classes.
    TargetedDlr(Tensor<B, 1, Int>),
    /// `KL(p || softmax(z))` with the logarithm of `p` given.
    Divergence(Tensor<B, 2>),
    /// `max_{k != y} f_k - f_y` of probabilities: the gap of P-SAT, in [-1, 1].
    Gap,
}

impl<B: Ops> Criterion<B> {
    /// What a file names.
    pub fn named(loss: AttackLoss) -> Self {
        match loss {
            AttackLoss::Ce => Criterion::CrossEntropy,
            AttackLoss::Margin => Criterion::Margin,
            AttackLoss::Dlr => Criterion::Dlr,
        }
    }

    /// Losses `[n]` and the gradient of their sum for the logits `[n, classes]`.
    pub fn at(&self, logits: Tensor<B, 2>, labels: &Tensor<B, 1, Int>) -> (Tensor<B, 1>, Tensor<B, 2>) {
        match self {
            Criterion::CrossEntropy => B::cross_entropy(logits, labels.clone()),
            Criterion::Soft { targets, kappa } => soft(logits, labels, targets, *kappa),
            Criterion::Margin => margin(&logits, labels),
            Criterion::Dlr => dlr(logits, labels),
            Criterion::Toward(targets) => toward(&logits, labels, targets),
            Criterion::TargetedDlr(targets) => targeted_dlr(logits, labels, targets),
            Criterion::Divergence(log_p) => divergence(logits, log_p),
            Criterion::Gap => gap(logits, labels),
        }
    }

    /// The criterion of the samples at `rows`.
    pub fn select(&self, rows: &Tensor<B, 1, Int>) -> Self {
        let pick = |values: &Tensor<B, 2>| values.clone().select(0, rows.clone());
        match self {
            Criterion::Soft { targets, kappa } => Criterion::Soft { targets: pick(targets), kappa: *kappa },
            Criterion::Divergence(log_p) => Criterion::Divergence(pick(log_p)),
            Criterion::Toward(targets) => Criterion::Toward(targets.clone().select(0, rows.clone())),
            Criterion::TargetedDlr(targets) => {
                Criterion::TargetedDlr(targets.clone().select(0, rows.clone()))
            }
            other => other.clone(),
        }
    }
}

fn rows<B: Ops>(values: Tensor<B, 2>) -> Tensor<B, 1> {
    let n = values.dims()[0];
    values.sum_dim(1).reshape([n])
}

/// 1 at each index, `[n]` → `[n, classes]`.
pub fn indicator<B: Ops>(index: Tensor<B, 1, Int>, like: &Tensor<B, 2>) -> Tensor<B, 2> {
    let [n, classes] = like.dims();
    let range = Tensor::<B, 1, Int>::arange(0..classes as i64, &like.device()).reshape([1, classes]);
    let hit = index.reshape([n, 1]).expand([n, classes]).equal(range.expand([n, classes]));
    like.zeros_like().mask_fill(hit, 1.0)
}

/// Indicators of the label and of the likeliest other class.
pub fn rivals<B: Ops>(values: &Tensor<B, 2>, labels: &Tensor<B, 1, Int>) -> [Tensor<B, 2>; 2] {
    let n = values.dims()[0];
    let label = indicator(labels.clone(), values);
    let others = values.clone().mask_fill(label.clone().greater_elem(0.5), f32::MIN);
    [label, indicator(others.argmax(1).reshape([n]), values)]
}

fn margin<B: Ops>(logits: &Tensor<B, 2>, labels: &Tensor<B, 1, Int>) -> (Tensor<B, 1>, Tensor<B, 2>) {
    let [label, rival] = rivals(logits, labels);
    let slope = rival - label;
    (rows(logits.clone() * slope.clone()), slope)
}

fn soft<B: Ops>(
    logits: Tensor<B, 2>,
    labels: &Tensor<B, 1, Int>,
    targets: &Tensor<B, 2>,
    kappa: Option<f64>,
) -> (Tensor<B, 1>, Tensor<B, 2>) {
    let n = logits.dims()[0];
    let log_q = log_softmax(logits.clone(), 1);
    let losses = rows(targets.clone() * log_q.clone()).neg();
    let slope = log_q.exp() * targets.clone().sum_dim(1) - targets.clone();
    let Some(kappa) = kappa else { return (losses, slope) };
    let (gap, climb) = margin(&logits, labels);
    let flat = gap.clone().lower_elem(-kappa);
    let climb = climb.mask_fill(flat.reshape([n, 1]).expand(logits.dims()), 0.0);
    (losses + (gap + kappa).clamp_min(0.0), slope + climb)
}

/// The other class of each sample that is likeliest after `rank` - 1 others, `[n]`; samples are classified correctly.
pub fn runner_up<B: Ops>(logits: &Tensor<B, 2>, rank: usize) -> Tensor<B, 1, Int> {
    let n = logits.dims()[0];
    logits.clone().argsort_descending(1).narrow(1, rank, 1).reshape([n])
}

fn toward<B: Ops>(
    logits: &Tensor<B, 2>,
    labels: &Tensor<B, 1, Int>,
    targets: &Tensor<B, 1, Int>,
) -> (Tensor<B, 1>, Tensor<B, 2>) {
    let slope = indicator(targets.clone(), logits) - indicator(labels.clone(), logits);
    (rows(logits.clone() * slope.clone()), slope)
}

/// `(max_{k != y} z_k - z_y) / (z_(1) - z_(3))`.
fn dlr<B: Ops>(logits: Tensor<B, 2>, labels: &Tensor<B, 1, Int>) -> (Tensor<B, 1>, Tensor<B, 2>) {
    let above = margin(&logits, labels);
    ratio(logits, above, &[(0, 1.0), (2, -1.0)])
}

/// `(z_t - z_y) / (z_(1) - (z_(3) + z_(4)) / 2)`.
fn targeted_dlr<B: Ops>(
    logits: Tensor<B, 2>,
    labels: &Tensor<B, 1, Int>,
    targets: &Tensor<B, 1, Int>,
) -> (Tensor<B, 1>, Tensor<B, 2>) {
    let above = toward(&logits, labels, targets);
    ratio(logits, above, &[(0, 1.0), (2, -0.5), (3, -0.5)])
}

/// A difference of logits and its slope, over a weighted sum of the logits of given ranks.
fn ratio<B: Ops>(
    logits: Tensor<B, 2>,
    (above, slope): (Tensor<B, 1>, Tensor<B, 2>),
    ranks: &[(usize, f64)],
) -> (Tensor<B, 1>, Tensor<B, 2>) {
    let n = logits.dims()[0];
    let order = logits.clone().argsort_descending(1);
    let place = |rank: usize| indicator(order.clone().narrow(1, rank, 1).reshape([n]), &logits);
    let add = |sum: Tensor<B, 2>, &(rank, weight): &(usize, f64)| sum + place(rank) * weight;
    let spread = ranks.iter().fold(logits.zeros_like(), add);
    let below = rows(logits * spread.clone()) + DLR_FLOOR;
    let ratio = above / below.clone();
    let below = below.reshape([n, 1]);
    let gradient = (slope - spread * ratio.clone().reshape([n, 1])) / below;
    (ratio, gradient)
}

fn divergence<B: Ops>(logits: Tensor<B, 2>, log_p: &Tensor<B, 2>) -> (Tensor<B, 1>, Tensor<B, 2>) {
    let log_q = log_softmax(logits, 1);
    let p = log_p.clone().exp();
    (rows(p.clone() * (log_p.clone() - log_q.clone())), log_q.exp() - p)
}

/// The gap of P-SAT and its gradient for the logits.
pub fn gap<B: Ops>(logits: Tensor<B, 2>, labels: &Tensor<B, 1, Int>) -> (Tensor<B, 1>, Tensor<B, 2>) {
    let f = log_softmax(logits, 1).exp();
    let (gap, slope) = margin(&f, labels);
    let n = gap.dims()[0];
    let gradient = f * (slope - gap.clone().reshape([n, 1]));
    (gap, gradient)
}
