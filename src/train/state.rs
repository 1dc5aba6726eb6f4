//! Checkpoints: everything a phase needs to go on as if it had never stopped, in one safetensors file.
//!
//! Tensors: `model.*` under PyTorch's names, `best.*` likewise, `optimizer.<buffer>.<parameter>`,
//! `optimizer.updates`, `minimizer.<memory>.<parameter>`, `curriculum.difficulty`, `curriculum.weight`,
//! `adversary.<memory>`. The rest is JSON in the file's metadata.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use burn::tensor::Tensor;
use safetensors::tensor::SafeTensors;
use serde::{Deserialize, Serialize};

use crate::model::{
    Entry, Layout, Parameter, StateDict, entries, float_entry, read_tensor, state_from, to_bytes,
};
use crate::ops::{Ops, Vector};

use super::learner::Learner;
use super::ledger::Sums;

/// Version of the checkpoint layout.
const SCHEMA: u32 = 2;

/// Metadata key of the JSON part.
const KEY: &str = "flatrun";

/// Where a phase stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub schema: u32,
    /// Content key of the stage: a checkpoint of another stage is refused.
    pub stage: String,
    /// Name of the minimizer, for the message when another one is asked to go on.
    pub minimizer: String,
    /// Steps of the phase taken.
    pub step: u64,
    /// Epoch of the run that is under way, counted over all phases.
    pub epoch: u64,
    /// Batches of that epoch taken.
    pub batch: usize,
    pub sums: Sums,
    pub rows: Vec<EpochRow>,
    pub measured: Vec<Measured>,
    pub best: Option<Best>,
    /// The running epoch's difficulty threshold.
    pub threshold: Option<f64>,
    pub finished: bool,
    /// The measurements that are due at this step are not finished.
    #[serde(default)]
    pub measuring: bool,
}

/// One line of `metrics.csv`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// From 1.
    pub phase: usize,
    /// Epochs of the run finished with this row.
    pub epoch: u64,
    /// Steps of the phase taken.
    pub step: u64,
    pub learning_rate: Option<f64>,
    pub train_loss: Option<f64>,
    pub train_accuracy: Option<f64>,
    pub validation_loss: Option<f64>,
    pub validation_accuracy: Option<f64>,
    pub gradient_norm: Option<f64>,
    pub radius: Option<f64>,
    pub clipped: Option<f64>,
    /// Loss at the perturbed weights less that at the weights.
    pub rise: Option<f64>,
    /// Rayleigh quotient of the Hessian, where the minimizer measures it.
    pub curvature: Option<f64>,
    pub kept: Option<f64>,
    pub weight_easiest: Option<f64>,
    pub weight_hardest: Option<f64>,
    pub difficulty_p10: Option<f64>,
    pub difficulty_p50: Option<f64>,
    pub difficulty_p90: Option<f64>,
    /// Share of samples whose loss fell under ADM's attack.
    pub fell: Option<f64>,
    /// Of the clean images in the training passes, where a pass looked at them.
    pub clean_loss: Option<f64>,
    pub clean_accuracy: Option<f64>,
    /// Cross-entropy and accuracy of the attacked images in the first pass.
    pub adversarial_loss: Option<f64>,
    pub adversarial_accuracy: Option<f64>,
    /// Of the attacked validation images, where `select best(pgd.accuracy)` attacks them.
    pub validation_adversarial_accuracy: Option<f64>,
    /// Adversarial accuracy in training less that of validation.
    pub adversarial_gap: Option<f64>,
    /// Share of samples that took a step, over all attack steps.
    pub attack_active: Option<f64>,
    /// The same for each attack step, in order, with spaces between.
    pub attack_active_by_step: String,
    /// Mean norm of the perturbations.
    pub perturbation: Option<f64>,
    /// Where the adversary's own curriculum stands: lambda, threshold, steps, or the mean radius.
    pub lambda: Option<f64>,
    /// Passes per step in units of one forward pass.
    pub passes: Option<f64>,
    pub skipped: u64,
    pub empty: u64,
}

/// One number an evaluator gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub phase: usize,
    pub epoch: u64,
    pub step: u64,
    pub name: String,
    #[serde(with = "finite_or_null")]
    pub value: f64,
}

/// JSON has no NaN and no infinity: both are written as null (an empty field in CSV) and read back as NaN.
pub mod finite_or_null {
    use serde::{Deserialize, Deserializer, Serializer};

    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() { serializer.serialize_f64(*value) } else { serializer.serialize_none() }
    }

    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
    }
}

/// The best epoch so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    pub epoch: u64,
    /// Higher is better.
    pub score: f64,
}

