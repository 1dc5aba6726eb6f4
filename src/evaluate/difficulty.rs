//! Difficulty of a fixed probe set: loss, GDM and ADM of every sample, and how far apart they are (the ADM poster's
//! Figure 1).

use burn::tensor::Tensor;

use super::field::{Axis, Column, Field};
use super::measure::{MeasureError, Measurements};
use super::samples::Samples;
use super::{Moment, Session, Subject, evenly_spaced};
use crate::lang::catalog::DifficultyEvaluator;
use crate::model::{Normalization, StateDict, Wants};
use crate::ops::Ops;
use crate::train::Batch;
use crate::train::curriculum::{gradient_magnitude, one_step_attack, percentile, relative_gap};

/// Samples per batch: each keeps its activations for a backward pass.
const BATCH: usize = 64;

/// Default of `adm`, so that a loss of 0 does not divide.
const DELTA: f64 = 1e-8;

const MEASURES: [&str; 3] = ["loss", "gdm", "adm"];

const QUANTILES: [(&str, f64); 3] = [("p10", 0.1), ("p50", 0.5), ("p90", 0.9)];

/// Difficulties over the probe set, without augmentation, with running statistics: their quantiles and separability,
/// and one value per sample.
///
/// # Errors
/// Data that cannot be read; the session was stopped.
pub fn difficulty<B: Ops>(
    spec: &DifficultyEvaluator,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let probes = evenly_spaced(subject.train_indices, spec.samples);
    let probes = Samples::new(subject, subject.train, probes, BATCH);
    let all = probes.fold("difficulty", session, |all: &mut [Vec<f64>; 3], batch, _| {
        for (all, values) in all.iter_mut().zip(difficulties(spec, subject, moment.state, batch)) {
            all.extend(values.into_data().convert::<f64>().iter::<f64>());
        }
    })?;
    let values = MEASURES.iter().zip(&all).flat_map(|(measure, values)| spread(measure, values)).collect();
    let label = format!("{} training samples", probes.len());
    let fields = vec![field(label, probes.indices(), all, moment)];
    Ok(Measurements { values, fields, warnings: Vec::new() })
}

/// Quantiles of one measure, and how well it tells samples apart.
fn spread(measure: &str, values: &[f64]) -> Vec<(String, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quantiles = QUANTILES.map(|(name, q)| (name, percentile(&sorted, q).unwrap_or(f64::NAN)));
    let [(_, p10), _, (_, p90)] = quantiles;
    let apart = [("ratio", p90 / p10), ("variation", variation(values))];
    quantiles
        .into_iter()
        .chain(apart)
        .map(|(name, value)| (format!("difficulty.{measure}.{name}"), value))
        .collect()
}

/// Standard deviation over mean.
fn variation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    variance.sqrt() / mean
}

/// One value per sample, and whether the curriculum kept it at its last visit.
fn field<B: Ops>(label: String, probes: &[u32], all: [Vec<f64>; 3], moment: &Moment<'_, B>) -> Field {
    let measure = |(name, values): (&&str, Vec<f64>)| Column::new(name, values);
    let mut columns: Vec<Column> = MEASURES.iter().zip(all).map(measure).collect();
    if let Some(weights) = &moment.weights {
        let weights: Vec<f64> = weights.to_data().convert::<f64>().iter::<f64>().collect();
        let kept = |&index: &u32| match weights[index as usize] {
            weight if weight < 0.0 => f64::NAN,
            weight => f64::from(weight > 0.0),
        };
        columns.push(Column::new("kept", probes.iter().map(kept).collect()));
    }
    let axis = Axis::new("sample", probes.iter().map(|&index| f64::from(index)).collect());
    Field::line("difficulty", label, axis, columns)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separability_is_a_ratio_of_quantiles_and_a_coefficient_of_variation() {
        let named = spread("gdm", &[4.0, 1.0, 3.0, 2.0, 5.0]);
        let value = |name: &str| named.iter().find(|(known, _)| known == name).unwrap().1;
        assert!((value("difficulty.gdm.ratio") - 4.6 / 1.4).abs() < 1e-12);
        assert!((value("difficulty.gdm.variation") - 2f64.sqrt() / 3.0).abs() < 1e-12);
    }
}
