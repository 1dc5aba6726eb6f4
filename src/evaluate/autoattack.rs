//! AutoAttack, the standard version (Croce and Hein, ICML 2020): four attacks without a setting, each on the samples
//! that all before it left robust.

use burn::tensor::Tensor;

use super::doubts::{doubts_of_gain, doubts_of_network};
use super::measure::MeasureError;
use super::robustness::{Survivors, Target};
use super::samples::Samples;
use super::{Session, keep};
use crate::attack::{
    Apgd, Ball, Criterion, Draws, Fab, GoOn, Square, Victim, boundary_start, read, runner_up, wrong,
};
use crate::lang::catalog::{AutoattackEvaluator, QUERIES, STEPS, Stage, TARGETED_DLR_CLASSES};
use crate::ops::Ops;
use crate::train::Batch;

/// Samples per batch: each keeps its activations for a backward pass.
const BATCH: usize = 128;

/// The same random numbers in every run, others than those of `pgd`: numbers differ by the weights alone.
const KEY: u64 = u64::MAX - 1;

/// A FAB perturbation may be longer than the radius by a rounding.
const SLACK: f64 = 1e-6;

/// What is attacked, and how long.
struct Cascade<'a, B: Ops> {
    spec: &'a AutoattackEvaluator,
    target: &'a Target<'a, B>,
    victim: Victim<'a, B>,
    targets: usize,
    /// Of each start, and queries of Square.
    steps: usize,
    queries: usize,
}

/// The samples that no attack gets misclassified, and what casts doubt on their number.
///
/// # Errors
/// Data that cannot be read, notes that cannot be written; the session was stopped.
pub fn survivors<B: Ops>(
    spec: &AutoattackEvaluator,
    target: &Target<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Survivors, MeasureError> {
    let smoke = target.is_smoke();
    let cascade = Cascade {
        spec,
        target,
        victim: target.victim,
        targets: AutoattackEvaluator::targets(target.victim.model.classes),
        steps: if smoke { 1 } else { STEPS },
        queries: if smoke { 1 } else { QUERIES },
    };
    cascade.run(session)
}

impl<B: Ops> Cascade<'_, B> {
    fn run(&self, session: &mut Session<'_, '_>) -> Result<Survivors, MeasureError> {
        let all = self.target.samples(BATCH);
        let mut left = self.after(None, &all, session)?;
        let mut warnings = self.doubts(&left)?;
        for &stage in self.spec.stages() {
            let before = left.len();
            left = self.after(Some(stage), &self.target.those(left, BATCH), session)?;
            warnings.extend(doubts_of_gain(stage, before - left.len(), all.len()));
        }
        Ok(Survivors { left: left.len(), of: all.len(), warnings })
    }

    /// Those samples that an attack leaves robust; without an attack those that are classified correctly.
    fn after(
        &self,
        stage: Option<Stage>,
        samples: &Samples<'_, B>,
        session: &mut Session<'_, '_>,
    ) -> Result<Vec<u32>, MeasureError> {
        let what = stage.map_or("clean", Stage::name);
        samples.fold_part(what, session, |robust: &mut Vec<u32>, batch, go_on| {
            robust.extend(self.survivors(stage, batch, go_on));
        })
    }

    /// Places of the samples of a batch that every round of an attack leaves robust.
    fn survivors(&self, stage: Option<Stage>, batch: Batch<B>, go_on: GoOn<'_>) -> Vec<u32> {
        let rounds = match stage {
            Some(Stage::ApgdT | Stage::FabT) => self.targets,
            _ => 1,
        };
        let mut left = Some(batch);
        for round in 1..=rounds {
            let Some(batch) = left.filter(|_| go_on()) else { return Vec::new() };
            let fallen = self.fallen(stage, round, &batch, go_on);
            left = keep(batch, &fallen);
        }
        left.map_or(Vec::new(), |batch| batch.places)
    }

    /// Which samples one round of an attack gets misclassified; a targeted attack's round is the rank of its target.
    fn fallen(&self, stage: Option<Stage>, round: usize, batch: &Batch<B>, go_on: GoOn<'_>) -> Vec<bool> {
        let logits = || self.victim.logits(batch.x.clone());
        match stage {
            None => read(wrong(&logits(), &batch.labels)),
            Some(Stage::ApgdCe) => self.apgd(batch, Criterion::CrossEntropy, (Stage::ApgdCe, round), go_on),
            Some(Stage::ApgdT) => {
                let targets = runner_up(&logits(), round);
                let criterion = match self.has_targeted_dlr() {
                    true => Criterion::TargetedDlr(targets),
                    false => Criterion::Toward(targets),
                };
                self.apgd(batch, criterion, (Stage::ApgdT, round), go_on)
            }
            Some(Stage::FabT) => self.fab(batch, runner_up(&logits(), round), go_on),
            Some(Stage::Square) => self.square(batch, go_on),
        }
    }

    fn apgd(
        &self,
        batch: &Batch<B>,
        criterion: Criterion<B>,
        (stage, round): (Stage, usize),
        go_on: GoOn<'_>,
    ) -> Vec<bool> {
        let x = &batch.x;
        let radius = Tensor::full([batch.len()], self.spec.eps, (&x.device(), x.dtype()));
        let ball = Ball { norm: self.spec.norm, center: x.clone(), radius };
        let direction = self.draws(stage, batch).on_sphere(self.spec.norm, x, round as u64);
        let start = boundary_start(&ball, direction);
        let (victim, labels, steps) = (self.victim, batch.labels.clone(), self.steps);
        Apgd { victim, labels, ball, criterion, steps }.run(start, go_on).wrong
    }

    fn fab(&self, batch: &Batch<B>, targets: Tensor<B, 1, burn::tensor::Int>, go_on: GoOn<'_>) -> Vec<bool> {
        let enough = self.spec.eps * (1.0 + SLACK);
        let fab = Fab {
            victim: self.victim,
            x: batch.x.clone(),
            labels: batch.labels.clone(),
            targets,
            norm: self.spec.norm,
            steps: self.steps,
            enough,
        };
        fab.radii(go_on).into_iter().map(|radius| radius <= enough).collect()
    }

    fn square(&self, batch: &Batch<B>, go_on: GoOn<'_>) -> Vec<bool> {
        let square = Square {
            victim: self.victim,
            x: batch.x.clone(),
            labels: batch.labels.clone(),
            norm: self.spec.norm,
            eps: self.spec.eps,
            queries: self.queries,
            draws: &self.draws(Stage::Square, batch),
        };
        square.search(go_on).wrong
    }

    fn has_targeted_dlr(&self) -> bool {
        self.victim.model.classes >= TARGETED_DLR_CLASSES
    }

    fn draws(&self, stage: Stage, batch: &Batch<B>) -> Draws {
        Draws { key: vec![KEY, stage as u64], indices: batch.places.clone() }
    }

    /// What the first batch of the classified samples says against attacking this network.
    fn doubts(&self, left: &[u32]) -> Result<Vec<String>, MeasureError> {
        let Some(batch) = self.target.those(left.to_vec(), BATCH).first() else {
            return Ok(Vec::new());
        };
        let mut doubts = doubts_of_network(&self.victim, &batch?);
        if !self.has_targeted_dlr() {
            let classes = self.victim.model.classes;
            doubts.push(format!(
                "apgd-t raises the margin: the targeted DLR needs {TARGETED_DLR_CLASSES} classes, the data set has {classes}"
            ));
        }
        Ok(doubts)
    }
}
