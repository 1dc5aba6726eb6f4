//! Measurements of given weights on given data, always in evaluation mode (running statistics).

mod accuracy;
mod difficulty;
mod pgd;

use crate::data::{Corpus, DataError};
use crate::lang::catalog::Evaluator;
use crate::model::{Model, StateDict};
use crate::ops::Ops;

pub use accuracy::{Scores, scores};
pub use pgd::accuracy as accuracy_under_pgd;

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
    /// Batches per evaluator in a smoke run.
    pub at_most: Option<usize>,
}

/// Numbers of one evaluator, each under the name it has in tables: `accuracy`, `difficulty.adm.p50`.
///
/// # Errors
/// Data that cannot be read.
pub fn measure<B: Ops>(
    evaluator: &Evaluator,
    subject: &Subject<'_, B>,
    state: &StateDict<B>,
) -> Result<Vec<(String, f64)>, DataError> {
    let name = evaluator.name();
    Ok(match evaluator {
        Evaluator::Accuracy(_) => vec![(name.into(), test_scores(subject, state)?.accuracy)],
        Evaluator::Loss(_) => vec![(name.into(), test_scores(subject, state)?.loss)],
        Evaluator::Pgd(spec) => {
            let all: Vec<u32> = (0..subject.test.len() as u32).collect();
            let accuracy = pgd::accuracy(spec, subject, subject.test, &all, state)?;
            vec![(format!("{}.accuracy", spec.label()), accuracy)]
        }
        Evaluator::Difficulty(spec) => difficulty::quantiles(spec, subject, state)?,
    })
}

fn test_scores<B: Ops>(subject: &Subject<'_, B>, state: &StateDict<B>) -> Result<Scores, DataError> {
    let all: Vec<u32> = (0..subject.test.len() as u32).collect();
    let kept = subject.at_most.map_or(all.len(), |batches| (batches * BATCH).min(all.len()));
    scores(subject.model, subject.test, &all[..kept], state, subject.device)
}
