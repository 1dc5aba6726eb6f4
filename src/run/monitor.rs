//! What a phase sees of the run around it.

use std::cell::RefCell;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::RunError;
use super::event::{Event, Observer, RunName};
use super::folder::SeedFolder;
use super::measuring::{Place, measure_all, write_fields};
use super::record::{EventLog, write_measured, write_metrics};
use crate::data::Watched;
use crate::evaluate::{
    Headway, MeasureError, Measurements, Moment, Notes, Session, Subject, measure, robustness, scores,
};
use crate::files::Fault;
use crate::lang::catalog::Evaluator;
use crate::lang::program::{Experiment, Select};
use crate::lang::schedule::{Clock, Duration};
use crate::model::StateDict;
use crate::ops::Ops;
use crate::stop::{self, Flag};
use crate::train::Learner;
use crate::train::phase::{Monitor, PhaseError, Timing, Validation};
use crate::train::state::{EpochRow, Measured};

/// Event log and observer of one run.
pub struct Journal<'a> {
    pub name: RunName,
    pub log: EventLog,
    pub observer: &'a mut dyn Observer,
}

impl Journal<'_> {
    /// Records an event and shows it.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn event(&mut self, event: &Event) -> Result<(), RunError> {
        let line = self.log.append(event)?;
        self.observer.event(&self.name, event, &line);
        Ok(())
    }

    /// Records and shows what casts doubt on a measurement.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn warn(&mut self, warnings: &[String]) -> Result<(), RunError> {
        warnings.iter().try_for_each(|message| self.event(&Event::Warning { message: message.clone() }))
    }

    /// Records and shows that a file is not what was written, and what is done about it.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn damaged(&mut self, path: &Path, cause: &dyn Display, remedy: &str) -> Result<(), RunError> {
        let (path, cause, remedy) = (path.display().to_string(), cause.to_string(), remedy.to_owned());
        self.event(&Event::Damaged { path, cause, remedy })
    }

    /// [`Journal::damaged`] for notes of measurements.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn damaged_notes(&mut self, notes: RefCell<Vec<PathBuf>>) -> Result<(), RunError> {
        let mut notes = notes.into_inner().into_iter();
        notes.try_for_each(|path| self.damaged(&path, &Fault::Changed, "what it noted is measured anew"))
    }
}

/// One phase's [`Monitor`].
pub struct PhaseMonitor<'a, 'j, B: Ops> {
    pub journal: &'a mut Journal<'j>,
    pub stop: &'a Flag,
    pub experiment: &'a Experiment,
    pub subject: Subject<'a, B>,
    pub validation: &'a [u32],
    pub watched: Watched,
    pub phase: usize,
    pub checkpoint: PathBuf,
    /// Rows and measurements of the phases before, then of this one.
    pub rows: Vec<EpochRow>,
    pub measured: Vec<Measured>,
    pub folder: SeedFolder,
    pub last_step: u64,
    pub seed: u64,
    /// Content key of the phase.
    pub key: &'a str,
    /// Notes of finished measurements, of no use once a checkpoint holds their numbers.
    pub finished: Vec<PathBuf>,
    /// Steps of the run before this phase.
    pub steps_before: u64,
    /// What cast doubt on measurements of the phase.
    pub doubts: Vec<String>,
}

fn failed(error: RunError) -> PhaseError {
    match error {
        RunError::Write { path, source } => PhaseError::Write { path, source },
        error => PhaseError::Record(error.to_string()),
    }
}

fn unmeasured(error: MeasureError) -> PhaseError {
    match error {
        MeasureError::Data(error) => PhaseError::Data(error),
        MeasureError::Stopped => PhaseError::Measuring,
        MeasureError::Write { path, source } => PhaseError::Write { path, source },
    }
}

fn first(measured: &Measurements) -> Option<f64> {
    measured.values.first().map(|(_, value)| *value)
}

