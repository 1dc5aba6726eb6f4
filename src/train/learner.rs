//! One training step, and everything it changes.

use burn::tensor::{Bool, DType, Tensor};

use crate::lang::program::Phase;
use crate::lang::schedule::Clock;
use crate::model::{Model, Moments, StateDict, Statistics};
use crate::ops::{Ops, Vector};

use super::adversary::{Adversary, Record};
use super::curriculum::{Curriculum, Weighting};
use super::minimizer::{self, Minimizer, Outcome, Passes};
use super::objective::{Batch, Inputs, Objective, Pass, PassCount};
use super::optimizer::Optimizer;

/// Share of a batch's new statistics in the running ones, PyTorch's default.
const STATISTICS_MOMENTUM: f64 = 0.1;

/// What a phase trains: weights, and the memory of optimizer, minimizer and curriculum.
pub struct Learner<'a, B: Ops> {
    model: &'a Model,
    pub state: StateDict<B>,
    pub optimizer: Optimizer<B>,
    pub curriculum: Curriculum<B>,
    pub adversary: Option<Adversary<B>>,
    minimizer: Box<dyn Minimizer<B>>,
}

/// Numbers of one step, on the device; see [`StepRecord::COLUMNS`].
pub struct StepRecord<B: Ops> {
    /// `[COLUMNS.len()]`, f32; NaN where a column does not apply.
    pub values: Tensor<B, 1>,
    pub passes: PassCount,
}

impl<B: Ops> StepRecord<B> {
    /// Names of the values, in order.
    pub const COLUMNS: [&'static str; 18] = [
        "samples",
        "loss",
        "correct",
        "gradient_norm",
        "radius",
        "clipped",
        "kept",
        "weight_easiest",
        "weight_hardest",
        "skipped",
        "empty",
        "fell",
        "clean_loss",
        "clean_accuracy",
        "adversarial_loss",
        "active",
        "perturbation",
        "lambda",
    ];
}

impl<'a, B: Ops> Learner<'a, B> {
    /// A phase that begins at `state`; `samples` is the size of the training corpus. Random numbers are those of
    /// seed 0 and phase 1 unless [`Learner::keyed`] says otherwise.
    pub fn new(
        model: &'a Model,
        phase: &Phase,
        state: StateDict<B>,
        samples: usize,
        device: &B::Device,
    ) -> Self {
        Self {
            model,
            optimizer: Optimizer::new(phase.optimizer.clone(), &state.weights, device),
            curriculum: Curriculum::new(phase.curriculum.clone(), samples, device),
            adversary: adversary(phase, [0, 1], samples, device),
            minimizer: minimizer::build(&phase.minimizer),
            state,
        }
    }

    /// Draws the random numbers of an adversary by the seed of the run and the number of the phase.
    pub fn keyed(self, phase: &Phase, key: [u64; 2], samples: usize, device: &B::Device) -> Self {
        Self { adversary: adversary(phase, key, samples, device), ..self }
    }

    /// Takes one step. A step whose loss or direction is not finite, or whose sample weights are all zero,
    /// changes nothing and is counted.
    pub fn step(&mut self, batch: &Batch<B>, clock: &Clock) -> StepRecord<B> {
        let clock = &Clock { lr: Some(self.optimizer.progress(clock)), ..*clock };
        let mut passes = BatchPasses {
            objective: Objective::new(self.model, &self.state.statistics),
            curriculum: &mut self.curriculum,
            adversary: self.adversary.as_mut(),
            batch,
            clock,
            first: None,
        };
        let outcome = self.minimizer.step(&self.state.weights, &mut passes, clock);
        let count = passes.objective.passes;
        let Some(First { weighting, pass, attack }) = passes.first else {
            unreachable!("every minimizer takes a first pass")
        };
        let skip = Skip::new(&pass, &weighting, &outcome);
        let fell = self.curriculum.take_fell();
        let mut values = record(&pass, &weighting, &outcome, &skip, fell, batch);
        values.extend(record_attack(&pass, attack, &outcome.norm));
        let values = Tensor::cat(values.into_iter().map(|value| value.cast(DType::F32)).collect(), 0);
        self.curriculum.commit(batch, &skip.any);
        if let Some(adversary) = &mut self.adversary {
            adversary.commit(batch, &pass, &skip.any);
        }
        for moments in pass.moments() {
            self.state.statistics = moved(&self.state.statistics, moments, &skip.any);
        }
        drop(pass);
        self.state.batches += 1;
        self.state.weights = self.optimizer.step(&self.state.weights, outcome.direction, clock, &skip.any);
        StepRecord { values, passes: count }
    }
}

