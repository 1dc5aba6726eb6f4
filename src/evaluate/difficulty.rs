//! Difficulty of a fixed probe set: quantiles of loss, GDM and ADM (the ADM poster's Figure 1).

use burn::tensor::Tensor;

use super::{Subject, evenly_spaced};
use crate::data::{DataError, EvalBatches};
use crate::lang::catalog::DifficultyEvaluator;
use crate::model::{Normalization, StateDict, Wants};
use crate::ops::Ops;
use crate::train::Batch;
use crate::train::curriculum::{gradient_magnitude, one_step_attack, relative_gap};

/// Samples per batch: each keeps its activations for a backward pass.
const BATCH: usize = 64;

/// Default of `adm`, so that a loss of 0 does not divide.
const DELTA: f64 = 1e-8;

const MEASURES: [&str; 3] = ["loss", "gdm", "adm"];

const QUANTILES: [(&str, f64); 3] = [("p10", 0.1), ("p50", 0.5), ("p90", 0.9)];

/// `difficulty.<measure>.<quantile>` over the probe set, without augmentation, with running statistics.
pub fn quantiles<B: Ops>(
    spec: &DifficultyEvaluator,
    subject: &Subject<'_, B>,
    state: &StateDict<B>,
) -> Result<Vec<(String, f64)>, DataError> {
    let wanted = subject.at_most.map_or(spec.samples, |batches| spec.samples.min(batches * BATCH));
    let probes = evenly_spaced(subject.train_indices, wanted);
    let mut all: [Vec<f32>; 3] = Default::default();
    for batch in EvalBatches::new(subject.train, probes, BATCH) {
        let measured = difficulties(spec, subject, state, Batch::upload(batch?, subject.device));
        for (all, values) in all.iter_mut().zip(measured) {
            all.extend(values.into_data().convert::<f32>().to_vec::<f32>().unwrap_or_default());
        }
    }
    all.iter_mut().for_each(|values| values.sort_by(f32::total_cmp));
    let named = |(measure, values): (&&str, &Vec<f32>)| {
        QUANTILES.map(|(name, q)| (format!("difficulty.{measure}.{name}"), quantile(values, q)))
    };
    Ok(MEASURES.iter().zip(&all).flat_map(named).collect())
}

/// Loss, GDM and ADM of each sample, `[n]` each: two forward passes and one backward for the input.
fn difficulties<B: Ops>(
    spec: &DifficultyEvaluator,
    subject: &Subject<'_, B>,
    state: &StateDict<B>,
    batch: Batch<B>,
) -> [Tensor<B, 1>; 3] {
    let forward = |x: Tensor<B, 4>, record: bool| {
        subject.model.forward(&state.weights, &state.statistics, x, Normalization::Running, record)
    };
    let trace = forward(batch.x.clone(), true);
    let (losses, d_logits) = trace.cross_entropy(batch.labels.clone());
    let gradient = trace.backward(d_logits, Wants::INPUT).input;
    let gradient = gradient.unwrap_or_else(|| unreachable!("the image is upstream of every logit"));
    let attacked = one_step_attack(batch.x, gradient.clone(), spec.alpha, true);
    let (attacked, _) = forward(attacked, false).cross_entropy(batch.labels);
    let gap = relative_gap(losses.clone(), attacked, DELTA);
    [losses, gradient_magnitude(gradient), gap]
}

/// Linear interpolation between order statistics of sorted values, NumPy's default.
fn quantile(sorted: &[f32], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = q * last as f64;
    let (low, share) = (place.floor() as usize, place.fract());
    let at = |index: usize| f64::from(sorted[index.min(last)]);
    at(low) * (1.0 - share) + at(low + 1) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        let sorted = [0.0, 1.0, 2.0, 3.0, 4.0];
        assert_eq!([0.0, 0.1, 0.5, 0.9, 1.0].map(|q| quantile(&sorted, q)), [0.0, 0.4, 2.0, 3.6, 4.0]);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn probes_are_spread_and_never_repeat() {
        assert_eq!(evenly_spaced(&[5, 6, 7, 8, 9, 10], 3), [5, 7, 9]);
        assert_eq!(evenly_spaced(&[5, 6], 10), [5, 6]);
    }
}
