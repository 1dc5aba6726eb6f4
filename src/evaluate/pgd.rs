//! Accuracy under projected gradient ascent.

use burn::tensor::Tensor;

use super::measure::MeasureError;
use super::robustness::{Survivors, Target};
use super::{Session, keep};
use crate::attack::{
    Attack, Ball, Choice, Criterion, Draws, GoOn, Rule, Start, Victim, View, Worst, read, worst, wrong,
};
use crate::lang::catalog::PgdEvaluator;
use crate::ops::Ops;
use crate::train::Batch;

/// Samples per batch: each keeps its activations for a backward pass.
const BATCH: usize = 128;

/// Evaluation attacks draw the same starts in every run: numbers differ by the weights alone.
const KEY: u64 = u64::MAX;

/// Lets a sample go once it is misclassified.
struct UntilWrong<'a>(GoOn<'a>);

impl<B: Ops> Rule<B> for UntilWrong<'_> {
    fn choose(&mut self, view: &View<'_, B>) -> Choice<B> {
        let goes_on = (self.0)();
        Choice::Stay(view.wrong().into_iter().map(|wrong| goes_on && !wrong).collect())
    }
}

/// Takes all steps.
struct ToTheEnd<'a>(GoOn<'a>);

impl<B: Ops> Rule<B> for ToTheEnd<'_> {
    fn choose(&mut self, view: &View<'_, B>) -> Choice<B> {
        if (self.0)() { Choice::All } else { Choice::Stay(vec![false; view.rows.len()]) }
    }
}

/// The samples that no attack gets misclassified.
///
/// # Errors
/// Data that cannot be read, notes that cannot be written; the session was stopped.
pub fn survivors<B: Ops>(
    spec: &PgdEvaluator,
    target: &Target<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Survivors, MeasureError> {
    let samples = target.samples(BATCH);
    let left = samples.fold("pgd", session, |left: &mut usize, batch, go_on| {
        *left += survivors_of(spec, &target.victim, batch, go_on);
    })?;
    Ok(Survivors { left, of: samples.len(), warnings: Vec::new() })
}

/// How many samples of a batch are right at the clean image and after every attack.
fn survivors_of<B: Ops>(
    spec: &PgdEvaluator,
    victim: &Victim<'_, B>,
    batch: Batch<B>,
    go_on: GoOn<'_>,
) -> usize {
    let clean = wrong(&victim.logits(batch.x.clone()), &batch.labels);
    let mut left = keep(batch, &read(clean));
    for restart in 0..spec.restarts as u64 {
        let Some(batch) = left.filter(|_| go_on()) else { return 0 };
        let found = attack(spec, victim, &batch, restart, &mut UntilWrong(go_on));
        let beaten = wrong(&victim.logits(found), &batch.labels);
        left = keep(batch, &read(beaten));
    }
    left.map_or(0, |batch| batch.len())
}

/// Images at which the loss of each sample is the highest that the attacks found, all steps taken.
pub(super) fn points<B: Ops>(
    spec: &PgdEvaluator,
    victim: &Victim<'_, B>,
    batch: &Batch<B>,
    go_on: GoOn<'_>,
) -> Tensor<B, 4> {
    let judged = |restart| {
        let x = attack(spec, victim, batch, restart, &mut ToTheEnd(go_on));
        let logits = victim.logits(x.clone());
        Worst::of(x, logits, &batch.labels, &Criterion::named(spec.loss))
    };
    (1..spec.restarts as u64).fold(judged(0), |kept, restart| worst(kept, judged(restart))).x
}

/// The images after all steps, also of samples that are misclassified before.
pub(super) fn attacked<B: Ops>(
    spec: &PgdEvaluator,
    victim: &Victim<'_, B>,
    batch: &Batch<B>,
) -> Tensor<B, 4> {
    attack(spec, victim, batch, 0, &mut ())
}

fn attack<B: Ops>(
    spec: &PgdEvaluator,
    victim: &Victim<'_, B>,
    batch: &Batch<B>,
    restart: u64,
    rule: &mut dyn Rule<B>,
) -> Tensor<B, 4> {
    let x = batch.x.clone();
    let alike = |value: f64| Tensor::<B, 1>::full([batch.len()], value, (&x.device(), x.dtype()));
    let draws = Draws { key: vec![KEY], indices: batch.places.clone() };
    let radius = alike(spec.eps);
    let start = draws.start(Start::named(spec.start), spec.norm, &radius, &x, restart);
    let attack = Attack {
        victim: *victim,
        labels: batch.labels.clone(),
        ball: Ball { norm: spec.norm, center: x.clone(), radius },
        step: alike(spec.step()),
        steps: spec.steps,
        criterion: Criterion::named(spec.loss),
        noise: None,
    };
    attack.run(start.map_or(x.clone(), |start| x + start), rule).x
}
