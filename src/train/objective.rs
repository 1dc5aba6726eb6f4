//! Per-sample losses at given weights, and their gradients.

use burn::tensor::{Int, Tensor, TensorData};

use super::composite;
use crate::attack::{Criterion, Victim, Work};
use crate::data::Batch as HostBatch;
use crate::lang::program::Precision;
use crate::model::{Gradients, Mode, Model, Moments, Noise, Normalization, Statistics, Trace, Wants};
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
    /// Probability of every class, where training labels are shared among several, `[n, classes]`.
    pub soft: Option<Tensor<B, 2>>,
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
            soft: batch
                .soft
                .map(|soft| Tensor::from_data(TensorData::new(soft.targets, [n, soft.classes]), device)),
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
                places: self.places[range.clone()].to_vec(),
                x: self.x.clone().slice([range.clone()]),
                labels: self.labels.clone().slice([range.clone()]),
                soft: self.soft.as_ref().map(|soft| soft.clone().slice([range])),
            }
        };
        (0..self.len()).step_by(size.max(1)).map(part).collect()
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
    /// Cross-entropy at the images of a batch, against soft labels where it has some.
    pub fn plain(batch: &Batch<B>) -> Self {
        let criterion = match &batch.soft {
            Some(targets) => Criterion::Soft { targets: targets.clone(), kappa: None },
            None => Criterion::CrossEntropy,
        };
        Self { x: batch.x.clone(), clean: None, labels: batch.labels.clone(), loss: Loss::Of(criterion) }
    }

    /// The same losses at other training inputs.
    pub fn at(&self, x: Tensor<B, 4>) -> Self {
        Self { x, ..self.clone() }
    }

    /// The samples at these places of the batch.
    pub fn select(&self, places: &Tensor<B, 1, Int>) -> Self {
        let pick = |x: &Tensor<B, 4>| x.clone().select(0, places.clone());
        Self {
            x: pick(&self.x),
            clean: self.clean.as_ref().map(pick),
            labels: self.labels.clone().select(0, places.clone()),
            loss: match &self.loss {
                Loss::Of(criterion) => Loss::Of(criterion.select(places)),
                other => other.clone(),
            },
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

/// Per-sample losses of a network in training mode (batch statistics), counting passes.
pub struct Objective<'a, B: Ops> {
    model: &'a Model,
    statistics: &'a Statistics<B>,
    /// Samples of a pass that counts as one.
    batch: usize,
    /// Random numbers of the next pass.
    pub noise: Option<Noise<B>>,
    /// A recorded pass at the unattacked images that the next pass, at the same weights, need not take again.
    clean: Option<Trace<B>>,
    pub passes: PassCount,
    /// Share of the batch that took each attack step.
    pub active: Vec<f64>,
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
    /// Of a step over `batch` samples.
    pub fn new(model: &'a Model, statistics: &'a Statistics<B>, batch: usize) -> Self {
        let (passes, active) = (PassCount::default(), Vec::new());
        Self { model, statistics, batch, noise: None, clean: None, passes, active }
    }

    fn training(&self, record: bool) -> Mode<B> {
        let (noise, precision) = (self.noise.clone(), self.model.precision);
        Mode { normalization: Normalization::Batch, record, noise, precision }
    }

    /// What part of a pass `samples` are.
    fn share(&self, samples: usize) -> f64 {
        samples as f64 / self.batch as f64
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

    /// Counts the passes of an attack.
    pub fn count(&mut self, work: &Work) {
        self.passes.forward += self.share(work.forward);
        self.passes.backward += self.share(work.backward);
        self.passes.input_backward += self.share(work.input_backward);
    }

    /// Samples that took each step of an attack.
    pub fn count_active(&mut self, active: &[usize]) {
        let steps = self.active.len().max(active.len());
        self.active.resize(steps, 0.0);
        for (step, &samples) in active.iter().enumerate() {
            self.active[step] += self.share(samples);
        }
    }

    /// Logits at the unattacked images of a batch that is attacked before its first pass, `[n, classes]`. Where the
    /// network is the same in training and in evaluation, that pass looks at them by the same trace.
    pub fn clean_logits(&mut self, weights: &Vector<B>, x: Tensor<B, 4>) -> Tensor<B, 2> {
        self.passes.forward += self.share(x.dims()[0]);
        if self.model.changes_in_training() {
            return self.victim(weights, Normalization::Running).logits(x);
        }
        let trace = self.model.forward_with(weights, self.statistics, x, self.training(true));
        let logits = trace.logits.clone();
        self.clean = Some(trace);
        logits
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
        let known = self.clean.take();
        let traces = 1 + usize::from(inputs.clean.is_some() && known.is_none());
        self.passes.forward += self.share(inputs.len() * traces);
        let (model, statistics) = (self.model, self.statistics);
        let forward =
            |x: &Tensor<B, 4>| model.forward_with(weights, statistics, x.clone(), self.training(record));
        let clean = inputs.clean.as_ref().map(|x| known.unwrap_or_else(|| forward(x)));
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
    pub fn gradients(&mut self, pass: &Pass<B>, factors: &Tensor<B, 1>, wants: Wants<'_>) -> Gradients<B> {
        let attacked = pass.trace.backward(weighted(&pass.d_logits, factors), wants);
        let branch = pass.clean.as_ref().filter(|_| wants.weights.is_some());
        let clean = branch.map(|branch| {
            branch.trace.backward(weighted(&branch.d_logits, factors), Wants { input: false, ..wants })
        });
        self.together(factors, attacked, clean)
    }

    /// The same for the last time: the pass cannot be differentiated again.
    pub fn last_gradients(
        &mut self,
        pass: &mut Pass<B>,
        factors: &Tensor<B, 1>,
        wants: Wants<'_>,
    ) -> Gradients<B> {
        let attacked = pass.trace.backward_last(weighted(&pass.d_logits, factors), wants);
        let branch = pass.clean.as_mut().filter(|_| wants.weights.is_some());
        let clean = branch.map(|branch| {
            branch.trace.backward_last(weighted(&branch.d_logits, factors), Wants { input: false, ..wants })
        });
        self.together(factors, attacked, clean)
    }

    /// Gradients of both branches of a loss, whose passes are counted.
    fn together(
        &mut self,
        factors: &Tensor<B, 1>,
        attacked: Gradients<B>,
        clean: Option<Gradients<B>>,
    ) -> Gradients<B> {
        let share = self.share(factors.dims()[0]);
        if attacked.weights.is_none() {
            self.passes.input_backward += share;
            return attacked;
        }
        self.passes.backward += share;
        let Some(clean) = clean else { return attacked };
        self.passes.backward += share;
        let weights = attacked.weights.zip(clean.weights).map(|(a, b)| sum(a, &b));
        Gradients { weights, input: attacked.input }
    }

    /// `H direction` for the cross-entropy `sum(factors * losses)` at `weights`, normalised by running statistics;
    /// always in f32.
    pub fn hessian_product(
        &mut self,
        weights: &Vector<B>,
        inputs: &Inputs<B>,
        factors: &Tensor<B, 1>,
        direction: &Vector<B>,
    ) -> Vector<B> {
        self.passes = self.passes + PassCount::HESSIAN_PRODUCT * self.share(inputs.len());
        let x = inputs.x.clone();
        let (normalization, precision) = (Normalization::Running, Precision::F32);
        let mode = Mode { normalization, record: true, noise: None, precision };
        let trace = self.model.forward_with(weights, self.statistics, x, mode);
        match &inputs.loss {
            Loss::Of(criterion @ Criterion::Soft { kappa: None, .. }) => {
                let (_, residual) = criterion.at(trace.logits.clone(), &inputs.labels);
                trace.hessian_product_at(residual, factors, direction)
            }
            _ => trace.hessian_product(inputs.labels.clone(), factors, direction),
        }
    }

    /// Gradient of every sample's own loss for its training input, `[n, h, w, c]`.
    pub fn input_gradient(&mut self, pass: &Pass<B>) -> Tensor<B, 4> {
        let gradients = self.gradients(pass, &pass.losses.ones_like(), Wants::INPUT);
        gradients.input.unwrap_or_else(|| unreachable!("the image is upstream of every logit"))
    }
}

impl<B: Ops> Pass<B> {
    /// At the training inputs.
    pub fn logits(&self) -> Tensor<B, 2> {
        self.trace.logits.clone()
    }

    /// At the unattacked images, where the loss looks at them too.
    pub fn clean_logits(&self) -> Option<Tensor<B, 2>> {
        self.clean.as_ref().map(|branch| branch.trace.logits.clone())
    }

    /// Batch statistics of each forward pass, in the order in which running statistics follow them.
    pub fn into_moments(self) -> Vec<Vec<Option<Moments<B>>>> {
        let clean = self.clean.into_iter().map(|branch| branch.trace.moments);
        clean.chain([self.trace.moments]).collect()
    }
}

/// Rows of `[n, classes]` times `[n]`.
fn weighted<B: Ops>(d_logits: &Tensor<B, 2>, factors: &Tensor<B, 1>) -> Tensor<B, 2> {
    d_logits.clone() * factors.clone().reshape([factors.dims()[0], 1])
}

fn sum<B: Ops>(a: Vector<B>, b: &Vector<B>) -> Vector<B> {
    Vector(a.0.into_iter().zip(&b.0).map(|(a, b)| a + b.clone()).collect())
}
