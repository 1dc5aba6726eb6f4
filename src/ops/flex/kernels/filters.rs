//! Weights packed for the register tiles: for each tile of output channels, one line per step and lane.

use super::parallel::{Shared, for_each};
use super::plan::Plan;
use super::scratch::Scratch;

/// Packed weights: `[phase][tile][row][width]`, zero beyond the last channel.
pub struct Filters {
    data: Scratch,
    /// Start of each phase.
    starts: Vec<usize>,
    depths: Vec<usize>,
    width: usize,
}

impl Filters {
    /// Packs `weight` in tiles of `width` channels.
    pub fn pack(plan: &Plan, weight: &[f32], width: usize) -> Self {
        let tiles = plan.channels.div_ceil(width);
        let depths: Vec<usize> = plan.depths().collect();
        let mut starts = vec![0];
        for depth in &depths {
            starts.push(starts[starts.len() - 1] + tiles * depth * width);
        }
        let mut data = Scratch::take(starts[depths.len()]);
        let shared = Shared::new(&mut data);
        for_each(depths.len() * tiles, |index| {
            let (phase, tile) = (index / tiles, index % tiles);
            let length = depths[phase] * width;
            // SAFETY: each index has its own tile.
            let out = unsafe { shared.slice_mut(starts[phase] + tile * length, length) };
            pack_tile(plan, &plan.phases[phase].rows, weight, tile * width, width, out);
        });
        Self { data, starts, depths, width }
    }

    /// Weights of one tile of one phase.
    pub fn tile(&self, phase: usize, tile: usize) -> &[f32] {
        let length = self.depths[phase] * self.width;
        &self.data[self.starts[phase] + tile * length..][..length]
    }
}

fn pack_tile(plan: &Plan, rows: &[usize], weight: &[f32], first: usize, width: usize, out: &mut [f32]) {
    let channels = width.min(plan.channels - first);
    for (row, line) in rows.iter().zip(out.chunks_exact_mut(width)) {
        let (inside, beyond) = line.split_at_mut(channels);
        let from = weight[row + first * plan.channel..].iter().step_by(plan.channel);
        for (to, value) in inside.iter_mut().zip(from) {
            *to = *value;
        }
        beyond.fill(0.0);
    }
}

/// `values` in tiles of `width` with zeros beyond the last; all zeros for `None`.
pub fn padded(values: Option<&[f32]>, channels: usize, width: usize) -> Vec<f32> {
    let mut out = vec![0.0; channels.div_ceil(width) * width];
    if let Some(values) = values {
        out[..channels].copy_from_slice(values);
    }
    out
}
