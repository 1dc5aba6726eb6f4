//! The mean loss over a fixed set of training samples, as a function of the weights: value, gradient, products with
//! its Hessian. Evaluation mode, no augmentation, no weight decay.

use burn::tensor::{Tensor, TensorData};

use super::operator::Operator;
use super::vector::Precision;
use crate::attack::Victim;
use crate::data::EvalBatches;
use crate::evaluate::pgd::points;
use crate::evaluate::{Headway, MeasureError, Moment, Session, Subject, evenly_spaced};
use crate::lang::catalog::{PgdEvaluator, ProbeLoss, Probing};
use crate::model::{Model, Normalization, StateDict, Trace, Wants};
use crate::ops::{Ops, Vector};
use crate::train::Batch;

/// Bytes of activations that a Hessian-vector product may hold: the batch is as large as that allows. It does not
/// depend on the machine, so that sums are over the same parts everywhere.
const BUDGET: usize = 1 << 30;

/// Values a product keeps per activation: the activation, its tangent, and cotangents on their way.
const KEPT: usize = 3;

/// Larger batches are no faster.
const LARGEST: usize = 256;

/// Samples of a smoke run.
const SMOKE: usize = 4;

/// Mean loss and accuracy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    pub loss: f64,
    pub accuracy: f64,
}

/// Where the loss is looked at.
pub struct Probe<'a, B: Ops> {
    subject: &'a Subject<'a, B>,
    state: &'a StateDict<B>,
    indices: Vec<u32>,
    /// Attacked images of each batch, where the loss is adversarial.
    attacked: Option<Vec<Tensor<B, 4>>>,
    batch: usize,
}

/// Samples whose activations a product can hold at once.
fn batch_size<B: Ops>(model: &Model, state: &StateDict<B>, image: Tensor<B, 4>) -> usize {
    let trace = model.forward(&state.weights, &state.statistics, image, Normalization::Running, false);
    let bytes = trace.cost.activations * KEPT * trace.logits.dtype().size();
    (BUDGET / bytes.max(1)).clamp(1, LARGEST)
}

impl<'a, B: Ops> Probe<'a, B> {
    /// Looks at the samples; adversarial ones are attacked once, at the current weights.
    ///
    /// # Errors
    /// Data that cannot be read; the session was stopped.
    pub fn new(
        subject: &'a Subject<'a, B>,
        moment: &'a Moment<'a, B>,
        probing: &Probing,
        session: &mut Session<'_, '_>,
    ) -> Result<Self, MeasureError> {
        Self::clean(subject, moment, probing.samples)?.with_loss(&probing.loss, session)
    }

    /// As [`Probe::new`], in batches of this size.
    ///
    /// # Errors
    /// As [`Probe::new`].
    pub fn in_batches(
        subject: &'a Subject<'a, B>,
        moment: &'a Moment<'a, B>,
        probing: &Probing,
        batch: usize,
        session: &mut Session<'_, '_>,
    ) -> Result<Self, MeasureError> {
        let probe = Self::clean(subject, moment, probing.samples)?;
        Self { batch, ..probe }.with_loss(&probing.loss, session)
    }

    fn with_loss(mut self, loss: &ProbeLoss, session: &mut Session<'_, '_>) -> Result<Self, MeasureError> {
        if let ProbeLoss::Pgd(spec) = loss {
            self.attacked = Some(self.attack(spec, &self.state.weights, session)?);
        }
        Ok(self)
    }

    /// Looks at the images as they are.
    fn clean(
        subject: &'a Subject<'a, B>,
        moment: &'a Moment<'a, B>,
        samples: usize,
    ) -> Result<Self, MeasureError> {
        let wanted = subject.at_most.map_or(samples, |_| samples.min(SMOKE));
        let indices = evenly_spaced(subject.train_indices, wanted);
        let first = EvalBatches::new(subject.train, indices[..indices.len().min(1)].to_vec(), 1).next();
        let batch = match first {
            Some(image) => {
                let image = Batch::<B>::upload(image?, subject.device).x;
                batch_size(subject.model, moment.state, typed(image, moment.state))
            }
            None => 1,
        };
        Ok(Self { subject, state: moment.state, indices, attacked: None, batch })
    }

