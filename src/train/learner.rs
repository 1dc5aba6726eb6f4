//! One training step, and everything it changes.

use burn::tensor::{Bool, DType, Tensor};

use crate::lang::catalog::{Accumulation, Masks};
use crate::lang::program::Phase;
use crate::lang::schedule::Clock;
use crate::model::{Model, Moments, StateDict, Statistics};
use crate::ops::{Ops, Vector};

use super::adversary::Adversary;
use super::batch_passes::{ATTACK, BatchPasses, First, NoiseKey, accumulate};
use super::curriculum::Curriculum;
use super::minimizer::{self, Minimizer, Outcome, Start};
use super::objective::{Batch, Objective, PassCount};
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
    /// What the minimizer keeps between steps.
    pub memory: Option<Vector<B>>,
    accumulate: Accumulation,
    masks: Masks,
    plan: StepPlan,
}

/// How steps are taken, besides what the phase says.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepPlan {
    /// Size of the training corpus.
    pub samples: usize,
    /// Samples that are in memory at once; the whole batch where absent.
    pub micro: Option<usize>,
    /// Seed of the run.
    pub seed: u64,
    /// Number of the phase, from 1.
    pub phase: u64,
}

/// Numbers of one step, on the device; see [`StepRecord::COLUMNS`].
pub struct StepRecord<B: Ops> {
    /// `[COLUMNS.len()]`, f32; NaN where a column does not apply.
    pub values: Tensor<B, 1>,
    pub passes: PassCount,
    /// Share of the batch that took each attack step.
    pub active: Vec<f64>,
}

impl<B: Ops> StepRecord<B> {
    /// Names of the values, in order.
    pub const COLUMNS: [&'static str; 20] = [
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
        "rise",
        "curvature",
        "clean_loss",
        "clean_accuracy",
        "adversarial_loss",
        "active",
        "perturbation",
        "lambda",
    ];
}

/// What the minimizer decided and what its passes saw.
struct Taken<B: Ops> {
    outcome: Outcome<B>,
    first: Vec<First<B>>,
    /// Mean weighted loss at the perturbed weights.
    perturbed: Option<Tensor<B, 1>>,
}

impl<'a, B: Ops> Learner<'a, B> {
    /// A phase that begins at `state`.
    pub fn new(
        model: &'a Model,
        phase: &Phase,
        state: StateDict<B>,
        plan: StepPlan,
        device: &B::Device,
    ) -> Self {
        let minimizer = minimizer::build(&phase.minimizer, &model.layout.parameters);
        let perturbing = phase.minimizer.perturbing();
        Self {
            model,
            optimizer: Optimizer::new(phase.optimizer.clone(), &state.weights, device),
            curriculum: Curriculum::new(phase.curriculum.clone(), plan.samples, device),
            adversary: phase
                .adversary
                .clone()
                .map(|spec| Adversary::new(spec, [plan.seed, plan.phase], plan.samples, device)),
            memory: minimizer.keeps().map(|_| state.weights.zeros_like()),
            minimizer,
            accumulate: perturbing.map_or(Accumulation::Exact, |perturbing| perturbing.accumulate),
            masks: perturbing.map_or(Masks::Same, |perturbing| perturbing.masks),
            state,
            plan,
        }
    }

