//! What run folders hold.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::train::state::peek;

use super::Outcome;

/// A run folder.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    pub folder: PathBuf,
    /// Name of the program it ran.
    pub program: String,
    pub title: Option<String>,
    /// Whether a process is at it.
    pub running: bool,
    /// Variants and seeds, in the order in which they began.
    pub seeds: Vec<SeedRecord>,
}

/// One variant under one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedRecord {
    pub variant: String,
    pub seed: u64,
    pub state: State,
    /// Time of the first event, in seconds since 1970-01-01 UTC.
    pub began: f64,
    /// Name and value of each measurement.
    pub values: Vec<(String, f64)>,
    /// How the data came about.
    pub protocol: Vec<String>,
}

/// How far a run came.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    Finished,
    /// Phase from 1, step of that phase.
    Interrupted {
        phase: usize,
        step: u64,
    },
    Failed(String),
}

/// The parts of `resolved.json` that name a run.
#[derive(Deserialize)]
struct Resolved {
    variant: String,
    seed: u64,
    title: Option<String>,
}

#[derive(Deserialize)]
struct Results {
    values: Vec<(String, Option<f64>)>,
    #[serde(default)]
    protocol: Vec<String>,
}

/// The parts of an event that tell where a run stands.
#[derive(Deserialize)]
struct EventLine {
    time: f64,
    #[serde(rename = "type")]
    kind: String,
    program: Option<String>,
    message: Option<String>,
}

/// All run folders in `runs`, oldest first.
///
/// # Errors
/// `runs` cannot be read.
pub fn list(runs: &Path) -> io::Result<Vec<RunRecord>> {
    let mut records = Vec::new();
    for entry in fs::read_dir(runs)? {
        let path = entry?.path();
        if path.is_dir() {
            records.extend(read(&path)?);
        }
    }
    let began = |record: &RunRecord| record.seeds.first().map_or(0.0, |seed| seed.began);
    records.sort_by(|one, other| began(one).total_cmp(&began(other)));
    Ok(records)
}

/// One run folder; `None` where nothing was ever run.
///
/// # Errors
/// The folder cannot be read.
pub fn read(folder: &Path) -> io::Result<Option<RunRecord>> {
    let mut seeds = Vec::new();
    let (mut program, mut title) = (None, None);
    for variant in folders(folder)? {
        for seed in folders(&variant)? {
            let Some((resolved, events)) = opened(&seed) else { continue };
            program = program.or(events.first().and_then(|event| event.program.clone()));
            title = title.or(resolved.title.clone());
            seeds.push(seed_record(&seed, resolved, &events));
        }
    }
    seeds.sort_by(|one, other| one.began.total_cmp(&other.began));
    let Some(program) = program else { return Ok(None) };
    Ok(Some(RunRecord { folder: folder.to_owned(), program, title, running: is_locked(folder), seeds }))
}

impl RunRecord {
    pub fn variants(&self) -> Vec<&str> {
        let mut variants: Vec<&str> = Vec::new();
        for seed in &self.seeds {
            if !variants.contains(&seed.variant.as_str()) {
                variants.push(&seed.variant);
            }
        }
        variants
    }

    /// For a table; interrupted runs are left out.
    pub fn outcomes(&self) -> Vec<Outcome> {
        let outcome = |seed: &SeedRecord| {
            let values = match seed.state {
                State::Finished => Some(seed.values.clone()),
                State::Failed(_) => None,
                State::Interrupted { .. } => return None,
            };
            Some(Outcome { variant: seed.variant.clone(), values })
        };
        self.seeds.iter().filter_map(outcome).collect()
    }
}

impl RunRecord {
    /// The protocol of each variant that has results.
    pub fn protocols(&self) -> Vec<(String, Vec<String>)> {
        let finished = self.seeds.iter().filter(|seed| seed.state == State::Finished);
        finished.map(|seed| (seed.variant.clone(), seed.protocol.clone())).collect()
    }
}

fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// What identifies a run and what happened in it; `None` for a folder that holds no run.
fn opened(folder: &Path) -> Option<(Resolved, Vec<EventLine>)> {
    let resolved = serde_json::from_slice(&fs::read(folder.join("resolved.json")).ok()?).ok()?;
    let text = fs::read_to_string(folder.join("events.jsonl")).ok()?;
    // One line per epoch tells nothing about the state, and a long run has many.
    let lines = text.lines().filter(|line| !line.contains("\"type\":\"epoch\""));
    Some((resolved, lines.filter_map(|line| serde_json::from_str(line).ok()).collect()))
}

fn seed_record(folder: &Path, resolved: Resolved, events: &[EventLine]) -> SeedRecord {
    let Resolved { variant, seed, .. } = resolved;
    let results = fs::read(folder.join("results.json")).ok();
    let results: Option<Results> = results.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let failure = events.last().filter(|event| event.kind == "failed");
    let state = match (&results, failure) {
        (_, Some(event)) => State::Failed(event.message.clone().unwrap_or_default()),
        (Some(_), None) => State::Finished,
        (None, None) => interrupted(folder),
    };
    let (values, protocol) =
        results.map_or_else(Default::default, |results| (results.values, results.protocol));
    SeedRecord {
        variant,
        seed,
        state,
        began: events.first().map_or(0.0, |event| event.time),
        values: values.into_iter().map(number).collect(),
        protocol,
    }
}

/// A value that was not finite is null in the file.
fn number((name, value): (String, Option<f64>)) -> (String, f64) {
    (name, value.unwrap_or(f64::NAN))
}

/// The last checkpoint of a run without results.
fn interrupted(folder: &Path) -> State {
    let phases = (1..).map(|phase| folder.join("checkpoints").join(format!("phase-{phase}.safetensors")));
    let known: Vec<_> = phases.map_while(|path| peek(&path)).collect();
    match known.last() {
        Some(progress) => State::Interrupted { phase: known.len(), step: progress.step },
        None => State::Interrupted { phase: 1, step: 0 },
    }
}

fn is_locked(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join("lock")) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(folder: &Path, variant: &str, number: u64, events: &str, results: Option<&str>) {
        let folder = folder.join(variant).join(format!("seed-{number}"));
        fs::create_dir_all(&folder).unwrap();
        let resolved = serde_json::json!({ "variant": variant, "seed": number, "title": "T" });
        fs::write(folder.join("resolved.json"), resolved.to_string()).unwrap();
        fs::write(folder.join("events.jsonl"), events).unwrap();
        if let Some(results) = results {
            fs::write(folder.join("results.json"), results).unwrap();
        }
    }

    const STARTED: &str = r#"{"schema":1,"seq":0,"time":10.0,"type":"run_started","program":"a"}"#;

    #[test]
    fn states_come_from_results_and_the_last_event() {
        let runs = tempfile::tempdir().unwrap();
        let run = runs.path().join("a-1234");
        seed(&run, "sgd", 0, STARTED, Some(r#"{"stage":"x","values":[["accuracy",0.5]]}"#));
        seed(&run, "sgd", 1, STARTED, None);
        let failed = format!(
            "{STARTED}\n{{\"time\":12.0,\"type\":\"failed\",\"stage\":\"phase 1\",\"message\":\"m\"}}\n"
        );
        seed(&run, "sam", 0, &failed, None);
        fs::create_dir_all(runs.path().join("empty")).unwrap();
        let records = list(runs.path()).unwrap();
        let [record] = records.as_slice() else { panic!("{records:?}") };
        assert_eq!(
            (record.program.as_str(), record.title.as_deref(), record.running),
            ("a", Some("T"), false)
        );
        let states: Vec<_> =
            record.seeds.iter().map(|seed| (seed.variant.as_str(), seed.state.clone())).collect();
        assert_eq!(
            states,
            [
                ("sam", State::Failed("m".into())),
                ("sgd", State::Finished),
                ("sgd", State::Interrupted { phase: 1, step: 0 }),
            ]
        );
        assert_eq!(record.outcomes().len(), 2);
    }
}
