//! The checked program: everything known without data, every default filled in.
//!
//! Every type serialises; the content keys of stages are hashes of that serialisation.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::catalog::{
    Adversary, Architecture, Augmentation, Evaluator, Minimizer, Optimizer, Pacing, Source,
};
use super::schedule::Duration;

/// A whole file: one experiment per combination of its `each` choices, and the seeds each runs under.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Program {
    pub edition: u32,
    pub title: Option<String>,
    pub variants: Vec<Variant>,
    pub seeds: Vec<u64>,
}

impl Program {
    /// Where the weights of a run go, if anywhere; with several runs each name gets its variant and seed.
    pub fn export_path(&self, variant: &Variant, seed: u64) -> Option<PathBuf> {
        let path = variant.experiment.export.as_ref()?;
        let several = self.variants.len() * self.seeds.len() > 1;
        Some(match several {
            true => with_suffix(path, &format!("-{}-seed-{seed}", variant.slug)),
            false => path.clone(),
        })
    }

    /// The files of weights that the program starts from.
    pub fn weights_read(&self) -> Vec<&Path> {
        self.variants.iter().filter_map(|variant| variant.experiment.model.from.as_deref()).collect()
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(suffix);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// One combination of choices.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Variant {
    /// Source text of the alternative chosen at each `each`, in source order; empty without `each`.
    pub choices: Vec<String>,
    /// Folder name, unique in the program, safe on every file system; `main` without `each`.
    pub slug: String,
    pub experiment: Experiment,
    /// Every value of the experiment with its origin, for `resolved.json` and `plan`.
    pub settings: Vec<Setting>,
}

/// One resolved value: `path` is dotted (`train.0.under.rho`), `value` as it would be written in a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    pub path: String,
    pub value: String,
    pub origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    File,
    /// Default of the edition.
    Default,
    /// `--set`, `--seeds`, `--device`.
    Flag,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Experiment {
    pub data: Data,
    pub model: Model,
    /// At least one.
    pub phases: Vec<Phase>,
    pub evaluate: Vec<Measurement>,
    pub select: Select,
    pub device: Device,
    pub precision: Precision,
    pub export: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Data {
    pub source: Source,
    pub augment: Vec<Augmentation>,
    /// What images are seen through where nothing is drawn: in evaluation and validation.
    pub view: Vec<Augmentation>,
    /// Samples per batch, at least 1; the last batch of an epoch may be smaller.
    pub batch: usize,
    /// Samples that are in memory at once; the whole batch where absent.
    pub micro: Option<usize>,
    /// Taken from the training split.
    pub validation: Option<Validation>,
    pub shuffle: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Validation {
    /// In (0, 1).
    Fraction(f64),
    Count(usize),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    pub architecture: Architecture,
    pub from: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Phase {
    pub duration: Duration,
    pub curriculum: Pacing,
    pub adversary: Option<Adversary>,
    pub minimizer: Minimizer,
    pub optimizer: Optimizer,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    pub evaluator: Evaluator,
    /// On the way too, besides at the end.
    pub every: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    Last,
    /// Highest (or lowest, for a loss) over the run.
    Best(Evaluator),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    Cpu,
    Cuda(usize),
}

/// What networks multiply in, and store activations in, while they train; everything else is in f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    F32,
    Bf16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffix_goes_before_the_extension() {
        assert_eq!(with_suffix(Path::new("out/a.safetensors"), "-x"), Path::new("out/a-x.safetensors"));
        assert_eq!(with_suffix(Path::new("a"), "-x"), Path::new("a-x"));
    }
}
