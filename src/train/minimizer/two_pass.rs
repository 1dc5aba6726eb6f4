//! The step most of the family shares: ascend along the gradient, take the gradient there.

use burn::tensor::Tensor;

use super::{Outcome, Passes};
use crate::ops::{Ops, Vector};

/// Below this norm a gradient has no direction. The square of it is still a normal f32.
pub const TINY: f64 = 1e-12;

/// Radius of a perturbation and whether it was cut; one element each.
pub struct Radius<B: Ops> {
    pub length: Tensor<B, 1>,
    pub clipped: Option<Tensor<B, 1>>,
}

/// `e = radius(‖g‖) · g / ‖g‖`, direction `∇L(w + e)`; no perturbation where the gradient vanishes.
pub fn ascend_and_descend<B: Ops>(
    weights: &Vector<B>,
    passes: &mut dyn Passes<B>,
    radius: impl FnOnce(Tensor<B, 1>) -> Radius<B>,
) -> Outcome<B> {
    let gradient = passes.first(weights);
    let norm = gradient.norm();
    let vanished = norm.clone().lower_elem(TINY);
    let Radius { length, clipped } = radius(norm.clone());
    let length = length.mask_fill(vanished.clone(), 0.0);
    let clipped = clipped.map(|clipped| clipped.mask_fill(vanished, 0.0));
    let factor = length.clone() / norm.clone().clamp_min(TINY);
    let perturbed = weights.add_scaled(&gradient, &factor);
    drop(gradient);
    let direction = passes.again(&perturbed);
    Outcome { direction, norm, radius: Some(length), clipped }
}
