//! Measurements of given weights on given data, always in evaluation mode (running statistics).

mod accuracy;
mod autoattack;
mod difficulty;
mod doubts;
mod measure;
mod pgd;

use crate::attack::{Victim, rows};
use crate::data::{Corpus, DataError};
use crate::lang::catalog::Evaluator;
use crate::model::{Model, Normalization, StateDict};
use crate::ops::Ops;
use crate::train::Batch;

pub use accuracy::{Scores, scores};
pub use doubts::disagreements;
pub use measure::{MeasureError, Measurements, Watch};

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
    /// Batches per evaluator in a smoke run.
    pub at_most: Option<usize>,
}

/// Measures on the training or the test samples, as the evaluator asks.
///
/// # Errors
/// Data that cannot be read; `watch` stopped it.
pub fn measure<B: Ops>(
    evaluator: &Evaluator,
    subject: &Subject<'_, B>,
    state: &StateDict<B>,
    watch: &mut Watch<'_>,
) -> Result<Measurements, MeasureError> {
    let name = evaluator.name();
    let all: Vec<u32> = (0..subject.test.len() as u32).collect();
    if let Some(measured) = robustness(evaluator, subject, subject.test, &all, state, watch) {
        return measured;
    }
    Ok(match evaluator {
        Evaluator::Loss(_) => Measurements::one(name, test_scores(subject, state)?.loss),
        Evaluator::Difficulty(spec) => {
            Measurements { values: difficulty::quantiles(spec, subject, state)?, ..Measurements::default() }
        }
        _ => Measurements { values: accuracies(name, subject, state)?, ..Measurements::default() },
    })
}

/// Accuracy under the evaluator's attack on `indices` of `corpus`; `None` for one that does not attack.
pub fn robustness<B: Ops>(
    evaluator: &Evaluator,
    subject: &Subject<'_, B>,
    corpus: &Corpus,
    indices: &[u32],
    state: &StateDict<B>,
    watch: &mut Watch<'_>,
) -> Option<Result<Measurements, MeasureError>> {
    match evaluator {
        Evaluator::Pgd(spec) => Some(pgd::robustness(spec, subject, corpus, indices, state, watch)),
        Evaluator::Autoattack(spec) => {
            Some(autoattack::robustness(spec, subject, corpus, indices, state, watch))
        }
        Evaluator::Accuracy(_) | Evaluator::Loss(_) | Evaluator::Difficulty(_) => None,
    }
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
        let kept = subject.at_most.map_or(indices.len(), |batches| (batches * BATCH).min(indices.len()));
        if kept > 0 {
            let scores = scores_of(subject, corpus, &indices[..kept], state)?;
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
    let kept = subject.at_most.map_or(all.len(), |batches| (batches * BATCH).min(all.len()));
    scores(subject.model, subject.test, &all[..kept], state, subject.device)
}
