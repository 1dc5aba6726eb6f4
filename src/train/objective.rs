//! Per-sample losses at given weights, and their gradients.

use burn::tensor::{Int, Tensor, TensorData};

use crate::data::Batch as HostBatch;
use crate::model::{Gradients, Mode, Model, Moments, Noise, Normalization, Statistics, Trace, Wants};
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

    /// The batch in parts of at most `size` samples, in order.
    pub fn parts(&self, size: usize) -> Vec<Self> {
        let part = |first: usize| {
            let range = first..(first + size).min(self.len());
            Self {
                indices: self.indices.clone().slice(range.clone()),
                x: self.x.clone().slice([range.clone()]),
                labels: self.labels.clone().slice(range),
            }
        };
        (0..self.len()).step_by(size.max(1)).map(part).collect()
    }

    /// The samples at these places of the batch.
    pub fn select(&self, places: &Tensor<B, 1, Int>) -> Self {
        Self {
            indices: self.indices.clone().select(0, places.clone()),
            x: self.x.clone().select(0, places.clone()),
            labels: self.labels.clone().select(0, places.clone()),
        }
    }
}

/// Passes over a batch, in the units of the papers: a forward is 1, a backward 2, one for the input alone 1. A pass
/// over a part of the batch counts as that part.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct PassCount {
    pub forward: f64,
    pub backward: f64,
    pub input_backward: f64,
}

impl PassCount {
    /// Total in units of one forward pass.
    pub fn cost(&self) -> f64 {
        self.forward + 2.0 * self.backward + self.input_backward
    }

    /// A Hessian-vector product: a forward pass with two for its tangents, five sweeps back to inputs or weights.
    pub const HESSIAN_PRODUCT: Self = Self { forward: 3.0, backward: 2.0, input_backward: 1.0 };
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

impl std::ops::Mul<f64> for PassCount {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self {
            forward: self.forward * factor,
            backward: self.backward * factor,
            input_backward: self.input_backward * factor,
        }
    }
}

/// Per-sample losses of a network in training mode (batch statistics), counting passes.
pub struct Objective<'a, B: Ops> {
    model: &'a Model,
    statistics: &'a Statistics<B>,
    /// Samples of a pass that counts as one.
    batch: usize,
    /// Random numbers of the next pass.
    pub noise: Option<Noise<B>>,
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
    /// Of a step over `batch` samples.
    pub fn new(model: &'a Model, statistics: &'a Statistics<B>, batch: usize) -> Self {
        Self { model, statistics, batch, noise: None, passes: PassCount::default() }
    }

    fn training(&self, record: bool) -> Mode<B> {
        Mode { normalization: Normalization::Batch, record, noise: self.noise.clone() }
    }

    /// What part of a pass `samples` are.
    fn share(&self, samples: usize) -> f64 {
        samples as f64 / self.batch as f64
    }

    /// A forward pass that can be differentiated.
    pub fn pass(&mut self, weights: &Vector<B>, x: Tensor<B, 4>, labels: &Tensor<B, 1, Int>) -> Pass<B> {
        self.passes.forward += self.share(x.dims()[0]);
        let trace = self.model.forward_with(weights, self.statistics, x, self.training(true));
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
        self.passes.forward += self.share(x.dims()[0]);
        let trace = self.model.forward_with(weights, self.statistics, x, self.training(false));
        trace.cross_entropy(labels.clone()).0
    }

    /// Gradients of `sum(factors * losses)`; `factors` is `[n]`.
    pub fn gradients(&mut self, pass: &Pass<B>, factors: &Tensor<B, 1>, wants: Wants<'_>) -> Gradients<B> {
        let n = factors.dims()[0];
        if wants.weights.is_some() {
            self.passes.backward += self.share(n);
        } else {
            self.passes.input_backward += self.share(n);
        }
        pass.trace.backward(pass.d_logits.clone() * factors.clone().reshape([n, 1]), wants)
    }

    /// `H direction` for `sum(factors * losses)` at `weights`, normalised by running statistics.
    pub fn hessian_product(
        &mut self,
        weights: &Vector<B>,
        batch: &Batch<B>,
        factors: &Tensor<B, 1>,
        direction: &Vector<B>,
    ) -> Vector<B> {
        self.passes = self.passes + PassCount::HESSIAN_PRODUCT * self.share(batch.len());
        let x = batch.x.clone();
        let trace = self.model.forward(weights, self.statistics, x, Normalization::Running, true);
        trace.hessian_product(batch.labels.clone(), factors, direction)
    }

    /// Gradient of every sample's own loss for its image, `[n, h, w, c]`.
    pub fn input_gradient(&mut self, pass: &Pass<B>) -> Tensor<B, 4> {
        let gradients = self.gradients(pass, &pass.losses.ones_like(), Wants::INPUT);
        gradients.input.unwrap_or_else(|| unreachable!("the image is upstream of every logit"))
    }
}

impl<B: Ops> Pass<B> {
    pub fn logits(&self) -> Tensor<B, 2> {
        self.trace.logits.clone()
    }

    /// Batch statistics the pass normalised with.
    pub fn into_moments(self) -> Vec<Moments<B>> {
        self.trace.moments
    }
}