impl<B: Ops> Monitor<B> for PhaseMonitor<'_, '_, B> {
    fn stop(&self) -> Flag {
        self.stop.clone()
    }

    fn stepped(&mut self, step: u64, steps: u64) {
        self.last_step = step;
        self.journal.observer.stepped(&self.journal.name, step, steps);
    }

    fn validate(&mut self, state: &StateDict<B>) -> Result<Validation, PhaseError> {
        stop::until(self.stop, || self.validated(state)).unwrap_or(Err(PhaseError::Measuring))
    }

    fn measure(&mut self, learner: &Learner<'_, B>, clock: &Clock) -> Result<Vec<(String, f64)>, PhaseError> {
        let all = stop::until(self.stop, || self.measurements(learner, clock));
        let all = all.unwrap_or(Err(PhaseError::Measuring))?;
        self.doubt(&all)?;
        let name = format!("fields/phase-{}-step-{}.json", self.phase + 1, clock.step);
        write_fields(&self.folder, &name, self.phase + 1, clock.step, all.fields).map_err(failed)?;
        let numbers = all.values;
        for (name, value) in &numbers {
            let event = Event::Measured {
                phase: self.phase + 1,
                step: clock.step,
                name: name.clone(),
                value: *value,
            };
            self.journal.event(&event).map_err(failed)?;
        }
        Ok(numbers)
    }

    fn epoch(&mut self, row: &EpochRow, measured: &[Measured], timing: Timing) -> Result<(), PhaseError> {
        let seconds_per_step = timing.seconds / timing.steps.max(1) as f64;
        let event = Event::Epoch { phase: self.phase + 1, metrics: Box::new(row.clone()), seconds_per_step };
        self.journal.event(&event).map_err(failed)?;
        self.rows.push(row.clone());
        write_metrics(&self.folder, &self.rows).map_err(failed)?;
        let all: Vec<&Measured> = self.measured.iter().chain(measured).collect();
        write_measured(&self.folder, &all).map_err(failed)
    }

    fn finish(&mut self) -> Result<(), PhaseError> {
        Ok(self.watched.unchanged()?)
    }

    fn save(&mut self, checkpoint: &[u8]) -> Result<(), PhaseError> {
        super::folder::write(&self.checkpoint, checkpoint).map_err(failed)?;
        for notes in self.finished.drain(..) {
            let _ = std::fs::remove_dir_all(notes);
        }
        let event =
            Event::Checkpoint { phase: self.phase + 1, step: self.last_step, bytes: checkpoint.len() };
        self.journal.event(&event).map_err(failed)
    }
}

