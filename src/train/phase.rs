//! One phase from its first step, or from a checkpoint, to its last.

use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use burn::tensor::StreamId;

use crate::data::{DataError, Feed, Loader};
use crate::lang::program::Phase;
use crate::lang::schedule::Clock;
use crate::model::{Model, StateDict};
use crate::ops::Ops;
use crate::stop::{self, Flag};

use super::learner::{Learner, StepPlan, StepRecord};
use super::ledger::{Diverged, Ledger};
use super::objective::Batch;
use super::state::{Best, Checkpoint, CheckpointError, EpochRow, Measured, Progress, to_checkpoint};

/// A checkpoint older than this is renewed at the next end of an epoch, or in the middle of a long one.
const RENEW: Duration = Duration::from_secs(2);
const RENEW_WITHIN_EPOCH: Duration = Duration::from_secs(300);

/// What a phase trains on and how long.
pub struct Setup<'a, B: Ops> {
    pub model: &'a Model,
    pub phase: &'a Phase,
    pub feed: &'a Feed,
    pub plan: StepPlan,
    /// Content key of the stage.
    pub key: &'a str,
    pub device: &'a B::Device,
    /// Steps after which a smoke run stops.
    pub at_most: Option<u64>,
}

/// What a phase begins with.
pub struct Start<B: Ops> {
    pub state: StateDict<B>,
    pub best: Option<(Best, StateDict<B>)>,
    /// Epochs of the run before this phase.
    pub epoch: u64,
}

/// What the selection split says after an epoch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Validation {
    pub loss: Option<f64>,
    pub accuracy: Option<f64>,
    /// Under the attack of `select best(pgd.accuracy)`.
    pub adversarial_accuracy: Option<f64>,
    /// What `select best` compares; higher is better.
    pub score: Option<f64>,
}

/// How fast an epoch went.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    pub seconds: f64,
    pub steps: u64,
}

