//! Work that ends early where somebody asks.
//!
//! Networks, attacks and minimizers are written as if nobody ever stopped them. Points in what takes long (an operation
//! of a network, an image that is read) look at a flag, and where it is set the stack is unwound to whoever called
//! [`until`]. No point lies where a value changes that outlives the work.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by whoever wants the work to end.
pub type Flag = Arc<AtomicBool>;

thread_local! {
    static POINT: RefCell<Point> = const { RefCell::new(Point(None)) };
}

/// What the stack is unwound with.
struct Stopped;

/// A place at which work may end; a clone does for the threads that share the work.
#[derive(Clone, Debug)]
pub struct Point(Option<Flag>);

impl Point {
    /// Of the work that this thread is at.
    pub fn here() -> Self {
        POINT.with_borrow(Clone::clone)
    }

    /// Ends the work where its flag is set.
    pub fn pass(&self) {
        if self.0.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            // Without a message: this is no panic.
            panic::resume_unwind(Box::new(Stopped));
        }
    }
}

/// Ends the work that this thread is at, where its flag is set.
pub fn point() {
    POINT.with_borrow(Point::pass);
}

/// What `work` gives; `None` where it met a point once `flag` was set, and what it began is dropped.
pub fn until<T>(flag: &Flag, work: impl FnOnce() -> T) -> Option<T> {
    caught(Point(Some(flag.clone())), work)
}

/// As [`until`], under the flag of the work that this thread is at.
pub fn within<T>(work: impl FnOnce() -> T) -> Option<T> {
    caught(Point::here(), work)
}

fn caught<T>(point: Point, work: impl FnOnce() -> T) -> Option<T> {
    let outer = POINT.replace(point);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    POINT.set(outer);
    match done {
        Ok(done) => Some(done),
        Err(payload) if payload.is::<Stopped>() => None,
        Err(payload) => panic::resume_unwind(payload),
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn work_ends_at_its_next_point_and_gives_nothing() {
        let flag = Flag::default();
        let mut steps = 0;
        let done = until(&flag, || {
            loop {
                point();
                steps += 1;
                flag.store(steps == 3, Ordering::Relaxed);
            }
        });
        assert_eq!((done, steps), (None::<()>, 3));
        point();
    }

    #[test]
    fn without_a_flag_work_is_done() {
        assert_eq!(until(&Flag::default(), || 5), Some(5));
        assert_eq!(within(point), Some(()));
    }

    #[test]
    fn a_part_of_the_work_ends_alone() {
        let flag = Flag::default();
        flag.store(true, Ordering::Relaxed);
        assert_eq!(until(&flag, || (within(point), 7)), Some((None, 7)));
    }

    #[test]
    fn threads_that_share_the_work_end_it() {
        let flag = Flag::default();
        let ended = until(&flag, || {
            let point = Point::here();
            (0..1000).into_par_iter().for_each(|number| {
                flag.fetch_or(number == 500, Ordering::Relaxed);
                point.pass();
            });
        });
        assert_eq!(ended, None);
    }

    #[test]
    #[should_panic(expected = "a defect")]
    fn a_panic_goes_on() {
        until(&Flag::default(), || panic!("a defect"));
    }
}
