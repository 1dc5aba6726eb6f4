//! The passes of one step as a minimizer asks for them, with adversary and curriculum inside.

use burn::tensor::{Int, Tensor};

use crate::attack::wrong;
use crate::data::{Generator, Purpose};
use crate::lang::catalog::Masks;
use crate::lang::schedule::Clock;
use crate::model::{Moments, Noise, Wants};
use crate::ops::{Ops, Subset, Vector};

use super::adversary::{Adversary, Record};
use super::curriculum::{Curriculum, Weighting};
use super::minimizer::Passes;
use super::objective::{Batch, Inputs, Objective, Pass};

/// The objective on the parts of a batch; a gradient is the mean of theirs, each by its share of the samples.
pub struct BatchPasses<'a, 'o, B: Ops> {
    pub objective: &'a mut Objective<'o, B>,
    pub curriculum: &'a mut Curriculum<B>,
    pub adversary: Option<&'a mut Adversary<B>>,
    pub parts: &'a [Batch<B>],
    pub clock: &'a Clock,
    pub noise: NoiseKey,
    /// Passes begun.
    begun: u64,
    /// What the first pass saw, part by part.
    pub first: Vec<First<B>>,
    /// Loss of the last pass at other weights, for the rise.
    pub perturbed: Option<Tensor<B, 1>>,
}

/// Where the random numbers of a step's passes come from.
#[derive(Clone, Copy, Debug)]
pub struct NoiseKey {
    pub seed: u64,
    pub phase: u64,
    /// Place of the first part in the batch.
    pub part: usize,
    pub masks: Masks,
}

impl NoiseKey {
    fn of<B: Ops>(&self, clock: &Clock, part: usize, pass: u64) -> Noise<B> {
        let pass = if self.masks == Masks::Same { 0 } else { pass };
        let key = [self.seed, self.phase, clock.step, (self.part + part) as u64, pass];
        Noise::new(Generator::keyed(Purpose::Dropout, &key))
    }
}

/// The first pass over a part of the batch and the sample weights it led to.
pub struct First<B: Ops> {
    pub weighting: Weighting<B>,
    /// What the losses of this step are taken at.
    pub inputs: Inputs<B>,
    /// `[n]`.
    pub losses: Tensor<B, 1>,
    /// Samples classified as labelled, one element.
    pub correct: Tensor<B, 1>,
    /// Of each forward pass.
    pub moments: Vec<Vec<Option<Moments<B>>>>,
    /// Numbers of the attack, one element each.
    pub attack: Option<[Tensor<B, 1>; ATTACK]>,
}

/// A share of a batch that is a whole number of samples but for rounding is that number.
const ROUNDING: f64 = 1e-9;

/// Clean loss and accuracy, adversarial loss, active share, perturbation, lambda.
pub const ATTACK: usize = 6;

impl<'a, 'o, B: Ops> BatchPasses<'a, 'o, B> {
    pub fn new(
        objective: &'a mut Objective<'o, B>,
        curriculum: &'a mut Curriculum<B>,
        adversary: Option<&'a mut Adversary<B>>,
        parts: &'a [Batch<B>],
        clock: &'a Clock,
        noise: NoiseKey,
    ) -> Self {
        let (first, perturbed) = (Vec::new(), None);
        Self { objective, curriculum, adversary, parts, clock, noise, begun: 0, first, perturbed }
    }

    fn samples(&self) -> usize {
        self.parts.iter().map(Batch::len).sum()
    }

