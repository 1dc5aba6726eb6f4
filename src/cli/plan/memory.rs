//! Memory a phase needs at its peak, from the counts of what is kept.

use serde::Serialize;

use crate::lang::catalog::Minimizer;
use crate::lang::program::{Phase, Select};
use crate::train::optimizer::buffer_names;

const BYTES: usize = size_of::<f32>();

/// Bytes, by what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Memory {
    /// Values of one batch that the backward pass needs.
    pub activations: usize,
    /// Vectors as large as the weights: weights, gradient, perturbed weights, buffers of the optimizer, best weights.
    pub weights: usize,
    /// Images of the data set, one byte per value.
    pub data: usize,
}

impl Memory {
    /// Of a phase that trains `parameters` weights; `activations` and `data` are in bytes.
    pub fn of(phase: &Phase, select: &Select, parameters: usize, activations: usize, data: usize) -> Self {
        let vectors = 2 + perturbed(&phase.minimizer) + buffer_names(&phase.optimizer).len() + best(select);
        Self { activations, weights: vectors * parameters * BYTES, data }
    }

    pub fn total(&self) -> usize {
        self.activations + self.weights + self.data
    }
}

fn perturbed(minimizer: &Minimizer) -> usize {
    match minimizer {
        Minimizer::Base => 0,
        Minimizer::Sam(_) | Minimizer::Lesam(_) => 1,
    }
}

fn best(select: &Select) -> usize {
    match select {
        Select::Last => 0,
        Select::Best(_) => 1,
    }
}