fn adversary<B: Ops>(
    phase: &Phase,
    key: [u64; 2],
    samples: usize,
    device: &B::Device,
) -> Option<Adversary<B>> {
    phase.adversary.clone().map(|spec| Adversary::new(spec, key, samples, device))
}

/// The first pass of a step, the sample weights it led to, and what the adversary says of it.
struct First<B: Ops> {
    weighting: Weighting<B>,
    pass: Pass<B>,
    attack: Option<Record<B>>,
}

/// The objective on one batch, with adversary and curriculum inside.
struct BatchPasses<'a, B: Ops> {
    objective: Objective<'a, B>,
    curriculum: &'a mut Curriculum<B>,
    adversary: Option<&'a mut Adversary<B>>,
    batch: &'a Batch<B>,
    clock: &'a Clock,
    first: Option<First<B>>,
}

impl<B: Ops> Passes<B> for BatchPasses<'_, B> {
    fn first(&mut self, weights: &Vector<B>) -> Vector<B> {
        let (objective, batch) = (&mut self.objective, self.batch);
        let (inputs, attack) = match &mut self.adversary {
            None => (Inputs::plain(batch), None),
            Some(adversary) => {
                let (inputs, record) = adversary.attack(objective, weights, batch, self.clock);
                (inputs, Some(record))
            }
        };
        let pass = objective.pass(weights, &inputs);
        let weighting = self.curriculum.weigh(objective, weights, &pass, batch, self.clock);
        let gradients = objective.gradients(&pass, &weighting.factors, self.curriculum.wants());
        self.curriculum.observe(objective, weights, &pass, batch, &weighting, gradients.input);
        self.first = Some(First { weighting, pass: pass.without_activations(), attack });
        gradients.weights.unwrap_or_else(|| unreachable!("the weights were wanted"))
    }

    fn again(&mut self, weights: &Vector<B>) -> Vector<B> {
        let Some(first) = &self.first else { unreachable!("`again` follows `first`") };
        let pass = self.objective.pass(weights, &first.pass.inputs);
        let gradients =
            self.objective.gradients(&pass, &first.weighting.factors, crate::model::Wants::WEIGHTS);
        gradients.weights.unwrap_or_else(|| unreachable!("the weights were wanted"))
    }
}

/// Reasons to leave everything as it is, decided on the device; one element each.
struct Skip<B: Ops> {
    any: Tensor<B, 1, Bool>,
    not_finite: Tensor<B, 1, Bool>,
    empty: Tensor<B, 1, Bool>,
}

impl<B: Ops> Skip<B> {
    fn new(pass: &Pass<B>, weighting: &Weighting<B>, outcome: &Outcome<B>) -> Self {
        let probe = pass.losses.clone().sum() + outcome.norm.clone() + outcome.direction.sum_squares();
        let not_finite = probe.is_finite().bool_not();
        let empty = weighting.weights.clone().sum().equal_elem(0.0);
        Self { any: not_finite.clone().bool_or(empty.clone()), not_finite, empty }
    }
}