    /// Name of what the minimizer keeps between steps.
    pub fn memory_name(&self) -> Option<&'static str> {
        self.minimizer.keeps()
    }

    /// Takes one step. A step whose loss or direction is not finite, or whose sample weights are all zero,
    /// changes nothing and is counted; only the number of batches seen goes on.
    pub fn step(&mut self, batch: &Batch<B>, clock: &Clock) -> StepRecord<B> {
        let clock = &Clock { lr: Some(self.optimizer.progress(clock)), ..*clock };
        let parts = match self.plan.micro {
            Some(size) if size < batch.len() => batch.parts(size),
            _ => vec![batch.clone()],
        };
        let model = self.model;
        let statistics = self.state.statistics.clone();
        let mut objective = Objective::new(model, &statistics, batch.len());
        let taken = match self.accumulate {
            Accumulation::PerMicroBatch if parts.len() > 1 => self.each(&mut objective, &parts, clock),
            _ => self.minimize(&mut objective, 0, &parts, clock, self.memory.clone()),
        };
        let Objective { passes, active, .. } = objective;
        let values = self.apply(taken, batch.len(), clock);
        StepRecord { values, passes, active }
    }

    /// One perturbation for all of `parts`, the first of which has this place in the batch.
    fn minimize(
        &mut self,
        objective: &mut Objective<'_, B>,
        place: usize,
        parts: &[Batch<B>],
        clock: &Clock,
        memory: Option<Vector<B>>,
    ) -> Taken<B> {
        let StepPlan { seed, phase, .. } = self.plan;
        let noise = NoiseKey { seed, phase, part: place, masks: self.masks };
        let adversary = self.adversary.as_mut();
        let mut passes = BatchPasses::new(objective, &mut self.curriculum, adversary, parts, clock, noise);
        let start = Start {
            weights: &self.state.weights,
            clock,
            momentum: self.optimizer.momentum(),
            decay: self.optimizer.coupled_decay(),
            memory: memory.as_ref(),
            random: [seed, phase, place as u64],
        };
        let outcome = self.minimizer.step(&start, &mut passes);
        Taken { outcome, first: passes.first, perturbed: passes.perturbed }
    }

    /// A perturbation for each part; directions and numbers are averaged.
    fn each(&mut self, objective: &mut Objective<'_, B>, parts: &[Batch<B>], clock: &Clock) -> Taken<B> {
        let total: usize = parts.iter().map(Batch::len).sum();
        let mut all: Option<Taken<B>> = None;
        for (place, part) in parts.iter().enumerate() {
            let memory = all.as_ref().map_or(self.memory.clone(), |all| all.outcome.memory.clone());
            let taken = self.minimize(objective, place, std::slice::from_ref(part), clock, memory);
            all = Some(Taken::joined(all, taken, part.len() as f64 / total as f64));
        }
        all.unwrap_or_else(|| unreachable!("a batch has a part"))
    }

    /// Moves everything by what was decided, unless the step must not count; the numbers of the step. The network makes no
    /// pass here, so that a step that is stopped has moved nothing.
    fn apply(&mut self, taken: Taken<B>, samples: usize, clock: &Clock) -> Tensor<B, 1> {
        let Taken { outcome, first, perturbed } = taken;
        let skip = Skip::new(&first, &outcome);
        let fell = self.curriculum.take_fell();
        let values = record(&first, &outcome, perturbed, &skip, fell, samples);
        self.curriculum.commit(&skip.any);
        if let Some(adversary) = &mut self.adversary {
            adversary.commit(whole(&first, |part| &part.correct).sum(), samples, &skip.any);
        }
        for moments in first.iter().flat_map(|part| &part.moments) {
            self.state.statistics = moved(&self.state.statistics, moments, &skip.any);
            self.state.batches += 1;
        }
        self.memory = match (outcome.memory, &self.memory) {
            (Some(new), Some(old)) => Some(new.unless(&skip.any, old)),
            _ => None,
        };
        let weights = self.optimizer.step(&self.state.weights, outcome.direction, clock, &skip.any);
        self.state.weights = match outcome.decoupled {
            Some(beside) => {
                let step = beside.number(-self.optimizer.rate(clock));
                weights.add_scaled(&beside, &step).unless(&skip.any, &weights)
            }
            None => weights,
        };
        values
    }
}

impl<B: Ops> Taken<B> {
    /// Adds `share` of a part's step to those before it.
    fn joined(all: Option<Self>, part: Self, share: f64) -> Self {
        let (outcome, first, perturbed) = match all {
            Some(all) => (Some(all.outcome), all.first, all.perturbed),
            None => (None, Vec::new(), None),
        };
        let number = |sum: Option<Tensor<B, 1>>, value: Option<Tensor<B, 1>>| match (sum, value) {
            (Some(sum), Some(value)) => Some(sum + value * share),
            (sum, value) => sum.or(value.map(|value| value * share)),
        };
        let Outcome { direction, decoupled, norm, radius, clipped, curvature, memory } = part.outcome;
        let sum =
            outcome.map(|o| (Some(o.direction), o.decoupled, Some(o.norm), o.radius, o.clipped, o.curvature));
        let (d, beside, n, r, c, v) = sum.unwrap_or_default();
        let norm = number(n, Some(norm)).unwrap_or_else(|| unreachable!("a part has a norm"));
        let outcome = Outcome {
            direction: accumulate(d, direction, share),
            decoupled: decoupled.map(|decoupled| accumulate(beside, decoupled, share)),
            norm,
            radius: number(r, radius),
            clipped: number(c, clipped),
            curvature: number(v, curvature),
            memory,
        };
        let first = first.into_iter().chain(part.first).collect();
        Self { outcome, first, perturbed: number(perturbed, part.perturbed) }
    }
}

/// Reasons to leave everything as it is, decided on the device; one element each.
struct Skip<B: Ops> {
    any: Tensor<B, 1, Bool>,
    not_finite: Tensor<B, 1, Bool>,
    empty: Tensor<B, 1, Bool>,
}

impl<B: Ops> Skip<B> {
    fn new(first: &[First<B>], outcome: &Outcome<B>) -> Self {
        let mut probe = outcome.norm.clone() + outcome.direction.sum_squares();
        if let Some(beside) = &outcome.decoupled {
            probe = probe + beside.sum_squares();
        }
        for part in first {
            probe = probe + part.losses.clone().sum();
        }
        let not_finite = probe.is_finite().bool_not();
        let empty = whole(first, |part| &part.weighting.weights).sum().equal_elem(0.0);
        Self { any: not_finite.clone().bool_or(empty.clone()), not_finite, empty }
    }
}

/// One value per sample of the batch, from its parts.
fn whole<B: Ops>(first: &[First<B>], of: impl Fn(&First<B>) -> &Tensor<B, 1>) -> Tensor<B, 1> {
    match first {
        [part] => of(part).clone(),
        parts => Tensor::cat(parts.iter().map(|part| of(part).clone()).collect(), 0),
    }
}

