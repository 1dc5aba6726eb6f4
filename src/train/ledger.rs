//! Step records gathered on the device and read back together, once per interval.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::ops::Ops;

use super::learner::StepRecord;

/// Steps whose records are read back at once.
pub const INTERVAL: u64 = 20;

/// So many steps in a row may be skipped for values that are not finite.
pub const PATIENCE: u64 = 20;

/// The run cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "loss or gradient was not finite for {PATIENCE} steps in a row, the first of them step {first} of the phase"
)]
pub struct Diverged {
    /// First of the skipped steps, counted from 1 in the phase.
    pub first: u64,
}

/// Sums over the steps of an epoch, and what is still on the device.
pub struct Ledger<B: Ops> {
    pending: Vec<Tensor<B, 1>>,
    pub sums: Sums,
}

/// Sums over the steps read so far; part of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Step of the phase that the next record belongs to.
    next_step: u64,
    /// Steps not finite since the last good one.
    row: u64,
    pub steps: u64,
    pub samples: f64,
    loss: f64,
    correct: f64,
    gradient_norm: Mean,
    radius: Mean,
    clipped: Mean,
    kept: Mean,
    weight_easiest: Mean,
    weight_hardest: Mean,
    fell: Mean,
    rise: Mean,
    curvature: Mean,
    attack: [Mean; 6],
    pub skipped: u64,
    pub empty: u64,
    pub cost: f64,
    /// Shares of the batches that took each attack step.
    active: Vec<f64>,
}

/// A mean over the steps where the value applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        if value.is_finite() {
            self.sum += value;
            self.count += 1;
        }
    }

    fn get(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Means of an epoch, from the first pass of every step that counted.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochMeans {
    pub loss: Option<f64>,
    pub accuracy: Option<f64>,
    pub gradient_norm: Option<f64>,
    pub radius: Option<f64>,
    pub clipped: Option<f64>,
    pub kept: Option<f64>,
    pub weight_easiest: Option<f64>,
    pub weight_hardest: Option<f64>,
    pub fell: Option<f64>,
    pub rise: Option<f64>,
    pub curvature: Option<f64>,
    /// Of the attack: clean loss and accuracy, adversarial loss, active share, perturbation, lambda.
    pub attack: [Option<f64>; 6],
    /// Share of the samples that took each attack step.
    pub active: Vec<f64>,
}

impl<B: Ops> Ledger<B> {
    pub fn new(sums: Sums) -> Self {
        Self { pending: Vec::new(), sums }
    }

    /// Adds a step; reads back when the interval is full.
    ///
    /// # Errors
    /// Too many steps in a row were not finite.
    pub fn add(&mut self, record: StepRecord<B>) -> Result<(), Diverged> {
        self.sums.cost += record.passes.cost();
        let steps = self.sums.active.len().max(record.active.len());
        self.sums.active.resize(steps, 0.0);
        self.sums.active.iter_mut().zip(&record.active).for_each(|(sum, share)| *sum += share);
        self.pending.push(record.values);
        if self.pending.len() as u64 >= INTERVAL { self.settle() } else { Ok(()) }
    }

    /// Reads back everything pending.
    ///
    /// # Errors
    /// As [`Ledger::add`].
    pub fn settle(&mut self) -> Result<(), Diverged> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let columns = StepRecord::<B>::COLUMNS.len();
        let values = Tensor::cat(std::mem::take(&mut self.pending), 0).into_data();
        let values = values.to_vec::<f32>().unwrap_or_default();
        values.chunks_exact(columns).try_for_each(|row| self.sums.add(row))
    }

    /// Means of the epoch; starts the next one.
    pub fn end_epoch(&mut self) -> (EpochMeans, Sums) {
        let fresh = Sums { next_step: self.sums.next_step, row: self.sums.row, ..Sums::default() };
        let sums = std::mem::replace(&mut self.sums, fresh);
        (sums.means(), sums)
    }
}

impl Sums {
    /// `row` is in the order of [`StepRecord::COLUMNS`].
    fn add(&mut self, row: &[f32]) -> Result<(), Diverged> {
        let value = |index: usize| f64::from(row[index]);
        let step = self.next_step;
        self.next_step += 1;
        self.steps += 1;
        let not_finite = value(9) > 0.0;
        self.skipped += u64::from(not_finite);
        let empty = value(10) > 0.0;
        self.empty += u64::from(empty);
        self.row = if not_finite { self.row + 1 } else { 0 };
        if self.row >= PATIENCE {
            return Err(Diverged { first: step + 2 - self.row });
        }
        if not_finite || empty {
            return Ok(());
        }
        self.samples += value(0);
        self.loss += value(1) * value(0);
        self.correct += value(2);
        let means = [
            &mut self.gradient_norm,
            &mut self.radius,
            &mut self.clipped,
            &mut self.kept,
            &mut self.weight_easiest,
            &mut self.weight_hardest,
        ];
        means.into_iter().zip(3..).for_each(|(mean, index)| mean.add(value(index)));
        let means = [&mut self.fell, &mut self.rise, &mut self.curvature];
        means.into_iter().zip(11..).for_each(|(mean, index)| mean.add(value(index)));
        self.attack.iter_mut().zip(14..).for_each(|(mean, index)| mean.add(value(index)));
        Ok(())
    }

    fn means(&self) -> EpochMeans {
        let per_sample = |sum: f64| (self.samples > 0.0).then(|| sum / self.samples);
        EpochMeans {
            loss: per_sample(self.loss),
            accuracy: per_sample(self.correct),
            gradient_norm: self.gradient_norm.get(),
            radius: self.radius.get(),
            clipped: self.clipped.get(),
            kept: self.kept.get(),
            weight_easiest: self.weight_easiest.get(),
            weight_hardest: self.weight_hardest.get(),
            fell: self.fell.get(),
            rise: self.rise.get(),
            curvature: self.curvature.get(),
            attack: self.attack.map(Mean::get),
            active: self.active.iter().map(|sum| sum / self.steps as f64).collect(),
        }
    }
}
