//! Everything a plan says, as data.

use std::path::{Path, PathBuf};

use petgraph::graph::NodeIndex;
use serde::Serialize;

use super::measuring::Measuring;
use super::memory::{Memory, activation_bytes, copy_bytes};
use super::probe::{Probe, probe};
use crate::data::DataError;
use crate::graph::{Key, StageGraph, StageKind, curriculum};
use crate::lang::catalog::{Head, Minimizer};
use crate::lang::program::{Device, Experiment, Phase, Program, Setting};
use crate::lang::schedule::Clock;
use crate::lang::view::written;
use crate::run::meaning::Constants;
use crate::run::{Options, Prepared, Status, inputs, status};
use crate::train::PassCount;
use crate::train::passes::{at_most, passes};

/// Version of the JSON form.
const SCHEMA: u32 = 1;

/// What a run would do.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    pub schema: u32,
    pub program: String,
    pub title: Option<String>,
    /// Where the run would lie.
    pub folder: PathBuf,
    pub device: Device,
    pub seeds: Vec<u64>,
    pub variants: Vec<VariantPlan>,
    /// One per distinct data set and network.
    pub setups: Vec<Setup>,
    /// In the order in which they would run.
    pub stages: Vec<StagePlan>,
    pub totals: Totals,
}

/// One variant, and every value it would run with.
#[derive(Clone, Debug, Serialize)]
pub struct VariantPlan {
    pub variant: String,
    /// Index into the plan's setups.
    pub setup: usize,
    pub settings: Vec<Setting>,
}

/// A data set and a network on it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setup {
    pub data: DataPlan,
    pub model: ModelPlan,
    /// Of its largest phase.
    pub memory: Memory,
    pub forward: Timing,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataPlan {
    pub source: &'static str,
    pub train: usize,
    pub validation: usize,
    pub test: usize,
    pub classes: usize,
    /// The class of each output, from 0, and the rule that orders them.
    pub class_names: Vec<String>,
    pub class_order: String,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub batch: usize,
    pub batches_per_epoch: usize,
    /// What is done to images where nothing is drawn, as it is written.
    pub view: String,
    /// How the parts came about.
    pub protocol: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelPlan {
    pub name: &'static str,
    pub parameters: usize,
    /// Modules with parameters.
    pub layers: usize,
    /// Those of the parameters that `freeze` names.
    pub frozen: usize,
    /// What pixels in [0, 1] are normalised with, one number per channel.
    pub normalize: Option<Constants>,
    /// What the size of the images decided, and where weights come from.
    pub notes: Vec<String>,
    /// Of one forward pass.
    pub multiply_adds_per_image: usize,
    /// Values of one image that the backward pass needs, in bytes.
    pub activation_bytes_per_image: usize,
}

/// How long a forward pass takes on this machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    Measured { images: usize, seconds_per_image: f64 },
    Skipped { reason: String },
}

/// One stage, which may serve several variants and seeds.
#[derive(Clone, Debug, Serialize)]
pub struct StagePlan {
    pub key: Key,
    #[serde(flatten)]
    pub kind: StageKind,
    pub label: String,
    pub runs: Vec<RunName>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
    /// What is measured in the stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measuring: Option<Measuring>,
    /// `None` for what is never kept: opened data, the table.
    pub status: Option<Status>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunName {
    pub variant: String,
    pub seed: u64,
}

/// What a training stage does.
#[derive(Clone, Debug, Serialize)]
pub struct Training {
    pub curriculum: String,
    pub minimizer: &'static str,
    pub optimizer: &'static str,
    pub steps: u64,
    pub passes_per_step: PassCount,
    /// In forward passes: a backward is two, a backward to the input alone is one.
    pub units_per_step: f64,
    /// Samples may leave an attack early: the passes are a bound.
    pub at_most: bool,
    /// Of the whole stage, estimated.
    pub seconds: Option<f64>,
}

/// Sums over the stages that are not cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    pub runs: usize,
    pub stages: usize,
    pub cached: usize,
    pub steps: u64,
    pub forward: u64,
    pub backward: u64,
    pub input_backward: u64,
    pub units: u64,
    /// Of measurements, in forward passes of one image.
    pub image_passes: u64,
    pub seconds: Option<f64>,
}

impl Plan {
    /// Gathers the plan; reads checkpoints' headers and times one forward pass per setup.
    ///
    /// # Errors
    /// Data that cannot be read.
    pub fn new(
        program: &Program,
        prepared: &[Prepared],
        folder: &Path,
        options: &Options,
    ) -> Result<Self, DataError> {
        let graph = StageGraph::new(program, &inputs(prepared));
        let (setups, of_variant) = setups(program, prepared)?;
        let planner = Planner {
            program,
            prepared,
            graph: &graph,
            setups: &setups,
            of_variant: &of_variant,
            folder,
            options,
        };
        let stages: Vec<StagePlan> = graph.order().into_iter().map(|node| planner.stage(node)).collect();
        let totals = totals(&stages, graph.runs.len());
        let variants = program.variants.iter().zip(&of_variant).map(|(variant, &setup)| VariantPlan {
            variant: variant.slug.clone(),
            setup,
            settings: variant.settings.clone(),
        });
        Ok(Self {
            schema: SCHEMA,
            program: options.name.clone(),
            title: program.title.clone(),
            folder: folder.to_owned(),
            device: program.variants.first().map_or(Device::Cpu, |variant| variant.experiment.device),
            seeds: program.seeds.clone(),
            variants: variants.collect(),
            stages,
            totals,
            setups,
        })
    }
}

