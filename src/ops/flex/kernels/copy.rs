//! Copies of views.

use super::parallel::{Shared, for_each};
use super::rows::vectorised;

/// Values of one task, or one plane where that has more.
const CHUNK: usize = 1 << 14;

/// A view of four axes: its first value, its sizes, and the distances between neighbours along each.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub start: usize,
    pub shape: [usize; 4],
    pub steps: [usize; 4],
}

impl View {
    /// A view of any axes, of which neighbours that lie one after the other become one; `None` where four do not do.
    pub fn new(start: usize, axes: impl DoubleEndedIterator<Item = (usize, usize)>) -> Option<Self> {
        let (mut shape, mut steps) = ([1; 4], [0; 4]);
        let mut at = 4;
        for (size, step) in axes.rev().filter(|&(size, _)| size != 1) {
            if at < 4 && step == shape[at] * steps[at] {
                shape[at] *= size;
                continue;
            }
            at = at.checked_sub(1)?;
            (shape[at], steps[at]) = (size, step);
        }
        Some(Self { start, shape, steps })
    }

    /// The first value beyond all that are seen; not of an empty view.
    fn end(&self) -> usize {
        self.start
            + self.shape.iter().zip(self.steps).map(|(size, step)| (size - 1) * step).sum::<usize>()
            + 1
    }
}

/// The values of a view one after the other, plane by plane of its last two axes.
pub fn gather(x: &[f32], view: View, out: &mut [f32]) {
    let [outer, inner, rows, columns] = view.shape;
    assert_eq!(out.len(), outer * inner * rows * columns);
    if out.is_empty() {
        return;
    }
    assert!(view.end() <= x.len());
    let (planes, plane) = (outer * inner, rows * columns);
    let together = (CHUNK / plane).max(1);
    let out = Shared::new(out);
    for_each(planes.div_ceil(together), |task| {
        let (first, end) = (task * together, ((task + 1) * together).min(planes));
        // SAFETY: tasks do not overlap.
        let out = unsafe { out.slice_mut(first * plane, (end - first) * plane) };
        vectorised(
            #[inline(always)]
            || {
                for (index, out) in (first..end).zip(out.chunks_exact_mut(plane)) {
                    let [along, across] = [index / inner, index % inner];
                    copy_plane(&x[view.start + along * view.steps[0] + across * view.steps[1]..], view, out);
                }
            },
        );
    });
}

#[inline(always)]
fn copy_plane(x: &[f32], view: View, out: &mut [f32]) {
    let ([_, _, _, columns], [_, _, down, right]) = (view.shape, view.steps);
    for (row, out) in out.chunks_exact_mut(columns).enumerate() {
        let x = &x[row * down..];
        if right == 1 {
            out.copy_from_slice(&x[..columns]);
        } else {
            for (column, to) in out.iter_mut().enumerate() {
                *to = x[column * right];
            }
        }
    }
}
