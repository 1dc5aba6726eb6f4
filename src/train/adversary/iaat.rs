//! IAAT (Balaji, Goldstein and Hoffman 2019): a radius per sample that grows where attacks fail and shrinks where
//! they succeed.

use burn::tensor::{Bool, Tensor};

use super::scene::{Assault, Scene, Settings};
use crate::attack::wrong;
use crate::lang::catalog::Iaat;
use crate::ops::Ops;

/// Draws of the attacks at the radius, at a larger one, and of the one that trains.
const SMALL: u64 = 0;
const LARGE: u64 = 1;
const FINAL: u64 = 2;

/// What decides a radius; each `[n]`.
pub struct Trial<B: Ops> {
    pub clean_wrong: Tensor<B, 1, Bool>,
    /// Misclassified by the attack at the radius, and at the larger one.
    pub small_wrong: Tensor<B, 1, Bool>,
    pub large_wrong: Tensor<B, 1, Bool>,
}

/// `radii` is the table over the training set.
pub fn attack<B: Ops>(spec: &Iaat, radii: &Tensor<B, 1>, scene: &mut Scene<'_, '_, B>) -> Assault<B> {
    let old = radii.clone().select(0, scene.batch.indices.clone());
    let clean = scene.logits(spec.mode, scene.batch.x.clone());
    let clean_wrong = wrong(&clean, &scene.batch.labels);
    let warming = (scene.clock.step as f64) < spec.warmup * scene.clock.steps_per_epoch as f64;
    let new = if warming {
        old.full_like(spec.eps).mask_fill(clean_wrong, 0.0)
    } else {
        let small_wrong = beaten(spec, scene, old.clone(), SMALL);
        let large_wrong = beaten(spec, scene, (old.clone() + spec.gamma).clamp_max(spec.most), LARGE);
        adapted(spec, old, Trial { clean_wrong, small_wrong, large_wrong })
    };
    let settings = settings(spec, scene, new.clone());
    let found = scene.run(&settings, &mut (), FINAL);
    let mut assault = scene.assault(&settings, found);
    assault.record.lambda = Some(new.clone().mean());
    assault.record.clean_logits = Some(clean);
    assault.radii = Some(new);
    assault
}

fn settings<B: Ops>(spec: &Iaat, scene: &Scene<'_, '_, B>, radius: Tensor<B, 1>) -> Settings<B> {
    let radius = radius.cast(scene.batch.x.dtype());
    let step = (radius.clone() * (2.0 / spec.steps as f64)).clamp_min(spec.step);
    let settings = scene.settings(spec.norm, spec.eps, spec.step, spec.steps);
    Settings { radius, step, mode: spec.mode, ..settings }
}

/// Whether an attack at `radius` succeeds, `[n]`.
fn beaten<B: Ops>(
    spec: &Iaat,
    scene: &mut Scene<'_, '_, B>,
    radius: Tensor<B, 1>,
    draw: u64,
) -> Tensor<B, 1, Bool> {
    let settings = settings(spec, scene, radius);
    let found = scene.run(&settings, &mut (), draw);
    wrong(&scene.logits(spec.mode, found.x), &scene.batch.labels)
}

/// The new radius of each sample, `[n]`.
pub fn adapted<B: Ops>(spec: &Iaat, old: Tensor<B, 1>, trial: Trial<B>) -> Tensor<B, 1> {
    let grown = old.clone() + spec.gamma;
    let shrunk = old.clone() - spec.gamma;
    let held = old.clone().mask_where(trial.small_wrong, shrunk);
    let target = grown.mask_where(trial.large_wrong, held);
    let target = target.clamp(0.0, spec.most).mask_fill(trial.clean_wrong, 0.0);
    target * spec.beta + old * (1.0 - spec.beta)
}
