//! CAT20 (Cheng et al. 2020): a radius per sample that grows at every visit until the sample is misclassified, and
//! labels smoothed with it.

use burn::tensor::Tensor;

use super::scene::{Assault, Scene, Settings};
use crate::attack::{Criterion, indicator, wrong};
use crate::lang::catalog::{AttackMode, Cat20, CustomLoss};
use crate::ops::Ops;
use crate::train::objective::Loss;

/// Draw of the smoothed label's noise.
const LABEL_DRAW: u64 = 1;

/// `radii` is the table over the training set.
pub fn attack<B: Ops>(spec: &Cat20, radii: &Tensor<B, 1>, scene: &mut Scene<'_, '_, B>) -> Assault<B> {
    let old = radii.clone().select(0, scene.batch.indices.clone());
    let tried = grown(spec, old.clone());
    let criterion = Criterion::Soft {
        targets: targets(spec, &tried, scene),
        kappa: (spec.loss == CustomLoss::Mix).then_some(spec.kappa),
    };
    let settings = scene.settings(spec.norm, spec.eps, spec.step, spec.steps);
    let radius = tried.clone().cast(scene.batch.x.dtype());
    let settings = Settings { radius, criterion: criterion.clone(), ..settings };
    let found = scene.run(&settings, &mut (), 0);
    let logits = scene.logits(AttackMode::Eval, found.x.clone());
    let mut assault = scene.assault(&settings, found);
    let new = tried.mask_where(wrong(&logits, &scene.batch.labels), old);
    assault.record.lambda = Some(new.clone().mean());
    assault.inputs.loss = Loss::Of(criterion);
    assault.radii = Some(new);
    assault
}

/// The radius that a visit tries.
pub fn grown<B: Ops>(spec: &Cat20, old: Tensor<B, 1>) -> Tensor<B, 1> {
    (old + spec.eta).clamp_max(spec.eps)
}

/// `(1 - c eps_i) onehot + c eps_i Dirichlet(1)`, `[n, classes]`.
fn targets<B: Ops>(spec: &Cat20, radius: &Tensor<B, 1>, scene: &Scene<'_, '_, B>) -> Tensor<B, 2> {
    let x = &scene.batch.x;
    let like = Tensor::zeros([scene.batch.len(), scene.objective.classes()], (&x.device(), x.dtype()));
    let label = indicator(scene.batch.labels.clone(), &like);
    let noise = scene.draws.dirichlet(&label, LABEL_DRAW);
    smoothed(label, noise, radius.clone().cast(scene.batch.x.dtype()) * spec.smoothing)
}

/// `(1 - share) label + share noise`, with a share per sample of at most 1.
pub fn smoothed<B: Ops>(label: Tensor<B, 2>, noise: Tensor<B, 2>, share: Tensor<B, 1>) -> Tensor<B, 2> {
    let n = share.dims()[0];
    let share = share.clamp_max(1.0).reshape([n, 1]);
    label * (share.clone().neg() + 1.0) + noise * share
}
