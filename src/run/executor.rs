//! Runs the stages of a program, one after the other.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use petgraph::graph::NodeIndex;

use super::damage::{discard, inspect};
use super::event::{Event, Observer, RunName};
use super::folder::{RunFolder, SeedFolder};
use super::monitor::{Journal, PhaseMonitor};
use super::record::EventLog;
use super::selected::initial;
use super::{Idle, Options, Prepared, Report, RunError, RunResult, inputs, prepare};
use crate::data::Feed;
use crate::diagnostic::Code;
use crate::evaluate::{Measurements, Subject};
use crate::graph::{Run, StageGraph, program_key};
use crate::lang::program::{Phase, Program, Variant};
use crate::ops::Ops;
use crate::stop::{self, Flag};
use crate::train::StepPlan;
use crate::train::phase::{PhaseError, Setup, Start};
use crate::train::state::{CheckpointError, Measured, Progress, Stored, peek, peek_stage};

/// Everything the stages share.
pub struct Executor<'a, B: Ops> {
    pub program: &'a Program,
    pub prepared: &'a [Prepared],
    pub graph: StageGraph,
    pub options: &'a Options,
    pub folder: RunFolder,
    pub device: &'a B::Device,
    pub stop: &'a Flag,
    /// Message of each stage that failed; those that share it fail with it.
    failed: BTreeMap<NodeIndex, String>,
}

/// See [`super::execute`].
pub fn execute<B: Ops>(
    program: &Program,
    options: &Options,
    observer: &mut dyn Observer,
    stop: &Flag,
    device: &B::Device,
) -> Result<(Report, RunFolder), RunError> {
    let path = run_folder(program, options);
    let prepared = stop::until(stop, || prepare(program));
    let prepared = &prepared.unwrap_or(Err(RunError::Preparing))?;
    let graph = StageGraph::new(program, &inputs(prepared));
    let folder = RunFolder::enter(path.clone())?;
    if options.restart {
        folder.clear()?;
    }
    let failed = BTreeMap::new();
    let mut executor = Executor::<B> { program, prepared, graph, options, folder, device, stop, failed };
    let results = executor.runs(observer);
    if options.smoke {
        let _ = fs::remove_dir_all(&path);
    }
    let protocols = prepared.iter().map(|prepared| prepared.protocol.clone()).collect();
    Ok((Report { folder: path, results: results?, protocols }, executor.folder))
}

/// Where a program's run lies.
pub fn run_folder(program: &Program, options: &Options) -> PathBuf {
    let name = format!("{}-{}", options.name, program_key(program).short());
    if options.smoke {
        return std::env::temp_dir().join(format!("flatrun-smoke-{}-{name}", std::process::id()));
    }
    options.runs.join(name)
}

