//! Measurements of given weights on given data, always in evaluation mode (running statistics).

mod accuracy;
mod autoattack;
mod corruption;
pub mod cost;
mod curvature;
mod difficulty;
mod doubts;
mod endings;
mod estimates;
pub mod field;
mod gap;
mod measure;
mod notes;
mod perturbation;
mod pgd;
mod robustness;
mod samples;

use burn::tensor::Tensor;

use crate::attack::{Victim, rows};
use crate::data::{Corpus, DataError};
use crate::lang::catalog::Evaluator;
use crate::lang::program::Phase;
use crate::lang::schedule::Clock;
use crate::model::{Model, Normalization, StateDict};
use crate::ops::Ops;
use crate::train::Batch;

pub use accuracy::{Scores, scores};
pub use doubts::disagreements;
pub use endings::Ending;
pub use estimates::ranks;
pub use measure::{Headway, MeasureError, Measurements, Watch};
pub use notes::{Notes, Session};
pub use robustness::robustness;

/// Samples per evaluation batch: large enough to keep the cores busy, small enough for the memory of any network.
pub const BATCH: usize = 256;

/// What evaluators measure on.
pub struct Subject<'a, B: Ops> {
    pub model: &'a Model,
    pub device: &'a B::Device,
    pub train: &'a Corpus,
    /// Indices of the training samples.
    pub train_indices: &'a [u32],
    pub test: &'a Corpus,
    /// Indices of the held out training samples.
    pub validation: &'a [u32],
    /// The out split of test domains.
    pub oracle: Option<&'a Corpus>,
    /// Every evaluator looks at a few samples only.
    pub smoke: bool,
}

impl<B: Ops> Subject<'_, B> {
    /// The samples that make a pass: a batch of them in a smoke run.
    pub fn passed<'i>(&self, indices: &'i [u32]) -> &'i [u32] {
        if self.smoke { &indices[..indices.len().min(BATCH)] } else { indices }
    }
}

/// Weights, and where the training stands that made them.
pub struct Moment<'a, B: Ops> {
    pub state: &'a StateDict<B>,
    pub phase: &'a Phase,
    /// Number of the phase, from 1.
    pub number: usize,
    pub clock: Clock,
    pub seed: u64,
    /// Weight of each training sample when a step last saw it, -1 before; self-paced curricula alone, `[samples]`.
    pub weights: Option<Tensor<B, 1>>,
    /// What the phase's adversary remembers.
    pub adversary: Option<Tensor<B, 1>>,
    /// Numbers of earlier moments, at the end of a run.
    pub measured: Vec<(String, f64)>,
}

impl<'a, B: Ops> Moment<'a, B> {
    /// Weights at the beginning of a phase, of which nothing else is known.
    pub fn of_weights(state: &'a StateDict<B>, phase: &'a Phase) -> Self {
        let clock = Clock { step: 0, steps: 1, steps_per_epoch: 1, lr: None };
        Self { state, phase, number: 1, clock, seed: 0, weights: None, adversary: None, measured: Vec::new() }
    }

    /// Earlier values of a measurement, in order.
    fn history(&self, name: &str) -> Vec<f64> {
        let named = self.measured.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| *value).collect()
    }
}

/// Measures on the training or the test samples, as the evaluator asks; numbers are labelled with every setting that is
/// not the default, so that no other measurement has the same names.
///
/// # Errors
/// Data that cannot be read, notes that cannot be written; the session was stopped.
pub fn measure<B: Ops>(
    evaluator: &Evaluator,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let measured = unlabelled(evaluator, subject, moment, session)?;
    Ok(measured.labelled(evaluator.name(), &evaluator.label()).doubted())
}

