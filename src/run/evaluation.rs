//! The last stage of a run: selected weights, measurements, `results.json`.

use std::cell::RefCell;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use super::RunError;
use super::event::Event;
use super::executor::{Executor, Records, feed};
use super::folder::{FINAL, SeedFolder};
use super::measuring::{Place, measure_all, write_fields};
use super::monitor::Journal;
use super::record::{write_measured, write_metrics};
use super::selected::{export, selected};
use crate::evaluate::{Ending, Headway, MeasureError, Measurements, Moment, disagreements};
use crate::files::Fault;
use crate::graph::Run;
use crate::lang::program::Variant;
use crate::lang::schedule::Clock;
use crate::model::StateDict;
use crate::ops::Ops;
use crate::stop;
use crate::train::state::Checkpoint;

/// The record of a finished run.
pub(super) const RESULTS: &str = "results.json";

/// `results.json`.
#[derive(Serialize, Deserialize)]
pub(super) struct Results {
    /// Content key of the evaluation.
    stage: String,
    /// BLAKE3 of `weights.safetensors`.
    weights: String,
    /// `None` where a value is not finite.
    values: Vec<(String, Option<f64>)>,
    /// What casts doubt on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// How the data they were measured on came about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    protocol: Vec<String>,
}

impl<B: Ops> Executor<'_, B> {
    /// Measures what the program asks for at the end of a run, and keeps it with the selected weights.
    ///
    /// # Errors
    /// A record that cannot be read or written, data that cannot be read; the measurement was stopped.
    pub fn evaluate(
        &self,
        run: &Run,
        folder: &SeedFolder,
        journal: &mut Journal<'_>,
    ) -> Result<Measurements, RunError> {
        let variant = &self.program.variants[run.variant];
        let (experiment, prepared) = (&variant.experiment, &self.prepared[run.variant]);
        let stage = self.graph.stage(run.evaluate);
        let records = Records::of(folder, run.train.len());
        write_metrics(folder, &records.rows)?;
        write_measured(folder, &records.measured.iter().collect::<Vec<_>>())?;
        let known = known_results(folder, stage.key.as_str());
        let whole = known.as_ref().map(|known| whole_weights(folder, &known.weights));
        if let (Some(known), Some(Ok(weights))) = (&known, &whole) {
            self.cached(run.evaluate, "this folder", journal)?;
            journal.warn(&known.warnings)?;
            self.export(variant, run.seed, weights, journal)?;
            return Ok(known.measurements());
        }
        let last = self.whole(run, run.train.len() - 1, folder, journal)?;
        let last = last.open()?;
        let layout = &prepared.model.layout;
        let state = selected::<B>(experiment, layout, &last, self.device)?;
        let weights =
            crate::model::save_with(&folder.weights(), layout, &state, prepared.meaning.metadata())?;
        if let Some(Err(fault)) = whole {
            journal.damaged(&folder.weights(), &fault, "it is written anew from the checkpoint")?;
        }
        if let Some(known) = known.filter(|known| known.weights == hash(&weights)) {
            journal.warn(&known.warnings)?;
            self.export(variant, run.seed, &weights, journal)?;
            return Ok(known.measurements());
        }
        let mut moment = self.moment(run, &state, &last)?;
        moment.measured = records.measured.into_iter().map(|known| (known.name, known.value)).collect();
        let notes = folder.partial(stage.key.as_str());
        let mut measured = self.measured(run, &moment, &notes, journal)?;
        if let Err(changed) = prepared.images.and(&prepared.arrays).unchanged() {
            let _ = fs::remove_dir_all(&notes);
            return Err(changed.into());
        }
        let ending = Ending { rows: &records.rows, values: &measured.values, test: &prepared.test };
        if !self.options.smoke {
            measured.warnings.extend(ending.doubts());
        }
        let fields = std::mem::take(&mut measured.fields);
        write_fields(folder, FINAL, moment.number, moment.clock.step, fields)?;
        journal.warn(&measured.warnings)?;
        for (name, value) in &measured.values {
            journal.event(&Event::Result { name: name.clone(), value: *value })?;
        }
        self.export(variant, run.seed, &weights, journal)?;
        let finite = |(name, value): &(String, f64)| (name.clone(), Some(*value).filter(|v| v.is_finite()));
        let results = Results {
            stage: stage.key.to_string(),
            weights: hash(&weights),
            values: measured.values.iter().map(finite).collect(),
            warnings: measured.warnings.clone(),
            protocol: prepared.protocol.clone(),
        };
        let json =
            serde_json::to_vec_pretty(&results).map_err(|error| RunError::Internal(error.to_string()))?;
        folder.write(RESULTS, &json)?;
        let _ = fs::remove_dir_all(folder.path().join("partial"));
        Ok(measured)
    }

    /// What the program asks for, and where its attacks disagree.
    fn measured(
        &self,
        run: &Run,
        moment: &Moment<'_, B>,
        notes: &Path,
        journal: &mut Journal<'_>,
    ) -> Result<Measurements, RunError> {
        let (experiment, prepared) =
            (&self.program.variants[run.variant].experiment, &self.prepared[run.variant]);
        let mut watch = |headway: &Headway<'_>| {
            journal.observer.measuring(&journal.name, headway);
            !self.stop.load(Ordering::Relaxed)
        };
        let measurements = experiment.evaluate.iter().enumerate();
        let subject = self.subject(prepared);
        let damaged = RefCell::default();
        let place = Place { folder: notes, damaged: &damaged };
        let measured =
            stop::until(self.stop, || measure_all(measurements, &subject, moment, &mut watch, place));
        journal.damaged_notes(damaged)?;
        let measured =
            measured.unwrap_or(Err(MeasureError::Stopped)).map_err(|error| self.unmeasured(error, run))?;
        let (mut all, mut firsts) = (Measurements::default(), Vec::new());
        for (index, measured) in measured {
            let first = measured.values.first();
            firsts.extend(first.map(|(_, value)| (&experiment.evaluate[index].evaluator, *value)));
            all.extend(measured);
        }
        all.warnings.extend(disagreements(&firsts));
        Ok(all)
    }

    /// The end of a run's last phase.
    fn moment<'s>(
        &'s self,
        run: &Run,
        state: &'s StateDict<B>,
        last: &Checkpoint<'_>,
    ) -> Result<Moment<'s, B>, RunError> {
        let variant = &self.program.variants[run.variant];
        let phases = &variant.experiment.phases;
        let phase = &phases[phases.len() - 1];
        let batches = feed(variant, &self.prepared[run.variant], run.seed)?.batches() as u64;
        let step = last.progress.step;
        Ok(Moment {
            state,
            phase,
            number: phases.len(),
            clock: Clock { step, steps: phase.duration.steps(batches), steps_per_epoch: batches, lr: None },
            seed: run.seed,
            weights: last.sample_weights(self.device),
            adversary: last.adversary_memory(self.device),
            measured: Vec::new(),
        })
    }

    fn unmeasured(&self, error: MeasureError, run: &Run) -> RunError {
        match error {
            MeasureError::Data(error) => RunError::Data(error),
            MeasureError::Write { path, source } => RunError::Write { path, source },
            MeasureError::Stopped => {
                RunError::Measuring { folder: self.folder.path().to_owned(), phase: run.train.len() }
            }
        }
    }

    /// Puts the run's weights where the program wants them, also when they were there before: another run may
    /// have written to the same place.
    fn export(
        &self,
        variant: &Variant,
        seed: u64,
        weights: &[u8],
        journal: &mut Journal<'_>,
    ) -> Result<(), RunError> {
        if self.options.smoke {
            return Ok(());
        }
        match export(self.program, variant, seed, weights)? {
            Some(path) => journal.event(&Event::Exported { path: path.display().to_string() }),
            None => Ok(()),
        }
    }
}

/// Results of the evaluation `key`, where they are there as they were written.
pub(super) fn known_results(folder: &SeedFolder, key: &str) -> Option<Results> {
    let bytes = folder.read(RESULTS).ok().flatten()?;
    let results: Results = serde_json::from_slice(&bytes).ok()?;
    (results.stage == key).then_some(results)
}

impl Results {
    fn measurements(&self) -> Measurements {
        let read = |(name, value): &(String, Option<f64>)| (name.clone(), value.unwrap_or(f64::NAN));
        Measurements {
            values: self.values.iter().map(read).collect(),
            warnings: self.warnings.clone(),
            ..Measurements::default()
        }
    }
}

/// The weights with this hash.
fn whole_weights(folder: &SeedFolder, known: &str) -> Result<Vec<u8>, Fault> {
    match fs::read(folder.weights()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Fault::Gone),
        Err(error) => Err(Fault::Unreadable(error.to_string())),
        Ok(bytes) if hash(&bytes) == known => Ok(bytes),
        Ok(_) => Err(Fault::Changed),
    }
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
