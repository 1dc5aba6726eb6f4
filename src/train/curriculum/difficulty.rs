//! How hard a sample is: GDM (Zhao et al., AAAI 2024) and ADM (Aizawa and Hayashi, BMVC 2025).

use burn::tensor::Tensor;

use crate::lang::catalog::Adm;
use crate::ops::{Ops, Vector};
use crate::train::objective::{Objective, Pass};

/// GDM: L2 norm of each sample's input gradient, `[n, h, w, c]` → `[n]`.
pub fn gradient_magnitude<B: Ops>(gradient: Tensor<B, 4>) -> Tensor<B, 1> {
    let [n, h, w, c] = gradient.dims();
    let rows = gradient.reshape([n, h * w * c]);
    (rows.clone() * rows).sum_dim(1).sqrt().reshape([n])
}

/// `x + alpha * sign(gradient)`, back into the pixel range where `clip`.
pub fn one_step_attack<B: Ops>(
    x: Tensor<B, 4>,
    gradient: Tensor<B, 4>,
    alpha: f64,
    clip: bool,
) -> Tensor<B, 4> {
    let x = x + gradient.sign() * alpha;
    if clip { x.clamp(0.0, 1.0) } else { x }
}

/// What a one-step attack does to a batch.
pub struct Gap<B: Ops> {
    /// ADM, `[n]`.
    pub relative: Tensor<B, 1>,
    /// Share of samples whose loss fell, a sign of masked gradients; one element.
    pub fell: Tensor<B, 1>,
}

/// ADM: `|l(x_adv) - l(x)| / (l(x) + delta)` per sample, both losses at the same weights in training mode.
///
/// One more forward pass; running statistics are not touched.
pub fn adversarial_gap<B: Ops>(
    objective: &mut Objective<'_, B>,
    weights: &Vector<B>,
    pass: &Pass<B>,
    gradient: Tensor<B, 4>,
    adm: &Adm,
) -> Gap<B> {
    let attacked = one_step_attack(pass.inputs.x.clone(), gradient, adm.alpha, adm.clip);
    let losses = objective.losses(weights, &pass.inputs.at(attacked));
    let fell = losses.clone().lower(pass.losses.clone()).float().mean();
    Gap { relative: relative_gap(pass.losses.clone(), losses, adm.delta), fell }
}

/// `|attacked - clean| / (clean + delta)` of per-sample losses; MART's may fall a hair below 0.
pub fn relative_gap<B: Ops>(clean: Tensor<B, 1>, attacked: Tensor<B, 1>, delta: f64) -> Tensor<B, 1> {
    (attacked - clean.clone()).abs() / (clean.clamp_min(0.0) + delta)
}

/// `ema * old + (1 - ema) * new`, and `new` where nothing was measured before.
pub fn smooth<B: Ops>(old: Tensor<B, 1>, new: Tensor<B, 1>, ema: f64) -> Tensor<B, 1> {
    if ema == 0.0 {
        return new;
    }
    let unseen = old.clone().lower_elem(0.0);
    (old * ema + new.clone() * (1.0 - ema)).mask_where(unseen, new)
}
