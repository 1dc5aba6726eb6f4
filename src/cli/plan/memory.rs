//! Memory a phase needs at its peak, from the counts of what is kept.

use serde::Serialize;

use crate::lang::catalog::{Adversary, Combiner, Minimizer};
use crate::lang::program::{Phase, Precision, Select};
use crate::train::optimizer::buffer_names;

const BYTES: usize = size_of::<f32>();

/// Bytes of an activation that is kept.
pub fn activation_bytes(precision: Precision) -> usize {
    match precision {
        Precision::F32 => size_of::<f32>(),
        Precision::Bf16 => size_of::<burn::tensor::bf16>(),
    }
}

/// Bytes of the copy of a weight that products take.
pub fn copy_bytes(precision: Precision) -> usize {
    match precision {
        Precision::F32 => 0,
        Precision::Bf16 => size_of::<burn::tensor::bf16>(),
    }
}

/// Bytes, by what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Memory {
    /// Values of one batch that the backward pass needs.
    pub activations: usize,
    /// Vectors as large as the weights: weights, their copy in half precision, gradient, perturbed weights, buffers of the optimizer, best weights.
    pub weights: usize,
    /// Images of the data set, one byte per value.
    pub data: usize,
}

impl Memory {
    /// Of a phase that trains `parameters` weights; `activations` and `data` are in bytes.
    pub fn of(phase: &Phase, select: &Select, parameters: usize, activations: usize, data: usize) -> Self {
        let vectors = 2 + perturbed(&phase.minimizer) + buffer_names(&phase.optimizer).len() + best(select);
        Self { activations: traces(phase) * activations, weights: vectors * parameters * BYTES, data }
    }

    pub fn total(&self) -> usize {
        self.activations + self.weights + self.data
    }
}

/// Vectors that are alive in the last pass besides weights and gradient: perturbed weights, the first gradient
/// where it is combined with the second, what is kept between steps and what will replace it.
fn perturbed(minimizer: &Minimizer) -> usize {
    const PERTURBED: usize = 1;
    const GRADIENT: usize = 1;
    const KEPT: usize = 1;
    let combined = |combiner: &Option<Combiner>| usize::from(combiner.is_some()) * GRADIENT;
    match minimizer {
        Minimizer::Base(_) => 0,
        Minimizer::Msam(_) | Minimizer::Esam(_) => PERTURBED,
        Minimizer::Sam(sam) => PERTURBED + combined(&sam.combiner),
        Minimizer::Asam(asam) => PERTURBED + combined(&asam.combiner),
        Minimizer::Fishersam(fisher) => PERTURBED + combined(&fisher.combiner),
        Minimizer::Lesam(lesam) => PERTURBED + combined(&lesam.combiner),
        Minimizer::Gsam(_)
        | Minimizer::Ssam(_)
        | Minimizer::Sagm(_)
        | Minimizer::Wsam(_)
        | Minimizer::LesamPlus(_) => PERTURBED + GRADIENT,
        Minimizer::S2sam(_) => PERTURBED + KEPT,
        Minimizer::Fsam(fsam) => PERTURBED + 2 * KEPT + combined(&fsam.combiner),
        Minimizer::Eigensam(eigensam) => PERTURBED + 2 * KEPT + combined(&eigensam.combiner),
        Minimizer::Looksam(_) => PERTURBED + GRADIENT + 2 * KEPT,
    }
}

/// Recorded passes that are alive at once: losses that look at the clean images too have two.
fn traces(phase: &Phase) -> usize {
    match phase.adversary {
        Some(Adversary::Trades(_) | Adversary::Mart(_)) => 2,
        _ => 1,
    }
}

fn best(select: &Select) -> usize {
    match select {
        Select::Last => 0,
        Select::Best(_) => 1,
    }
}
