//! The passes of one step as a minimizer asks for them, with the curriculum inside.

use burn::tensor::{Int, Tensor};

use crate::data::{Generator, Purpose};
use crate::lang::catalog::Masks;
use crate::lang::schedule::Clock;
use crate::model::{Moments, Noise, Wants};
use crate::ops::{Ops, Subset, Vector};

use super::curriculum::{Curriculum, Weighting};
use super::minimizer::Passes;
use super::objective::{Batch, Objective, Pass};

/// The objective on the parts of a batch; a gradient is the mean of theirs, each by its share of the samples.
pub struct BatchPasses<'a, 'o, B: Ops> {
    pub objective: &'a mut Objective<'o, B>,
    pub curriculum: &'a mut Curriculum<B>,
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
    /// `[n]`.
    pub losses: Tensor<B, 1>,
    /// Samples classified as labelled, one element.
    pub correct: Tensor<B, 1>,
    pub moments: Vec<Moments<B>>,
}

impl<'a, 'o, B: Ops> BatchPasses<'a, 'o, B> {
    pub fn new(
        objective: &'a mut Objective<'o, B>,
        curriculum: &'a mut Curriculum<B>,
        parts: &'a [Batch<B>],
        clock: &'a Clock,
        noise: NoiseKey,
    ) -> Self {
        let (first, perturbed) = (Vec::new(), None);
        Self { objective, curriculum, parts, clock, noise, begun: 0, first, perturbed }
    }

    fn samples(&self) -> usize {
        self.parts.iter().map(Batch::len).sum()
    }

    fn first_of(&mut self, part: usize, weights: &Vector<B>, subset: &Subset) -> Vector<B> {
        let batch = &self.parts[part];
        let pass = self.objective.pass(weights, batch.x.clone(), &batch.labels);
        let weighting = self.curriculum.weigh(self.objective, weights, &pass, batch, self.clock);
        let wants = Wants { weights: Some(subset), input: self.curriculum.reads_input_gradient() };
        let gradients = self.objective.gradients(&pass, &weighting.factors, wants);
        self.curriculum.observe(self.objective, weights, &pass, batch, &weighting, gradients.input);
        self.first.push(First::new(pass, weighting, batch));
        gradients.weights.unwrap_or_else(|| unreachable!("the weights were wanted"))
    }

    /// Gradient and loss of `sum(factors * losses)` on some samples.
    fn gradient(
        &mut self,
        weights: &Vector<B>,
        batch: &Batch<B>,
        factors: &Tensor<B, 1>,
    ) -> (Vector<B>, Tensor<B, 1>) {
        let pass = self.objective.pass(weights, batch.x.clone(), &batch.labels);
        let gradients = self.objective.gradients(&pass, factors, Wants::WEIGHTS);
        let gradient = gradients.weights.unwrap_or_else(|| unreachable!("the weights were wanted"));
        (gradient, (pass.losses * factors.clone()).sum())
    }

    fn sharpest_of(&mut self, part: usize, weights: &Vector<B>, share: f64) -> (Vector<B>, Tensor<B, 1>) {
        let (batch, first) = (&self.parts[part], &self.first[part]);
        let n = batch.len();
        let keep = ((share * n as f64).floor() as usize).clamp(1, n);
        let raised = self.objective.losses(weights, batch.x.clone(), &batch.labels);
        let factors = first.weighting.factors.clone();
        let loss = (raised.clone() * factors.clone()).sum();
        let places = largest(raised - first.losses.clone(), keep);
        let factors = factors.select(0, places.clone()) * (n as f64 / keep as f64);
        self.objective.noise = self.objective.noise.take().map(|noise| noise.select(n, places.clone()));
        (self.gradient(weights, &batch.select(&places), &factors).0, loss)
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
    fn new(pass: Pass<B>, weighting: Weighting<B>, batch: &Batch<B>) -> Self {
        let n = batch.len();
        let hits = pass.logits().argmax(1).reshape([n]).equal(batch.labels.clone());
        let correct = hits.int().sum().float().cast(pass.losses.dtype());
        Self { weighting, losses: pass.losses.clone(), correct, moments: pass.into_moments() }
    }
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
            let (batch, factors) = (&passes.parts[part], passes.first[part].weighting.factors.clone());
            passes.gradient(weights, batch, &factors)
        })
    }

    fn again_on_sharpest(&mut self, weights: &Vector<B>, share: f64) -> Vector<B> {
        self.mean_with_loss(|passes, part| passes.sharpest_of(part, weights, share))
    }

    fn curvature(&mut self, weights: &Vector<B>, direction: &Vector<B>) -> Vector<B> {
        self.mean_gradient(|passes, part| {
            let factors = &passes.first[part].weighting.factors;
            passes.objective.hessian_product(weights, &passes.parts[part], factors, direction)
        })
    }
}
