//! Checkpoints: everything a phase needs to go on as if it had never stopped, in one safetensors file.
//!
//! Tensors: `model.*` under PyTorch's names, `best.*` likewise, `optimizer.<buffer>.<parameter>`,
//! `optimizer.updates`, `minimizer.<memory>.<parameter>`, `curriculum.difficulty`, `curriculum.weight`,
//! `adversary.<memory>`. The rest is JSON in the file's metadata, with a hash of the tensors, behind a line with its own
//! hash: so the header can be trusted without the tensors.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use burn::tensor::Tensor;
use safetensors::tensor::{Dtype, Metadata, SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::model::{
    Entry, Layout, Parameter, StateDict, entries, float_entry, read_tensor, state_from, to_bytes,
};
use crate::ops::{Ops, Vector};

use super::learner::Learner;
use super::ledger::Sums;

/// Version of the checkpoint layout.
const SCHEMA: u32 = 3;

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
    /// Why the phase ended before its last step: it would again.
    #[serde(default)]
    pub failed: Option<String>,
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
    #[error("it is not a checkpoint: {0}")]
    Format(String),
    #[error("its content is not what was written")]
    Changed,
    #[error("its length is not what was written")]
    Length,
    #[error("an earlier version wrote it, and no hash of it was kept")]
    Unsealed,
    #[error("it cannot be read: {0}")]
    Unreadable(String),
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
            failed: None,
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
    let tensors = all.iter().map(|e| (e.name.as_str(), e.dtype, e.shape.as_slice(), e.bytes.as_slice()));
    let tensors = hash_of(tensors.collect());
    let json = serde_json::to_string(&Header { tensors, progress }).map_err(|error| error.to_string())?;
    to_bytes(&all, BTreeMap::from([(KEY.to_owned(), sealed(&json))]))
}

/// What the metadata hold, below its hash.
#[derive(Serialize, Deserialize)]
struct Header<P> {
    /// Hash of all tensors.
    tensors: String,
    progress: P,
}

/// Name, type, shape and bytes of a tensor.
type Named<'t> = (&'t str, Dtype, &'t [usize], &'t [u8]);

fn hash_of(mut tensors: Vec<Named<'_>>) -> String {
    tensors.sort_unstable_by_key(|(name, ..)| *name);
    let mut hasher = blake3::Hasher::new();
    for (name, dtype, shape, bytes) in tensors {
        hasher.update(format!("{name} {dtype:?} {shape:?} {}\n", bytes.len()).as_bytes()).update(bytes);
    }
    hasher.finalize().to_hex().to_string()
}

fn sealed(json: &str) -> String {
    format!("{}\n{json}", blake3::hash(json.as_bytes()).to_hex())
}

