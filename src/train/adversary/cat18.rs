//! CAT18 (Cai, Liu and Song, IJCAI 2018): parts of a batch are attacked with 0, 1, .. k steps, and k rises with
//! training accuracy.

use burn::tensor::{Bool, Tensor};

use super::scene::{Assault, Scene, Settings};
use crate::attack::{Choice, Rule, View};
use crate::lang::catalog::Cat18;
use crate::ops::Ops;

/// Levels of the quantised image: the mean of `x >= i / 16`, `i = 1..15`.
const LEVELS: usize = 16;

/// Draw of the random step.
const STEP_DRAW: u64 = 1;

/// How far the curriculum has climbed, and how the running epoch goes.
pub struct Ladder<B: Ops> {
    pub level: usize,
    /// Correct and seen samples of the epoch, `[2]`.
    counts: Tensor<B, 1>,
}

impl<B: Ops> Ladder<B> {
    pub fn new(device: &B::Device) -> Self {
        Self { level: 0, counts: Tensor::zeros([2], device) }
    }

    /// Level and counts, `[3]`.
    pub fn packed(&self) -> Tensor<B, 1> {
        let level = self.counts.clone().narrow(0, 0, 1).full_like(self.level as f64);
        Tensor::cat(vec![level, self.counts.clone()], 0)
    }

    pub fn unpacked(values: Tensor<B, 1>) -> Self {
        let level = values.clone().narrow(0, 0, 1).into_data().iter::<f64>().next().unwrap_or(0.0) as usize;
        Self { level, counts: values.narrow(0, 1, 2) }
    }

    /// One step up after an epoch that was learnt; reads the counts back.
    pub fn climb(&mut self, spec: &Cat18) {
        let counts: Vec<f64> = self.counts.to_data().iter::<f64>().collect();
        let [correct, seen] = counts[..] else { return };
        if seen > 0.0 && correct > spec.advance * seen {
            self.level = (self.level + 1).min(spec.steps);
        }
        self.counts = self.counts.zeros_like();
    }

    pub fn count(&mut self, correct: Tensor<B, 1>, samples: usize, skip: &Tensor<B, 1, Bool>) {
        let correct = correct.cast(self.counts.dtype());
        let seen = correct.full_like(samples as f64);
        let new = Tensor::cat(vec![correct, seen], 0).mask_fill(skip.clone().expand([2]), 0.0);
        self.counts = self.counts.clone() + new;
    }
}

/// Steps of each sample of a batch at level `k`: equal parts, the last one takes the remainder.
pub fn parts(samples: usize, level: usize) -> Vec<usize> {
    let part = (samples / (level + 1)).max(1);
    (0..samples).map(|row| (row / part).min(level)).collect()
}

/// Lets each sample take its own number of steps.
struct Parts(Vec<usize>);

impl<B: Ops> Rule<B> for Parts {
    fn choose(&mut self, view: &View<'_, B>) -> Choice<B> {
        Choice::Stay(view.rows.iter().map(|&row| view.number < self.0[row]).collect())
    }
}

pub fn attack<B: Ops>(spec: &Cat18, level: usize, scene: &mut Scene<'_, '_, B>) -> Assault<B> {
    let n = scene.batch.len();
    let steps = parts(n, level);
    let step = 2.0 * spec.eps / level.max(1) as f64 * factor(spec, level, scene);
    let settings = scene.settings(spec.norm, spec.eps, step, level);
    // A clean sample is clean: its start counts as the first of its steps.
    let clean = steps.iter().map(|&steps| f64::from(u8::from(steps > 0))).collect::<Vec<_>>();
    let clean = Tensor::from_data(clean.as_slice(), (&scene.batch.x.device(), scene.batch.x.dtype()));
    let settings = Settings { radius: settings.radius * clean, ..settings };
    let found = scene.run(&settings, &mut Parts(steps), 0);
    let mut assault = scene.assault(&settings, found).at_lambda(level as f64);
    if spec.quantize {
        assault.inputs.x = quantized(assault.inputs.x);
    }
    assault
}

/// `U(1, 10 / k)`, one draw per batch.
fn factor<B: Ops>(spec: &Cat18, level: usize, scene: &Scene<'_, '_, B>) -> f64 {
    let most = (10.0 / level.max(1) as f64).max(1.0);
    if spec.random_step { 1.0 + (most - 1.0) * scene.draws.shared(STEP_DRAW) } else { 1.0 }
}

fn quantized<B: Ops>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    let top = (LEVELS - 1) as f64;
    (x * LEVELS as f64).floor().clamp(0.0, top) / top
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn the_last_part_takes_the_remainder() {
        assert_eq!(parts(7, 2), [0, 0, 1, 1, 2, 2, 2]);
        assert_eq!(parts(3, 0), [0, 0, 0]);
        assert_eq!(parts(2, 5), [0, 1]);
    }
}