    pub fn samples(&self) -> usize {
        self.indices.len()
    }

    /// Attacked images of every batch at `weights`.
    ///
    /// # Errors
    /// Data that cannot be read; the session was stopped.
    pub fn attack(
        &self,
        spec: &PgdEvaluator,
        weights: &Vector<B>,
        session: &mut Session<'_, '_>,
    ) -> Result<Vec<Tensor<B, 4>>, MeasureError> {
        let (mut all, mut done) = (Vec::new(), 0);
        for batch in self.clean_batches() {
            let batch = batch?;
            done += batch.len();
            all.push(points(spec, &self.victim(weights), &batch));
            session.tell(Headway::samples("attacked points", done, self.samples()))?;
        }
        Ok(all)
    }

    /// The loss at other images from here on.
    pub fn at(&mut self, attacked: Vec<Tensor<B, 4>>) {
        self.attacked = Some(attacked);
    }

    fn victim<'v>(&'v self, weights: &'v Vector<B>) -> Victim<'v, B> {
        let (model, statistics) = (self.subject.model, &self.state.statistics);
        Victim { model, weights, statistics, normalization: Normalization::Running }
    }

    fn clean_batches(&self) -> impl Iterator<Item = Result<Batch<B>, MeasureError>> {
        let batches = EvalBatches::new(self.subject.train, self.indices.clone(), self.batch);
        batches.map(|batch| {
            let batch = Batch::upload(batch?, self.subject.device);
            Ok(Batch { x: typed(batch.x.clone(), self.state), ..batch })
        })
    }

    /// What the loss is taken at, in batches.
    pub fn batches(&self) -> impl Iterator<Item = Result<Batch<B>, MeasureError>> {
        self.clean_batches().enumerate().map(|(place, batch)| {
            let attacked = self.attacked.as_ref().map(|all| all[place].clone());
            batch.map(|batch| Batch { x: attacked.unwrap_or_else(|| batch.x.clone()), ..batch })
        })
    }

    fn trace(&self, weights: &Vector<B>, batch: &Batch<B>, record: bool) -> Trace<B> {
        let statistics = &self.state.statistics;
        self.subject.model.forward(weights, statistics, batch.x.clone(), Normalization::Running, record)
    }

    /// Sum of the losses of a batch, and how many of its samples are right.
    pub fn batch_sums(&self, weights: &Vector<B>, batch: &Batch<B>) -> [f64; 2] {
        let trace = self.trace(weights, batch, false);
        let (losses, _) = trace.cross_entropy(batch.labels.clone());
        let right = trace.logits.argmax(1).reshape([batch.len()]).equal(batch.labels.clone()).int().sum();
        [host(&losses).iter().sum(), right.into_data().iter::<f64>().sum()]
    }

    /// Mean loss and accuracy at `weights`.
    ///
    /// # Errors
    /// Data that cannot be read.
    pub fn scores(&self, weights: &Vector<B>) -> Result<Scores, MeasureError> {
        let mut sums = [0.0; 2];
        for batch in self.batches() {
            let of_batch = self.batch_sums(weights, &batch?);
            sums.iter_mut().zip(of_batch).for_each(|(sum, part)| *sum += part);
        }
        let [loss, accuracy] = sums.map(|sum| sum / self.samples() as f64);
        Ok(Scores { loss, accuracy })
    }

    /// Gradient of the mean loss of a batch.
    pub fn batch_gradient(&self, batch: &Batch<B>) -> Vec<f64> {
        let trace = self.trace(&self.state.weights, batch, true);
        let (_, residual) = trace.cross_entropy(batch.labels.clone());
        let gradients = trace.backward(residual / batch.len() as f64, Wants::WEIGHTS);
        let gradient = gradients.weights.unwrap_or_else(|| unreachable!("the weights were wanted"));
        flat(&gradient)
    }