/// The hash of the tensors and the progress in a file's metadata.
fn unsealed(header: &Metadata) -> Result<Header<Progress>, CheckpointError> {
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    let text =
        text.ok_or_else(|| CheckpointError::Format("its metadata lack the phase's progress".into()))?;
    let Some((hash, json)) = text.split_once('\n') else {
        return Err(if text.starts_with('{') { CheckpointError::Unsealed } else { CheckpointError::Changed });
    };
    if *hash != *blake3::hash(json.as_bytes()).to_hex() {
        return Err(CheckpointError::Changed);
    }
    let format = |error: serde_json::Error| CheckpointError::Format(error.to_string());
    let value: Header<serde_json::Value> = serde_json::from_str(json).map_err(format)?;
    // Before the rest is read, which may be laid out otherwise.
    let schema = value.progress.get("schema").and_then(serde_json::Value::as_u64);
    if schema != Some(u64::from(SCHEMA)) {
        let found = schema.map_or("none".into(), |schema| schema.to_string());
        return Err(CheckpointError::Format(format!("schema {found}, expected {SCHEMA}")));
    }
    let progress = serde_json::from_value(value.progress).map_err(format)?;
    Ok(Header { tensors: value.tensors, progress })
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

/// Progress of the checkpoint in a file, from its header alone; `None` where there is no file.
///
/// # Errors
/// A header that is not what was written, or a file of another length.
pub fn peek(path: &Path) -> Result<Option<Progress>, CheckpointError> {
    match header(path)? {
        Some((progress, true)) => Ok(Some(progress)),
        Some((_, false)) => Err(CheckpointError::Length),
        None => Ok(None),
    }
}

/// Progress in a file whose checkpoint is of the stage with this key, where its header is whole.
pub fn peek_stage(path: &Path, stage: &str) -> Option<Progress> {
    peek(path).ok().flatten().filter(|progress| progress.stage == stage)
}

/// Whether a checkpoint that is damaged says in its header that it was finished.
pub fn was_finished(path: &Path) -> bool {
    header(path).is_ok_and(|known| known.is_some_and(|(progress, _)| progress.finished))
}

/// The progress in a file's header, and whether the file is as long as the header says.
fn header(path: &Path) -> Result<Option<(Progress, bool)>, CheckpointError> {
    let unreadable = |error: io::Error| match error.kind() {
        ErrorKind::UnexpectedEof => CheckpointError::Length,
        _ => CheckpointError::Unreadable(error.to_string()),
    };
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(unreadable)?,
    };
    let length = file.metadata().map_err(unreadable)?.len();
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(unreadable)?;
    let size = u64::from_le_bytes(size);
    if size > length {
        return Err(CheckpointError::Changed);
    }
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes).map_err(unreadable)?;
    let header: Metadata = serde_json::from_slice(&bytes).map_err(|_| CheckpointError::Changed)?;
    let progress = unsealed(&header)?.progress;
    let end = header.tensors().values().map(|tensor| tensor.data_offsets.1 as u64).max().unwrap_or(0);
    Ok(Some((progress, length == 8 + size + end)))
}

/// A checkpoint in memory that is what was written.
pub struct Stored(Vec<u8>);

impl Stored {
    /// Reads a checkpoint and compares it with its hashes; `None` where there is no file.
    ///
    /// # Errors
    /// Anything but a whole checkpoint of this version.
    pub fn read(path: &Path) -> Result<Option<Self>, CheckpointError> {
        match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CheckpointError::Unreadable(error.to_string())),
            Ok(bytes) => {
                Checkpoint::open(&bytes)?;
                Ok(Some(Self(bytes)))
            }
        }
    }

    /// # Errors
    /// None that [`Stored::read`] has not found.
    pub fn open(&self) -> Result<Checkpoint<'_>, CheckpointError> {
        Checkpoint::parsed(&self.0).map(|(checkpoint, _)| checkpoint)
    }

    /// Of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A checkpoint's bytes, opened.
pub struct Checkpoint<'a> {
    file: SafeTensors<'a>,
    pub progress: Progress,
}

impl<'a> Checkpoint<'a> {
    /// The checkpoint, and the hash that its tensors should have.
    fn parsed(bytes: &'a [u8]) -> Result<(Self, String), CheckpointError> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| match error {
            SafeTensorError::MetadataIncompleteBuffer | SafeTensorError::HeaderTooSmall => {
                CheckpointError::Length
            }
            _ => CheckpointError::Changed,
        })?;
        let Header { tensors, progress } = unsealed(&header)?;
        let file = SafeTensors::deserialize(bytes).map_err(|_| CheckpointError::Changed)?;
        Ok((Self { file, progress }, tensors))
    }

    /// # Errors
    /// Anything but a whole checkpoint of this version: every byte is compared with the hashes.
    pub fn open(bytes: &'a [u8]) -> Result<Self, CheckpointError> {
        let (checkpoint, hash) = Self::parsed(bytes)?;
        let tensors = checkpoint.file.tensors();
        let named =
            tensors.iter().map(|(name, view)| (name.as_str(), view.dtype(), view.shape(), view.data()));
        if hash_of(named.collect()) == hash { Ok(checkpoint) } else { Err(CheckpointError::Changed) }
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
