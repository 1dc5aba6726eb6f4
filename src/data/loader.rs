//! Batches made by a thread while the step computes.

use std::any::Any;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::error::DataError;

/// Finished batches that wait for the consumer; the thread holds one more.
const WAITING: usize = 2;

type Made<T> = Result<T, DataError>;

/// An iterator over batches that one background thread makes in order.
///
/// An error or a panic of the thread is the last item. Dropping the loader ends the thread after the
/// batch it is at.
pub struct Loader<T> {
    receiver: Option<Receiver<Made<T>>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Loader<T> {
    /// Starts the thread, which calls `produce` with each of `numbers` in turn.
    pub(super) fn start(
        numbers: Range<u64>,
        produce: impl FnMut(u64) -> Made<T> + Send + 'static,
    ) -> Result<Self, DataError> {
        let (sender, receiver) = sync_channel(WAITING);
        let thread = Builder::new()
            .name("loader".into())
            .spawn(move || send_all(&sender, numbers, produce))
            .map_err(|error| DataError::Loader { reason: format!("no thread: {error}") })?;
        Ok(Self { receiver: Some(receiver), thread: Some(thread) })
    }
}

impl<T> Loader<T> {
    /// The panic of the thread, once it has stopped sending.
    fn finish(&mut self) -> Option<Made<T>> {
        self.receiver = None;
        let panic = self.thread.take()?.join().err()?;
        let reason = panic_message(panic.as_ref());
        Some(Err(DataError::Loader { reason }))
    }
}

impl<T> Iterator for Loader<T> {
    type Item = Made<T>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.receiver.as_ref()?.recv() {
            Ok(made) => Some(made),
            Err(_) => self.finish(),
        }
    }
}

impl<T> Drop for Loader<T> {
    fn drop(&mut self) {
        self.finish();
    }
}

fn send_all<T>(sender: &SyncSender<Made<T>>, numbers: Range<u64>, mut produce: impl FnMut(u64) -> Made<T>) {
    for number in numbers {
        let made = produce(number);
        let failed = made.is_err();
        if sender.send(made).is_err() || failed {
            return;
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "unknown panic".into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn batches_come_in_order() {
        let loader = Loader::start(3..20, Ok).unwrap();
        let numbers: Vec<u64> = loader.map(Result::unwrap).collect();
        assert_eq!(numbers, (3..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_is_the_last_item() {
        let produce = |number| {
            assert!(number < 2, "sample lost");
            Ok(number)
        };
        let mut loader = Loader::start(0..9, produce).unwrap();
        assert!(loader.next().unwrap().is_ok());
        assert!(loader.next().unwrap().is_ok());
        assert_eq!(
            loader.next().unwrap().unwrap_err().to_string(),
            "loading of batches stopped: sample lost"
        );
        assert!(loader.next().is_none());
    }

    #[test]
    fn an_error_is_the_last_item() {
        let produce = |index| match index {
            0 => Ok(index),
            _ => Err(DataError::Index { index: 7, samples: 5 }),
        };
        let mut loader = Loader::start(0..9, produce).unwrap();
        assert!(loader.next().unwrap().is_ok());
        assert_eq!(
            loader.next().unwrap().unwrap_err().to_string(),
            "sample 7 of a corpus of 5 samples: expected an index below 5"
        );
        assert!(loader.next().is_none());
    }

    #[test]
    fn stays_a_few_batches_ahead_and_stops_when_dropped() {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = made.clone();
        let produce = move |number| {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(number)
        };
        let mut loader = Loader::start(0..u64::MAX, produce).unwrap();
        assert!(loader.next().unwrap().is_ok());
        drop(loader);
        // The thread was joined, so the number is final: one taken, two waiting, one held, one being made.
        assert!(made.load(Ordering::SeqCst) <= WAITING + 3);
    }
}
