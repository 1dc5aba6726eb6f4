//! Samples in batches, over which a measurement adds up what it gives.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::measure::{Headway, MeasureError, Pulse};
use super::{Session, Subject};
use crate::attack::GoOn;
use crate::data::{Corpus, DataError, EvalBatches};
use crate::ops::Ops;
use crate::stop;
use crate::train::Batch;

/// Samples of a smoke run: each may be attacked for thousands of passes.
const SMOKE: usize = 8;

/// Some samples of a corpus.
pub struct Samples<'a, B: Ops> {
    corpus: &'a Corpus,
    indices: Vec<u32>,
    batch: usize,
    device: &'a B::Device,
}

/// What the first samples gave, as it is noted.
#[derive(Default, Serialize, Deserialize)]
struct Stand<T> {
    done: usize,
    value: T,
}

impl<'a, B: Ops> Samples<'a, B> {
    /// `indices` of `corpus`; a smoke run looks at a few of them.
    pub fn new(subject: &Subject<'a, B>, corpus: &'a Corpus, mut indices: Vec<u32>, batch: usize) -> Self {
        if subject.smoke {
            indices.truncate(SMOKE);
        }
        Self { corpus, indices, batch, device: subject.device }
    }

    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// The first batch; `None` of no samples.
    pub fn first(&self) -> Option<Result<Batch<B>, DataError>> {
        let first = self.indices[..self.len().min(self.batch)].to_vec();
        let batch = EvalBatches::new(self.corpus, first, self.batch).next()?;
        Some(batch.map(|batch| Batch::upload(batch, self.device)))
    }

    /// Adds up batch after batch, from where an earlier session stood in what is called `what`. What `add` makes of a
    /// batch is dropped where it was told to end.
    ///
    /// # Errors
    /// Data that cannot be read, notes that cannot be written; the session was stopped.
    pub fn fold<T: Clone + Default + Serialize + DeserializeOwned>(
        &self,
        what: &str,
        session: &mut Session<'_, '_>,
        add: impl FnMut(&mut T, Batch<B>, GoOn<'_>),
    ) -> Result<T, MeasureError> {
        Ok(self.added(what, session, add)?.value)
    }

    /// As [`Samples::fold`], where more follows that should not cost it again.
    ///
    /// # Errors
    /// As [`Samples::fold`].
    pub fn fold_part<T: Clone + Default + Serialize + DeserializeOwned>(
        &self,
        what: &str,
        session: &mut Session<'_, '_>,
        add: impl FnMut(&mut T, Batch<B>, GoOn<'_>),
    ) -> Result<T, MeasureError> {
        let stand = self.added(what, session, add)?;
        session.note(what, &stand)?;
        Ok(stand.value)
    }

    fn added<T: Clone + Default + Serialize + DeserializeOwned>(
        &self,
        what: &str,
        session: &mut Session<'_, '_>,
        mut add: impl FnMut(&mut T, Batch<B>, GoOn<'_>),
    ) -> Result<Stand<T>, MeasureError> {
        let mut stand: Stand<T> = session.state(what).unwrap_or_default();
        let rest = self.indices.get(stand.done..).unwrap_or_default().to_vec();
        let mut batches = EvalBatches::new(self.corpus, rest, self.batch);
        loop {
            let mut value = stand.value.clone();
            let pulse = Pulse::new(session.watch, Headway::samples(what, stand.done, self.len()));
            let added = stop::within(|| -> Result<usize, DataError> {
                let Some(batch) = batches.next() else { return Ok(0) };
                let batch = Batch::upload(batch?, self.device);
                let count = batch.len();
                add(&mut value, batch, &|| pulse.beats());
                Ok(count)
            });
            let Some(count) = added.filter(|_| !pulse.is_stopped()) else {
                session.note(what, &stand)?;
                return Err(MeasureError::Stopped);
            };
            let count = count?;
            if count == 0 {
                return Ok(stand);
            }
            stand = Stand { done: stand.done + count, value };
            session.advance(what, Headway::samples(what, stand.done, self.len()), &stand)?;
        }
    }
}
