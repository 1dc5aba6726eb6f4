//! Accuracy under attack.

use super::measure::{MeasureError, Measurements};
use super::samples::Samples;
use super::{Session, Subject, autoattack, pgd, victim};
use crate::attack::Victim;
use crate::data::Corpus;
use crate::lang::catalog::Evaluator;
use crate::model::StateDict;
use crate::ops::Ops;

/// A network and the samples it is attacked at.
pub struct Target<'a, B: Ops> {
    pub victim: Victim<'a, B>,
    subject: &'a Subject<'a, B>,
    corpus: &'a Corpus,
    indices: &'a [u32],
}

/// How many of some samples are classified right whatever an attack did, and what casts doubt on that.
pub struct Survivors {
    pub left: usize,
    pub of: usize,
    pub warnings: Vec<String>,
}

impl<'a, B: Ops> Target<'a, B> {
    /// The samples in batches of this size.
    pub fn samples(&self, batch: usize) -> Samples<'a, B> {
        self.those(self.indices.to_vec(), batch)
    }

    /// Some of the samples.
    pub fn those(&self, indices: Vec<u32>, batch: usize) -> Samples<'a, B> {
        Samples::new(self.subject, self.corpus, indices, batch)
    }

    pub fn is_smoke(&self) -> bool {
        self.subject.smoke
    }
}

/// Accuracy under the evaluator's attack on indices of a corpus; `None` for an evaluator that does not attack.
pub fn robustness<B: Ops>(
    evaluator: &Evaluator,
    subject: &Subject<'_, B>,
    (corpus, indices): (&Corpus, &[u32]),
    state: &StateDict<B>,
    session: &mut Session<'_, '_>,
) -> Option<Result<Measurements, MeasureError>> {
    let target = Target { victim: victim(subject, state), subject, corpus, indices };
    let (label, survivors) = match evaluator {
        Evaluator::Pgd(spec) => (spec.label(), pgd::survivors(spec, &target, session)),
        Evaluator::Autoattack(spec) => {
            (spec.label(subject.model.classes), autoattack::survivors(spec, &target, session))
        }
        _ => return None,
    };
    Some(survivors.map(|Survivors { left, of, warnings }| Measurements {
        values: vec![(format!("{label}.accuracy"), left as f64 / of.max(1) as f64)],
        warnings,
        ..Measurements::default()
    }))
}
