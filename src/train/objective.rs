//! Per-sample losses at given weights, and their gradients.

use burn::tensor::{Int, Tensor, TensorData};

use super::composite;
use crate::attack::{Criterion, Victim, Work};
use crate::data::Batch as HostBatch;
use crate::model::{Gradients, Model, Moments, Normalization, Statistics, Trace, Wants};
use crate::ops::{Ops, Vector};

/// A batch on the device.
#[derive(Clone)]
pub struct Batch<B: Ops> {
    /// Place of each sample in the training set, `[n]`.
    pub indices: Tensor<B, 1, Int>,
    /// The same on the host, for random numbers that belong to a sample.
    pub places: Vec<u32>,
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
            places: batch.indices,
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

/// What the training losses of a batch are taken at.
#[derive(Clone)]
pub struct Inputs<B: Ops> {
    /// Training inputs, attacked where there is an adversary, `[n, h, w, c]`.
    pub x: Tensor<B, 4>,
    /// The unattacked images, where the loss looks at them too.
    pub clean: Option<Tensor<B, 4>>,
    /// `[n]`.
    pub labels: Tensor<B, 1, Int>,
    pub loss: Loss<B>,
}

/// The training loss of a sample.
#[derive(Clone)]
pub enum Loss<B: Ops> {
    Of(Criterion<B>),
    /// Cross-entropy times its own value, which counts as a constant.
    SelfWeighted,
    /// TRADES and MART, with the weight of their divergence.
    Trades(f64),
    Mart(f64),
}

impl<B: Ops> Inputs<B> {
    /// Cross-entropy at the images of a batch.
    pub fn plain(batch: &Batch<B>) -> Self {
        Self {
            x: batch.x.clone(),
            clean: None,
            labels: batch.labels.clone(),
            loss: Loss::Of(Criterion::CrossEntropy),
        }
    }

    /// The same losses at other training inputs.
    pub fn at(&self, x: Tensor<B, 4>) -> Self {
        Self { x, ..self.clone() }
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
    pub inputs: Inputs<B>,
    /// At the training inputs.
    trace: Trace<B>,
    /// `[n]`.
    pub losses: Tensor<B, 1>,
    d_logits: Tensor<B, 2>,
    clean: Option<Branch<B>>,
}

/// The pass at the unattacked images, where the loss looks at them too.
struct Branch<B: Ops> {
    trace: Trace<B>,
    d_logits: Tensor<B, 2>,
}

impl<'a, B: Ops> Objective<'a, B> {
    pub fn new(model: &'a Model, statistics: &'a Statistics<B>) -> Self {
        Self { model, statistics, passes: PassCount::default() }
    }

    /// The network as an attack sees it.
    pub fn victim<'w>(&self, weights: &'w Vector<B>, normalization: Normalization) -> Victim<'w, B>
    where
        'a: 'w,
    {
        Victim { model: self.model, weights, statistics: self.statistics, normalization }
    }

    pub fn classes(&self) -> usize {
        self.model.classes
    }

    /// Counts the passes of an attack on `n` samples, in whole passes over the batch.
    pub fn count(&mut self, work: &Work, n: usize) {
        let whole = |samples: usize| samples.div_ceil(n.max(1)) as u64;
        self.passes.forward += whole(work.forward);
        self.passes.backward += whole(work.backward);
        self.passes.input_backward += whole(work.input_backward);
    }

    /// A forward pass that can be differentiated.
    pub fn pass(&mut self, weights: &Vector<B>, inputs: &Inputs<B>) -> Pass<B> {
        self.evaluate(weights, inputs, true)
    }

    /// Per-sample losses alone, `[n]`: activations are dropped on the way.
    pub fn losses(&mut self, weights: &Vector<B>, inputs: &Inputs<B>) -> Tensor<B, 1> {
        self.evaluate(weights, inputs, false).losses
    }

    fn evaluate(&mut self, weights: &Vector<B>, inputs: &Inputs<B>, record: bool) -> Pass<B> {
        let (model, statistics) = (self.model, self.statistics);
        let forward =
            |x: &Tensor<B, 4>| model.forward(weights, statistics, x.clone(), Normalization::Batch, record);
        self.passes.forward += 1 + u64::from(inputs.clean.is_some());
        let clean = inputs.clean.as_ref().map(forward);
        let trace = forward(&inputs.x);
        let (logits, inputs) = (trace.logits.clone(), inputs.clone());
        let Some(clean) = clean else {
            let (losses, d_logits) = composite::single(&inputs.loss, logits, &inputs.labels);
            return Pass { inputs, trace, losses, d_logits, clean: None };
        };
        let both = composite::double(&inputs.loss, clean.logits.clone(), logits, &inputs.labels);
        let branch = Branch { trace: clean, d_logits: both.d_clean };
        Pass { inputs, trace, losses: both.losses, d_logits: both.d_attacked, clean: Some(branch) }
    }

    /// Gradients of `sum(factors * losses)`; `factors` is `[n]`. The input gradient is that of the training inputs.
    pub fn gradients(&mut self, pass: &Pass<B>, factors: &Tensor<B, 1>, wants: Wants) -> Gradients<B> {
        let factors = factors.clone().reshape([factors.dims()[0], 1]);
        let through = |trace: &Trace<B>, d_logits: &Tensor<B, 2>, wants| {
            trace.backward(d_logits.clone() * factors.clone(), wants)
        };
        let attacked = through(&pass.trace, &pass.d_logits, wants);
        let branch = pass.clean.as_ref().filter(|_| wants.weights);
        let Some(branch) = branch else {
            self.passes.backward += u64::from(wants.weights);
            self.passes.input_backward += u64::from(!wants.weights);
            return attacked;
        };
        self.passes.backward += 2;
        let clean = through(&branch.trace, &branch.d_logits, Wants::WEIGHTS);
        let weights = attacked.weights.zip(clean.weights).map(|(a, b)| sum(a, &b));
        Gradients { weights, input: attacked.input }
    }

    /// Gradient of every sample's own loss for its training input, `[n, h, w, c]`.
    pub fn input_gradient(&mut self, pass: &Pass<B>) -> Tensor<B, 4> {
        let gradients = self.gradients(pass, &pass.losses.ones_like(), Wants::INPUT);
        gradients.input.unwrap_or_else(|| unreachable!("the image is upstream of every logit"))
    }
}

impl<B: Ops> Pass<B> {
    /// Losses, logits and statistics without what a differentiation would need.
    pub fn without_activations(self) -> Self {
        let strip = |branch: Branch<B>| Branch { trace: branch.trace.without_activations(), ..branch };
        Self { trace: self.trace.without_activations(), clean: self.clean.map(strip), ..self }
    }

    /// At the training inputs.
    pub fn logits(&self) -> Tensor<B, 2> {
        self.trace.logits.clone()
    }

    /// At the unattacked images, where the loss looks at them too.
    pub fn clean_logits(&self) -> Option<Tensor<B, 2>> {
        self.clean.as_ref().map(|branch| branch.trace.logits.clone())
    }

    /// Batch statistics of each forward pass, in the order in which running statistics follow them.
    pub fn moments(&self) -> impl Iterator<Item = &[Moments<B>]> {
        let clean = self.clean.iter().map(|branch| branch.trace.moments.as_slice());
        clean.chain([self.trace.moments.as_slice()])
    }
}

fn sum<B: Ops>(a: Vector<B>, b: &Vector<B>) -> Vector<B> {
    Vector(a.0.into_iter().zip(&b.0).map(|(a, b)| a + b.clone()).collect())
}
