//! Per-sample losses at given weights, and their gradients.

use burn::tensor::{Int, Tensor, TensorData};

use crate::data::Batch as HostBatch;
use crate::model::{Gradients, Model, Moments, Normalization, Statistics, Trace, Wants};
use crate::ops::{Ops, Vector};

/// A batch on the device.
#[derive(Clone)]
pub struct Batch<B: Ops> {
    /// Place of each sample in the training set, `[n]`.
    pub indices: Tensor<B, 1, Int>,
    /// Pixels in [0, 1], `[n, h, w, c]`.
    pub x: Tensor<B, 4>,
    /// `[n]`.
    pub labels: Tensor<B, 1, Int>,
}

impl<B: Ops> Batch<B> {
    /// Uploads a batch.
    pub fn upload(batch: HostBatch, device: &B::Device) -> Self {
        let n = batch.labels.len();
        let shape = [n, batch.height, batch.width, batch.channels];
        let indices: Vec<i64> = batch.indices.iter().map(|&index| i64::from(index)).collect();
        Self {
            indices: Tensor::from_data(TensorData::new(indices, [n]), device),
            x: Tensor::from_data(TensorData::new(batch.pixels, shape), device),
            labels: Tensor::from_data(TensorData::new(batch.labels, [n]), device),
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.x.dims()[0]
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Passes over a batch, in the units of the papers: a forward is 1, a backward 2, one for the input alone 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct PassCount {
    pub forward: u64,
    pub backward: u64,
    pub input_backward: u64,
}

impl PassCount {
    /// Total in units of one forward pass.
    pub fn cost(&self) -> u64 {
        self.forward + 2 * self.backward + self.input_backward
    }
}

impl std::ops::Add for PassCount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            forward: self.forward + other.forward,
            backward: self.backward + other.backward,
            input_backward: self.input_backward + other.input_backward,
        }
    }
}

/// Per-sample losses of a network in training mode (batch statistics), counting passes.
pub struct Objective<'a, B: Ops> {
    model: &'a Model,
    statistics: &'a Statistics<B>,
    pub passes: PassCount,
}

/// A recorded pass over a batch.
pub struct Pass<B: Ops> {
    trace: Trace<B>,
    /// `[n]`.
    pub losses: Tensor<B, 1>,
    d_logits: Tensor<B, 2>,
}

impl<'a, B: Ops> Objective<'a, B> {
    pub fn new(model: &'a Model, statistics: &'a Statistics<B>) -> Self {
        Self { model, statistics, passes: PassCount::default() }
    }

    /// A forward pass that can be differentiated.
    pub fn pass(&mut self, weights: &Vector<B>, x: Tensor<B, 4>, labels: &Tensor<B, 1, Int>) -> Pass<B> {
        self.passes.forward += 1;
        let trace = self.model.forward(weights, self.statistics, x, Normalization::Batch, true);
        let (losses, d_logits) = trace.cross_entropy(labels.clone());
        Pass { trace, losses, d_logits }
    }

    /// Per-sample losses alone, `[n]`: activations are dropped on the way.
    pub fn losses(
        &mut self,
        weights: &Vector<B>,
        x: Tensor<B, 4>,
        labels: &Tensor<B, 1, Int>,
    ) -> Tensor<B, 1> {
        self.passes.forward += 1;
        let trace = self.model.forward(weights, self.statistics, x, Normalization::Batch, false);
        trace.cross_entropy(labels.clone()).0
    }

    /// Gradients of `sum(factors * losses)`; `factors` is `[n]`.
    pub fn gradients(&mut self, pass: &Pass<B>, factors: &Tensor<B, 1>, wants: Wants) -> Gradients<B> {
        if wants.weights {
            self.passes.backward += 1;
        } else {
            self.passes.input_backward += 1;
        }
        let n = factors.dims()[0];
        pass.trace.backward(pass.d_logits.clone() * factors.clone().reshape([n, 1]), wants)
    }

    /// Gradient of every sample's own loss for its image, `[n, h, w, c]`.
    pub fn input_gradient(&mut self, pass: &Pass<B>) -> Tensor<B, 4> {
        let gradients = self.gradients(pass, &pass.losses.ones_like(), Wants::INPUT);
        gradients.input.unwrap_or_else(|| unreachable!("the image is upstream of every logit"))
    }
}

impl<B: Ops> Pass<B> {
    /// Losses, logits and statistics without what a differentiation would need.
    pub fn without_activations(self) -> Self {
        Self { trace: self.trace.without_activations(), ..self }
    }

    pub fn logits(&self) -> Tensor<B, 2> {
        self.trace.logits.clone()
    }

    /// Batch statistics the pass normalised with.
    pub fn moments(&self) -> &[Moments<B>] {
        &self.trace.moments
    }
}
