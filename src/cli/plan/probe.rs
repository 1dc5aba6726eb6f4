//! One small forward pass: what it computes and how long it takes here.

use std::time::Instant;

use burn_flex::{Flex, FlexDevice};

use crate::data::{Batch as HostBatch, Corpus, DataError};
use crate::model::{Cost, Model, Normalization, Statistics};
use crate::ops::Vector;
use crate::train::Batch;

/// Time a measured pass aims at, in seconds.
const AIM: f64 = 0.25;
/// The best of at most so many passes counts.
const REPEATS: usize = 10;

/// A forward pass of a network in training mode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// Per image.
    pub multiply_adds: usize,
    /// Values kept for the backward pass, per image.
    pub activations: usize,
    /// Images of the timed pass.
    pub images: usize,
    pub seconds_per_image: f64,
}

/// Weights and images for a pass.
struct Subject<'a> {
    model: &'a Model,
    weights: Vector<Flex>,
    statistics: Statistics<Flex>,
    corpus: &'a Corpus,
}

/// Runs the network on images of `corpus`: first one, then as many as a quarter of a second allows, at most `batch`.
///
/// # Errors
/// Data that cannot be read.
pub fn probe(model: &Model, corpus: &Corpus, batch: usize) -> Result<Probe, DataError> {
    let device = FlexDevice;
    let weights = model.layout.initial_weights::<Flex>(0, &device);
    let statistics = model.layout.initial_statistics::<Flex>(0, &device);
    let subject = Subject { model, weights, statistics, corpus };
    let (cost, first) = subject.pass(1)?;
    let allowed = (AIM / first.max(1e-9)) as usize;
    let images = batch.min(corpus.len()).min(allowed).max(1);
    let began = Instant::now();
    let mut best = if images == 1 { first } else { subject.pass(images)?.1 };
    for _ in 1..REPEATS {
        if began.elapsed().as_secs_f64() + best < AIM {
            best = best.min(subject.pass(images)?.1);
        }
    }
    let seconds_per_image = best / images as f64;
    Ok(Probe { multiply_adds: cost.multiply_adds, activations: cost.activations, images, seconds_per_image })
}

impl Subject<'_> {
    /// Cost of a pass over the first images, and its seconds.
    fn pass(&self, images: usize) -> Result<(Cost, f64), DataError> {
        let indices: Vec<u32> = (0..images as u32).collect();
        let host = HostBatch::of(self.corpus, &indices)?;
        let batch = Batch::<Flex>::upload(host, &FlexDevice);
        let began = Instant::now();
        let trace = self.model.forward(&self.weights, &self.statistics, batch.x, Normalization::Batch, true);
        // Reading the logits waits for the pass.
        let _ = trace.logits.clone().into_data();
        Ok((trace.cost, began.elapsed().as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::open;
    use crate::lang::catalog::{Digits, Source};
    use crate::lang::world::DatasetInfo;
    use crate::model::known;

    #[test]
    fn an_mlp_costs_its_matrices() {
        let data = open(&Source::Digits(Digits {})).unwrap();
        let info = DatasetInfo { train: 1437, test: 360, classes: 10, channels: 1, height: 8, width: 8 };
        let model = known::model("mlp(hidden = [32], normalize = none)", &info).unwrap();
        let probe = probe(&model, &data.train, 64).unwrap();
        assert_eq!(probe.multiply_adds, 64 * 32 + 32 * 10);
        assert_eq!(probe.activations, 32 + 10);
        assert!(probe.images <= 64 && probe.seconds_per_image > 0.0);
    }
}
