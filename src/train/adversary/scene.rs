//! What every adversary works with, and what it gives.

use burn::tensor::Tensor;

use crate::attack::{Attack, Ball, Criterion, Draws, Found, Rule, Start, Victim, Work, Worst, norms};
use crate::lang::catalog::{AttackMode, Norm};
use crate::lang::schedule::Clock;
use crate::model::Normalization;
use crate::ops::{Ops, Vector};
use crate::train::objective::{Batch, Inputs, Objective};

/// A batch to be attacked.
pub struct Scene<'s, 'm, B: Ops> {
    pub objective: &'s mut Objective<'m, B>,
    pub weights: &'s Vector<B>,
    pub batch: &'s Batch<B>,
    pub clock: &'s Clock,
    pub draws: &'s Draws,
    /// Attacks begin at the clean image, wherever they would begin otherwise.
    pub still: bool,
}

/// The settings most attacks share.
#[derive(Clone)]
pub struct Settings<B: Ops> {
    pub norm: Norm,
    /// `[n]`.
    pub radius: Tensor<B, 1>,
    /// `[n]`.
    pub step: Tensor<B, 1>,
    pub steps: usize,
    pub start: Start,
    pub mode: AttackMode,
    pub criterion: Criterion<B>,
    pub noise: Option<f64>,
}

/// What an adversary made of a batch.
pub struct Assault<B: Ops> {
    pub inputs: Inputs<B>,
    pub record: Record<B>,
    /// New radii of the batch, where each sample has its own, `[n]`.
    pub radii: Option<Tensor<B, 1>>,
}

/// What an attack says for the log; one element each.
pub struct Record<B: Ops> {
    /// Share of samples that took a step, over the steps there could be.
    pub active: f64,
    /// Mean norm of the perturbations.
    pub perturbation: Tensor<B, 1>,
    /// Where the adversary's own curriculum stands.
    pub lambda: Option<Tensor<B, 1>>,
    /// Predictions for the clean images where the attack made them anyway, `[n, classes]`.
    pub clean_logits: Option<Tensor<B, 2>>,
}

impl<'m, B: Ops> Scene<'_, 'm, B> {
    /// One value for every sample.
    pub fn alike(&self, value: f64) -> Tensor<B, 1> {
        let x = &self.batch.x;
        Tensor::full([self.batch.len()], value, (&x.device(), x.dtype()))
    }

    /// An attack with one radius and one step on cross-entropy.
    pub fn settings(&self, norm: Norm, eps: f64, step: f64, steps: usize) -> Settings<B> {
        Settings {
            norm,
            radius: self.alike(eps),
            step: self.alike(step),
            steps,
            start: Start::Uniform,
            mode: AttackMode::Eval,
            criterion: Criterion::CrossEntropy,
            noise: None,
        }
    }

    pub fn victim(&self, mode: AttackMode) -> Victim<'_, B> {
        let normalization = match mode {
            AttackMode::Eval => Normalization::Running,
            AttackMode::Train => Normalization::Batch,
        };
        self.objective.victim(self.weights, normalization)
    }

    /// The displacement an attack begins with.
    pub fn start(&self, settings: &Settings<B>, draw: u64) -> Option<Tensor<B, 4>> {
        let start = if self.still { Start::Clean } else { settings.start };
        self.draws.start(start, settings.norm, &settings.radius, &self.batch.x, draw)
    }

    /// Runs the kernel and counts its passes; `draw` tells several attacks of one step apart.
    pub fn run(&mut self, settings: &Settings<B>, rule: &mut dyn Rule<B>, draw: u64) -> Found<B> {
        let x = self.batch.x.clone();
        let start = self.start(settings, draw);
        let attack = Attack {
            victim: self.victim(settings.mode),
            labels: self.batch.labels.clone(),
            ball: Ball { norm: settings.norm, center: x.clone(), radius: settings.radius.clone() },
            step: settings.step.clone(),
            steps: settings.steps,
            criterion: settings.criterion.clone(),
            noise: settings.noise.map(|deviation| (deviation, self.draws)),
        };
        let found = attack.run(start.map_or(x.clone(), |start| x + start), rule);
        self.objective.count(&found.work);
        if draw == 0 {
            self.objective.count_active(&found.active);
        }
        found
    }

    /// Logits at `x`: one more forward pass.
    pub fn logits(&mut self, mode: AttackMode, x: Tensor<B, 4>) -> Tensor<B, 2> {
        let n = self.batch.len();
        self.objective.count(&Work { forward: n, ..Work::default() });
        self.victim(mode).logits(x)
    }

    /// Attacked images and what the network makes of them: one more forward pass.
    pub fn judged(&mut self, settings: &Settings<B>, x: Tensor<B, 4>) -> Worst<B> {
        let logits = self.logits(settings.mode, x.clone());
        Worst::of(x, logits, &self.batch.labels, &settings.criterion)
    }

    /// Training on the cross-entropy of what was found.
    pub fn assault(&self, settings: &Settings<B>, found: Found<B>) -> Assault<B> {
        let n = self.batch.len();
        let moved = norms(settings.norm, found.x.clone() - self.batch.x.clone());
        let record = Record {
            active: found.work.stepped as f64 / (n * settings.steps).max(1) as f64,
            perturbation: moved.mean(),
            lambda: None,
            clean_logits: found.first.filter(|_| settings.start == Start::Clean),
        };
        let inputs = Inputs { x: found.x, ..Inputs::plain(self.batch) };
        Assault { inputs, record, radii: None }
    }
}

impl<B: Ops> Assault<B> {
    /// Notes where the adversary's own curriculum stands.
    pub fn at_lambda(mut self, lambda: f64) -> Self {
        self.record.lambda = Some(self.record.perturbation.full_like(lambda));
        self
    }
}
