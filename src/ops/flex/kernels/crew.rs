//! Threads of rayon's pool that stay awake between the loops of a training step.
//!
//! Rayon puts a thread to sleep some microseconds after its last job, and the operations of a small network follow each
//! other at such distances: waking threads took a sixth of all time in attacks on PreActResNet-20. Here the others
//! wait for the next loop for a while before they go back to the pool, and whoever called one waits for its end.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How long a thread waits for the next loop.
const PATIENCE: Duration = Duration::from_millis(1);
/// After so long it goes back to the pool in any case, where somebody may wait for what it was about before.
const SHIFT: Duration = Duration::from_millis(20);

/// Looks for something to do, or for the end of a loop, after which others may have the processor.
const LOOKS: usize = 256;

/// One loop at a time has the crew.
static LEADER: Mutex<()> = Mutex::new(());
/// The latest loop, and how many there have been.
static LATEST: Mutex<Option<Arc<Loop>>> = Mutex::new(None);
static LOOPS: AtomicUsize = AtomicUsize::new(0);
/// Threads that wait or help.
static CREW: AtomicUsize = AtomicUsize::new(0);
/// The loop from which on more may be called: those who were have come, or are kept from it.
static CALL: AtomicUsize = AtomicUsize::new(0);
/// Loops until threads are called again that did not come.
const DEAF: usize = 64;

thread_local! {
    /// Whether this thread is one of the crew.
    static STAYS: Cell<bool> = const { Cell::new(false) };
}

/// A loop under way.
struct Loop {
    /// Lives until `left` is 0: whoever called waits for that.
    task: *const (dyn Fn(usize) + Sync),
    count: usize,
    /// The first index that nobody has taken.
    next: AtomicUsize,
    /// Indices that have not come to their end.
    left: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: the task may be called from several threads, and is called only while it lives.
unsafe impl Send for Loop {}
// SAFETY: as above.
unsafe impl Sync for Loop {}

impl Loop {
    /// Takes indices until none is left; whether there was one.
    fn help(&self) -> bool {
        let mut helped = false;
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.count {
                return helped;
            }
            helped = true;
            // SAFETY: the loop has not ended while one of its indices has not.
            let task = unsafe { &*self.task };
            if let Err(reason) = catch_unwind(AssertUnwindSafe(|| task(index))) {
                let mut first = lock(&self.panic);
                if first.is_none() {
                    *first = Some(reason);
                } else {
                    // Dropping it might panic, while others still run the task.
                    std::mem::forget(reason);
                }
            }
            self.left.fetch_sub(1, Ordering::Release);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `task(0..count)` on this thread and up to `others` of the pool; false, with nothing done, where another loop has
/// them.
///
/// # Panics
/// If the task does, after all indices.
pub fn run(count: usize, others: usize, task: &(dyn Fn(usize) + Sync)) -> bool {
    let leader = match LEADER.try_lock() {
        Ok(leader) => leader,
        Err(TryLockError::Poisoned(leader)) => leader.into_inner(),
        Err(TryLockError::WouldBlock) => return false,
    };
    // Who leads is nobody's crew.
    leave();
    call(others);
    // SAFETY: only the lifetime changes; nobody calls the task once `left` is 0, which is waited for below, and nothing
    // before that unwinds.
    let task = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), *const (dyn Fn(usize) + Sync)>(task) };
    let (next, left) = (AtomicUsize::new(0), AtomicUsize::new(count));
    let work = Arc::new(Loop { task, count, next, left, panic: Mutex::new(None) });
    *lock(&LATEST) = Some(Arc::clone(&work));
    LOOPS.fetch_add(1, Ordering::Release);
    work.help();
    let mut looks = 0;
    while work.left.load(Ordering::Acquire) > 0 {
        std::hint::spin_loop();
        looks += 1;
        if looks % LOOKS == 0 {
            std::thread::yield_now();
        }
    }
    *lock(&LATEST) = None;
    drop(leader);
    let panic = lock(&work.panic).take();
    if let Some(reason) = panic {
        resume_unwind(reason);
    }
    true
}

/// Calls threads of the pool where fewer than `others` are awake; by the leader.
fn call(others: usize) {
    let now = LOOPS.load(Ordering::Relaxed);
    if CREW.load(Ordering::Relaxed) >= others || now < CALL.load(Ordering::Relaxed) {
        return;
    }
    CALL.store(now + DEAF, Ordering::Relaxed);
    let caller = rayon::current_thread_index();
    rayon::spawn_broadcast(move |thread| {
        // Somebody who stays comes by while it waits, and the caller does below.
        if STAYS.get() || Some(thread.index()) == caller {
            return;
        }
        CALL.store(0, Ordering::Relaxed);
        let joined = |crew: usize| (crew < others).then_some(crew + 1);
        if CREW.fetch_update(Ordering::Relaxed, Ordering::Relaxed, joined).is_ok() {
            STAYS.set(true);
            stay();
            leave();
        }
    });
    // The caller's own share of the broadcast would lie in its queue for good. What it finds there instead, if anything,
    // must not make it stay.
    STAYS.set(true);
    rayon::yield_local();
    STAYS.set(false);
}

/// Takes this thread out of the crew, where it is one of it.
fn leave() {
    if STAYS.replace(false) {
        CREW.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Helps with every loop, and with rayon's jobs, until there has been none for a while.
fn stay() {
    let began = Instant::now();
    let (mut seen, mut worked, mut looks) = (0, began, 0);
    // A job may have been a loop of its own.
    while STAYS.get() {
        let loops = LOOPS.load(Ordering::Acquire);
        let mut helped = rayon::yield_now() == Some(rayon::Yield::Executed);
        if loops != seen {
            seen = loops;
            let latest = lock(&LATEST).clone();
            helped |= latest.is_some_and(|latest| latest.help());
        }
        looks += 1;
        if helped {
            (worked, looks) = (Instant::now(), 0);
            if worked - began > SHIFT {
                return;
            }
        } else if looks % LOOKS == 0 {
            if worked.elapsed() > PATIENCE {
                return;
            }
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::parallel::for_each;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn every_index_runs_once() {
        for threads in [1, 2, 5] {
            pool(threads).install(|| {
                for count in [0, 1, 2, 7, 1000] {
                    let runs: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                    for_each(count, |index| _ = runs[index].fetch_add(1, Ordering::Relaxed));
                    assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 1), "{count}, {threads}");
                }
            });
        }
    }

    #[test]
    fn loops_may_nest_and_overlap() {
        let total = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        for_each(6, |_| for_each(5, |_| _ = total.fetch_add(1, Ordering::Relaxed)));
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 4 * 50 * 6 * 5);
    }

    #[test]
    fn a_panic_comes_back_and_the_crew_goes_on() {
        pool(3).install(|| {
            for _ in 0..20 {
                let fails = || for_each(40, |index| assert!(index != 17, "index 17"));
                let reason = std::panic::catch_unwind(fails).unwrap_err();
                assert_eq!(*reason.downcast::<&str>().unwrap(), "index 17");
                let sum = AtomicUsize::new(0);
                for_each(40, |index| _ = sum.fetch_add(index, Ordering::Relaxed));
                assert_eq!(sum.into_inner(), 780);
            }
        });
    }
}