impl<B: Ops> Executor<'_, B> {
    fn runs(&mut self, observer: &mut dyn Observer) -> Result<Vec<RunResult>, RunError> {
        let runs = self.graph.runs.clone();
        let smoke_seed = self.program.seeds.first().copied();
        let wanted = runs.iter().filter(|run| !self.options.smoke || Some(run.seed) == smoke_seed);
        let mut results = Vec::new();
        for run in wanted {
            let outcome = match self.run(run, observer) {
                Ok(measured) => Ok(measured),
                Err(error) if stops_everything(&error) => return Err(error),
                Err(error) => Err(error.to_string()),
            };
            let idle = self.idle(run)?;
            results.push(RunResult { variant: run.variant, seed: run.seed, outcome, idle });
        }
        Ok(results)
    }

    fn run(&mut self, run: &Run, observer: &mut dyn Observer) -> Result<Measurements, RunError> {
        let program = self.program;
        let variant = &program.variants[run.variant];
        let folder = self.folder.seed(&variant.slug, run.seed)?;
        self.refuse_unfinished(run, &folder)?;
        let name = RunName { variant: variant.slug.clone(), seed: run.seed };
        let log = EventLog::open(folder.events())?;
        let mut journal = Journal { name, log, observer };
        let began = Event::RunStarted {
            program: self.options.name.clone(),
            version: env!("CARGO_PKG_VERSION"),
            variant: variant.slug.clone(),
            seed: run.seed,
            resumed: self.options.resume,
        };
        journal.event(&began)?;
        inspect(&folder, &mut journal)?;
        folder.write("pipeline.flat", self.options.source.as_bytes())?;
        folder.write("resolved.json", &self.resolved(variant, run)?)?;
        for phase in 0..run.train.len() {
            if let Err(error) = self.train(run, phase, &folder, &mut journal) {
                self.failed.insert(run.train[phase], error.to_string());
                journal.event(&failure(&error, phase))?;
                return Err(error);
            }
        }
        let measured = self.evaluate(run, &folder, &mut journal)?;
        journal.event(&Event::RunFinished)?;
        Ok(measured)
    }

    /// What the run's records say of steps that changed nothing.
    fn idle(&self, run: &Run) -> Result<Idle, RunError> {
        let slug = &self.program.variants[run.variant].slug;
        let phases = run.train.len();
        let folder = self.folder.seed(slug, run.seed)?;
        let mut idle = Idle::default();
        for progress in (0..phases).filter_map(|phase| peek(&folder.checkpoint(phase)).ok()?) {
            // Of the steps whose records were read: a run that diverged has taken some more, which count nowhere.
            let Progress { rows, sums, .. } = &progress;
            idle.steps += rows.last().map_or(0, |row| row.step) + sums.steps;
            idle.skipped += rows.iter().map(|row| row.skipped).sum::<u64>() + sums.skipped;
            idle.empty += rows.iter().map(|row| row.empty).sum::<u64>() + sums.empty;
        }
        Ok(idle)
    }

    /// Nothing is touched where a run stands that `--resume` would continue.
    fn refuse_unfinished(&self, run: &Run, folder: &SeedFolder) -> Result<(), RunError> {
        for (phase, &node) in run.train.iter().enumerate().filter(|_| !self.options.resume) {
            let key = self.graph.stage(node).key.as_str();
            let known = peek_stage(&folder.checkpoint(phase), key)
                .filter(|known| !known.finished && known.failed.is_none());
            if let Some(Progress { step, .. }) = known
                && self.elsewhere(node, run).is_none()
            {
                let folder = self.folder.path().to_owned();
                return Err(RunError::Unfinished { folder, phase: phase + 1, step });
            }
        }
        Ok(())
    }

    /// Brings the checkpoint of a finished phase into the run's folder, by whatever way costs least.
    fn train(
        &self,
        run: &Run,
        phase: usize,
        folder: &SeedFolder,
        journal: &mut Journal<'_>,
    ) -> Result<(), RunError> {
        let node = run.train[phase];
        let stage = self.graph.stage(node);
        let path = folder.checkpoint(phase);
        match peek(&path) {
            Ok(Some(known)) if known.stage == stage.key.as_str() => match known {
                Progress { finished: true, .. } => return self.cached(node, "this folder", journal),
                Progress { failed: Some(message), .. } => return Err(RunError::Failed(message)),
                _ => {}
            },
            Ok(_) => {}
            Err(error) => discard(folder, phase, error, journal)?,
        }
        if let Some(message) = self.failed.get(&node) {
            return Err(RunError::Shared(message.clone()));
        }
        let _claim = self.claim(run, phase, folder, journal)?;
        if self.linked(run, phase, folder, journal)? {
            return Ok(());
        }
        let began = Instant::now();
        self.train_phase(run, phase, folder, journal)?;
        self.remember(node, &path)?;
        let seconds = began.elapsed().as_secs_f64();
        journal.event(&Event::StageFinished { stage: stage.key.to_string(), seconds })
    }

    /// The checkpoint of a finished phase, every byte of which was verified; a damaged one is trained anew.
    ///
    /// # Errors
    /// Those of training.
    pub fn whole(
        &self,
        run: &Run,
        phase: usize,
        folder: &SeedFolder,
        journal: &mut Journal<'_>,
    ) -> Result<Stored, RunError> {
        let path = folder.checkpoint(phase);
        match Stored::read(&path) {
            Ok(Some(stored)) => return Ok(stored),
            Ok(None) => {}
            Err(error) => discard(folder, phase, error, journal)?,
        }
        self.train(run, phase, folder, journal)?;
        let stored = Stored::read(&path)
            .and_then(|stored| stored.ok_or_else(|| CheckpointError::Unreadable("it is not there".into())));
        stored.map_err(|error| RunError::Damaged { path, error })
    }

    /// Records that a stage was found done.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn cached(&self, node: NodeIndex, from: &str, journal: &mut Journal<'_>) -> Result<(), RunError> {
        let stage = self.graph.stage(node);
        let (key, label) = (stage.key.to_string(), stage.label.clone());
        journal.event(&Event::StageCached { stage: key, label, from: from.to_owned() })
    }

    fn train_phase(
        &self,
        run: &Run,
        phase: usize,
        folder: &SeedFolder,
        journal: &mut Journal<'_>,
    ) -> Result<(), RunError> {
        let variant = &self.program.variants[run.variant];
        let (experiment, prepared) = (&variant.experiment, &self.prepared[run.variant]);
        let stage = self.graph.stage(run.train[phase]);
        let feed = feed(variant, prepared, run.seed)?;
        // Measurements are in f32, whatever a network is trained in.
        let model = prepared.model.clone().in_precision(experiment.precision);
        let setup = Setup::<B> {
            model: &model,
            phase: &experiment.phases[phase],
            feed: &feed,
            plan: StepPlan {
                samples: prepared.train.len(),
                micro: experiment.data.micro,
                seed: run.seed,
                phase: phase as u64 + 1,
            },
            key: stage.key.as_str(),
            device: self.device,
            at_most: self.options.smoke.then_some(1),
        };
        let (start, earlier) = self.start(run, phase, folder, journal)?;
        let path = folder.checkpoint(phase);
        let stored = Stored::read(&path).map_err(|error| RunError::Damaged { path: path.clone(), error })?;
        let checkpoint = stored.as_ref().map(Stored::open).transpose()?;
        let checkpoint = checkpoint.filter(|c| c.progress.stage == stage.key.as_str());
        let progress = checkpoint.as_ref().map(|c| c.progress.clone());
        journal.event(&Event::StageStarted {
            stage: stage.key.to_string(),
            label: stage.label.clone(),
            steps: setup.steps(),
            step: progress.as_ref().map_or(0, |progress| progress.step),
        })?;
        let mut rows = earlier.rows;
        rows.extend(progress.into_iter().flat_map(|progress| progress.rows));
        let mut monitor = PhaseMonitor {
            journal,
            stop: self.stop,
            experiment,
            subject: self.subject(prepared),
            validation: &prepared.split.validation,
            watched: prepared.phase_files(experiment),
            phase,
            checkpoint: path,
            rows,
            measured: earlier.measured,
            folder: folder.clone(),
            last_step: 0,
            seed: run.seed,
            key: stage.key.as_str(),
            finished: Vec::new(),
            steps_before: steps(&experiment.phases[..phase], feed.batches() as u64),
            doubts: Vec::new(),
        };
        setup.run(start, checkpoint, &mut monitor).map_err(|error| match error {
            PhaseError::Write { path, source } => RunError::Write { path, source },
            PhaseError::Interrupted { step } => {
                RunError::Interrupted { folder: self.folder.path().to_owned(), phase: phase + 1, step }
            }
            error => {
                if let PhaseError::Data(cause) = &error
                    && cause.finding().is_some_and(|(code, _)| code == Code::ChangedData)
                {
                    // What came before the change cannot be told from what came after it.
                    let _ = fs::remove_file(folder.checkpoint(phase));
                }
                RunError::Phase(error)
            }
        })
    }

    /// What evaluators of a variant measure on.
    pub fn subject<'p>(&'p self, prepared: &'p Prepared) -> Subject<'p, B> {
        Subject {
            model: &prepared.model,
            device: self.device,
            train: &prepared.train,
            train_indices: &prepared.split.train,
            test: &prepared.test,
            validation: &prepared.split.validation,
            oracle: prepared.oracle.as_ref(),
            smoke: self.options.smoke,
        }
    }

    /// What the phase begins with, and the records of the phases before it.
    fn start(
        &self,
        run: &Run,
        phase: usize,
        folder: &SeedFolder,
        journal: &mut Journal<'_>,
    ) -> Result<(Start<B>, Records), RunError> {
        let layout = &self.prepared[run.variant].model.layout;
        let Some(before) = phase.checked_sub(1) else {
            let experiment = &self.program.variants[run.variant].experiment;
            let state = initial(experiment, layout, run.seed, self.device)?;
            self.prepared[run.variant].start.unchanged()?;
            return Ok((Start { state, best: None, epoch: 0 }, Records::default()));
        };
        let stored = self.whole(run, before, folder, journal)?;
        let checkpoint = stored.open()?;
        let state = checkpoint.state(layout, self.device)?;
        let best = checkpoint.best(layout, self.device)?;
        let best = checkpoint.progress.best.zip(best);
        let records = Records::of(folder, phase);
        Ok((Start { state, best, epoch: checkpoint.progress.epoch }, records))
    }

    /// The place of a run among all runs of the program.
    fn order(&self, run: &Run) -> usize {
        let seeds = &self.program.seeds;
        run.variant * seeds.len() + seeds.iter().position(|&seed| seed == run.seed).unwrap_or(0)
    }

    /// `resolved.json`: every value and where it came from.
    fn resolved(&self, variant: &Variant, run: &Run) -> Result<Vec<u8>, RunError> {
        let stages =
            run.train.iter().chain([&run.evaluate]).map(|&node| self.graph.stage(node).key.to_string());
        let meaning = &self.prepared[run.variant].meaning;
        let json = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "edition": self.program.edition,
            "title": self.program.title,
            "variant": variant.slug,
            "choices": variant.choices,
            "seed": run.seed,
            "runs": self.graph.runs.len(),
            "order": self.order(run),
            "settings": variant.settings,
            "experiment": variant.experiment,
            "classes": meaning.classes,
            "class_order": meaning.class_order,
            "normalize": meaning.normalize,
            "stages": stages.collect::<Vec<_>>(),
        });
        serde_json::to_vec_pretty(&json).map_err(|error| RunError::Internal(error.to_string()))
    }
}