    fn first_of(&mut self, part: usize, weights: &Vector<B>, subset: &Subset) -> Vector<B> {
        let batch = &self.parts[part];
        let (inputs, attack) = match &mut self.adversary {
            None => (Inputs::plain(batch), None),
            Some(adversary) => {
                let (inputs, record) = adversary.attack(self.objective, weights, batch, self.clock);
                (inputs, Some(record))
            }
        };
        let mut pass = self.objective.pass(weights, &inputs);
        let weighting = self.curriculum.weigh(self.objective, weights, &pass, batch, self.clock);
        let wants = Wants { weights: Some(subset), input: self.curriculum.reads_input_gradient() };
        let gradients = if self.curriculum.differentiates_again() {
            self.objective.gradients(&pass, &weighting.factors, wants)
        } else {
            self.objective.last_gradients(&mut pass, &weighting.factors, wants)
        };
        self.curriculum.observe(self.objective, weights, &pass, batch, &weighting, gradients.input);
        self.first.push(First::new(pass, weighting, attack));
        gradients.weights.unwrap_or_else(|| unreachable!("the weights were wanted"))
    }

    /// Gradient and loss of `sum(factors * losses)` on some samples.
    fn gradient(
        &mut self,
        weights: &Vector<B>,
        inputs: &Inputs<B>,
        factors: &Tensor<B, 1>,
    ) -> (Vector<B>, Tensor<B, 1>) {
        let mut pass = self.objective.pass(weights, inputs);
        let gradients = self.objective.last_gradients(&mut pass, factors, Wants::WEIGHTS);
        let gradient = gradients.weights.unwrap_or_else(|| unreachable!("the weights were wanted"));
        (gradient, (pass.losses * factors.clone()).sum())
    }

    fn sharpest_of(&mut self, part: usize, weights: &Vector<B>, share: f64) -> (Vector<B>, Tensor<B, 1>) {
        let first = &self.first[part];
        let n = first.inputs.len();
        let keep = ((share * n as f64 + ROUNDING).floor() as usize).clamp(1, n);
        let raised = self.objective.losses(weights, &first.inputs);
        let factors = first.weighting.factors.clone();
        let loss = (raised.clone() * factors.clone()).sum();
        // A sample without weight has nothing to descend on.
        let blind = first.weighting.weights.clone().equal_elem(0.0);
        let rise = (raised - first.losses.clone()).mask_fill(blind, f64::NEG_INFINITY);
        let places = largest(rise, keep);
        let kept = factors.clone().select(0, places.clone());
        let factors = kept.clone() * (factors.sum() / kept.sum().clamp_min(f64::from(f32::MIN_POSITIVE)));
        self.objective.noise = self.objective.noise.take().map(|noise| noise.select(n, places.clone()));
        let sharpest = first.inputs.select(&places);
        (self.gradient(weights, &sharpest, &factors).0, loss)
    }

    /// The mean of `of(part)` over the parts, each by its share of the samples.
    fn mean<T>(
        &mut self,
        mut of: impl FnMut(&mut Self, usize) -> T,
        mut add: impl FnMut(Option<T>, T, f64) -> T,
    ) -> T {
        let total = self.samples() as f64;
        let mut sum = None;
        for part in 0..self.parts.len() {
            self.objective.noise = Some(self.noise.of(self.clock, part, self.begun));
            let value = of(self, part);
            sum = Some(add(sum, value, self.parts[part].len() as f64 / total));
        }
        self.begun += 1;
        sum.unwrap_or_else(|| unreachable!("a batch has a part"))
    }

    fn mean_gradient(&mut self, mut of: impl FnMut(&mut Self, usize) -> Vector<B>) -> Vector<B> {
        self.mean(&mut of, accumulate)
    }

    fn mean_with_loss(&mut self, of: impl FnMut(&mut Self, usize) -> (Vector<B>, Tensor<B, 1>)) -> Vector<B> {
        let (gradient, loss) = self.mean(of, |sum: Option<(Vector<B>, Tensor<B, 1>)>, (g, l), share| {
            let (sum, loss) = sum.unzip();
            let l = l * share;
            (accumulate(sum, g, share), loss.map_or(l.clone(), |loss| loss + l))
        });
        self.perturbed = Some(loss);
        gradient
    }
}

