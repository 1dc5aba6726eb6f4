//! What every run of a variant shares: data, split, network.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::RunError;
use super::meaning::Meaning;
use crate::data::corruption::Arrays;
use crate::data::{Balanced, Corpus, Dataset, HeldOut, Split, Watched, learnable, nanoseconds, open};
use crate::graph::Inputs;
use crate::lang::catalog::{Evaluator, Source};
use crate::lang::program::{Experiment, Program, Select, Variant};
use crate::lang::world::DatasetInfo;
use crate::model::{Model, Pretrained};

/// A variant, ready to train.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub train: Arc<Corpus>,
    pub test: Corpus,
    pub split: Split,
    /// The out split of test domains.
    pub oracle: Option<Corpus>,
    /// How the parts of the data came about, for whoever reads the numbers.
    pub protocol: Vec<String>,
    pub model: Model,
    /// Of its outputs and inputs.
    pub meaning: Meaning,
    /// Files that are read again while the run goes on: images, published arrays, and the weights that it starts from.
    pub images: Watched,
    pub arrays: Watched,
    pub start: Watched,
    /// How the names in the file of weights became those of the network.
    pub weights_notes: Vec<String>,
    pub inputs: Inputs,
}

impl Prepared {
    /// Batches of an epoch, and the samples that it sees.
    pub fn epoch(&self, batch: usize) -> (usize, usize) {
        let train = &self.split.train;
        match &self.train.groups {
            None => (train.len().div_ceil(batch.max(1)), train.len()),
            Some(groups) => {
                let balanced = Balanced::new(train, groups, batch);
                (balanced.batches(), balanced.batches() * balanced.batch())
            }
        }
    }
}

impl Prepared {
    /// The files that the result of a phase depends on; arrays where they are measured with on the way.
    pub fn phase_files(&self, experiment: &Experiment) -> Watched {
        match experiment.evaluate.iter().any(|measurement| measurement.every.is_some()) {
            true => self.images.and(&self.arrays),
            false => self.images.clone(),
        }
    }
}

/// Opens each data set once and builds each variant's network.
///
/// # Errors
/// The first data set or network that cannot be had.
pub fn prepare(program: &Program) -> Result<Vec<Prepared>, RunError> {
    let mut opened: Vec<(Source, Dataset, String)> = Vec::new();
    program.variants.iter().map(|variant| prepare_one(variant, &mut opened)).collect()
}

/// The inputs of each variant, for the content keys.
pub fn inputs(prepared: &[Prepared]) -> Vec<Inputs> {
    prepared.iter().map(|prepared| prepared.inputs.clone()).collect()
}

fn prepare_one(variant: &Variant, opened: &mut Vec<(Source, Dataset, String)>) -> Result<Prepared, RunError> {
    let experiment = &variant.experiment;
    let source = &experiment.data.source;
    if !opened.iter().any(|(known, ..)| known == source) {
        let dataset = open(source)?;
        let hash = fingerprint(&dataset);
        opened.push((source.clone(), dataset, hash));
    }
    let Some((_, dataset, hash)) = opened.iter().find(|(known, ..)| known == source) else {
        return Err(RunError::Internal("a data set was opened and lost".into()));
    };
    let view = &experiment.data.view;
    let (train, test) = (dataset.train.clone().seen_through(view)?, dataset.test.clone().seen_through(view)?);
    let (split, oracle) = match &dataset.held_out {
        None => {
            let validation = experiment.data.validation;
            learnable(&train.class_names, &train.class_sizes(), validation)?;
            (Split::new(&train.labels, validation)?, None)
        }
        Some(HeldOut { train, validation, oracle }) => {
            let split = Split { train: train.clone(), validation: validation.clone() };
            (split, Some(oracle.clone().seen_through(view)?))
        }
    };
    let images = Watched::new([&train, &test].into_iter().chain(&oracle), Vec::new());
    let start = Watched::new([], experiment.model.from.iter().cloned().collect());
    let arrays = Watched::new([], array_files(experiment));
    let constants = [train.mean.clone(), train.std.clone()];
    let info = info(&train, &test);
    let model = Model::build(&experiment.model.architecture, &info, &constants)?;
    let weights = experiment.model.from.as_ref().map(|path| read_weights(path, experiment, &model, &info));
    let (weights, weights_notes) = weights.transpose()?.unzip();
    let inputs = Inputs { data: hash.clone(), weights, arrays: arrays_hash(experiment)? };
    let mut protocol = dataset.protocol.clone();
    if !protocol.is_empty() {
        protocol.push(selected(&experiment.select));
    }
    let weights_notes = weights_notes.unwrap_or_default();
    let meaning = Meaning::of(source, &train, &model);
    Ok(Prepared {
        train: Arc::new(train),
        test,
        split,
        oracle,
        protocol,
        model,
        meaning,
        images,
        arrays,
        start,
        weights_notes,
        inputs,
    })
}

