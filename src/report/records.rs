//! What run folders hold.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::train::state::peek;

use super::table::{Missing, Outcome};

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
    /// Files that cannot be used.
    pub damage: Vec<Damage>,
}

/// A file of a run that cannot be used, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub path: PathBuf,
    pub cause: String,
}

/// One variant under one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedRecord {
    pub folder: PathBuf,
    pub variant: String,
    pub seed: u64,
    pub state: State,
    /// Time of the first event, in seconds since 1970-01-01 UTC.
    pub began: f64,
    /// Name and value of each measurement.
    pub values: Vec<(String, f64)>,
    /// What casts doubt on them.
    pub warnings: Vec<String>,
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
    /// Its results cannot be read.
    Damaged,
}

/// The parts of `resolved.json` that name a run.
#[derive(Deserialize)]
struct Resolved {
    variant: String,
    seed: u64,
    title: Option<String>,
}

#[derive(Default, Deserialize)]
struct Results {
    values: Vec<(String, Option<f64>)>,
    #[serde(default)]
    warnings: Vec<String>,
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
    let mut record = RunRecord {
        folder: folder.to_owned(),
        program: program_of(folder),
        title: None,
        running: is_locked(folder),
        seeds: Vec::new(),
        damage: Vec::new(),
    };
    for variant in folders(folder)? {
        for seed in folders(&variant)? {
            record.add(&seed);
        }
    }
    record.seeds.sort_by(|one, other| one.began.total_cmp(&other.began));
    Ok(Some(record).filter(|record| !record.seeds.is_empty()))
}

impl RunRecord {
    /// `quickstart-436b4f14`.
    pub fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub fn variants(&self) -> Vec<&str> {
        let mut variants: Vec<&str> = Vec::new();
        for seed in &self.seeds {
            if !variants.contains(&seed.variant.as_str()) {
                variants.push(&seed.variant);
            }
        }
        variants
    }

    /// For a table.
    pub fn outcomes(&self) -> Vec<Outcome> {
        self.seeds.iter().map(SeedRecord::outcome).collect()
    }

    /// Adds what lies in a folder, if that is a seed's.
    fn add(&mut self, folder: &Path) {
        let Some(number) = seed_number(folder) else { return };
        let mut note = |name: &str, cause: String| {
            self.damage.push(Damage { path: folder.join(name), cause });
        };
        let (resolved, events) = match (parsed(folder, "resolved.json"), events(folder)) {
            (Ok(None), None) => return,
            (resolved, events) => (resolved, events.unwrap_or_default()),
        };
        let resolved = resolved.and_then(|resolved| resolved.ok_or_else(|| "is not there".into()));
        let resolved = resolved.unwrap_or_else(|cause| {
            note("resolved.json", cause);
            Resolved { variant: parent_name(folder), seed: number, title: None }
        });
        let results = parsed(folder, "results.json");
        if let Err(cause) = &results {
            note("results.json", cause.clone());
        }
        if let Some(program) = events.first().and_then(|event| event.program.clone()) {
            self.program = program;
        }
        self.title = self.title.take().or_else(|| resolved.title.clone());
        self.seeds.push(seed_record(folder, resolved, &events, results));
    }
}

impl SeedRecord {
    pub fn outcome(&self) -> Outcome {
        let values = match self.state {
            State::Finished => Ok(self.values.clone()),
            State::Failed(_) => Err(Missing::Failed),
            State::Interrupted { .. } | State::Damaged => Err(Missing::Unfinished),
        };
        Outcome { variant: self.variant.clone(), values }
    }
}

/// `quickstart` of `runs/quickstart-436b4f14`, where no event tells.
fn program_of(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.rsplit_once('-').map_or(name.clone(), |(program, _)| program.to_owned())
}

fn parent_name(folder: &Path) -> String {
    folder.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
}

/// Of `seed-3`.
fn seed_number(folder: &Path) -> Option<u64> {
    folder.file_name()?.to_str()?.strip_prefix("seed-")?.parse().ok()
}

/// A JSON file of a folder; `Ok(None)` where there is none.
fn parsed<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>, String> {
    match fs::read(folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| error.to_string()),
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

/// What happened in a run; `None` without a log.
fn events(folder: &Path) -> Option<Vec<EventLine>> {
    let text = fs::read(folder.join("events.jsonl")).ok()?;
    let text = String::from_utf8_lossy(&text);
    // One line per epoch tells nothing about the state, and a long run has many.
    let lines = text.lines().filter(|line| !line.contains("\"type\":\"epoch\""));
    Some(lines.filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn seed_record(
    folder: &Path,
    resolved: Resolved,
    events: &[EventLine],
    results: Result<Option<Results>, String>,
) -> SeedRecord {
    let failure = events.last().filter(|event| event.kind == "failed");
    let state = match (&results, failure) {
        (_, Some(event)) => State::Failed(event.message.clone().unwrap_or_default()),
        (Ok(Some(_)), None) => State::Finished,
        (Ok(None), None) => interrupted(folder),
        (Err(_), None) => State::Damaged,
    };
    let results = results.ok().flatten().unwrap_or_default();
    SeedRecord {
        folder: folder.to_owned(),
        variant: resolved.variant,
        seed: resolved.seed,
        state,
        began: events.first().map_or(0.0, |event| event.time),
        values: results.values.into_iter().map(number).collect(),
        warnings: results.warnings,
        protocol: results.protocol,
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
        assert_eq!(record.damage, []);
        assert_eq!(record.outcomes()[2].values, Err(Missing::Unfinished));
    }

    #[test]
    fn a_damaged_file_is_named_and_the_rest_is_read() {
        let runs = tempfile::tempdir().unwrap();
        let run = runs.path().join("a-1234");
        seed(&run, "sgd", 0, STARTED, Some(r#"{"stage":"x","values":[["accuracy""#));
        seed(&run, "sgd", 1, STARTED, Some(r#"{"stage":"x","values":[["accuracy",0.5]]}"#));
        fs::write(run.join("sgd/seed-1/resolved.json"), "{").unwrap();
        let record = read(&run).unwrap().unwrap();
        let damaged: Vec<_> =
            record.damage.iter().map(|damage| damage.path.strip_prefix(&run).unwrap()).collect();
        assert_eq!(damaged, [Path::new("sgd/seed-0/results.json"), Path::new("sgd/seed-1/resolved.json")]);
        let seeds: Vec<_> =
            record.seeds.iter().map(|seed| (seed.variant.as_str(), seed.seed, seed.state.clone())).collect();
        assert_eq!(seeds, [("sgd", 0, State::Damaged), ("sgd", 1, State::Finished)]);
    }
}