/// The step's numbers in the order of [`StepRecord::COLUMNS`].
fn record<B: Ops>(
    first: &[First<B>],
    outcome: &Outcome<B>,
    perturbed: Option<Tensor<B, 1>>,
    skip: &Skip<B>,
    fell: Option<Tensor<B, 1>>,
    samples: usize,
) -> Tensor<B, 1> {
    let like = outcome.norm.clone();
    let absent = like.full_like(f32::NAN);
    let losses = whole(first, |part| &part.losses);
    let correct = whole(first, |part| &part.correct).sum();
    let (easiest, hardest) = deciles(first).unwrap_or((absent.clone(), absent.clone()));
    let values = vec![
        like.full_like(samples as f64),
        losses.mean(),
        correct,
        outcome.norm.clone(),
        outcome.radius.clone().unwrap_or(absent.clone()),
        outcome.clipped.clone().unwrap_or(absent.clone()),
        whole(first, |part| &part.weighting.weights).greater_elem(0.0).float().mean(),
        easiest,
        hardest,
        skip.not_finite.clone().float(),
        skip.empty.clone().float(),
        fell.unwrap_or(absent.clone()),
        perturbed.map_or(absent.clone(), |perturbed| perturbed - weighted_loss(first, samples)),
        outcome.curvature.clone().unwrap_or(absent.clone()),
    ];
    let attack = attack(first, samples).unwrap_or_else(|| vec![absent; ATTACK]);
    let values = values.into_iter().chain(attack);
    Tensor::cat(values.map(|value| value.cast(DType::F32)).collect(), 0)
}

/// Numbers of the attack, averaged over the parts.
fn attack<B: Ops>(first: &[First<B>], samples: usize) -> Option<Vec<Tensor<B, 1>>> {
    let part = |part: &First<B>| {
        let share = part.losses.dims()[0] as f64 / samples as f64;
        part.attack.clone().map(|numbers| Tensor::cat(numbers.to_vec(), 0) * share)
    };
    let parts = first.iter().map(part).collect::<Option<Vec<_>>>()?;
    let sum = parts.into_iter().reduce(|sum, part| sum + part)?;
    Some((0..ATTACK).map(|index| sum.clone().narrow(0, index, 1)).collect())
}

/// `sum(factors * losses)` of the first pass, averaged over the parts.
fn weighted_loss<B: Ops>(first: &[First<B>], samples: usize) -> Tensor<B, 1> {
    let part = |part: &First<B>| {
        let share = part.losses.dims()[0] as f64 / samples as f64;
        (part.losses.clone() * part.weighting.factors.clone()).sum() * share
    };
    Tensor::cat(first.iter().map(part).collect(), 0).sum()
}

/// Mean weight of the easiest and of the hardest tenth of the batch (at least one sample of each part).
fn deciles<B: Ops>(first: &[First<B>]) -> Option<(Tensor<B, 1>, Tensor<B, 1>)> {
    let parts: Option<Vec<_>> = first.iter().map(deciles_of).collect();
    let (easiest, hardest): (Vec<_>, Vec<_>) = parts?.into_iter().unzip();
    Some((Tensor::cat(easiest, 0).mean(), Tensor::cat(hardest, 0).mean()))
}

fn deciles_of<B: Ops>(part: &First<B>) -> Option<(Tensor<B, 1>, Tensor<B, 1>)> {
    let rank = part.weighting.rank.clone()?;
    let n = rank.dims()[0];
    let tenth = (n / 10).max(1);
    let mean = |chosen: Tensor<B, 1, Bool>| {
        part.weighting.weights.clone().mask_fill(chosen.bool_not(), 0.0).sum() / tenth as f64
    };
    Some((mean(rank.clone().lower_elem(tenth as f64)), mean(rank.greater_equal_elem((n - tenth) as f64))))
}

/// Running statistics after a batch: PyTorch's rule, with the unbiased variance.
fn moved<B: Ops>(
    old: &Statistics<B>,
    batch: &[Option<Moments<B>>],
    skip: &Tensor<B, 1, Bool>,
) -> Statistics<B> {
    let blend = |old: &Tensor<B, 1>, new: Tensor<B, 1>| {
        let next = old.clone() * (1.0 - STATISTICS_MOMENTUM) + new * STATISTICS_MOMENTUM;
        B::keep_if(skip, old.clone(), next)
    };
    let pair = |([mean, variance], moments): (&[Tensor<B, 1>; 2], &Option<Moments<B>>)| {
        let Some(moments) = moments else { return [mean.clone(), variance.clone()] };
        let count = moments.count as f64;
        let unbiased = moments.variance.clone() * (count / (count - 1.0).max(1.0));
        [blend(mean, moments.mean.clone()), blend(variance, unbiased)]
    };
    Statistics { running: old.running.iter().zip(batch).map(pair).collect(), frozen: old.frozen.clone() }
}
