//! Adversaries: each makes the training inputs of a batch before the first pass of a step looks at them.
//!
//! All are settings of the kernel in [`crate::attack`]: a radius and a step per sample, a criterion, a start, and a
//! rule that says which samples go on. Memory per sample is a table keyed by place in the training set.

mod at;
mod cat18;
mod cat20;
mod dat;
mod fat;
mod hsat;
mod iaat;
mod mart;
mod psat;
mod scene;
mod trades;

use burn::tensor::{Bool, Int, Tensor};

use crate::attack::Draws;
use crate::lang::catalog::Adversary as Spec;
use crate::lang::schedule::Clock;
use crate::model::Normalization;
use crate::ops::{Ops, Vector};

use super::objective::{Batch, Inputs, Objective};
use super::table::written;
pub use cat18::{Ladder, parts};
pub use cat20::{grown, smoothed};
pub use dat::{Unconverged, stationarity};
pub use fat::Friendly;
pub use hsat::{Losses, curvature, look_around};
pub use iaat::{Trial, adapted};
pub use psat::{WithinGap, reach};
pub use scene::{Assault, Record, Scene};

/// Every so many steps an attack that never saw its clean images is followed by one forward pass over them, for the log
/// alone: it is no part of a method, and not counted as a pass of one.
const CLEAN: u64 = 20;

/// One phase's adversary and its memory.
pub struct Adversary<B: Ops> {
    spec: Spec,
    /// Seed of the run and number of the phase.
    key: [u64; 2],
    memory: Memory<B>,
    /// Samples and radii of this step, to be written once the step is known to count.
    measured: Vec<(Tensor<B, 1, Int>, Tensor<B, 1>)>,
}

/// What an adversary remembers between steps.
pub enum Memory<B: Ops> {
    Nothing,
    /// Radius of every training sample, `[samples]`.
    Radii(Tensor<B, 1>),
    Ladder(Ladder<B>),
}

impl<B: Ops> Adversary<B> {
    /// An adversary without a past; `samples` is the size of the training corpus.
    pub fn new(spec: Spec, key: [u64; 2], samples: usize, device: &B::Device) -> Self {
        let memory = match &spec {
            Spec::Cat20(_) => Memory::Radii(Tensor::zeros([samples], device)),
            Spec::Iaat(iaat) => Memory::Radii(Tensor::full([samples], iaat.eps, device)),
            Spec::Cat18(_) => Memory::Ladder(Ladder::new(device)),
            _ => Memory::Nothing,
        };
        Self { spec, key, memory, measured: Vec::new() }
    }

    /// Name and values of the memory, for a checkpoint.
    pub fn memory(&self) -> Option<(&'static str, Tensor<B, 1>)> {
        match &self.memory {
            Memory::Nothing => None,
            Memory::Radii(radii) => Some(("radius", radii.clone())),
            Memory::Ladder(ladder) => Some(("ladder", ladder.packed())),
        }
    }

    /// Takes back what [`Adversary::memory`] gave.
    pub fn restore(&mut self, values: Tensor<B, 1>) {
        match &mut self.memory {
            Memory::Nothing => {}
            Memory::Radii(radii) => *radii = values,
            Memory::Ladder(ladder) => *ladder = Ladder::unpacked(values),
        }
    }

    /// Decides what holds for an epoch.
    pub fn begin_epoch(&mut self) {
        if let (Memory::Ladder(ladder), Spec::Cat18(spec)) = (&mut self.memory, &self.spec) {
            ladder.climb(spec);
        }
    }

    /// The training inputs of a batch.
    pub fn attack(
        &mut self,
        objective: &mut Objective<'_, B>,
        weights: &Vector<B>,
        batch: &Batch<B>,
        clock: &Clock,
    ) -> (Inputs<B>, Record<B>) {
        let [seed, phase] = self.key;
        let draws = Draws { key: vec![seed, phase, clock.step], indices: batch.places.clone() };
        let scene = Scene { objective, weights, batch, clock, draws: &draws, still: false };
        let mut assault = self.assault(scene);
        let known = assault.record.clean_logits.is_some() || assault.inputs.clean.is_some();
        if !known && clock.step.is_multiple_of(CLEAN) {
            let victim = objective.victim(weights, Normalization::Running);
            assault.record.clean_logits = Some(victim.logits(batch.x.clone()));
        }
        self.measured.extend(assault.radii.map(|radii| (batch.indices.clone(), radii)));
        (assault.inputs, assault.record)
    }

    /// What the attack of a batch would be from the clean images; nothing is remembered.
    pub fn displace(
        &self,
        objective: &mut Objective<'_, B>,
        weights: &Vector<B>,
        batch: &Batch<B>,
        clock: &Clock,
    ) -> Record<B> {
        let [seed, phase] = self.key;
        let draws = Draws { key: vec![seed, phase, clock.step], indices: batch.places.clone() };
        self.assault(Scene { objective, weights, batch, clock, draws: &draws, still: true }).record
    }

    fn assault(&self, mut scene: Scene<'_, '_, B>) -> Assault<B> {
        match (&self.spec, &self.memory) {
            (Spec::At(spec), _) => at::attack(spec, &mut scene),
            (Spec::Psat(spec), _) => psat::attack(spec, &mut scene),
            (Spec::PsatSingle(spec), _) => psat::attack_once(spec, &mut scene),
            (Spec::Hsat(spec), _) => hsat::attack(spec, &mut scene),
            (Spec::Trades(spec), _) => trades::attack(spec, &mut scene),
            (Spec::Mart(spec), _) => mart::attack(spec, &mut scene),
            (Spec::Fat(spec), _) => fat::attack(spec, &mut scene),
            (Spec::Dat(spec), _) => dat::attack(spec, &mut scene),
            (Spec::Cat18(spec), Memory::Ladder(ladder)) => cat18::attack(spec, ladder.level, &mut scene),
            (Spec::Cat20(spec), Memory::Radii(radii)) => cat20::attack(spec, radii, &mut scene),
            (Spec::Iaat(spec), Memory::Radii(radii)) => iaat::attack(spec, radii, &mut scene),
            (Spec::Cat18(_) | Spec::Cat20(_) | Spec::Iaat(_), _) => {
                unreachable!("the memory is made for its adversary")
            }
        }
    }

    /// Writes what this step measured, unless the step was skipped; `correct` of its samples were classified right.
    pub fn commit(&mut self, correct: Tensor<B, 1>, samples: usize, skip: &Tensor<B, 1, Bool>) {
        let measured = std::mem::take(&mut self.measured);
        match &mut self.memory {
            Memory::Nothing => {}
            Memory::Ladder(ladder) => ladder.count(correct, samples, skip),
            Memory::Radii(radii) => {
                for (indices, new) in measured {
                    *radii = written(radii, indices, new, skip);
                }
            }
        }
    }
}
