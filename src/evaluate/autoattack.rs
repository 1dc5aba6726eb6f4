//! AutoAttack, the standard version (Croce and Hein, ICML 2020): four attacks without a setting, each on the samples
//! that all before it left robust.

use burn::tensor::Tensor;

use super::doubts::{doubts_of_gain, doubts_of_network};
use super::measure::{Headway, MeasureError, Measurements, Watch};
use super::{Subject, keep, victim};
use crate::attack::{
    Apgd, Ball, Criterion, Draws, Fab, Square, Victim, boundary_start, read, runner_up, wrong,
};
use crate::data::{Corpus, EvalBatches};
use crate::lang::catalog::{AutoattackEvaluator, QUERIES, STEPS, Stage, TARGETED_DLR_CLASSES};
use crate::model::StateDict;
use crate::ops::Ops;
use crate::train::Batch;

/// Samples per batch: each keeps its activations for a backward pass.
const BATCH: usize = 128;

/// Samples of a smoke run.
const SMOKE: usize = 8;

/// The same random numbers in every run, others than those of `pgd`: numbers differ by the weights alone.
const KEY: u64 = u64::MAX - 1;

/// A FAB perturbation may be longer than the radius by a rounding.
const SLACK: f64 = 1e-6;

/// What is attacked, and how long.
struct Cascade<'a, B: Ops> {
    spec: &'a AutoattackEvaluator,
    victim: Victim<'a, B>,
    corpus: &'a Corpus,
    device: &'a B::Device,
    targets: usize,
    batch: usize,
    /// Of each start, and queries of Square.
    steps: usize,
    queries: usize,
}

/// Share of `indices` of `corpus` that no attack gets misclassified, and what casts doubt on it.
///
/// # Errors
/// Data that cannot be read; `watch` stopped it.
pub fn robustness<B: Ops>(
    spec: &AutoattackEvaluator,
    subject: &Subject<'_, B>,
    corpus: &Corpus,
    indices: &[u32],
    state: &StateDict<B>,
    watch: &mut Watch<'_>,
) -> Result<Measurements, MeasureError> {
    let smoke = subject.at_most.is_some();
    let classes = subject.model.classes;
    let cascade = Cascade {
        spec,
        victim: victim(subject, state),
        corpus,
        device: subject.device,
        targets: AutoattackEvaluator::targets(classes),
        batch: if smoke { SMOKE } else { BATCH },
        steps: if smoke { 1 } else { STEPS },
        queries: if smoke { 1 } else { QUERIES },
    };
    let all = if smoke { &indices[..indices.len().min(SMOKE)] } else { indices };
    let (left, warnings) = cascade.run(all, watch)?;
    let name = format!("{}.accuracy", spec.label(classes));
    Ok(Measurements {
        values: vec![(name, left as f64 / all.len().max(1) as f64)],
        warnings,
        ..Measurements::default()
    })
}

