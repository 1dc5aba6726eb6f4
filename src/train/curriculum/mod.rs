//! Curricula: difficulty × pacing × scope → one weight per sample.
//!
//! Difficulties live in a table keyed by sample index, part of the checkpoint; -1 marks a sample never measured.

mod difficulty;
mod percentile;
mod rank;
mod spl;
mod ssp;

use burn::tensor::{Bool, Int, Tensor};

use crate::lang::catalog::{Difficulty, Freshness, Pacing, Reduction, Scope};
use crate::lang::schedule::Clock;
use crate::ops::{Ops, Vector};

use super::objective::{Batch, Objective, Pass};
use super::table::written;

pub use difficulty::{adversarial_gap, gradient_magnitude, one_step_attack, relative_gap};
pub use percentile::percentile;
pub use rank::rank;
pub use spl::{Threshold, spl_weights};
pub use ssp::{emphasis, ssp_weights};

/// Value of the table for a sample that was never measured.
const UNSEEN: f64 = -1.0;

/// Sample weights of one step.
pub struct Weighting<B: Ops> {
    /// `v`, `[n]`.
    pub weights: Tensor<B, 1>,
    /// `v / Z`: what each loss is multiplied by.
    pub factors: Tensor<B, 1>,
    /// Position of each sample by difficulty, easiest 0; `None` for `erm`.
    pub rank: Option<Tensor<B, 1>>,
}

/// One phase's curriculum and its memory.
pub struct Curriculum<B: Ops> {
    pacing: Pacing,
    /// Difficulty at the last visit, `[samples]`.
    pub table: Tensor<B, 1>,
    /// Weight at the last visit, `[samples]`, -1 before it; self-paced pacings alone, whose weights may vanish.
    pub weights: Option<Tensor<B, 1>>,
    /// Weights of this step, to be written once the step is known to count.
    weighed: Vec<(Tensor<B, 1, Int>, Tensor<B, 1>)>,
    /// Threshold of the running epoch where the scope is the data set; `None` before anything was measured.
    threshold: Option<f64>,
    /// Samples and difficulties of this step, to be written once the step is known to count.
    measured: Vec<(Tensor<B, 1, Int>, Tensor<B, 1>)>,
    /// Share of the samples of each part of this step whose loss fell under ADM's attack.
    fell: Vec<Tensor<B, 1>>,
}

impl<B: Ops> Curriculum<B> {
    pub fn new(pacing: Pacing, samples: usize, device: &B::Device) -> Self {
        let table = Tensor::full([samples], UNSEEN, device);
        let weights = matches!(pacing, Pacing::Spl(_)).then(|| table.clone());
        let (weighed, measured, fell) = (Vec::new(), Vec::new(), Vec::new());
        Self { pacing, table, weights, weighed, threshold: None, measured, fell }
    }

    /// Takes back the memory of a checkpoint.
    pub fn restore(&mut self, table: Tensor<B, 1>, weights: Option<Tensor<B, 1>>, threshold: Option<f64>) {
        (self.table, self.threshold) = (table, threshold);
        self.weights = self.weights.take().map(|fresh| weights.unwrap_or(fresh));
    }

    /// Threshold of the running epoch, for a checkpoint.
    pub fn epoch_threshold(&self) -> Option<f64> {
        self.threshold
    }

    /// Reads the table once per epoch where the threshold is over the whole data set.
    pub fn begin_epoch(&mut self, clock: &Clock) {
        if self.by_table()
            && let Pacing::Spl(spl) = &self.pacing
            && let Some(fraction) = &spl.fraction
        {
            self.threshold = spl::smallest(&self.known(), fraction.at(clock));
        }
    }

    /// Weights of the batch; measures difficulty first where it must be that of the current weights.
    pub fn weigh(
        &mut self,
        objective: &mut Objective<'_, B>,
        weights: &Vector<B>,
        pass: &Pass<B>,
        batch: &Batch<B>,
        clock: &Clock,
    ) -> Weighting<B> {
        let Some(difficulty) = self.difficulty().cloned() else { return uniform(&pass.losses) };
        let old = self.table.clone().select(0, batch.indices.clone());
        let xi = match &difficulty {
            Difficulty::Loss(_) => Some(pass.losses.clone().clamp_min(0.0)),
            Difficulty::Gdm(_) => Some(gradient_magnitude(objective.input_gradient(pass))),
            Difficulty::Adm(adm) if adm.mode == Freshness::Fresh => {
                let gradient = objective.input_gradient(pass);
                let gap = adversarial_gap(objective, weights, pass, gradient, adm);
                self.fell.push(gap.fell);
                Some(difficulty::smooth(old.clone(), gap.relative, adm.ema))
            }
            Difficulty::Adm(_) => None,
        };
        self.measured.extend(xi.clone().map(|xi| (batch.indices.clone(), xi)));
        // A quantile of the table is held against the table, or the fraction it keeps would drift as losses fall.
        let compared = if self.by_table() { old } else { xi.unwrap_or(old) };
        let weighting = self.weighting(compared, clock);
        if self.weights.is_some() {
            self.weighed.push((batch.indices.clone(), weighting.weights.clone()));
        }
        weighting
    }

    /// Whether [`Curriculum::observe`] measures anything.
    fn is_stale(&self) -> bool {
        matches!(self.difficulty(), Some(Difficulty::Adm(adm)) if adm.mode == Freshness::Stale)
    }

    /// Whether [`Curriculum::observe`] reads the input gradient of the first pass.
    pub fn reads_input_gradient(&self) -> bool {
        self.is_stale() && !self.weights_may_vanish()
    }

    /// Whether [`Curriculum::observe`] takes an input gradient of its own.
    pub fn differentiates_again(&self) -> bool {
        self.is_stale() && self.weights_may_vanish()
    }