/// The step's numbers in the order of [`StepRecord::COLUMNS`], one element each, but for those of the attack.
fn record<B: Ops>(
    pass: &Pass<B>,
    weighting: &Weighting<B>,
    outcome: &Outcome<B>,
    skip: &Skip<B>,
    fell: Option<Tensor<B, 1>>,
    batch: &Batch<B>,
) -> Vec<Tensor<B, 1>> {
    let like = outcome.norm.clone();
    let n = batch.len();
    let absent = like.full_like(f32::NAN);
    let correct = pass.logits().argmax(1).reshape([n]).equal(batch.labels.clone());
    let (easiest, hardest) = deciles(weighting).unwrap_or((absent.clone(), absent.clone()));
    vec![
        like.full_like(n as f64),
        pass.losses.clone().mean(),
        correct.int().sum().float(),
        outcome.norm.clone(),
        outcome.radius.clone().unwrap_or(absent.clone()),
        outcome.clipped.clone().unwrap_or(absent.clone()),
        weighting.weights.clone().greater_elem(0.0).float().mean(),
        easiest,
        hardest,
        skip.not_finite.clone().float(),
        skip.empty.clone().float(),
        fell.unwrap_or(absent),
    ]
}

/// The attack's numbers, the last of [`StepRecord::COLUMNS`]: losses and accuracies of predictions that were made
/// anyway, cross-entropy throughout.
fn record_attack<B: Ops>(
    pass: &Pass<B>,
    attack: Option<Record<B>>,
    like: &Tensor<B, 1>,
) -> Vec<Tensor<B, 1>> {
    let absent = like.full_like(f32::NAN);
    let Some(attack) = attack else { return vec![absent; 6] };
    let labels = &pass.inputs.labels;
    let entropy = |logits: Tensor<B, 2>| B::cross_entropy(logits, labels.clone()).0.mean();
    let accuracy = |logits: Tensor<B, 2>| {
        let right = crate::attack::wrong(&logits, labels).bool_not();
        right.float().mean()
    };
    let clean = attack.clean_logits.or_else(|| pass.clean_logits());
    vec![
        clean.clone().map_or(absent.clone(), entropy),
        clean.map_or(absent.clone(), accuracy),
        entropy(pass.logits()),
        like.full_like(attack.active),
        attack.perturbation,
        attack.lambda.unwrap_or(absent),
    ]
}

/// Mean weight of the easiest and of the hardest tenth of the batch (at least one sample each).
fn deciles<B: Ops>(weighting: &Weighting<B>) -> Option<(Tensor<B, 1>, Tensor<B, 1>)> {
    let rank = weighting.rank.clone()?;
    let n = rank.dims()[0];
    let tenth = (n / 10).max(1);
    let mean = |chosen: Tensor<B, 1, Bool>| {
        weighting.weights.clone().mask_fill(chosen.bool_not(), 0.0).sum() / tenth as f64
    };
    Some((mean(rank.clone().lower_elem(tenth as f64)), mean(rank.greater_equal_elem((n - tenth) as f64))))
}

/// Running statistics after a batch: PyTorch's rule, with the unbiased variance.
fn moved<B: Ops>(old: &Statistics<B>, batch: &[Moments<B>], skip: &Tensor<B, 1, Bool>) -> Statistics<B> {
    let blend = |old: &Tensor<B, 1>, new: Tensor<B, 1>| {
        let next = old.clone() * (1.0 - STATISTICS_MOMENTUM) + new * STATISTICS_MOMENTUM;
        next.mask_where(skip.clone().expand(old.dims()), old.clone())
    };
    let pair = |([mean, variance], moments): (&[Tensor<B, 1>; 2], &Moments<B>)| {
        let count = moments.count as f64;
        let unbiased = moments.variance.clone() * (count / (count - 1.0).max(1.0));
        [blend(mean, moments.mean.clone()), blend(variance, unbiased)]
    };
    Statistics(old.0.iter().zip(batch).map(pair).collect())
}
