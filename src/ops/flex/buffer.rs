//! Memory of activations and gradients, kept and given out again.
//!
//! A training step asks for the same sizes again and again. Fresh memory costs a page fault per 4 KiB, which is
//! more than many operations on it cost; and allocators align to 16 bytes, where vectors of 64 want a cache line.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn_std::{AllocationController, AllocationProperty, Bytes};

use super::kernels::lanes::BLOCK;
use super::kernels::scratch::Line;

/// The number of a slab, and a line in it.
type Place = (usize, usize);

/// Memory in slabs, each as large as the request that no free stretch could meet. Stretches of a slab are given out and
/// come back, and neighbours that are free become one again.
struct Pool {
    slabs: BTreeMap<usize, Slab>,
    /// Lines of every free stretch.
    free: BTreeMap<Place, usize>,
    /// The same, by size.
    sizes: BTreeSet<(usize, Place)>,
    /// Lines given out.
    held: usize,
    /// Most lines ever given out at a time.
    peak: usize,
}

struct Slab {
    first: NonNull<Line>,
    lines: usize,
}

// SAFETY: a slab is memory of its own; stretches of it are used by whoever holds them alone.
unsafe impl Send for Slab {}

impl Slab {
    fn new(lines: usize) -> Self {
        let memory = Box::leak(vec![Line::ZERO; lines].into_boxed_slice());
        Self { first: NonNull::from(memory).cast(), lines }
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        let memory = std::ptr::slice_from_raw_parts_mut(self.first.as_ptr(), self.lines);
        // SAFETY: leaked in `new`, with as many lines; only slabs that are free as a whole are dropped.
        drop(unsafe { Box::from_raw(memory) });
    }
}

static POOL: Mutex<Pool> = Mutex::new(Pool::new());

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    const fn new() -> Self {
        Self { slabs: BTreeMap::new(), free: BTreeMap::new(), sizes: BTreeSet::new(), held: 0, peak: 0 }
    }

    /// A stretch of so many lines, initialised, that nobody else holds.
    fn take(&mut self, lines: usize) -> (Place, NonNull<Line>) {
        self.held += lines;
        self.peak = self.peak.max(self.held);
        // The smallest that is large enough.
        let found = self.sizes.range((lines, (0, 0))..).next().copied();
        let (length, place @ (slab, start)) = found.unwrap_or_else(|| self.grow(lines));
        self.hide(place, length);
        if length > lines {
            self.show((slab, start + lines), length - lines);
        }
        // SAFETY: the stretch lies in the slab.
        (place, unsafe { self.slabs[&slab].first.add(start) })
    }

    fn give(&mut self, place @ (slab, start): Place, lines: usize) {
        self.held -= lines;
        let (mut first, mut end) = (start, start + lines);
        let before = self.free.range((slab, 0)..place).next_back().map(|(&(_, at), &length)| (at, length));
        if let Some((at, length)) = before.filter(|(at, length)| at + length == start) {
            self.hide((slab, at), length);
            first = at;
        }
        if let Some(length) = self.free.get(&(slab, end)).copied() {
            self.hide((slab, end), length);
            end += length;
        }
        self.show((slab, first), end - first);
    }

    fn show(&mut self, place: Place, lines: usize) {
        self.free.insert(place, lines);
        self.sizes.insert((lines, place));
    }

    fn hide(&mut self, place: Place, lines: usize) {
        self.free.remove(&place);
        self.sizes.remove(&(lines, place));
    }

    /// Lines of all slabs.
    fn total(&self) -> usize {
        self.slabs.values().map(|slab| slab.lines).sum()
    }

    /// A new slab, for which others go back to the system where all of them exceed what was once held at a time.
    fn grow(&mut self, lines: usize) -> (usize, Place) {
        while self.total() + lines > self.peak {
            let whole = |&&(length, (slab, _)): &&(usize, Place)| self.slabs[&slab].lines == length;
            let Some(&(length, place)) = self.sizes.iter().rev().find(whole) else { break };
            self.hide(place, length);
            self.slabs.remove(&place.0);
        }
        let number = self.slabs.last_key_value().map_or(0, |(last, _)| last + 1);
        self.slabs.insert(number, Slab::new(lines));
        self.show((number, 0), lines);
        (lines, (number, 0))
    }
}

/// Floats on a cache-line boundary. They hold what the last user left; whoever takes a buffer writes all of it.
pub struct Buffer {
    place: Place,
    first: NonNull<Line>,
    lines: usize,
    len: usize,
}