/// The outside of a phase: where checkpoints go, who watches, who measures.
pub trait Monitor<B: Ops> {
    /// Set once the user asks to stop.
    fn stop(&self) -> Flag;
    /// After every step.
    fn stepped(&mut self, step: u64, steps: u64);
    /// Validation after every epoch.
    ///
    /// # Errors
    /// Data that cannot be read; [`PhaseError::Measuring`] where the user asked to stop.
    fn validate(&mut self, state: &StateDict<B>) -> Result<Validation, PhaseError>;
    /// Evaluators on the way: called after every step, gives the numbers that are due then.
    ///
    /// # Errors
    /// Data that cannot be read; [`PhaseError::Measuring`] where the user asked to stop.
    fn measure(&mut self, learner: &Learner<'_, B>, clock: &Clock) -> Result<Vec<(String, f64)>, PhaseError>;
    /// After every epoch; `measured` holds all of the phase so far.
    ///
    /// # Errors
    /// A record that cannot be written.
    fn epoch(&mut self, row: &EpochRow, measured: &[Measured], timing: Timing) -> Result<(), PhaseError>;
    /// Before a phase is kept as finished.
    ///
    /// # Errors
    /// Data that are not those that it began with.
    fn finish(&mut self) -> Result<(), PhaseError>;
    /// Keeps a checkpoint.
    ///
    /// # Errors
    /// A file that cannot be written.
    fn save(&mut self, checkpoint: &[u8]) -> Result<(), PhaseError>;
}

/// Why a phase ended early.
#[derive(Debug, thiserror::Error)]
pub enum PhaseError {
    #[error("{0}")]
    Data(#[from] DataError),
    #[error("{0}; the last good checkpoint is kept")]
    Diverged(#[from] Diverged),
    #[error("{0}")]
    Checkpoint(#[from] CheckpointError),
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Record(String),
    #[error("interrupted after step {step}")]
    Interrupted { step: u64 },
    #[error("interrupted while measuring")]
    Measuring,
}

/// Uploads by a stream of commands of their own, which a card follows while it computes a step. It is one for all runs of
/// the process, because a stream keeps memory of its own.
fn uploading<T>(upload: impl FnOnce() -> T) -> T {
    static STREAM: OnceLock<StreamId> = OnceLock::new();
    STREAM.get_or_init(StreamId::current).executes(upload)
}

/// A phase under way.
struct Run<'a, 'm, B: Ops> {
    setup: &'a Setup<'a, B>,
    monitor: &'m mut dyn Monitor<B>,
    learner: Learner<'a, B>,
    ledger: Ledger<B>,
    best: Option<StateDict<B>>,
    progress: Progress,
    /// Length of the phase.
    clock: Clock,
    saved: Instant,
    epoch_began: (Instant, u64),
}

impl<'a, B: Ops> Setup<'a, B> {
    /// Trains to the end; the returned weights are the last ones, and the best ones where they are kept.
    ///
    /// # Errors
    /// The cause; a checkpoint of the last good step has been handed to the monitor where there was one.
    pub fn run(
        &'a self,
        start: Start<B>,
        checkpoint: Option<Checkpoint<'_>>,
        monitor: &mut dyn Monitor<B>,
    ) -> Result<(), PhaseError> {
        let learner = Learner::new(self.model, self.phase, start.state, self.plan, self.device);
        let (best, best_state) = start.best.unzip();
        let minimizer = self.phase.minimizer.name();
        let progress = Progress::start(self.key, minimizer, start.epoch, best);
        let mut run = Run {
            setup: self,
            monitor,
            learner,
            ledger: Ledger::new(progress.sums.clone()),
            best: best_state,
            progress,
            clock: self.clock(),
            saved: Instant::now(),
            epoch_began: (Instant::now(), 0),
        };
        if let Some(checkpoint) = checkpoint {
            run.resume(&checkpoint)?;
        }
        run.train()
    }

    /// Number of the phase, from 1.
    fn number(&self) -> usize {
        self.plan.phase as usize
    }

    /// Length of the phase.
    pub fn steps(&self) -> u64 {
        self.clock().steps
    }

    fn clock(&self) -> Clock {
        let steps_per_epoch = self.feed.batches() as u64;
        let steps = self.phase.duration.steps(steps_per_epoch);
        Clock {
            step: 0,
            steps: self.at_most.map_or(steps, |most| steps.min(most)),
            steps_per_epoch,
            lr: None,
        }
    }
}

impl<B: Ops> Run<'_, '_, B> {
    fn resume(&mut self, checkpoint: &Checkpoint<'_>) -> Result<(), PhaseError> {
        checkpoint.belongs_to(self.setup.key, self.setup.phase.minimizer.name())?;
        let (layout, device) = (&self.setup.model.layout, self.setup.device);
        checkpoint.restore(layout, &mut self.learner, device)?;
        self.best = checkpoint.best(layout, device)?;
        self.progress = checkpoint.progress.clone();
        self.ledger = Ledger::new(self.progress.sums.clone());
        self.epoch_began = (Instant::now(), self.progress.step);
        Ok(())
    }

    fn train(&mut self) -> Result<(), PhaseError> {
        if self.progress.measuring {
            self.measure()?;
        }
        let mut batches = self.batches()?;
        // Begun batches belong to an epoch whose end is still to come.
        while self.progress.step < self.clock.steps || self.progress.batch > 0 {
            self.epoch(&mut batches)?;
        }
        self.monitor.finish()?;
        self.progress.finished = true;
        self.save()
    }

    fn now(&self) -> Clock {
        Clock { step: self.progress.step, ..self.clock }
    }

    /// All that are left, uploaded by the thread that makes them while steps compute.
    fn batches(&self) -> Result<Loader<Batch<B>>, DataError> {
        let Progress { epoch, batch, step, .. } = self.progress;
        let device = self.setup.device.clone();
        let left = self.clock.steps - step;
        self.setup.feed.stream(epoch, batch, left, move |host| uploading(|| Batch::upload(host, &device)))
    }

    fn epoch(&mut self, batches: &mut Loader<Batch<B>>) -> Result<(), PhaseError> {
        if self.progress.batch == 0 {
            self.learner.curriculum.begin_epoch(&self.now());
            if let Some(adversary) = &mut self.learner.adversary {
                adversary.begin_epoch();
            }
        }
        while (self.progress.batch as u64) < self.clock.steps_per_epoch {
            let Some(batch) = self.next(batches)? else { break };
            let record = self.take(&batch)?;
            self.progress.step += 1;
            self.progress.batch += 1;
            self.reckon(|ledger| ledger.add(record))?;
            self.monitor.stepped(self.progress.step, self.clock.steps);
            self.measure()?;
            if self.saved.elapsed() > RENEW_WITHIN_EPOCH {
                self.save()?;
            }
        }
        self.end_epoch()
    }

    /// The next batch, unless the phase is at its end.
    fn next(&mut self, batches: &mut Loader<Batch<B>>) -> Result<Option<Batch<B>>, PhaseError> {
        if self.progress.step == self.clock.steps {
            return Ok(None);
        }
        let stop = self.monitor.stop();
        if stop.load(Ordering::Relaxed) {
            return Err(self.interrupted());
        }
        match stop::until(&stop, || batches.next()) {
            Some(batch) => Ok(batch.transpose()?),
            None => Err(self.interrupted()),
        }
    }

    /// One step, of which nothing is left where it is stopped on the way.
    fn take(&mut self, batch: &Batch<B>) -> Result<StepRecord<B>, PhaseError> {
        let (stop, now) = (self.monitor.stop(), self.now());
        let taken = stop::until(&stop, || self.learner.step(batch, &now));
        taken.ok_or_else(|| self.interrupted())
    }

    /// Keeps what the steps so far made.
    fn interrupted(&mut self) -> PhaseError {
        let interrupted = PhaseError::Interrupted { step: self.progress.step };
        self.save().err().unwrap_or(interrupted)
    }

    /// Books steps; where they show that training has broken down, the state before it is kept.
    fn reckon(
        &mut self,
        book: impl FnOnce(&mut Ledger<B>) -> Result<(), Diverged>,
    ) -> Result<(), PhaseError> {
        let Err(diverged) = book(&mut self.ledger) else { return Ok(()) };
        self.progress.failed = Some(diverged.to_string());
        self.write()?;
        Err(PhaseError::Diverged(diverged))
    }

    fn end_epoch(&mut self) -> Result<(), PhaseError> {
        self.reckon(Ledger::settle)?;
        let validation = self.monitor.validate(&self.learner.state);
        if matches!(validation, Err(PhaseError::Measuring)) {
            return Err(self.interrupted());
        }
        let validation = validation?;
        self.progress.epoch += 1;
        self.progress.batch = 0;
        self.keep_best(validation.score);
        let row = self.row(validation);
        let (began, first) = self.epoch_began;
        let timing = Timing { seconds: began.elapsed().as_secs_f64(), steps: self.progress.step - first };
        self.monitor.epoch(&row, &self.progress.measured, timing)?;
        self.progress.rows.push(row);
        self.epoch_began = (Instant::now(), self.progress.step);
        if self.saved.elapsed() > RENEW && self.progress.step < self.clock.steps {
            self.save()?;
        }
        Ok(())
    }

    fn keep_best(&mut self, score: Option<f64>) {
        let Some(score) = score.filter(|score| score.is_finite()) else { return };
        if self.progress.best.is_none_or(|best| score > best.score) {
            self.progress.best = Some(Best { epoch: self.progress.epoch, score });
            self.best = Some(self.learner.state.clone());
        }
    }

    fn row(&mut self, validation: Validation) -> EpochRow {
        let (means, sums) = self.ledger.end_epoch();
        let last = Clock { step: self.progress.step - 1, ..self.clock };
        let [p10, p50, p90] = self.learner.curriculum.quantiles();
        let [clean_loss, clean_accuracy, adversarial_loss, attack_active, perturbation, lambda] =
            means.attack;
        let adversarial_accuracy = means.accuracy.filter(|_| self.learner.adversary.is_some());
        let attacked = validation.adversarial_accuracy;
        EpochRow {
            phase: self.setup.number(),
            epoch: self.progress.epoch,
            step: self.progress.step,
            learning_rate: Some(self.learner.optimizer.rate(&last)),
            train_loss: means.loss,
            train_accuracy: means.accuracy,
            validation_loss: validation.loss,
            validation_accuracy: validation.accuracy,
            gradient_norm: means.gradient_norm,
            radius: means.radius,
            clipped: means.clipped,
            rise: means.rise,
            curvature: means.curvature,
            kept: means.kept,
            weight_easiest: means.weight_easiest,
            weight_hardest: means.weight_hardest,
            difficulty_p10: p10,
            difficulty_p50: p50,
            difficulty_p90: p90,
            fell: means.fell,
            clean_loss,
            clean_accuracy,
            adversarial_loss,
            adversarial_accuracy,
            validation_adversarial_accuracy: attacked,
            adversarial_gap: adversarial_accuracy.zip(attacked).map(|(train, held_out)| train - held_out),
            attack_active,
            attack_active_by_step: spaced(&means.active),
            perturbation,
            lambda,
            passes: (sums.steps > 0).then(|| sums.cost / sums.steps as f64),
            skipped: sums.skipped,
            empty: sums.empty,
        }
    }

    fn measure(&mut self) -> Result<(), PhaseError> {
        let measured = self.monitor.measure(&self.learner, &self.now());
        self.progress.measuring = matches!(measured, Err(PhaseError::Measuring));
        if self.progress.measuring {
            return Err(self.interrupted());
        }
        let numbers = measured?;
        let (phase, step) = (self.setup.number(), self.progress.step);
        // The epoch under way counts as finished with its last batch.
        let epoch = self.progress.epoch + u64::from(self.progress.batch as u64 == self.clock.steps_per_epoch);
        let record = |(name, value)| Measured { phase, epoch, step, name, value };
        self.progress.measured.extend(numbers.into_iter().map(record));
        Ok(())
    }

    fn save(&mut self) -> Result<(), PhaseError> {
        self.reckon(Ledger::settle)?;
        self.write()
    }

    fn write(&mut self) -> Result<(), PhaseError> {
        self.progress.sums = self.ledger.sums.clone();
        self.progress.threshold = self.learner.curriculum.epoch_threshold();
        let best = self.best.as_ref().filter(|_| self.progress.best.is_some());
        let layout = &self.setup.model.layout;
        let bytes = to_checkpoint(layout, &self.learner, best, &self.progress).map_err(PhaseError::Record)?;
        self.monitor.save(&bytes)?;
        self.saved = Instant::now();
        Ok(())
    }
}

/// `1.0000 0.9844 0.5312`.
fn spaced(shares: &[f64]) -> String {
    shares.iter().map(|share| format!("{share:.4}")).collect::<Vec<_>>().join(" ")
}
