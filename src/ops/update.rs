//! The update rules of the base optimizers, PyTorch's conventions (`torch.optim.SGD`, `Adam`, `AdamW`).
//!
//! A skipped step leaves every tensor as it was; the decision is a one-element tensor, so no value is read back.

use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Tensor};

/// SGD at one step.
#[derive(Clone, Copy, Debug)]
pub struct SgdRule {
    pub lr: f64,
    pub momentum: f64,
    pub nesterov: bool,
    pub weight_decay: f64,
}

/// Adam at one step.
#[derive(Clone, Debug)]
pub struct AdamRule<B: Backend> {
    pub lr: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub eps: f64,
    pub weight_decay: f64,
    /// Decay the weights themselves (AdamW) instead of adding to the gradient.
    pub decoupled: bool,
    /// `1 - beta1^t` and `1 - beta2^t` at this step, one f64 element each.
    pub correction: [Tensor<B, 1>; 2],
}

pub(super) fn keep_if<B: Backend>(
    skip: &Tensor<B, 1, Bool>,
    old: Tensor<B, 1>,
    new: Tensor<B, 1>,
) -> Tensor<B, 1> {
    let skip = skip.clone().expand(new.dims());
    new.mask_where(skip, old)
}

pub(super) fn sgd<B: Backend>(
    weight: Tensor<B, 1>,
    buffer: Option<Tensor<B, 1>>,
    direction: Tensor<B, 1>,
    rule: SgdRule,
    skip: Tensor<B, 1, Bool>,
) -> (Tensor<B, 1>, Option<Tensor<B, 1>>) {
    let grad =
        if rule.weight_decay > 0.0 { direction + weight.clone() * rule.weight_decay } else { direction };
    let Some(old) = buffer else {
        return (keep_if(&skip, weight.clone(), weight - grad * rule.lr), None);
    };
    let new = old.clone() * rule.momentum + grad.clone();
    let step = if rule.nesterov { grad + new.clone() * rule.momentum } else { new.clone() };
    (keep_if(&skip, weight.clone(), weight - step * rule.lr), Some(keep_if(&skip, old, new)))
}

pub(super) fn adam<B: Backend>(
    weight: Tensor<B, 1>,
    [first, second]: [Tensor<B, 1>; 2],
    direction: Tensor<B, 1>,
    rule: AdamRule<B>,
    skip: Tensor<B, 1, Bool>,
) -> (Tensor<B, 1>, [Tensor<B, 1>; 2]) {
    let shrink = if rule.decoupled { 1.0 - rule.lr * rule.weight_decay } else { 1.0 };
    let penalty = if rule.decoupled { 0.0 } else { rule.weight_decay };
    let grad = if penalty > 0.0 { direction + weight.clone() * penalty } else { direction };
    let m = first.clone() * rule.beta1 + grad.clone() * (1.0 - rule.beta1);
    let v = second.clone() * rule.beta2 + grad.clone() * grad * (1.0 - rule.beta2);
    let [correct_first, correct_second] = rule.correction.map(|c| c.cast(weight.dtype()));
    let scale = (v.clone() / correct_second).sqrt() + rule.eps;
    let new = weight.clone() * shrink - m.clone() / (scale * correct_first) * rule.lr;
    (keep_if(&skip, weight, new), [keep_if(&skip, first, m), keep_if(&skip, second, v)])
}
