//! Training losses of logits: one pass, or a clean and an attacked one.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

use super::objective::Loss;
use crate::attack::rivals;
use crate::ops::Ops;

/// `u` of MART's `-ln(u - max_{k != y} q_k + tiny)` and of its weight `u' - p_y`, as in the authors' code.
const MART_BOUND: f64 = 1.0001 + 1e-12;
const MART_WEIGHT: f64 = 1.000_000_1;

/// Losses `[n]` of two passes and their gradients for the logits of each, `[n, classes]`.
pub struct Double<B: Ops> {
    pub losses: Tensor<B, 1>,
    pub d_clean: Tensor<B, 2>,
    pub d_attacked: Tensor<B, 2>,
}

/// Losses `[n]` and their gradients for the logits.
pub fn single<B: Ops>(
    loss: &Loss<B>,
    logits: Tensor<B, 2>,
    labels: &Tensor<B, 1, Int>,
) -> (Tensor<B, 1>, Tensor<B, 2>) {
    match loss {
        Loss::Of(criterion) => criterion.at(logits, labels),
        Loss::SelfWeighted => {
            let (losses, slope) = B::cross_entropy(logits, labels.clone());
            let n = losses.dims()[0];
            (losses.clone() * losses.clone(), slope * losses.reshape([n, 1]))
        }
        Loss::Trades(_) | Loss::Mart(_) => unreachable!("these losses look at the clean images too"),
    }
}

/// Losses of clean and attacked logits.
pub fn double<B: Ops>(
    loss: &Loss<B>,
    clean: Tensor<B, 2>,
    attacked: Tensor<B, 2>,
    labels: &Tensor<B, 1, Int>,
) -> Double<B> {
    match loss {
        Loss::Trades(beta) => trades(clean, attacked, labels, *beta),
        Loss::Mart(beta) => mart(clean, attacked, labels, *beta),
        single_pass => {
            let (losses, d_attacked) = single(single_pass, attacked, labels);
            Double { losses, d_clean: clean.zeros_like(), d_attacked }
        }
    }
}

/// `KL(p || q)` per sample, `[n, 1]`, and its gradients for the logits of `p` and of `q`.
struct Divergence<B: Ops> {
    value: Tensor<B, 2>,
    d_p: Tensor<B, 2>,
    d_q: Tensor<B, 2>,
    p: Tensor<B, 2>,
    q: Tensor<B, 2>,
}

fn divergence<B: Ops>(clean: Tensor<B, 2>, attacked: Tensor<B, 2>) -> Divergence<B> {
    let (log_p, log_q) = (log_softmax(clean, 1), log_softmax(attacked, 1));
    let (p, q) = (log_p.clone().exp(), log_q.clone().exp());
    let ratio = log_p - log_q;
    let value = (p.clone() * ratio.clone()).sum_dim(1);
    let d_p = p.clone() * (ratio - value.clone());
    Divergence { value, d_p, d_q: q.clone() - p.clone(), p, q }
}

/// `CE(clean) + beta KL(p || q)` (Zhang et al., ICML 2019).
fn trades<B: Ops>(
    clean: Tensor<B, 2>,
    attacked: Tensor<B, 2>,
    labels: &Tensor<B, 1, Int>,
    beta: f64,
) -> Double<B> {
    let (losses, slope) = B::cross_entropy(clean.clone(), labels.clone());
    let kl = divergence(clean, attacked);
    let n = losses.dims()[0];
    Double {
        losses: losses + kl.value.reshape([n]) * beta,
        d_clean: slope + kl.d_p * beta,
        d_attacked: kl.d_q * beta,
    }
}

/// `CE(attacked) - ln(u - max_{k != y} q_k) + beta KL(p || q) (u' - p_y)` (Wang et al., ICLR 2020).
fn mart<B: Ops>(
    clean: Tensor<B, 2>,
    attacked: Tensor<B, 2>,
    labels: &Tensor<B, 1, Int>,
    beta: f64,
) -> Double<B> {
    let (losses, slope) = B::cross_entropy(attacked.clone(), labels.clone());
    let n = losses.dims()[0];
    let kl = divergence(clean, attacked);
    let [label, rival] = rivals(&kl.q, labels);
    let largest = (kl.q.clone() * rival.clone()).sum_dim(1);
    let room = largest.clone().neg() + MART_BOUND;
    let d_boost = largest / room.clone() * (rival - kl.q.clone());
    let p_y = (kl.p.clone() * label.clone()).sum_dim(1);
    let weight = p_y.clone().neg() + MART_WEIGHT;
    let d_weight = p_y.neg() * (label - kl.p);
    let penalty = kl.value.clone() * weight.clone();
    Double {
        losses: losses - room.log().reshape([n]) + penalty.reshape([n]) * beta,
        d_clean: (kl.d_p * weight.clone() + d_weight * kl.value) * beta,
        d_attacked: slope + d_boost + kl.d_q * weight * beta,
    }
}
