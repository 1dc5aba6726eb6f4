//! Content keys: two stages with equal keys give equal results.

use std::fmt;

use serde::Serialize;

use super::Inputs;
use crate::lang::program::{Experiment, Program, Select};

/// Another version of the program may compute other numbers from the same description.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// 128 bits of a BLAKE3 hash, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Key(String);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Key {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }

    fn of(parts: &impl Serialize) -> Self {
        // The program's types hold nothing that JSON cannot express.
        let json = serde_json::to_vec(parts).unwrap_or_default();
        Self(blake3::hash(&json).to_hex()[..32].to_owned())
    }

    pub(super) fn data(experiment: &Experiment, inputs: &Inputs) -> Self {
        Self::of(&("data", VERSION, &experiment.data, &inputs.data))
    }

    /// Everything that decides the weights after `phase`, and what is recorded on the way.
    pub(super) fn train(
        edition: u32,
        experiment: &Experiment,
        inputs: &Inputs,
        seed: u64,
        phase: usize,
    ) -> Self {
        let best = matches!(experiment.select, Select::Best(_)).then_some(&experiment.select);
        let on_the_way: Vec<_> = experiment.evaluate.iter().filter(|m| m.every.is_some()).collect();
        let arrays = inputs.arrays.as_ref().filter(|_| !on_the_way.is_empty());
        let where_and_how = (experiment.device, experiment.precision, edition, seed);
        let phases = &experiment.phases[..=phase];
        let from = (&experiment.data, &inputs.data, &experiment.model, &inputs.weights);
        Self::of(&("train", VERSION, from, phases, best, on_the_way, arrays, where_and_how))
    }

    pub(super) fn evaluate(train: &Key, experiment: &Experiment, inputs: &Inputs) -> Self {
        let what = (&experiment.evaluate, &experiment.select, &experiment.export, &inputs.arrays);
        Self::of(&("evaluate", VERSION, train, what))
    }

    pub(super) fn table(runs: &[&Key]) -> Self {
        Self::of(&("table", VERSION, runs))
    }
}

/// Names a program's run folder: all that was asked for, without what is on disk.
pub fn program_key(program: &Program) -> Key {
    let experiments: Vec<_> = program.variants.iter().map(|v| (&v.slug, &v.experiment)).collect();
    Key::of(&("program", VERSION, program.edition, experiments, &program.seeds))
}
