//! Several attacks on one batch, and the worst that each sample met.

use burn::tensor::{Bool, Int, Tensor};

use super::criterion::Criterion;
use super::victim::wrong;
use crate::ops::Ops;

/// The worst inputs so far.
#[derive(Clone)]
pub struct Worst<B: Ops> {
    pub x: Tensor<B, 4>,
    /// `[n]`.
    pub losses: Tensor<B, 1>,
    /// Whether each is misclassified, `[n]`.
    pub wrong: Tensor<B, 1, Bool>,
}

impl<B: Ops> Worst<B> {
    /// Inputs and the logits that the network gives them.
    pub fn of(
        x: Tensor<B, 4>,
        logits: Tensor<B, 2>,
        labels: &Tensor<B, 1, Int>,
        criterion: &Criterion<B>,
    ) -> Self {
        let wrong = wrong(&logits, labels);
        Self { x, losses: criterion.at(logits, labels).0, wrong }
    }
}

/// The worse of two for each sample: misclassified before classified, then by loss; the first where both are equal.
pub fn worst<B: Ops>(first: Worst<B>, second: Worst<B>) -> Worst<B> {
    let newly = second.wrong.clone().bool_and(first.wrong.clone().bool_not());
    let alike = second.wrong.clone().equal(first.wrong.clone());
    let higher = second.losses.clone().greater(first.losses.clone());
    let replace = newly.bool_or(alike.bool_and(higher));
    let [n, h, w, c] = first.x.dims();
    let image = replace.clone().reshape([n, 1, 1, 1]).expand([n, h, w, c]);
    Worst {
        x: first.x.mask_where(image, second.x),
        losses: first.losses.mask_where(replace, second.losses),
        wrong: first.wrong.bool_or(second.wrong),
    }
}