impl<B: Ops> Cascade<'_, B> {
    /// How many samples are robust, and the warnings.
    fn run(&self, all: &[u32], watch: &mut Watch<'_>) -> Result<(usize, Vec<String>), MeasureError> {
        let mut left = self.after(None, all.to_vec(), watch)?;
        let mut warnings = self.doubts(&left)?;
        for &stage in self.spec.stages() {
            let before = left.len();
            left = self.after(Some(stage), left, watch)?;
            warnings.extend(doubts_of_gain(stage, before - left.len(), all.len()));
        }
        Ok((left.len(), warnings))
    }

    /// Those of `left` that an attack leaves robust; without an attack those that are classified correctly.
    fn after(
        &self,
        stage: Option<Stage>,
        left: Vec<u32>,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<u32>, MeasureError> {
        let (mut robust, of, mut done) = (Vec::new(), left.len(), 0);
        for batch in EvalBatches::new(self.corpus, left, self.batch) {
            let batch = Batch::upload(batch?, self.device);
            done += batch.len();
            robust.extend(self.survivors(stage, batch));
            if !watch(&Headway::samples(stage.map_or("clean", Stage::name), done, of)) {
                return Err(MeasureError::Stopped);
            }
        }
        Ok(robust)
    }

    /// Places of the samples of a batch that every round of an attack leaves robust.
    fn survivors(&self, stage: Option<Stage>, batch: Batch<B>) -> Vec<u32> {
        let rounds = match stage {
            Some(Stage::ApgdT | Stage::FabT) => self.targets,
            _ => 1,
        };
        let mut left = Some(batch);
        for round in 1..=rounds {
            let Some(batch) = left else { break };
            let fallen = self.fallen(stage, round, &batch);
            left = keep(batch, &fallen);
        }
        left.map_or(Vec::new(), |batch| batch.places)
    }

    /// Which samples one round of an attack gets misclassified; a targeted attack's round is the rank of its target.
    fn fallen(&self, stage: Option<Stage>, round: usize, batch: &Batch<B>) -> Vec<bool> {
        let logits = || self.victim.logits(batch.x.clone());
        match stage {
            None => read(wrong(&logits(), &batch.labels)),
            Some(Stage::ApgdCe) => self.apgd(batch, Criterion::CrossEntropy, Stage::ApgdCe, round),
            Some(Stage::ApgdT) => {
                let targets = runner_up(&logits(), round);
                let criterion = match self.has_targeted_dlr() {
                    true => Criterion::TargetedDlr(targets),
                    false => Criterion::Toward(targets),
                };
                self.apgd(batch, criterion, Stage::ApgdT, round)
            }
            Some(Stage::FabT) => self.fab(batch, runner_up(&logits(), round)),
            Some(Stage::Square) => self.square(batch),
        }
    }

    fn apgd(&self, batch: &Batch<B>, criterion: Criterion<B>, stage: Stage, round: usize) -> Vec<bool> {
        let x = &batch.x;
        let radius = Tensor::full([batch.len()], self.spec.eps, (&x.device(), x.dtype()));
        let ball = Ball { norm: self.spec.norm, center: x.clone(), radius };
        let direction = self.draws(stage, batch).on_sphere(self.spec.norm, x, round as u64);
        let start = boundary_start(&ball, direction);
        let (victim, labels, steps) = (self.victim, batch.labels.clone(), self.steps);
        Apgd { victim, labels, ball, criterion, steps }.run(start).wrong
    }

    fn fab(&self, batch: &Batch<B>, targets: Tensor<B, 1, burn::tensor::Int>) -> Vec<bool> {
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
        fab.radii().into_iter().map(|radius| radius <= enough).collect()
    }

    fn square(&self, batch: &Batch<B>) -> Vec<bool> {
        let square = Square {
            victim: self.victim,
            x: batch.x.clone(),
            labels: batch.labels.clone(),
            norm: self.spec.norm,
            eps: self.spec.eps,
            queries: self.queries,
            draws: &self.draws(Stage::Square, batch),
        };
        square.search().wrong
    }

    fn has_targeted_dlr(&self) -> bool {
        self.victim.model.classes >= TARGETED_DLR_CLASSES
    }

    fn draws(&self, stage: Stage, batch: &Batch<B>) -> Draws {
        Draws { key: vec![KEY, stage as u64], indices: batch.places.clone() }
    }

    /// What the first batch of the classified samples says against attacking this network.
    fn doubts(&self, left: &[u32]) -> Result<Vec<String>, MeasureError> {
        let first = left[..left.len().min(self.batch)].to_vec();
        let Some(batch) = EvalBatches::new(self.corpus, first, self.batch).next() else {
            return Ok(Vec::new());
        };
        let mut doubts = doubts_of_network(&self.victim, &Batch::upload(batch?, self.device));
        if !self.has_targeted_dlr() {
            let classes = self.victim.model.classes;
            doubts.push(format!(
                "apgd-t raises the margin: the targeted DLR needs {TARGETED_DLR_CLASSES} classes, the data set has {classes}"
            ));
        }
        Ok(doubts)
    }
}
