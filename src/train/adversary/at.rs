//! Adversarial training (Madry et al., ICLR 2018): PGD on every sample, to the last step.

use super::scene::{Assault, Scene, Settings};
use crate::attack::{Criterion, Start};
use crate::lang::catalog::At;
use crate::ops::Ops;

pub fn attack<B: Ops>(spec: &At, scene: &mut Scene<'_, '_, B>) -> Assault<B> {
    let settings = Settings {
        start: Start::named(spec.start),
        mode: spec.mode,
        criterion: Criterion::named(spec.loss),
        ..scene.settings(spec.norm, spec.eps, spec.step, spec.steps)
    };
    let found = scene.run(&settings, &mut (), 0);
    scene.assault(&settings, found)
}
