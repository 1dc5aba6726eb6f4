//! Memory of activations and gradients, kept and given out again.
//!
//! A training step asks for the same sizes again and again. Fresh memory costs a page fault per 4 KiB, which is
//! more than many operations on it cost; and allocators align to 16 bytes, where vectors of 64 want a cache line.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn_std::{AllocationController, AllocationProperty, Bytes};

use super::kernels::lanes::BLOCK;
use super::kernels::scratch::Line;

/// Memory that nobody holds, by size. Held and kept together never exceed what was once held at a time.
struct Pool {
    free: BTreeMap<usize, Vec<Vec<Line>>>,
    /// Lines in `free`.
    kept: usize,
    /// Lines given out.
    held: usize,
    /// Most lines ever given out at a time.
    peak: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { free: BTreeMap::new(), kept: 0, held: 0, peak: 0 });

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    fn take(&mut self, lines: usize) -> Option<Vec<Line>> {
        self.held += lines;
        self.peak = self.peak.max(self.held);
        let found = self.free.get_mut(&lines).and_then(Vec::pop);
        match &found {
            Some(_) => self.kept -= lines,
            None => self.shrink(),
        }
        found
    }

    fn give(&mut self, memory: Vec<Line>) {
        self.held -= memory.len();
        self.kept += memory.len();
        self.free.entry(memory.len()).or_default().push(memory);
    }

    /// Returns memory to the system until what is kept fits beside what is held.
    fn shrink(&mut self) {
        while self.held + self.kept > self.peak {
            let Some(mut entry) = self.free.last_entry() else { return };
            match entry.get_mut().pop() {
                Some(memory) => self.kept -= memory.len(),
                None => drop(entry.remove()),
            }
        }
    }
}

/// Floats on a cache-line boundary. They hold what the last user left; whoever takes a buffer writes all of it.
pub struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    pub fn take(len: usize) -> Self {
        let count = len.div_ceil(BLOCK);
        let found = pool().take(count);
        Self { lines: found.unwrap_or_else(|| vec![Line::ZERO; count]), len }
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
        // SAFETY: a `Line` is `BLOCK` floats without padding, and `len` floats fit in the lines.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        if !lines.is_empty() {
            pool().give(lines);
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
        let Buffer { lines, .. } = &mut self.0;
        // SAFETY: the lines are `size_of_val` bytes.
        unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), size_of_val(lines.as_slice())) }
    }

    fn memory(&self) -> &[MaybeUninit<u8>] {
        let Buffer { lines, .. } = &self.0;
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), size_of_val(lines.as_slice())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_and_is_aligned() {
        const UNUSUAL: usize = 12_345;
        let first = Buffer::take(UNUSUAL);
        let place = first.as_ptr();
        assert_eq!(place.align_offset(64), 0);
        assert_eq!(first.len(), UNUSUAL);
        drop(first.into_bytes());
        assert_eq!(Buffer::take(UNUSUAL).as_ptr(), place);
    }

    #[test]
    fn what_is_kept_never_exceeds_what_was_held() {
        let mut pool = Pool { free: BTreeMap::new(), kept: 0, held: 0, peak: 0 };
        for lines in [3, 5, 8, 2] {
            let memory = pool.take(lines).unwrap_or_else(|| vec![Line::ZERO; lines]);
            pool.give(memory);
            assert!(pool.held + pool.kept <= pool.peak, "{} of {}", pool.kept, pool.peak);
        }
    }
}