/// Epochs and measurements of finished phases.
#[derive(Default)]
pub struct Records {
    pub rows: Vec<crate::train::state::EpochRow>,
    pub measured: Vec<Measured>,
}

impl Records {
    /// Of the first `phases` phases.
    pub fn of(folder: &SeedFolder, phases: usize) -> Self {
        let mut records = Self::default();
        for progress in (0..phases).filter_map(|phase| peek(&folder.checkpoint(phase)).ok()?) {
            records.rows.extend(progress.rows);
            records.measured.extend(progress.measured);
        }
        records
    }
}

/// Length of phases together.
fn steps(phases: &[Phase], steps_per_epoch: u64) -> u64 {
    phases.iter().map(|phase| phase.duration.steps(steps_per_epoch)).sum()
}

/// The batches of a variant under a seed.
///
/// # Errors
/// Data that cannot be read.
pub fn feed(variant: &Variant, prepared: &Prepared, seed: u64) -> Result<Feed, RunError> {
    let data = &variant.experiment.data;
    let indices = prepared.split.train.clone();
    let train = prepared.train.clone();
    let groups = train.groups.clone();
    let feed = Feed::new(train, indices, data.augment.clone(), data.batch, seed, data.shuffle)?;
    Ok(match groups {
        Some(groups) => feed.sharing_batches(&groups),
        None => feed,
    })
}

/// A failure of one variant lets the others go on; these do not.
fn stops_everything(error: &RunError) -> bool {
    use RunError::{Failed, Phase, Shared};
    !matches!(error, Phase(PhaseError::Diverged(_)) | Failed(_) | Shared(_))
}

fn failure(error: &RunError, phase: usize) -> Event {
    match error {
        RunError::Interrupted { phase, step, .. } => Event::Interrupted { phase: *phase, step: *step },
        error => Event::Failed { stage: format!("phase {}", phase + 1), message: error.to_string() },
    }
}
