//! MART (Wang et al., ICLR 2020): the attack of AT from near the clean image; the loss knows misclassified samples.

use super::scene::{Assault, Scene, Settings};
use crate::attack::Start;
use crate::lang::catalog::Mart;
use crate::ops::Ops;
use crate::train::objective::Loss;

pub fn attack<B: Ops>(spec: &Mart, scene: &mut Scene<'_, '_, B>) -> Assault<B> {
    let settings =
        Settings { start: Start::NEAR, ..scene.settings(spec.norm, spec.eps, spec.step, spec.steps) };
    let found = scene.run(&settings, &mut (), 0);
    let mut assault = scene.assault(&settings, found);
    assault.inputs.clean = Some(scene.batch.x.clone());
    assault.inputs.loss = Loss::Mart(spec.beta.at(scene.clock));
    assault
}