/// Shows what is measured, and stops it where the user asked to stop.
fn watch<'w>(journal: &'w mut Journal<'_>, stop: &'w Flag) -> impl FnMut(&Headway<'_>) -> bool + 'w {
    let Journal { name, observer, .. } = journal;
    let (name, observer) = (&*name, &mut **observer);
    move |headway| {
        observer.measuring(name, headway);
        !stop.load(Ordering::Relaxed)
    }
}

impl<B: Ops> PhaseMonitor<'_, '_, B> {
    fn validated(&mut self, state: &StateDict<B>) -> Result<Validation, PhaseError> {
        let (subject, experiment) = (&self.subject, self.experiment);
        let mut validation = Validation::default();
        if !self.validation.is_empty() {
            let samples = subject.passed(self.validation);
            let scores = scores(subject.model, subject.train, samples, state, subject.device)?;
            (validation.loss, validation.accuracy) = (Some(scores.loss), Some(scores.accuracy));
        }
        let Select::Best(evaluator) = &experiment.select else { return Ok(validation) };
        validation.adversarial_accuracy = self.robustness(evaluator, state)?;
        validation.score = match (evaluator, validation.loss, validation.accuracy) {
            (Evaluator::Loss(_), Some(loss), _) => Some(-loss),
            (Evaluator::Accuracy(_), _, Some(accuracy)) => Some(accuracy),
            (Evaluator::Pgd(_) | Evaluator::Autoattack(_), _, Some(_)) => validation.adversarial_accuracy,
            // Without a validation split only the test data are left; the checker warns of it.
            _ => self.on_test_data(evaluator, state)?.map(|value| sign(evaluator) * value),
        };
        Ok(validation)
    }

    /// Accuracy under an evaluator's attack on the validation split, where there are both.
    fn robustness(&mut self, evaluator: &Evaluator, state: &StateDict<B>) -> Result<Option<f64>, PhaseError> {
        let (subject, validation) = (&self.subject, self.validation);
        if validation.is_empty() {
            return Ok(None);
        }
        let mut watch = watch(self.journal, self.stop);
        let mut session = Session { watch: &mut watch, notes: &mut Notes::none() };
        let found = robustness(evaluator, subject, (subject.train, validation), state, &mut session);
        drop(watch);
        let Some(measured) = found.transpose().map_err(unmeasured)? else { return Ok(None) };
        self.doubt(&measured)?;
        Ok(first(&measured))
    }

    /// What an evaluator gives on the test data.
    fn on_test_data(
        &mut self,
        evaluator: &Evaluator,
        state: &StateDict<B>,
    ) -> Result<Option<f64>, PhaseError> {
        let moment = Moment::of_weights(state, &self.experiment.phases[self.phase]);
        let mut watch = watch(self.journal, self.stop);
        let mut session = Session { watch: &mut watch, notes: &mut Notes::none() };
        let measured = measure(evaluator, &self.subject, &moment, &mut session).map_err(unmeasured)?;
        drop(watch);
        self.doubt(&measured)?;
        Ok(first(&measured))
    }

    /// Records what casts doubt on a measurement the first time that it comes up in the phase.
    fn doubt(&mut self, measured: &Measurements) -> Result<(), PhaseError> {
        let new = measured.warnings.iter().filter(|doubt| !self.doubts.contains(doubt));
        let new: Vec<String> = new.cloned().collect();
        self.journal.warn(&new).map_err(failed)?;
        self.doubts.extend(new);
        Ok(())
    }

    /// What the evaluators that are due give; an unfinished measurement has left its notes.
    fn measurements(&mut self, learner: &Learner<'_, B>, clock: &Clock) -> Result<Measurements, PhaseError> {
        let due = |every: Duration| {
            (self.steps_before + clock.step).is_multiple_of(every.steps(clock.steps_per_epoch).max(1))
        };
        let evaluate = self.experiment.evaluate.iter().enumerate();
        let measurements: Vec<_> =
            evaluate.filter(|(_, measurement)| measurement.every.is_some_and(due)).collect();
        if measurements.is_empty() {
            return Ok(Measurements::default());
        }
        let moment = Moment {
            state: &learner.state,
            phase: &self.experiment.phases[self.phase],
            number: self.phase + 1,
            clock: *clock,
            seed: self.seed,
            weights: learner.curriculum.weights.clone(),
            adversary: learner.adversary.as_ref().and_then(|adversary| Some(adversary.memory()?.1)),
            measured: Vec::new(),
        };
        let mut watch = watch(self.journal, self.stop);
        let notes = self.folder.partial(&format!("{}-step-{}", self.key, clock.step));
        let damaged = RefCell::default();
        let place = Place { folder: &notes, damaged: &damaged };
        let measured = measure_all(measurements.into_iter(), &self.subject, &moment, &mut watch, place);
        drop(watch);
        self.journal.damaged_notes(damaged).map_err(failed)?;
        let measured = measured.map_err(unmeasured)?;
        self.finished.push(notes);
        let mut all = Measurements::default();
        measured.into_iter().for_each(|(_, measured)| all.extend(measured));
        Ok(all)
    }
}

/// Higher is better, except for a loss.
fn sign(evaluator: &Evaluator) -> f64 {
    if matches!(evaluator, Evaluator::Loss(_)) { -1.0 } else { 1.0 }
}