/// Why a checkpoint cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error("not a checkpoint: {0}")]
    Format(String),
    #[error("the checkpoint belongs to `{found}`, this phase trains under `{expected}`")]
    Minimizer { expected: String, found: String },
    #[error("the checkpoint belongs to another stage (key {found}, expected {expected})")]
    Stage { expected: String, found: String },
    #[error("the checkpoint does not fit the model:\n{}", .0.join("\n"))]
    Mismatch(Vec<String>),
}

impl Progress {
    /// The beginning of a phase.
    pub fn start(stage: &str, minimizer: &str, epoch: u64, best: Option<Best>) -> Self {
        Self {
            schema: SCHEMA,
            stage: stage.to_owned(),
            minimizer: minimizer.to_owned(),
            step: 0,
            epoch,
            batch: 0,
            sums: Sums::default(),
            rows: Vec::new(),
            measured: Vec::new(),
            best,
            threshold: None,
            finished: false,
            measuring: false,
        }
    }
}

/// Serialises a phase.
///
/// # Errors
/// A tensor that does not match its shape: a defect of the program.
pub fn to_checkpoint<B: Ops>(
    layout: &Layout,
    learner: &Learner<'_, B>,
    best: Option<&StateDict<B>>,
    progress: &Progress,
) -> Result<Vec<u8>, String> {
    let mut all = prefixed("model", entries(layout, &learner.state));
    all.extend(best.into_iter().flat_map(|best| prefixed("best", entries(layout, best))));
    let (buffers, updates) = learner.optimizer.state();
    for (name, buffer) in buffers {
        all.extend(named(&format!("optimizer.{name}"), layout, buffer));
    }
    if let (Some(name), Some(memory)) = (learner.memory_name(), &learner.memory) {
        all.extend(named(&format!("minimizer.{name}"), layout, memory));
    }
    all.push(float_entry("optimizer.updates".into(), vec![1], updates));
    let table = &learner.curriculum.table;
    all.push(float_entry("curriculum.difficulty".into(), table.dims().to_vec(), table));
    if let Some(weights) = &learner.curriculum.weights {
        all.push(float_entry("curriculum.weight".into(), weights.dims().to_vec(), weights));
    }
    if let Some((name, values)) = learner.adversary.as_ref().and_then(|adversary| adversary.memory()) {
        all.push(float_entry(format!("adversary.{name}"), values.dims().to_vec(), &values));
    }
    let json = serde_json::to_string(progress).map_err(|error| error.to_string())?;
    to_bytes(&all, BTreeMap::from([(KEY.to_owned(), json)]))
}

/// A vector's parts under a prefix and the parameters' names.
fn named<B: Ops>(prefix: &str, layout: &Layout, vector: &Vector<B>) -> Vec<Entry> {
    let part = |(p, value): (&Parameter, &Tensor<B, 1>)| {
        float_entry(format!("{prefix}.{}", p.name), p.shape.clone(), value)
    };
    layout.parameters.iter().zip(&vector.0).map(part).collect()
}

fn prefixed(prefix: &str, entries: Vec<Entry>) -> Vec<Entry> {
    entries.into_iter().map(|entry| Entry { name: format!("{prefix}.{}", entry.name), ..entry }).collect()
}

/// Progress of the checkpoint in a file, from its header alone; `None` where there is none.
pub fn peek(path: &Path) -> Option<Progress> {
    let mut file = File::open(path).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let size = u64::from_le_bytes(length);
    if size > file.metadata().ok()?.len() {
        return None;
    }
    let mut header = length.to_vec();
    file.take(size).read_to_end(&mut header).ok()?;
    let header: serde_json::Value = serde_json::from_slice(&header[8..]).ok()?;
    serde_json::from_str(header.get("__metadata__")?.get(KEY)?.as_str()?).ok()
}

/// Progress in a file whose checkpoint is of the stage with this key.
pub fn peek_stage(path: &Path, stage: &str) -> Option<Progress> {
    peek(path).filter(|progress| progress.stage == stage)
}

/// A checkpoint's bytes, opened.
pub struct Checkpoint<'a> {
    file: SafeTensors<'a>,
    pub progress: Progress,
}