fn unlabelled<B: Ops>(
    evaluator: &Evaluator,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let state = moment.state;
    let name = evaluator.name();
    let all: Vec<u32> = (0..subject.test.len() as u32).collect();
    if let Some(measured) = robustness(evaluator, subject, (subject.test, &all), state, session) {
        return measured;
    }
    Ok(match evaluator {
        Evaluator::Loss(_) => Measurements::one(name, test_scores(subject, state)?.loss),
        Evaluator::Difficulty(spec) => difficulty::difficulty(spec, subject, moment, session)?,
        Evaluator::Hessian(spec) => curvature::hessian(spec, subject, moment, session)?,
        Evaluator::Spectrum(spec) => curvature::spectrum(spec, subject, moment, session)?,
        Evaluator::Landscape(spec) => curvature::landscape(spec, subject, moment, session)?,
        Evaluator::Lpf(spec) => curvature::lpf(spec, subject, moment, session)?,
        Evaluator::Sharpness(spec) => curvature::sharpness(spec, subject, moment, session)?,
        Evaluator::Gradient(spec) => curvature::gradient(spec, subject, moment, session)?,
        Evaluator::Gap(spec) => gap::gap(spec, subject, moment, session)?,
        Evaluator::Perturbation(spec) => perturbation::perturbation(spec, subject, moment, session)?,
        Evaluator::Estimates(spec) => estimates::correlations(spec, subject, state, session)?,
        Evaluator::Corruption(spec) => corruption::errors(spec, subject, state, session)?,
        _ => Measurements { values: accuracies(name, subject, state)?, ..Measurements::default() },
    })
}

/// `wanted` of the indices at equal distances, all of them where there are fewer.
fn evenly_spaced(indices: &[u32], wanted: usize) -> Vec<u32> {
    let count = wanted.min(indices.len());
    (0..count).map(|k| indices[k * indices.len() / count]).collect()
}

/// The network as it is evaluated.
fn victim<'a, B: Ops>(subject: &Subject<'a, B>, state: &'a StateDict<B>) -> Victim<'a, B> {
    Victim {
        model: subject.model,
        weights: &state.weights,
        statistics: &state.statistics,
        normalization: Normalization::Running,
    }
}

/// The samples that have not `fallen`; `None` where there are none.
fn keep<B: Ops>(batch: Batch<B>, fallen: &[bool]) -> Option<Batch<B>> {
    let kept: Vec<usize> = (0..fallen.len()).filter(|&row| !fallen[row]).collect();
    if kept.is_empty() {
        return None;
    }
    let picked = rows::<B>(&kept, &batch.x.device());
    Some(Batch {
        indices: batch.indices.select(0, picked.clone()),
        places: kept.iter().map(|&row| batch.places[row]).collect(),
        x: batch.x.select(0, picked.clone()),
        labels: batch.labels.select(0, picked.clone()),
        soft: batch.soft.map(|soft| soft.select(0, picked)),
    })
}

/// Accuracy, then that of each group of test samples; of domains also what selects among weights and among runs.
fn accuracies<B: Ops>(
    name: &str,
    subject: &Subject<'_, B>,
    state: &StateDict<B>,
) -> Result<Vec<(String, f64)>, DataError> {
    let scores = test_scores(subject, state)?;
    let mut values = vec![(name.to_owned(), scores.accuracy)];
    let named = |(group, accuracy): (String, f64)| (format!("{group}.{name}"), accuracy);
    values.extend(scores.groups.into_iter().map(named));
    let Some(oracle) = subject.oracle else { return Ok(values) };
    let all: Vec<u32> = (0..oracle.len() as u32).collect();
    for (part, corpus, indices) in
        [("selection", subject.train, subject.validation), ("oracle", oracle, &all)]
    {
        let kept = subject.passed(indices);
        if !kept.is_empty() {
            let scores = scores_of(subject, corpus, kept, state)?;
            values.push((format!("{part}.{name}"), scores.accuracy));
        }
    }
    Ok(values)
}

fn scores_of<B: Ops>(
    subject: &Subject<'_, B>,
    corpus: &Corpus,
    indices: &[u32],
    state: &StateDict<B>,
) -> Result<Scores, DataError> {
    scores(subject.model, corpus, indices, state, subject.device)
}

fn test_scores<B: Ops>(subject: &Subject<'_, B>, state: &StateDict<B>) -> Result<Scores, DataError> {
    let all: Vec<u32> = (0..subject.test.len() as u32).collect();
    scores(subject.model, subject.test, subject.passed(&all), state, subject.device)
}

#[cfg(test)]
mod tests {
    use super::evenly_spaced;

    #[test]
    fn probes_are_spread_and_never_repeat() {
        assert_eq!(evenly_spaced(&[5, 6, 7, 8, 9, 10], 3), [5, 7, 9]);
        assert_eq!(evenly_spaced(&[5, 6], 10), [5, 6]);
    }
}
