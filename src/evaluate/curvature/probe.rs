//! The mean loss over a fixed set of training samples, as a function of the weights: value, gradient, products with
//! its Hessian. Evaluation mode, no augmentation, no weight decay.

use burn::tensor::{Tensor, TensorData};

use super::operator::Operator;
use super::vector::{Packed, Precision, add_scaled};
use crate::attack::Victim;
use crate::data::EvalBatches;
use crate::evaluate::measure::Pulse;
use crate::evaluate::pgd::points;
use crate::evaluate::{Headway, MeasureError, Moment, Notes, Session, Subject, evenly_spaced};
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

/// The note of a gradient: how many batches it is of, and the sum in f64, both little-endian.
const GRADIENT: &str = "gradient.bin";

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
        let wanted = if subject.smoke { samples.min(SMOKE) } else { samples };
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

    /// Number of batches.
    pub fn parts(&self) -> usize {
        self.samples().div_ceil(self.batch)
    }

    /// Attacked images of every batch at `weights`, which are those of the session's earlier attack.
    ///
    /// # Errors
    /// Data that cannot be read; the session was stopped.
    pub fn attack(
        &self,
        spec: &PgdEvaluator,
        weights: &Vector<B>,
        session: &mut Session<'_, '_>,
    ) -> Result<Vec<Tensor<B, 4>>, MeasureError> {
        let mut all: Vec<Tensor<B, 4>> =
            (0..).map_while(|place| self.noted_points(session.notes, place)).collect();
        let mut noted = all.len();
        let note = |all: &[Tensor<B, 4>], notes: &Notes, noted: &mut usize| {
            for (place, x) in all.iter().enumerate().skip(*noted) {
                notes.put(&points_name(place), x.to_data().as_bytes())?;
            }
            *noted = all.len();
            Ok(())
        };
        for batch in self.clean_batches(noted) {
            let batch = batch?;
            let before = Headway::samples("attacked points", all.len() * self.batch, self.samples());
            let pulse = Pulse::new(session.watch, before);
            let found = points(spec, &self.victim(weights), &batch, &|| pulse.beats());
            if pulse.is_stopped() {
                note(&all, session.notes, &mut noted)?;
                return Err(MeasureError::Stopped);
            }
            all.push(found);
            let done = self.samples().min(all.len() * self.batch);
            let headway = Headway::samples("attacked points", done, self.samples());
            session.advance_with(headway, |notes| note(&all, notes, &mut noted))?;
        }
        note(&all, session.notes, &mut noted)?;
        Ok(all)
    }

    /// Attacked images of a batch that an earlier session found.
    fn noted_points(&self, notes: &Notes, place: usize) -> Option<Tensor<B, 4>> {
        let samples = self.indices.get(place * self.batch..)?.len().min(self.batch);
        let (weights, image) = (self.weights().0.first()?, self.subject.train.shape());
        let shape = [samples, image.height, image.width, image.channels];
        let bytes = notes.bytes(&points_name(place))?;
        let expected = shape.iter().product::<usize>() * weights.dtype().size();
        (samples > 0 && bytes.len() == expected).then(|| {
            let data = TensorData::from_bytes_vec(bytes, shape, weights.dtype());
            Tensor::from_data(data, (&weights.device(), weights.dtype()))
        })
    }

    /// The loss at other images from here on.
    pub fn at(&mut self, attacked: Vec<Tensor<B, 4>>) {
        self.attacked = Some(attacked);
    }

    fn victim<'v>(&'v self, weights: &'v Vector<B>) -> Victim<'v, B> {
        let (model, statistics) = (self.subject.model, &self.state.statistics);
        Victim { model, weights, statistics, normalization: Normalization::Running }
    }

    /// All but the first `skipped` batches.
    fn clean_batches(&self, skipped: usize) -> impl Iterator<Item = Result<Batch<B>, MeasureError>> {
        let rest = self.indices.get(skipped * self.batch..).unwrap_or_default().to_vec();
        let batches = EvalBatches::new(self.subject.train, rest, self.batch);
        batches.map(|batch| {
            let batch = Batch::upload(batch?, self.subject.device);
            Ok(Batch { x: typed(batch.x.clone(), self.state), ..batch })
        })
    }

    /// What the loss is taken at, in batches.
    pub fn batches(&self) -> impl Iterator<Item = Result<Batch<B>, MeasureError>> {
        self.batches_after(0)
    }

    /// As [`Probe::batches`], without the first `skipped`.
    pub fn batches_after(&self, skipped: usize) -> impl Iterator<Item = Result<Batch<B>, MeasureError>> {
        self.clean_batches(skipped).enumerate().map(move |(place, batch)| {
            let attacked = self.attacked.as_ref().map(|all| all[skipped + place].clone());
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
    /// Data that cannot be read, notes that cannot be written; the session was stopped.
    pub fn gradient(&self, session: &mut Session<'_, '_>) -> Result<Vec<f64>, MeasureError> {
        let noted = self.noted_gradient(session.notes);
        let (mut batches, mut sum) = noted.unwrap_or_else(|| (0, vec![0.0; self.dimension()]));
        for batch in self.batches_after(batches) {
            let batch = batch?;
            let share = batch.len() as f64 / self.samples() as f64;
            add_scaled(&mut sum, share, &self.batch_gradient(&batch));
            batches += 1;
            let done = self.samples().min(batches * self.batch);
            session.advance_with(Headway::samples("gradient", done, self.samples()), |notes| {
                let count = (batches as u64).to_le_bytes();
                let sum = sum.iter().flat_map(|value| value.to_le_bytes());
                notes.put(GRADIENT, &count.into_iter().chain(sum).collect::<Vec<u8>>())
            })?;
        }
        Ok(sum)
    }

    /// How many batches an earlier session added up, and their sum.
    fn noted_gradient(&self, notes: &Notes) -> Option<(usize, Vec<f64>)> {
        let bytes = notes.bytes(GRADIENT)?;
        let (count, sum) = bytes.split_first_chunk::<8>()?;
        let sum = Packed::read(sum, Precision::Double, self.dimension())?;
        Some((usize::try_from(u64::from_le_bytes(*count)).ok()?, sum.values()))
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
            add_scaled(&mut sum, 1.0, &flat(&product));
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
    pub fn described(&self) -> String {
        format!("{} training samples in batches of {}", self.samples(), self.batch)
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

fn points_name(batch: usize) -> String {
    format!("points-{batch}.bin")
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
