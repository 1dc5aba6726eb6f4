//! TRADES (Zhang et al., ICML 2019): the attack pulls the prediction away from that of the clean image.

use burn::tensor::activation::log_softmax;

use super::scene::{Assault, Scene, Settings};
use crate::attack::{Criterion, Start};
use crate::lang::catalog::Trades;
use crate::ops::Ops;
use crate::train::objective::Loss;

pub fn attack<B: Ops>(spec: &Trades, scene: &mut Scene<'_, '_, B>) -> Assault<B> {
    let clean = scene.objective.clean_logits(scene.weights, scene.batch.x.clone());
    let settings = Settings {
        // At the clean image itself the divergence has no gradient.
        start: Start::NEAR,
        criterion: Criterion::Divergence(log_softmax(clean, 1)),
        ..scene.settings(spec.norm, spec.eps, spec.step, spec.steps)
    };
    let found = scene.run(&settings, &mut (), 0);
    let mut assault = scene.assault(&settings, found);
    assault.inputs.clean = Some(scene.batch.x.clone());
    assault.inputs.loss = Loss::Trades(spec.beta.at(scene.clock));
    assault
}