    /// Measures what the next visit will use (`adm` with `mode = stale`), after the first pass was
    /// differentiated; `gradient` is the input gradient that [`Curriculum::reads_input_gradient`] asked for.
    pub fn observe(
        &mut self,
        objective: &mut Objective<'_, B>,
        weights: &Vector<B>,
        pass: &Pass<B>,
        batch: &Batch<B>,
        weighting: &Weighting<B>,
        gradient: Option<Tensor<B, 4>>,
    ) {
        let Some(Difficulty::Adm(adm)) = self.difficulty().cloned() else { return };
        if adm.mode != Freshness::Stale {
            return;
        }
        let weighted = gradient.is_some();
        let gradient = gradient.unwrap_or_else(|| objective.input_gradient(pass));
        let old = self.table.clone().select(0, batch.indices.clone());
        let gap = adversarial_gap(objective, weights, pass, gradient, &adm);
        self.fell.push(gap.fell);
        let new = difficulty::smooth(old.clone(), gap.relative, adm.ema);
        // A sample of weight 0 sends no gradient to its image: its step is unknown, not zero.
        let blind = weighting.weights.clone().equal_elem(0.0);
        let new = if weighted { new.mask_where(blind, old) } else { new };
        self.measured.push((batch.indices.clone(), new));
    }

    /// Share of this step's samples whose loss fell under ADM's attack, where it was measured.
    pub fn take_fell(&mut self) -> Option<Tensor<B, 1>> {
        let fell = std::mem::take(&mut self.fell);
        (!fell.is_empty()).then(|| Tensor::cat(fell, 0).mean())
    }

    /// Writes this step's difficulties and weights to their tables, unless the step was skipped.
    pub fn commit(&mut self, skip: &Tensor<B, 1, Bool>) {
        for (indices, weights) in std::mem::take(&mut self.weighed) {
            self.weights = self.weights.take().map(|table| {
                let weights = weights.cast(table.dtype());
                written(&table, indices, weights, skip)
            });
        }
        for (indices, xi) in std::mem::take(&mut self.measured) {
            self.table = written(&self.table, indices, xi, skip);
        }
    }

    /// The 10th, 50th and 90th percentile of what was measured so far; reads the table back.
    pub fn quantiles(&self) -> [Option<f64>; 3] {
        if self.difficulty().is_none() {
            return [None; 3];
        }
        let mut known: Vec<f64> = self.known().into_iter().map(f64::from).collect();
        known.sort_by(f64::total_cmp);
        [0.1, 0.5, 0.9].map(|share| percentile(&known, share))
    }

    /// Difficulties measured so far, in no order; reads the table back.
    pub fn known(&self) -> Vec<f32> {
        let values = self.table.to_data().convert::<f32>().to_vec::<f32>().unwrap_or_default();
        values.into_iter().filter(|&xi| xi >= 0.0).collect()
    }

    fn difficulty(&self) -> Option<&Difficulty> {
        match &self.pacing {
            Pacing::Erm(_) => None,
            Pacing::Spl(spl) => Some(&spl.difficulty),
            Pacing::Ssp(ssp) => Some(&ssp.difficulty),
        }
    }

    /// Whether samples are compared by their last visit, over the whole data set.
    fn by_table(&self) -> bool {
        matches!(&self.pacing, Pacing::Spl(spl) if spl.scope == Scope::Dataset && spl.fraction.is_some())
    }

    /// Self-paced weights are 0 for excluded samples, whose input gradients a weighted pass cannot give.
    fn weights_may_vanish(&self) -> bool {
        matches!(self.pacing, Pacing::Spl(_))
    }

    fn weighting(&self, xi: Tensor<B, 1>, clock: &Clock) -> Weighting<B> {
        let rank = rank(xi.clone());
        let unseen = xi.clone().lower_elem(0.0);
        let n = xi.dims()[0] as f64;
        let (weights, total) = match &self.pacing {
            Pacing::Erm(_) => (xi.ones_like(), xi.ones_like().sum()),
            Pacing::Ssp(_) => {
                let v = ssp_weights(rank.clone(), emphasis(clock)).mask_fill(unseen, 1.0);
                let total = Tensor::full_like(&v.clone().sum(), n);
                (v, total)
            }
            Pacing::Spl(spl) => {
                let threshold = self.threshold(spl, xi.dims()[0], clock);
                let v = spl_weights(spl, xi, rank.clone(), threshold).mask_fill(unseen, 1.0);
                let total = match spl.reduction {
                    Reduction::Mean => v.clone().sum().clamp_min(1.0),
                    Reduction::Sum => Tensor::ones_like(&v.clone().sum()),
                };
                (v, total)
            }
        };
        Weighting { factors: weights.clone() / total, weights, rank: Some(rank) }
    }

    fn threshold(&self, spl: &crate::lang::catalog::Spl, n: usize, clock: &Clock) -> Threshold {
        match (&spl.lambda, &spl.fraction, spl.scope) {
            (Some(lambda), _, _) => Threshold::Value(lambda.at(clock)),
            (None, Some(_), Scope::Dataset) => {
                self.threshold.map_or(Threshold::Easiest(n), Threshold::Quantile)
            }
            (None, Some(fraction), Scope::Batch) => Threshold::easiest(fraction.at(clock), n),
            (None, None, _) => Threshold::Easiest(n),
        }
    }
}

/// Every sample counts alike: the mean over the batch.
fn uniform<B: Ops>(losses: &Tensor<B, 1>) -> Weighting<B> {
    let weights = losses.ones_like();
    let factors = weights.clone() / losses.dims()[0] as f64;
    Weighting { weights, factors, rank: None }
}
