//! Error on corrupted test images (Hendrycks and Dietterich, ICLR 2019).

use super::accuracy::{outcomes, read};
use super::measure::{Headway, MeasureError, Measurements};
use super::{BATCH, Session, Subject, evenly_spaced};
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

/// What is measured.
struct Sweep<'a, B: Ops> {
    images: Images<'a>,
    subject: &'a Subject<'a, B>,
    state: &'a StateDict<B>,
    /// Of every kind and severity.
    indices: Vec<u32>,
    kinds: &'a [Corruption],
}

/// The mean error first, then that of every kind.
///
/// # Errors
/// Arrays that cannot be read; the session was stopped.
pub fn errors<B: Ops>(
    spec: &CorruptionEvaluator,
    subject: &Subject<'_, B>,
    state: &StateDict<B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let kinds = &Corruption::ALL[..spec.kinds.min(Corruption::ALL.len())];
    let images = match &spec.root {
        None => Images::Generated(subject.test),
        Some(root) => {
            let test = subject.test;
            Images::Published(Arrays::open(
                root,
                kinds.len(),
                test.shape(),
                Some(&test.labels),
                test.classes,
            )?)
        }
    };
    let all: Vec<u32> = (0..images.len() as u32).collect();
    let wanted = if subject.smoke { SMOKE } else { spec.samples.unwrap_or(all.len()) };
    let sweep = Sweep { images, subject, state, indices: evenly_spaced(&all, wanted), kinds };
    let errors = sweep.errors(session)?;
    let of_kinds: Vec<f64> =
        errors.chunks(SEVERITIES).map(|of_kind| of_kind.iter().sum::<f64>() / SEVERITIES as f64).collect();
    let mean = of_kinds.iter().sum::<f64>() / kinds.len() as f64;
    let named = kinds.iter().zip(of_kinds).map(|(kind, error)| (spec.kind_label(kind.name()), error));
    let values = std::iter::once((spec.label(), mean)).chain(named).collect();
    Ok(Measurements { values, ..Measurements::default() })
}

impl<B: Ops> Sweep<'_, B> {
    /// Error of every kind at every severity, the severities of a kind together.
    fn errors(&self, session: &mut Session<'_, '_>) -> Result<Vec<f64>, MeasureError> {
        let mut errors: Vec<f64> = session.state("corruption").unwrap_or_default();
        for number in errors.len()..self.kinds.len() * SEVERITIES {
            let (kind, severity) = (self.kinds[number / SEVERITIES], number % SEVERITIES + 1);
            errors.push(self.error(kind, severity, number, session)?);
            let what = format!("{} {severity}", kind.name());
            session.advance("corruption", self.headway(&what, number, self.indices.len()), &errors)?;
        }
        Ok(errors)
    }

    fn error(
        &self,
        kind: Corruption,
        severity: usize,
        number: usize,
        session: &mut Session<'_, '_>,
    ) -> Result<f64, MeasureError> {
        let what = format!("{} {severity}", kind.name());
        let (mut correct, mut done) = (Vec::new(), 0);
        for indices in self.indices.chunks(BATCH) {
            if done > 0 {
                session.tell(self.headway(&what, number, done))?;
            }
            let batch = Batch::upload(self.images.batch(kind, severity, indices)?, self.subject.device);
            correct.push(outcomes(self.subject.model, self.state, batch).1);
            done += indices.len();
        }
        Ok(1.0 - read(correct).iter().sum::<f64>() / self.indices.len() as f64)
    }

    /// `done` samples of the kind and severity of this number.
    fn headway<'h>(&self, what: &'h str, number: usize, done: usize) -> Headway<'h> {
        let each = self.indices.len();
        Headway::samples(what, number * each + done, self.kinds.len() * SEVERITIES * each)
    }
}