    /// Gradient of the mean loss at the current weights.
    ///
    /// # Errors
    /// Data that cannot be read; the session was stopped.
    pub fn gradient(&self, session: &mut Session<'_, '_>) -> Result<Vec<f64>, MeasureError> {
        let mut sum = vec![0.0; self.dimension()];
        let mut done = 0;
        for batch in self.batches() {
            let batch = batch?;
            super::vector::add_scaled(
                &mut sum,
                batch.len() as f64 / self.samples() as f64,
                &self.batch_gradient(&batch),
            );
            done += batch.len();
            session.tell(Headway::samples("gradient", done, self.samples()))?;
        }
        Ok(sum)
    }

    fn product(&self, direction: &[f64]) -> Result<Vec<f64>, MeasureError> {
        let along = self.vector(direction);
        let mut sum = vec![0.0; direction.len()];
        for batch in self.batches() {
            let batch = batch?;
            let trace = self.trace(&self.state.weights, &batch, true);
            let share = 1.0 / self.samples() as f64;
            let factors = Tensor::full([batch.len()], share, (&batch.x.device(), batch.x.dtype()));
            let product = trace.hessian_product(batch.labels.clone(), &factors, &along);
            super::vector::add_scaled(&mut sum, 1.0, &flat(&product));
        }
        Ok(sum)
    }

    /// The weights.
    pub fn weights(&self) -> &Vector<B> {
        &self.state.weights
    }

    /// `weights + values`, which are on the host.
    pub fn displaced(&self, values: &[f64]) -> Vector<B> {
        let (weights, step) = (self.weights(), self.vector(values));
        weights.add_scaled(&step, &weights.number(1.0))
    }

    /// Values on the device, shaped and typed as the weights.
    pub fn vector(&self, values: &[f64]) -> Vector<B> {
        let mut first = 0;
        let part = |part: &Tensor<B, 1>| {
            let [length] = part.dims();
            let values = values[first..first + length].to_vec();
            first += length;
            Tensor::from_data(TensorData::new(values, [length]), (&part.device(), part.dtype()))
        };
        Vector(self.state.weights.0.iter().map(part).collect())
    }

    /// The precision of the weights.
    pub fn precision(&self) -> Precision {
        match self.state.weights.0.first().map(Tensor::dtype) {
            Some(burn::tensor::DType::F64) => Precision::Double,
            _ => Precision::Single,
        }
    }

    /// What a label says of the samples.
    pub fn described(&self, loss: &ProbeLoss) -> String {
        format!("samples={}, loss={loss}, batches of {}", self.samples(), self.batch)
    }
}

/// The Hessian of a probe's mean loss.
pub struct Hessian<'p, 'a, B: Ops>(pub &'p Probe<'a, B>);

impl<B: Ops> Probe<'_, B> {
    pub fn dimension(&self) -> usize {
        self.state.weights.0.iter().map(|part| part.dims()[0]).sum()
    }
}

impl<B: Ops> Operator for Hessian<'_, '_, B> {
    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn apply(&mut self, vector: &[f64]) -> Result<Vec<f64>, MeasureError> {
        self.0.product(vector)
    }
}

fn typed<B: Ops>(x: Tensor<B, 4>, state: &StateDict<B>) -> Tensor<B, 4> {
    match state.weights.0.first() {
        Some(part) if part.dtype() != x.dtype() => x.cast(part.dtype()),
        _ => x,
    }
}

fn host<B: Ops>(values: &Tensor<B, 1>) -> Vec<f64> {
    values.to_data().convert::<f64>().iter::<f64>().collect()
}

/// A vector on the host.
pub fn flat<B: Ops>(vector: &Vector<B>) -> Vec<f64> {
    vector.0.iter().flat_map(host).collect()
}