/// `sum + share * gradient`; a batch in one part is not touched.
pub fn accumulate<B: Ops>(sum: Option<Vector<B>>, gradient: Vector<B>, share: f64) -> Vector<B> {
    let factor = gradient.number(share);
    match sum {
        None if share == 1.0 => gradient,
        None => gradient.scale(&factor),
        Some(sum) => sum.blend(&factor.ones_like(), gradient, &factor),
    }
}

impl<B: Ops> First<B> {
    fn new(pass: Pass<B>, weighting: Weighting<B>, attack: Option<Record<B>>) -> Self {
        let (inputs, losses) = (pass.inputs.clone(), pass.losses.clone());
        let hits = wrong(&pass.logits(), &inputs.labels).bool_not();
        let correct = hits.int().sum().float().cast(losses.dtype());
        let attack = attack.map(|record| numbers(&pass, record));
        Self { weighting, inputs, losses, correct, moments: pass.into_moments(), attack }
    }
}

/// Losses and accuracies of predictions that were made anyway, cross-entropy throughout, and what the attack says of
/// itself; NaN where a number does not apply.
fn numbers<B: Ops>(pass: &Pass<B>, record: Record<B>) -> [Tensor<B, 1>; ATTACK] {
    let labels = &pass.inputs.labels;
    let like = record.perturbation.clone();
    let absent = like.full_like(f32::NAN);
    let entropy = |logits: Tensor<B, 2>| B::cross_entropy(logits, labels.clone()).0.mean();
    let accuracy = |logits: Tensor<B, 2>| wrong(&logits, labels).bool_not().float().cast(like.dtype()).mean();
    let clean = record.clean_logits.or_else(|| pass.clean_logits());
    [
        clean.clone().map_or(absent.clone(), entropy),
        clean.map_or(absent.clone(), accuracy),
        entropy(pass.logits()),
        like.full_like(record.active),
        record.perturbation,
        record.lambda.map_or(absent, |lambda| lambda.cast(like.dtype())),
    ]
}

/// Places of the `count` largest values, largest first; the earlier one where they are equal. NaN is largest.
fn largest<B: Ops>(values: Tensor<B, 1>, count: usize) -> Tensor<B, 1, Int> {
    let n = values.dims()[0];
    let unknown = values.clone().is_nan();
    let falling = values.neg().mask_fill(unknown, f64::NEG_INFINITY);
    let rank = super::curriculum::rank(falling).int().reshape([1, n]).expand([count, n]);
    let place = Tensor::<B, 1, Int>::arange(0..n as i64, &rank.device()).reshape([1, n]).expand([count, n]);
    let wanted = Tensor::<B, 1, Int>::arange(0..count as i64, &rank.device()).reshape([count, 1]);
    let elsewhere = rank.not_equal(wanted.expand([count, n]));
    place.mask_fill(elsewhere, 0).sum_dim(1).reshape([count])
}

impl<B: Ops> Passes<B> for BatchPasses<'_, '_, B> {
    fn first(&mut self, weights: &Vector<B>, subset: &Subset) -> Vector<B> {
        self.mean_gradient(|passes, part| passes.first_of(part, weights, subset))
    }

    fn again(&mut self, weights: &Vector<B>) -> Vector<B> {
        self.mean_with_loss(|passes, part| {
            let First { inputs, weighting, .. } = &passes.first[part];
            let (inputs, factors) = (inputs.clone(), weighting.factors.clone());
            passes.gradient(weights, &inputs, &factors)
        })
    }

    fn again_on_sharpest(&mut self, weights: &Vector<B>, share: f64) -> Vector<B> {
        self.mean_with_loss(|passes, part| passes.sharpest_of(part, weights, share))
    }

    fn curvature(&mut self, weights: &Vector<B>, direction: &Vector<B>) -> Vector<B> {
        self.mean_gradient(|passes, part| {
            let First { inputs, weighting, .. } = &passes.first[part];
            passes.objective.hessian_product(weights, inputs, &weighting.factors, direction)
        })
    }
}