/// Distinct setups, and which each variant has.
fn setups(program: &Program, prepared: &[Prepared]) -> Result<(Vec<Setup>, Vec<usize>), DataError> {
    let mut known: Vec<&Experiment> = Vec::new();
    let (mut setups, mut of_variant) = (Vec::<Setup>::new(), Vec::new());
    for (variant, prepared) in program.variants.iter().zip(prepared) {
        let experiment = &variant.experiment;
        let same = |known: &&Experiment| {
            let precision = known.precision == experiment.precision;
            precision && known.data == experiment.data && known.model == experiment.model
        };
        let index = known.iter().position(same);
        if index.is_none() {
            known.push(experiment);
            setups.push(setup(experiment, prepared)?);
        }
        let index = index.unwrap_or(known.len() - 1);
        let activations = setups[index].memory.activations;
        setups[index].memory = setups[index].memory.max(largest(experiment, prepared, activations));
        of_variant.push(index);
    }
    Ok((setups, of_variant))
}

fn setup(experiment: &Experiment, prepared: &Prepared) -> Result<Setup, DataError> {
    let batch = experiment.data.batch.min(prepared.split.train.len());
    let model = prepared.model.clone().in_precision(experiment.precision);
    let probe = probe(&model, &prepared.train, batch)?;
    let activation_bytes_per_image = probe.activations * activation_bytes(experiment.precision);
    let activations = activation_bytes_per_image * batch;
    let layout = &prepared.model.layout;
    Ok(Setup {
        data: data(experiment, prepared),
        model: ModelPlan {
            name: experiment.model.architecture.name(),
            parameters: layout.parameter_count() + layout.frozen_count(),
            layers: layout.modules().len(),
            frozen: layout.frozen_count(),
            normalize: prepared.meaning.normalize.clone(),
            notes: notes(experiment, prepared),
            activation_bytes_per_image,
            multiply_adds_per_image: probe.multiply_adds,
        },
        memory: largest(experiment, prepared, activations),
        forward: timing(experiment.device, &probe),
    })
}

/// What a reader of the file cannot see in it.
fn notes(experiment: &Experiment, prepared: &Prepared) -> Vec<String> {
    let weights = experiment.model.from.as_ref().map(|path| {
        let head = match experiment.model.architecture.tuning().head {
            Head::Keep => "",
            Head::New => ", new head",
        };
        format!("weights from {}{head}", path.display())
    });
    let norms = &prepared.model.layout.norms;
    let fixed = norms.iter().filter(|norm| norm.fixed).count();
    let norms = (fixed > 0).then(|| match fixed == norms.len() {
        true => "running statistics stay as they are".to_owned(),
        false => format!("running statistics of {fixed} of {} layers stay as they are", norms.len()),
    });
    let stem = prepared.model.note.map(str::to_owned);
    stem.into_iter().chain(weights).chain(prepared.weights_notes.clone()).chain(norms).collect()
}

/// Memory of the phase that needs most; `activations` is in bytes.
fn largest(experiment: &Experiment, prepared: &Prepared, activations: usize) -> Memory {
    let parameters = prepared.model.layout.parameter_count();
    let data = prepared.train.bytes().len() + prepared.test.bytes().len();
    let of_phase = |phase: &Phase| Memory::of(phase, &experiment.select, parameters, activations, data);
    let none = Memory { activations, weights: 0, data };
    let frozen = prepared.model.layout.frozen_count();
    let copies = (parameters + frozen) * copy_bytes(experiment.precision);
    let memory = experiment.phases.iter().map(of_phase).fold(none, Memory::max);
    Memory { weights: memory.weights + frozen * size_of::<f32>() + copies, ..memory }
}

fn data(experiment: &Experiment, prepared: &Prepared) -> DataPlan {
    let (train, split) = (&prepared.train, &prepared.split);
    DataPlan {
        source: experiment.data.source.name(),
        train: split.train.len(),
        validation: split.validation.len(),
        test: prepared.test.len(),
        classes: train.classes,
        class_names: prepared.meaning.classes.clone(),
        class_order: prepared.meaning.class_order.clone(),
        channels: train.channels,
        height: train.height,
        width: train.width,
        batch: experiment.data.batch,
        batches_per_epoch: prepared.epoch(experiment.data.batch).0,
        view: written(&experiment.data.view),
        protocol: prepared.protocol.clone(),
    }
}

