//! Mean loss and accuracy.

use burn::tensor::Tensor;

use super::BATCH;
use crate::data::{Corpus, DataError, EvalBatches, Groups};
use crate::model::{Model, Normalization, StateDict};
use crate::ops::Ops;
use crate::train::Batch;

/// Means over samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    pub loss: f64,
    /// In [0, 1]; the mean over groups where groups count equally.
    pub accuracy: f64,
    /// Accuracy of each group that has samples.
    pub groups: Vec<(String, f64)>,
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
    let (mut losses, mut correct) = (Vec::new(), Vec::new());
    for batch in EvalBatches::new(corpus, indices.to_vec(), BATCH) {
        let (loss, right) = outcomes(model, state, Batch::upload(batch?, device));
        losses.push(loss.sum());
        correct.push(right);
    }
    let (losses, correct) = (read(losses), read(correct));
    let groups = corpus.groups.as_ref().map_or_else(Vec::new, |groups| by_group(groups, indices, &correct));
    let equal = corpus.groups.as_ref().is_some_and(|groups| groups.equal) && !groups.is_empty();
    let accuracy = match equal {
        true => groups.iter().map(|(_, accuracy)| accuracy).sum::<f64>() / groups.len() as f64,
        false => correct.iter().sum::<f64>() / indices.len() as f64,
    };
    Ok(Scores { loss: losses.iter().sum::<f64>() / indices.len() as f64, accuracy, groups })
}

/// Loss of each sample and whether its prediction is right, as 0 or 1, `[n]` each.
pub(super) fn outcomes<B: Ops>(
    model: &Model,
    state: &StateDict<B>,
    batch: Batch<B>,
) -> (Tensor<B, 1>, Tensor<B, 1>) {
    let n = batch.len();
    let trace = model.forward(&state.weights, &state.statistics, batch.x, Normalization::Running, false);
    let (losses, _) = trace.cross_entropy(batch.labels.clone());
    let correct = trace.logits.argmax(1).reshape([n]).equal(batch.labels).int().float();
    let correct = correct.cast(losses.dtype());
    (losses, correct)
}

/// One after the other, on the host.
pub(super) fn read<B: Ops>(tensors: Vec<Tensor<B, 1>>) -> Vec<f64> {
    if tensors.is_empty() {
        return Vec::new();
    }
    Tensor::cat(tensors, 0).into_data().convert::<f64>().to_vec::<f64>().unwrap_or_default()
}

/// Share of the right predictions in each group that has some of the samples at `indices`.
fn by_group(groups: &Groups, indices: &[u32], correct: &[f64]) -> Vec<(String, f64)> {
    let mut sums = vec![(0.0, 0usize); groups.names.len()];
    for (&index, right) in indices.iter().zip(correct) {
        if let Some(group) = groups.of.get(index as usize) {
            let (sum, count) = &mut sums[usize::from(*group)];
            *sum += right;
            *count += 1;
        }
    }
    let named = groups.names.iter().zip(sums).filter(|(_, (_, count))| *count > 0);
    named.map(|(name, (sum, count))| (name.clone(), sum / count as f64)).collect()
}
