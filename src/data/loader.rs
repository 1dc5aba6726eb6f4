//! Batches made by a thread while the step computes.

use std::any::Any;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::error::DataError;
use crate::stop::{self, Flag};

/// Finished batches that wait for the consumer; the thread holds one more.
const WAITING: usize = 2;

/// Who waits for a batch looks this often whether to stop.
const LOOK: Duration = Duration::from_millis(50);

type Made<T> = Result<T, DataError>;

/// An iterator over batches that one background thread makes in order.
///
/// An error or a panic of the thread is the last item. Dropping the loader ends the thread at the next point of the
/// batch it is at; waiting for a batch is such a point too.
pub struct Loader<T> {
    receiver: Option<Receiver<Made<T>>>,
    dropped: Flag,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Loader<T> {
    /// Starts the thread, which calls `produce` with each of `numbers` in turn.
    pub(super) fn start(
        numbers: Range<u64>,
        produce: impl FnMut(u64) -> Made<T> + Send + 'static,
    ) -> Result<Self, DataError> {
        let (sender, receiver) = sync_channel(WAITING);
        let dropped = Flag::default();
        let flag = dropped.clone();
        let thread = Builder::new()
            .name("loader".into())
            .spawn(move || send_all(&sender, numbers, &flag, produce))
            .map_err(|error| DataError::Loader { reason: format!("no thread: {error}") })?;
        Ok(Self { receiver: Some(receiver), dropped, thread: Some(thread) })
    }
}

impl<T> Loader<T> {
    /// The panic of the thread, once it has stopped sending.
    fn finish(&mut self) -> Option<Made<T>> {
        self.receiver = None;
        self.dropped.store(true, Ordering::Relaxed);
        let panic = self.thread.take()?.join().err()?;
        let reason = panic_message(panic.as_ref());
        Some(Err(DataError::Loader { reason }))
    }
}

impl<T> Iterator for Loader<T> {
    type Item = Made<T>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.receiver.as_ref()?.recv_timeout(LOOK) {
                Ok(made) => return Some(made),
                Err(RecvTimeoutError::Timeout) => stop::point(),
                Err(RecvTimeoutError::Disconnected) => return self.finish(),
            }
        }
    }
}

impl<T> Drop for Loader<T> {
    fn drop(&mut self) {
        self.finish();
    }
}

fn send_all<T>(
    sender: &SyncSender<Made<T>>,
    numbers: Range<u64>,
    dropped: &Flag,
    mut produce: impl FnMut(u64) -> Made<T>,
) {
    for number in numbers {
        let Some(made) = stop::until(dropped, || produce(number)) else { return };
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
    use std::time::Instant;

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

    /// A batch that would take a minute.
    fn slow(number: u64) -> Made<u64> {
        for _ in 0..60_000 {
            stop::point();
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(number)
    }

    #[test]
    fn a_dropped_loader_leaves_the_batch_it_is_at() {
        let began = Instant::now();
        drop(Loader::start(0..9, slow).unwrap());
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }

    #[test]
    fn who_waits_for_a_batch_can_be_stopped() {
        let (flag, began) = (Flag::default(), Instant::now());
        let mut loader = Loader::start(0..9, slow).unwrap();
        flag.store(true, Ordering::Relaxed);
        assert!(stop::until(&flag, || loader.next()).is_none());
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}
