//! A network as an attack sees it.

use burn::tensor::{Int, Tensor};

use crate::model::{Model, Normalization, Statistics, Trace, Wants};
use crate::ops::{Ops, Vector};

/// A network at given weights; nothing of it can change.
pub struct Victim<'a, B: Ops> {
    pub model: &'a Model,
    pub weights: &'a Vector<B>,
    pub statistics: &'a Statistics<B>,
    /// Whose statistics batch normalisation uses.
    pub normalization: Normalization,
}

impl<B: Ops> Clone for Victim<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: Ops> Copy for Victim<'_, B> {}

impl<'a, B: Ops> Victim<'a, B> {
    /// The same network at other weights.
    pub fn at<'b>(self, weights: &'b Vector<B>) -> Victim<'b, B>
    where
        'a: 'b,
    {
        Victim { weights, ..self }
    }

    /// A pass that can be differentiated.
    pub fn trace(&self, x: Tensor<B, 4>) -> Trace<B> {
        self.model.forward(self.weights, self.statistics, x, self.normalization, true)
    }

    /// `[n, classes]`; activations are dropped on the way.
    pub fn logits(&self, x: Tensor<B, 4>) -> Tensor<B, 2> {
        self.model.forward(self.weights, self.statistics, x, self.normalization, false).logits
    }
}

/// Gradient of `sum(logits * cotangent)` for the image, and for nothing else.
pub fn input_gradient<B: Ops>(trace: &Trace<B>, cotangent: Tensor<B, 2>) -> Tensor<B, 4> {
    let gradient = trace.backward(cotangent, Wants::INPUT).input;
    gradient.unwrap_or_else(|| unreachable!("the image is upstream of every logit"))
}

/// Whether each sample is put into another class than its own, `[n]`.
pub fn wrong<B: Ops>(logits: &Tensor<B, 2>, labels: &Tensor<B, 1, Int>) -> Tensor<B, 1, burn::tensor::Bool> {
    let n = logits.dims()[0];
    logits.clone().argmax(1).reshape([n]).not_equal(labels.clone())
}
