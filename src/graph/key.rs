//! Content keys: two stages with equal keys give equal results.

use std::fmt;

use serde::Serialize;

use super::Inputs;
use crate::lang::program::{Experiment, Phase, Program, Select};

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
        Self::finished(blake3::Hasher::new().update(&json(parts)))
    }

    fn finished(hasher: &blake3::Hasher) -> Self {
        Self(hasher.finalize().to_hex()[..32].to_owned())
    }

    pub(super) fn data(experiment: &Experiment, inputs: &Inputs) -> Self {
        Self::of(&("data", VERSION, &experiment.data, &inputs.data))
    }

    /// Of each phase under one seed: everything that decides the weights after it, and what is recorded on the way. Each is
    /// the hash of the list `"train"`, version, beginning, all phases up to this one, and the rest; what the lists share is
    /// hashed once.
    pub(super) fn train(edition: u32, experiment: &Experiment, inputs: &Inputs, seed: u64) -> Vec<Self> {
        let best = matches!(experiment.select, Select::Best(_)).then_some(&experiment.select);
        let on_the_way: Vec<_> = experiment.evaluate.iter().filter(|m| m.every.is_some()).collect();
        let arrays = inputs.arrays.as_ref().filter(|_| !on_the_way.is_empty());
        let where_and_how = (experiment.device, experiment.precision, edition, seed);
        let from = (&experiment.data, &inputs.data, &experiment.model, &inputs.weights);
        let mut hasher = blake3::Hasher::new();
        hasher.update(opened(&json(&("train", VERSION, from))));
        let rest = json(&(best, on_the_way, arrays, where_and_how));
        let key = |(phase, spec): (usize, &Phase)| {
            hasher.update(if phase == 0 { b",[" } else { b"," }).update(&json(spec));
            Self::finished(hasher.clone().update(b"],").update(rest.strip_prefix(b"[").unwrap_or(&rest)))
        };
        experiment.phases.iter().enumerate().map(key).collect()
    }

    pub(super) fn evaluate(train: &Key, experiment: &Experiment, inputs: &Inputs) -> Self {
        let what = (&experiment.evaluate, &experiment.select, &experiment.export, &inputs.arrays);
        Self::of(&("evaluate", VERSION, train, what))
    }

    pub(super) fn table(runs: &[&Key]) -> Self {
        Self::of(&("table", VERSION, runs))
    }
}

/// The program's types hold nothing that JSON cannot express.
fn json(parts: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(parts).unwrap_or_default()
}

/// A list in JSON without its closing bracket.
fn opened(list: &[u8]) -> &[u8] {
    list.strip_suffix(b"]").unwrap_or(list)
}

/// Names a program's run folder: all that was asked for, without what is on disk.
pub fn program_key(program: &Program) -> Key {
    let experiments: Vec<_> = program.variants.iter().map(|v| (&v.slug, &v.experiment)).collect();
    Key::of(&("program", VERSION, program.edition, experiments, &program.seeds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::render::fixture;

    #[test]
    fn keys_of_phases_are_hashes_of_whole_lists() {
        let (_, program) = fixture::graph(fixture::SHARED);
        let experiment = &program.variants[1].experiment;
        let inputs = Inputs { data: "d".into(), weights: Some("w".into()), arrays: None };
        let keys = Key::train(7, experiment, &inputs, 3);
        assert_eq!(keys.len(), 2);
        for (phase, key) in keys.iter().enumerate() {
            let from = (&experiment.data, &inputs.data, &experiment.model, &inputs.weights);
            let rest = (experiment.device, experiment.precision, 7, 3);
            let (best, on_the_way, arrays) = (None::<()>, Vec::<()>::new(), None::<()>);
            let phases = &experiment.phases[..=phase];
            let whole = Key::of(&("train", VERSION, from, phases, best, on_the_way, arrays, rest));
            assert_eq!(*key, whole);
        }
    }
}