/// The hash of a file of weights that fits and whose values are sound, and how its names were read.
fn read_weights(
    path: &Path,
    experiment: &Experiment,
    model: &Model,
    images: &DatasetInfo,
) -> Result<(String, Vec<String>), RunError> {
    let mut weights = Pretrained::of(&experiment.model.architecture, path, &model.layout, images)?;
    weights.look(&model.layout)?;
    Ok((file_hash(path)?, weights.notes().to_vec()))
}

/// Which weights the numbers belong to, as a line of the protocol.
fn selected(select: &Select) -> String {
    match select {
        Select::Last => "weights: those of the last step".to_owned(),
        Select::Best(evaluator) => {
            format!("weights: those of the best epoch by {} on the validation samples", evaluator.label())
        }
    }
}

/// Hash of the ends, sizes and times of the published arrays that are to be measured with: whole they are gigabytes.
fn arrays_hash(experiment: &Experiment) -> Result<Option<String>, RunError> {
    let paths = array_files(experiment);
    let mut hasher = blake3::Hasher::new();
    for path in &paths {
        hash_ends(&mut hasher, path).map_err(|source| RunError::read(path, source))?;
    }
    Ok((!paths.is_empty()).then(|| hasher.finalize().to_hex().to_string()))
}

/// The files of the published arrays that are to be measured with.
fn array_files(experiment: &Experiment) -> Vec<PathBuf> {
    let roots = experiment.evaluate.iter().filter_map(|measurement| {
        let Evaluator::Corruption(spec) = &measurement.evaluator else { return None };
        Some((spec.root.as_ref()?, spec.kinds))
    });
    roots.flat_map(|(root, kinds)| Arrays::paths(root, kinds)).collect()
}

/// Bytes from each end of a file that go into its hash.
const END: u64 = 1 << 20;

fn hash_ends(hasher: &mut blake3::Hasher, path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let about = file.metadata()?;
    let (size, time) = (about.len(), nanoseconds(&about));
    hasher.update(&size.to_le_bytes()).update(&time.to_le_bytes());
    hasher.update_reader((&file).take(END))?;
    file.seek(SeekFrom::Start(size.saturating_sub(END)))?;
    hasher.update_reader(file)?;
    Ok(())
}

fn info(train: &Corpus, test: &Corpus) -> DatasetInfo {
    DatasetInfo {
        train: train.len(),
        test: test.len(),
        classes: train.classes,
        channels: train.channels,
        height: train.height,
        width: train.width,
    }
}

/// Hash of a file, which is never whole in memory.
fn file_hash(path: &Path) -> Result<String, RunError> {
    let read = |source| RunError::read(path, source);
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path).map_err(read)?).map_err(read)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Hash of all pixels, or of what changes with the files they are in, and of labels.
fn fingerprint(dataset: &Dataset) -> String {
    let mut hasher = blake3::Hasher::new();
    dataset.train.add_to(&mut hasher);
    dataset.test.add_to(&mut hasher);
    if let Some(held_out) = &dataset.held_out {
        held_out.oracle.add_to(&mut hasher);
    }
    hasher.finalize().to_hex().to_string()
}
