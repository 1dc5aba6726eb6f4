//! Working memory that a thread keeps between calls.

use std::cell::RefCell;

use super::lanes::BLOCK;

/// A cache line; its floats are reached through slices of whole buffers.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub struct Line(#[allow(dead_code)] [f32; BLOCK]);

impl Line {
    pub const ZERO: Line = Line([0.0; BLOCK]);
}

thread_local! {
    static FREE: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// A slice of floats on a cache-line boundary; what it holds at first is unspecified.
pub struct Scratch {
    lines: Vec<Line>,
    len: usize,
}

impl Scratch {
    pub fn take(len: usize) -> Self {
        let mut lines = FREE.with_borrow_mut(|free| take_best(free, len.div_ceil(BLOCK)));
        if lines.len() * BLOCK < len {
            lines.resize(len.div_ceil(BLOCK), Line::ZERO);
        }
        Self { lines, len }
    }

    /// The same, filled with zeros.
    pub fn zeroed(len: usize) -> Self {
        let mut scratch = Self::take(len);
        scratch.fill(0.0);
        scratch
    }
}

/// The smallest buffer of at least `lines`, or the largest there is.
fn take_best(free: &mut Vec<Vec<Line>>, lines: usize) -> Vec<Line> {
    let at = free.partition_point(|buffer| buffer.len() < lines);
    if at < free.len() { free.remove(at) } else { free.pop().unwrap_or_default() }
}

impl std::ops::Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: a `Line` is `BLOCK` floats without padding, and `len` of them were allocated.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl std::ops::DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        FREE.with_borrow_mut(|free| {
            let at = free.partition_point(|buffer| buffer.len() < lines.len());
            free.insert(at, lines);
        });
    }
}