impl<'a> Checkpoint<'a> {
    /// # Errors
    /// Anything but a whole checkpoint of this version.
    pub fn open(bytes: &'a [u8]) -> Result<Self, CheckpointError> {
        let format = |text: String| CheckpointError::Format(text);
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| format(error.to_string()))?;
        let json = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let json = json.ok_or_else(|| format("its metadata lacks the phase's progress".into()))?;
        let value: serde_json::Value =
            serde_json::from_str(json).map_err(|error| format(error.to_string()))?;
        // Before the rest is read, which may be laid out otherwise.
        let schema = value.get("schema").and_then(serde_json::Value::as_u64);
        if schema != Some(u64::from(SCHEMA)) {
            let found = schema.map_or("none".into(), |schema| schema.to_string());
            return Err(format(format_args!("schema {found}, expected {SCHEMA}").to_string()));
        }
        let progress: Progress = serde_json::from_value(value).map_err(|error| format(error.to_string()))?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| format(error.to_string()))?;
        Ok(Self { file, progress })
    }

    /// Refuses a checkpoint of another minimizer, by name, or of another stage.
    ///
    /// # Errors
    /// The two names or keys.
    pub fn belongs_to(&self, stage: &str, minimizer: &str) -> Result<(), CheckpointError> {
        let Progress { stage: found_stage, minimizer: found, .. } = &self.progress;
        if found != minimizer {
            return Err(CheckpointError::Minimizer { expected: minimizer.into(), found: found.clone() });
        }
        if found_stage != stage {
            return Err(CheckpointError::Stage { expected: stage.into(), found: found_stage.clone() });
        }
        Ok(())
    }

    /// The weights the phase ended with.
    ///
    /// # Errors
    /// Tensors that do not fit `layout`.
    pub fn state<B: Ops>(
        &self,
        layout: &Layout,
        device: &B::Device,
    ) -> Result<StateDict<B>, CheckpointError> {
        state_from(&self.file, "model.", layout, device).map_err(CheckpointError::Mismatch)
    }

    /// The best weights so far, where the run keeps them.
    ///
    /// # Errors
    /// As [`Checkpoint::state`].
    pub fn best<B: Ops>(
        &self,
        layout: &Layout,
        device: &B::Device,
    ) -> Result<Option<StateDict<B>>, CheckpointError> {
        if self.progress.best.is_none() {
            return Ok(None);
        }
        state_from(&self.file, "best.", layout, device).map(Some).map_err(CheckpointError::Mismatch)
    }

    /// Puts weights and memory back into a fresh learner.
    ///
    /// # Errors
    /// As [`Checkpoint::state`].
    pub fn restore<B: Ops>(
        &self,
        layout: &Layout,
        learner: &mut Learner<'_, B>,
        device: &B::Device,
    ) -> Result<(), CheckpointError> {
        learner.state = self.state(layout, device)?;
        let mut buffers = Vec::new();
        for name in learner.optimizer.buffer_names() {
            buffers.push(self.vector(&format!("optimizer.{name}"), layout, device)?);
        }
        if let Some(name) = learner.memory_name() {
            learner.memory = Some(self.vector(&format!("minimizer.{name}"), layout, device)?);
        }
        learner.optimizer.restore(buffers, self.tensor("optimizer.updates", device)?);
        let table = self.tensor("curriculum.difficulty", device)?;
        learner.curriculum.restore(table, self.sample_weights(device), self.progress.threshold);
        if let Some(adversary) = &mut learner.adversary
            && let Some((name, _)) = adversary.memory()
        {
            adversary.restore(self.tensor(&format!("adversary.{name}"), device)?);
        }
        Ok(())
    }

    /// Weight of each sample at its last visit, where the curriculum keeps it, `[samples]`.
    pub fn sample_weights<B: Ops>(&self, device: &B::Device) -> Option<Tensor<B, 1>> {
        self.tensor("curriculum.weight", device).ok()
    }

    /// What the adversary remembers, where it remembers anything.
    pub fn adversary_memory<B: Ops>(&self, device: &B::Device) -> Option<Tensor<B, 1>> {
        let names = self.file.names();
        let name = names.into_iter().find(|name| name.starts_with("adversary."))?;
        self.tensor(name, device).ok()
    }

    fn vector<B: Ops>(
        &self,
        prefix: &str,
        layout: &Layout,
        device: &B::Device,
    ) -> Result<Vector<B>, CheckpointError> {
        let part = |p: &Parameter| self.tensor(&format!("{prefix}.{}", p.name), device);
        Ok(Vector(layout.parameters.iter().map(part).collect::<Result<_, _>>()?))
    }

    fn tensor<B: Ops>(&self, name: &str, device: &B::Device) -> Result<Tensor<B, 1>, CheckpointError> {
        let view = self.file.tensor(name).ok();
        let tensor = view.and_then(|view| read_tensor(&view, device));
        tensor.ok_or_else(|| CheckpointError::Mismatch(vec![format!("  missing     `{name}`")]))
    }
}