fn timing(device: Device, probe: &Probe) -> Timing {
    match device {
        Device::Cpu => Timing::Measured { images: probe.images, seconds_per_image: probe.seconds_per_image },
        Device::Cuda(index) => Timing::Skipped {
            reason: format!("the program runs on cuda({index}), which a plan does not open"),
        },
    }
}

/// What the plan of a stage is made from.
struct Planner<'a> {
    program: &'a Program,
    prepared: &'a [Prepared],
    graph: &'a StageGraph,
    setups: &'a [Setup],
    of_variant: &'a [usize],
    folder: &'a Path,
    options: &'a Options,
}

impl Planner<'_> {
    fn stage(&self, node: NodeIndex) -> StagePlan {
        let stage = self.graph.stage(node);
        let kept = matches!(stage.kind, StageKind::Train { .. } | StageKind::Evaluate);
        let training = match (stage.kind, stage.runs.first()) {
            (StageKind::Train { phase }, Some(&run)) => {
                Some(self.training(self.graph.runs[run].variant, phase))
            }
            _ => None,
        };
        let measuring = stage.runs.first().and_then(|&run| self.measuring(stage.kind, run));
        let name = |&run: &usize| {
            let run = &self.graph.runs[run];
            RunName { variant: self.program.variants[run.variant].slug.clone(), seed: run.seed }
        };
        let status = || status(self.graph, self.program, node, self.folder, &self.options.runs);
        StagePlan {
            key: stage.key.clone(),
            kind: stage.kind,
            label: stage.label.clone(),
            runs: stage.runs.iter().map(name).collect(),
            training,
            measuring,
            status: kept.then(status),
        }
    }

    fn measuring(&self, kind: StageKind, run: usize) -> Option<Measuring> {
        let variant = self.graph.runs[run].variant;
        let experiment = &self.program.variants[variant].experiment;
        let setup = &self.setups[self.of_variant[variant]];
        match kind {
            StageKind::Evaluate => Some(Measuring::last(experiment, setup)),
            StageKind::Train { phase } => Measuring::on_the_way(experiment, phase, setup),
            StageKind::Data | StageKind::Table => None,
        }
    }

    fn training(&self, variant: usize, phase: usize) -> Training {
        let experiment = &self.program.variants[variant].experiment;
        let phase = &experiment.phases[phase];
        let setup = &self.setups[self.of_variant[variant]];
        let batches = setup.data.batches_per_epoch as u64;
        let steps = phase.duration.steps(batches);
        let passes = passes(phase, &Clock { step: 0, steps, steps_per_epoch: batches, lr: None });
        let (_, samples) = self.prepared[variant].epoch(experiment.data.batch);
        let images = samples as f64 * steps as f64 / batches as f64;
        let seconds = match setup.forward {
            Timing::Measured { seconds_per_image, .. } => Some(seconds_per_image * images * passes.cost()),
            Timing::Skipped { .. } => None,
        };
        Training {
            curriculum: curriculum(&phase.curriculum),
            minimizer: minimizer(phase),
            optimizer: phase.optimizer.name(),
            steps,
            passes_per_step: passes,
            units_per_step: passes.cost(),
            at_most: at_most(phase),
            seconds,
        }
    }
}

/// The optimizer's name where nothing perturbs the weights.
fn minimizer(phase: &Phase) -> &'static str {
    match phase.minimizer {
        Minimizer::Base(_) => phase.optimizer.name(),
        _ => phase.minimizer.name(),
    }
}

fn totals(stages: &[StagePlan], runs: usize) -> Totals {
    let is_cached = |stage: &StagePlan| matches!(stage.status, Some(Status::Cached { .. }));
    let mut totals = Totals { runs, stages: stages.len(), ..Totals::default() };
    totals.cached = stages.iter().filter(|stage| is_cached(stage)).count();
    totals.seconds = Some(0.0);
    for stage in stages.iter().filter(|stage| !is_cached(stage)) {
        if let Some(measuring) = &stage.measuring {
            totals.image_passes += measuring.image_passes;
            totals.seconds = totals.seconds.zip(measuring.seconds).map(|(sum, seconds)| sum + seconds);
        }
        let Some(training) = &stage.training else { continue };
        let begun = if let Some(Status::Interrupted { step }) = stage.status { step } else { 0 };
        let steps = training.steps.saturating_sub(begun);
        let share = steps as f64 / training.steps.max(1) as f64;
        totals.steps += steps;
        let all = |per_step: f64| (steps as f64 * per_step).round() as u64;
        totals.forward += all(training.passes_per_step.forward);
        totals.backward += all(training.passes_per_step.backward);
        totals.input_backward += all(training.passes_per_step.input_backward);
        totals.units += all(training.units_per_step);
        totals.seconds = totals.seconds.zip(training.seconds).map(|(sum, seconds)| sum + seconds * share);
    }
    totals
}
