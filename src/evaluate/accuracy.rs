//! Mean loss and accuracy.

use burn::tensor::Tensor;

use super::BATCH;
use crate::data::{Corpus, DataError, EvalBatches};
use crate::model::{Model, Normalization, StateDict};
use crate::ops::Ops;
use crate::train::Batch;

/// Means over samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    pub loss: f64,
    /// In [0, 1].
    pub accuracy: f64,
}

/// Scores on `indices` of `corpus`; the device is read back once.
///
/// # Errors
/// Data that cannot be read.
pub fn scores<B: Ops>(
    model: &Model,
    corpus: &Corpus,
    indices: &[u32],
    state: &StateDict<B>,
    device: &B::Device,
) -> Result<Scores, DataError> {
    let mut sums = Vec::new();
    for batch in EvalBatches::new(corpus, indices.to_vec(), BATCH) {
        let batch = Batch::upload(batch?, device);
        sums.push(batch_sums(model, state, batch));
    }
    Ok(means(sums, indices.len()))
}

/// Means over `samples` of what [`batch_sums`] gave; the device is read back once.
pub(super) fn means<B: Ops>(sums: Vec<Tensor<B, 1>>, samples: usize) -> Scores {
    let rows = Tensor::cat(sums, 0).into_data().convert::<f64>();
    let rows = rows.to_vec::<f64>().unwrap_or_default();
    let total = |column: usize| rows.iter().skip(column).step_by(2).sum::<f64>() / samples as f64;
    Scores { loss: total(0), accuracy: total(1) }
}

/// Sum of losses and number of correct predictions, `[2]`.
pub(super) fn batch_sums<B: Ops>(model: &Model, state: &StateDict<B>, batch: Batch<B>) -> Tensor<B, 1> {
    let n = batch.len();
    let trace = model.forward(&state.weights, &state.statistics, batch.x, Normalization::Running, false);
    let (losses, _) = trace.cross_entropy(batch.labels.clone());
    let correct = trace.logits.argmax(1).reshape([n]).equal(batch.labels).int().sum().float();
    let loss = losses.sum();
    Tensor::cat(vec![loss.clone(), correct.cast(loss.dtype())], 0)
}
