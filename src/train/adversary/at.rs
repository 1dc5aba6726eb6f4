//! Adversarial training (Madry et al., ICLR 2018): PGD on every sample, to the last step.

use super::scene::{Assault, Scene, Settings};
use crate::attack::{Criterion, Found, Start, Worst, worst};
use crate::lang::catalog::At;
use crate::ops::Ops;

pub fn attack<B: Ops>(spec: &At, scene: &mut Scene<'_, '_, B>) -> Assault<B> {
    let settings = Settings {
        start: Start::named(spec.start),
        mode: spec.mode,
        criterion: Criterion::named(spec.loss),
        ..scene.settings(spec.norm, spec.eps, spec.step, spec.steps)
    };
    let mut found = scene.run(&settings, &mut (), 0);
    if spec.restarts > 1 {
        found.x = worst_of(spec.restarts, scene, &settings, &found).x;
    }
    scene.assault(&settings, found)
}

/// What each sample fears most of `restarts` attacks, the first of which has been run.
fn worst_of<B: Ops>(
    restarts: usize,
    scene: &mut Scene<'_, '_, B>,
    settings: &Settings<B>,
    first: &Found<B>,
) -> Worst<B> {
    let mut kept = scene.judged(settings, first.x.clone());
    for draw in 1..restarts as u64 {
        let next = scene.run(settings, &mut (), draw).x;
        kept = worst(kept, scene.judged(settings, next));
    }
    kept
}
