//! How much memory an input takes at most.

use std::sync::Mutex;

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The allocator counts for the whole process: one target at a time.
pub static ALONE: Mutex<()> = Mutex::new(());

/// Bytes that `work` held at most beyond what was held before.
pub fn peak_of(work: impl FnOnce()) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    work();
    ALLOCATOR.peak_usage().saturating_sub(before)
}
