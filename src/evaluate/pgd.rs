//! Accuracy under projected gradient ascent.

use burn::tensor::Tensor;

use super::measure::{Headway, MeasureError, Measurements, Watch};
use super::{Subject, keep, victim};
use crate::attack::{
    Attack, Ball, Choice, Criterion, Draws, Rule, Start, Victim, View, Worst, read, worst, wrong,
};
use crate::data::{Corpus, EvalBatches};
use crate::lang::catalog::PgdEvaluator;
use crate::model::StateDict;
use crate::ops::Ops;
use crate::train::Batch;

/// Samples per batch: each keeps its activations for a backward pass.
const BATCH: usize = 128;

/// Evaluation attacks draw the same starts in every run: numbers differ by the weights alone.
const KEY: u64 = u64::MAX;

/// Lets a sample go once it is misclassified.
struct UntilWrong;

impl<B: Ops> Rule<B> for UntilWrong {
    fn choose(&mut self, view: &View<'_, B>) -> Choice<B> {
        Choice::Stay(view.wrong().into_iter().map(|wrong| !wrong).collect())
    }
}

/// Share of `indices` of `corpus` that no attack gets misclassified.
///
/// # Errors
/// Data that cannot be read; `watch` stopped it.
pub fn robustness<B: Ops>(
    spec: &PgdEvaluator,
    subject: &Subject<'_, B>,
    corpus: &Corpus,
    indices: &[u32],
    state: &StateDict<B>,
    watch: &mut Watch<'_>,
) -> Result<Measurements, MeasureError> {
    let kept = subject.at_most.map_or(indices.len(), |batches| (batches * BATCH).min(indices.len()));
    let victim = victim(subject, state);
    let (mut robust, mut done) = (0, 0);
    for batch in EvalBatches::new(corpus, indices[..kept].to_vec(), BATCH) {
        let batch = Batch::upload(batch?, subject.device);
        done += batch.len();
        robust += survivors(spec, &victim, batch);
        if !watch(&Headway::samples("pgd", done, kept)) {
            return Err(MeasureError::Stopped);
        }
    }
    Ok(Measurements::one(format!("{}.accuracy", spec.label()), robust as f64 / kept.max(1) as f64))
}

/// How many samples of a batch are right at the clean image and after every attack.
fn survivors<B: Ops>(spec: &PgdEvaluator, victim: &Victim<'_, B>, batch: Batch<B>) -> usize {
    let clean = wrong(&victim.logits(batch.x.clone()), &batch.labels);
    let mut left = keep(batch, &read(clean));
    for restart in 0..spec.restarts as u64 {
        let Some(batch) = left else { return 0 };
        let found = attack(spec, victim, &batch, restart, &mut UntilWrong);
        let beaten = wrong(&victim.logits(found), &batch.labels);
        left = keep(batch, &read(beaten));
    }
    left.map_or(0, |batch| batch.len())
}

/// Images at which the loss of each sample is the highest that the attacks found, all steps taken.
pub(super) fn points<B: Ops>(spec: &PgdEvaluator, victim: &Victim<'_, B>, batch: &Batch<B>) -> Tensor<B, 4> {
    let judged = |restart| {
        let x = attack(spec, victim, batch, restart, &mut ());
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
