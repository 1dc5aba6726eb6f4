//! Error on corrupted test images (Hendrycks and Dietterich, ICLR 2019).

use super::accuracy::{batch_sums, means};
use super::measure::{MeasureError, Measurements, Watch};
use super::{BATCH, Subject, evenly_spaced};
use crate::data::corruption::{Arrays, Corruption, SEVERITIES, corrupted};
use crate::data::{Batch as Host, Corpus, DataError};
use crate::lang::catalog::CorruptionEvaluator;
use crate::model::StateDict;
use crate::ops::Ops;
use crate::train::Batch;

/// Samples of each kind and severity in a smoke run.
const SMOKE: usize = 8;

/// Where corrupted images come from.
enum Images<'a> {
    Generated(&'a Corpus),
    Published(Arrays),
}

impl Images<'_> {
    fn len(&self) -> usize {
        match self {
            Images::Generated(corpus) => corpus.len(),
            Images::Published(arrays) => arrays.len(),
        }
    }

    fn batch(&self, kind: Corruption, severity: usize, indices: &[u32]) -> Result<Host, DataError> {
        match self {
            Images::Generated(corpus) => corrupted(corpus, kind, severity, indices),
            Images::Published(arrays) => arrays.batch(kind, severity, indices),
        }
    }
}

/// What is measured, and how far it is.
struct Sweep<'a, B: Ops> {
    images: Images<'a>,
    subject: &'a Subject<'a, B>,
    state: &'a StateDict<B>,
    /// Of every kind and severity.
    indices: Vec<u32>,
    done: usize,
    of: usize,
}

/// The mean error first, then that of every kind.
///
/// # Errors
/// Arrays that cannot be read; `watch` stopped it.
pub fn errors<B: Ops>(
    spec: &CorruptionEvaluator,
    subject: &Subject<'_, B>,
    state: &StateDict<B>,
    watch: &mut Watch<'_>,
) -> Result<Measurements, MeasureError> {
    let kinds = &Corruption::ALL[..spec.kinds.min(Corruption::ALL.len())];
    let images = match &spec.root {
        None => Images::Generated(subject.test),
        Some(root) => {
            Images::Published(Arrays::open(root, kinds.len(), subject.test.shape(), subject.test.classes)?)
        }
    };
    let all: Vec<u32> = (0..images.len() as u32).collect();
    let wanted = subject.at_most.map_or(spec.samples, |_| Some(SMOKE)).unwrap_or(all.len());
    let indices = evenly_spaced(&all, wanted);
    let of = indices.len() * SEVERITIES * kinds.len();
    let mut sweep = Sweep { images, subject, state, indices, done: 0, of };
    let mut values = vec![(spec.label(), 0.0)];
    for &kind in kinds {
        let error = sweep.kind(kind, watch)?;
        values[0].1 += error / kinds.len() as f64;
        values.push((spec.kind_label(kind.name()), error));
    }
    Ok(Measurements { values, ..Measurements::default() })
}

impl<B: Ops> Sweep<'_, B> {
    /// Mean error over the severities.
    fn kind(&mut self, kind: Corruption, watch: &mut Watch<'_>) -> Result<f64, MeasureError> {
        let mut error = 0.0;
        for severity in 1..=SEVERITIES {
            error += self.severity(kind, severity, watch)? / SEVERITIES as f64;
        }
        Ok(error)
    }

    fn severity(
        &mut self,
        kind: Corruption,
        severity: usize,
        watch: &mut Watch<'_>,
    ) -> Result<f64, MeasureError> {
        let mut sums = Vec::new();
        for indices in self.indices.chunks(BATCH) {
            let batch = Batch::upload(self.images.batch(kind, severity, indices)?, self.subject.device);
            sums.push(batch_sums(self.subject.model, self.state, batch));
            self.done += indices.len();
            if !watch(&format!("{} {severity}", kind.name()), self.done, self.of) {
                return Err(MeasureError::Stopped);
            }
        }
        Ok(1.0 - means(sums, self.indices.len()).accuracy)
    }
}
