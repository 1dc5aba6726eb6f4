//! Work split over rayon's pool. What is computed never depends on how it was split.

use std::ops::Range;

use rayon::prelude::*;

use super::crew;

/// Runs `task(0..count)`; each index once, in any order, on any thread.
pub fn for_each(count: usize, task: impl Fn(usize) + Sync + Send) {
    if count <= 1 || threads() == 1 {
        (0..count).for_each(task);
    } else if !crew::run(count, threads() - 1, &task) {
        (0..count).into_par_iter().with_max_len(1).for_each(task);
    }
}

/// Runs `task(index, part)` for each of `count` things and each of the equal parts that `tiles` are cut into, so that there are
/// `wanted` tasks or more, if there are as many.
pub fn for_each_part(
    count: usize,
    tiles: usize,
    wanted: usize,
    task: impl Fn(usize, Range<usize>) + Sync + Send,
) {
    let parts = even(tiles, wanted.div_ceil(count.max(1)));
    let each = tiles / parts;
    for_each(count * parts, |index| {
        let part = index % parts;
        task(index / parts, part * each..(part + 1) * each);
    });
}

/// Threads of the pool this runs in.
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// Into how many equal parts `count` things are cut where at least `wanted` are asked for, if there are as many.
pub fn even(count: usize, wanted: usize) -> usize {
    (wanted.clamp(1, count.max(1))..=count).find(|parts| count.is_multiple_of(*parts)).unwrap_or(1)
}

/// A slice that several threads write, each its own elements.
#[derive(Clone, Copy)]
pub struct Shared {
    at: *mut f32,
    len: usize,
}

// SAFETY: every access is an unsafe one, whose author promises that no two threads use the same elements.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub fn new(slice: &mut [f32]) -> Self {
        Self { at: slice.as_mut_ptr(), len: slice.len() }
    }

    /// A pointer to `len` values from `start` on.
    pub fn at(&self, start: usize, len: usize) -> *mut f32 {
        assert!(start.checked_add(len).is_some_and(|end| end <= self.len), "{start}+{len} of {}", self.len);
        // SAFETY: in bounds.
        unsafe { self.at.add(start) }
    }

    /// # Safety
    /// No other reference to `start..start + len` exists while the result lives, and the slice outlives it.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn slice_mut<'a>(&self, start: usize, len: usize) -> &'a mut [f32] {
        let at = self.at(start, len);
        // SAFETY: in bounds; unique by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(at, len) }
    }
}

#[cfg(test)]
mod tests {
    use super::even;

    #[test]
    fn parts_are_equal_and_as_many_as_there_can_be() {
        let cases = [(4, 3, 4), (4, 2, 2), (6, 4, 6), (7, 2, 7), (3, 9, 3), (1, 4, 1), (0, 4, 1)];
        for (count, wanted, parts) in cases {
            assert_eq!(even(count, wanted), parts, "{count} {wanted}");
        }
    }
}