// SAFETY: a buffer is the only one that reaches its stretch of a slab, which lives until the stretch comes back.
unsafe impl Send for Buffer {}
// SAFETY: as above; a shared buffer is only read.
unsafe impl Sync for Buffer {}

impl Buffer {
    pub fn take(len: usize) -> Self {
        let lines = len.div_ceil(BLOCK);
        let (place, first) = if lines > 0 { pool().take(lines) } else { ((0, 0), NonNull::dangling()) };
        Self { place, first, lines, len }
    }

    /// The memory as a tensor's storage.
    pub fn into_bytes(self) -> Bytes {
        let len = self.len * size_of::<f32>();
        // SAFETY: all lines are initialised, and `len` bytes fit in them.
        unsafe { Bytes::from_controller(Box::new(Recycled(self)), len) }
    }
}

impl std::ops::Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: a `Line` is `BLOCK` floats without padding, and `len` floats fit in the lines, which are this buffer's.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr().cast(), self.len) }
    }
}

impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`.
        unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr().cast(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.lines > 0 {
            pool().give(self.place, self.lines);
        }
    }
}

/// A buffer as Burn's storage; dropping it gives the memory back to the pool.
struct Recycled(Buffer);

impl AllocationController for Recycled {
    // What Burn's own copies of this storage will be aligned to: the most it supports.
    fn alloc_align(&self) -> usize {
        align_of::<u128>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    unsafe fn memory_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        let Buffer { first, lines, .. } = self.0;
        // SAFETY: the lines are as many bytes, and this buffer's alone.
        unsafe { std::slice::from_raw_parts_mut(first.as_ptr().cast(), lines * size_of::<Line>()) }
    }

    fn memory(&self) -> &[MaybeUninit<u8>] {
        let Buffer { first, lines, .. } = self.0;
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(first.as_ptr().cast(), lines * size_of::<Line>()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_become_storage() {
        for len in [0, 1, 12_345] {
            let mut buffer = Buffer::take(len);
            assert_eq!(buffer.as_ptr().align_offset(64), 0);
            buffer.fill(1.0);
            let bytes = buffer.into_bytes();
            assert!(bytes.len() == 4 * len && bytes.chunks_exact(4).all(|value| value == 1f32.to_ne_bytes()));
        }
    }

    #[test]
    fn stretches_never_overlap_and_become_one_again() {
        let mut pool = Pool::new();
        let mut given: Vec<(Place, usize)> = Vec::new();
        let mut state = 1u32;
        for _ in 0..5_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (give, random) = (state >> 31 == 1, (state >> 8) as usize);
            if give && !given.is_empty() {
                let (place, lines) = given.swap_remove(random % given.len());
                pool.give(place, lines);
            } else if given.len() < 40 {
                let lines = 1 + random % 50;
                let (place, first) = pool.take(lines);
                assert_eq!(first, unsafe { pool.slabs[&place.0].first.add(place.1) });
                assert!(place.1 + lines <= pool.slabs[&place.0].lines);
                given.push((place, lines));
            }
            let mut all: Vec<(Place, usize)> = given.clone();
            all.extend(pool.free.iter().map(|(&place, &lines)| (place, lines)));
            all.sort_unstable();
            let apart = |[a, b]: &[(Place, usize); 2]| a.0.0 != b.0.0 || a.0.1 + a.1 <= b.0.1;
            assert!(all.array_windows().all(apart));
            assert_eq!(all.iter().map(|(_, lines)| lines).sum::<usize>(), pool.total());
            assert_eq!(given.iter().map(|(_, lines)| lines).sum::<usize>(), pool.held);
        }
        given.drain(..).for_each(|(place, lines)| pool.give(place, lines));
        assert_eq!(pool.free.len(), pool.slabs.len());
        assert!(pool.free.iter().all(|(place, &lines)| place.1 == 0 && lines == pool.slabs[&place.0].lines));
    }

    #[test]
    fn free_slabs_go_back_before_more_is_asked_for_than_was_ever_held() {
        let mut pool = Pool::new();
        let places = [20, 30].map(|lines| (pool.take(lines).0, lines));
        for (place, lines) in places {
            pool.give(place, lines);
        }
        assert_eq!(pool.total(), 50);
        let (large, _) = pool.take(40);
        assert_eq!((pool.total(), pool.held), (40, 40));
        pool.give(large, 40);
    }
}
