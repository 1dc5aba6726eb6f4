//! Recording of a forward pass and its differentiation.
//!
//! One forward pass can be differentiated several times, for the weights, the input image, or both, each time
//! with other cotangents: difficulty by input gradients and the weighted parameter gradient share one pass.
//! A gradient nobody asked for is not computed.

mod attention;
mod backward;
mod hessian;
mod layer_norm;
mod map;
mod pool;
mod record;

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor};

use super::Noise;
use super::layers::{Affine, Conv2d, Linear};
use super::layout::Slot;
use super::vit::Embedding;
use crate::lang::program::Precision;
use crate::ops::{Ops, Subset, Vector};

use layer_norm::Normed;
use map::Map;
pub use pool::Pool;
pub use record::Tape;

/// Whose mean and variance batch normalisation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalization {
    /// The batch's own, as in training.
    Batch,
    /// The running statistics, as in evaluation.
    Running,
}

/// How a forward pass is made.
#[derive(Clone)]
pub struct Mode<B: Ops> {
    pub normalization: Normalization,
    /// Keep what a differentiation needs.
    pub record: bool,
    /// Random numbers for dropout; nothing is left out without.
    pub noise: Option<Noise<B>>,
    /// What activations are stored and multiplied in.
    pub precision: Precision,
}

/// An activation, `[n, h, w, c]`, as it is stored, and where the tape recorded it.
#[derive(Clone)]
pub struct Var<B: Backend> {
    value: Tensor<B, 4>,
    node: Option<usize>,
}

impl<B: Backend> Var<B> {
    /// Length of the last axis.
    pub fn channels(&self) -> usize {
        self.value.dims()[3]
    }
}

/// Mean and biased variance of one batch normalisation's input, with the number of values behind each.
#[derive(Clone)]
pub struct Moments<B: Backend> {
    pub mean: Tensor<B, 1>,
    pub variance: Tensor<B, 1>,
    pub count: usize,
}

/// Multiply-adds and activation values of one pass, as in the tables of reference implementations: outputs of
/// convolutions, normalisations, linear maps and attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    pub multiply_adds: usize,
    pub activations: usize,
}

/// Which gradients a differentiation returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wants<'a> {
    pub weights: Option<&'a Subset>,
    pub input: bool,
}

impl Wants<'_> {
    pub const WEIGHTS: Wants<'static> = Wants { weights: Some(&Subset::All), input: false };
    pub const INPUT: Wants<'static> = Wants { weights: None, input: true };
    pub const BOTH: Wants<'static> = Wants { weights: Some(&Subset::All), input: true };

    /// Where the gradient of this parameter goes, if it is wanted.
    fn place(&self, slot: Slot) -> Option<usize> {
        match slot {
            Slot::Trained(index) if self.weights.is_some_and(|subset| subset.holds(index)) => Some(index),
            _ => None,
        }
    }
}

/// Gradients of a scalar for what was wanted.
pub struct Gradients<B: Ops> {
    /// Empty tensors for parameters that were not wanted.
    pub weights: Option<Vector<B>>,
    /// `[n, h, w, c]`, for pixels in [0, 1].
    pub input: Option<Tensor<B, 4>>,
}

enum Op<B: Ops> {
    Input,
    /// Without weights, of one activation.
    Map(Box<dyn Map<B>>),
    Conv {
        x: Tensor<B, 4>,
        weight: Tensor<B, 4>,
        layer: Conv2d,
    },
    BatchNorm {
        x: Tensor<B, 4>,
        affine: [Tensor<B, 1>; 2],
        moments: [Tensor<B, 1>; 2],
        norm: NormNode,
    },
    LayerNorm {
        normed: Normed<B>,
        layer: Affine,
    },
    Add,
    AddRelu {
        y: Tensor<B, 4>,
    },
    /// `x`: one row per affine map; `shape`: that of the activation.
    Linear {
        x: Tensor<B, 2>,
        weight: Tensor<B, 2>,
        layer: Linear,
        shape: [usize; 4],
    },
    /// `shape`: that of the patches.
    Embed {
        layer: Embedding,
        shape: [usize; 4],
    },
}

#[derive(Clone, Copy)]
struct NormNode {
    layer: Affine,
    relu: bool,
    batch: bool,
}

struct Node<B: Ops> {
    op: Op<B>,
    parents: [Option<usize>; 2],
}

impl<B: Ops> Op<B> {
    /// Parameters it reads.
    fn slots(&self) -> [Option<Slot>; 2] {
        match self {
            Op::Input | Op::Map(_) | Op::Add | Op::AddRelu { .. } => [None, None],
            Op::Conv { layer, .. } => [Some(layer.weight), layer.bias],
            Op::BatchNorm { norm: NormNode { layer, .. }, .. } | Op::LayerNorm { layer, .. } => {
                [Some(layer.scale), Some(layer.shift)]
            }
            Op::Linear { layer, .. } => [Some(layer.weight), Some(layer.bias)],
            Op::Embed { layer, .. } => [Some(layer.class_token), Some(layer.positions)],
        }
    }

    /// Whether any of its parameters trains.
    fn trains(&self) -> bool {
        self.slots().into_iter().flatten().any(|slot| matches!(slot, Slot::Trained(_)))
    }
}

/// A finished forward pass.
pub struct Trace<B: Ops> {
    /// `[n, classes]`.
    pub logits: Tensor<B, 2>,
    /// Batch statistics in layout order; none where running statistics were used.
    pub moments: Vec<Option<Moments<B>>>,
    pub cost: Cost,
    precision: Precision,
    nodes: Vec<Node<B>>,
    weights: usize,
}

impl<B: Ops> Trace<B> {
    /// Per-sample cross-entropy `[n]` and its gradient for the logits `[n, classes]`.
    pub fn cross_entropy(&self, labels: Tensor<B, 1, Int>) -> (Tensor<B, 1>, Tensor<B, 2>) {
        B::cross_entropy(self.logits.clone(), labels)
    }

    /// Gradients of `sum(logits * cotangent)`; may be called again with another cotangent.
    ///
    /// # Panics
    /// If the pass was not recorded.
    pub fn backward(&self, cotangent: Tensor<B, 2>, wants: Wants<'_>) -> Gradients<B> {
        let needed = backward::needed(&self.nodes, wants);
        backward::run(self, self.nodes.iter(), needed, cotangent, wants)
    }

    /// The same for the last time: gradients take the memory of what was recorded as it is read.
    ///
    /// # Panics
    /// If the pass was not recorded, or this was called before.
    pub fn backward_last(&mut self, cotangent: Tensor<B, 2>, wants: Wants<'_>) -> Gradients<B> {
        let nodes = std::mem::take(&mut self.nodes);
        let needed = backward::needed(&nodes, wants);
        backward::run(self, nodes.into_iter(), needed, cotangent, wants)
    }
}

fn flat<B: Backend, const D: usize>(x: Tensor<B, D>) -> Tensor<B, 1> {
    let length = x.shape().num_elements();
    x.reshape([length])
}
