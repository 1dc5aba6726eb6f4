//! What run folders hold.

use std::cmp::Ordering;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::files::{Lock, Sealed, TABLE};
use crate::run::folder::LOCK;
use crate::train::state::{Progress, peek};

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
    /// Variants and seeds in the order of the program. Records that do not tell it, older or damaged ones, come last in
    /// the order in which they began.
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
    /// Its place among all runs of the program.
    pub order: Option<usize>,
    /// Time of the first event, in seconds since 1970-01-01 UTC; a full disk may have kept it from being written.
    pub began: Option<f64>,
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
    order: Option<usize>,
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
    records.sort_by(|one: &RunRecord, other| earlier(one.began(), other.began()));
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
        running: Lock::is_held(&folder.join(LOCK)),
        seeds: Vec::new(),
        damage: Vec::new(),
    };
    for variant in folders(folder)? {
        for seed in folders(&variant)? {
            record.add(&seed);
        }
    }
    let order = |seed: &SeedRecord| seed.order.unwrap_or(usize::MAX);
    record
        .seeds
        .sort_by(|one, other| order(one).cmp(&order(other)).then_with(|| earlier(one.began, other.began)));
    Ok(Some(record).filter(|record| !record.seeds.is_empty()))
}

/// What began first comes first; what is not known to have begun comes last.
fn earlier(one: Option<f64>, other: Option<f64>) -> Ordering {
    let time = |began: Option<f64>| began.unwrap_or(f64::INFINITY);
    time(one).total_cmp(&time(other))
}

impl RunRecord {
    /// When its first variant began, where that was recorded.
    pub fn began(&self) -> Option<f64> {
        self.seeds.iter().filter_map(|seed| seed.began).reduce(f64::min)
    }

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
        let (resolved, log) = match (parsed(folder, "resolved.json"), events(folder)) {
            (Ok(None), None) => return,
            (resolved, log) => (resolved, log.unwrap_or_default()),
        };
        let sealed = Sealed::new(folder);
        if let Some(fault) = sealed.fault().filter(|_| !sealed.names().is_empty()) {
            note(TABLE, format!("{fault}; nothing vouches for the records beside it"));
        }
        let resolved = resolved.and_then(|resolved| resolved.ok_or_else(|| "it is not there".into()));
        let resolved = resolved.unwrap_or_else(|cause| {
            note("resolved.json", cause);
            Resolved { variant: parent_name(folder), seed: number, title: None, order: None }
        });
        let results = parsed(folder, "results.json");
        if let Err(cause) = &results {
            note("results.json", cause.clone());
        }
        if let Some(line) = log.unreadable {
            note(EVENTS, format!("line {line} is not an event"));
        }
        let (checkpoints, damaged) = checkpoints(folder);
        self.damage.extend(damaged);
        let events = log.events;
        if let Some(program) = events.first().and_then(|event| event.program.clone()) {
            self.program = program;
        }
        self.title = self.title.take().or_else(|| resolved.title.clone());
        self.seeds.push(seed_record(folder, resolved, &events, &checkpoints, results));
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

/// A record of a folder as it was written; `Ok(None)` where there is none. Where all hashes are lost, which is told
/// once, records are taken as they are: they can still be looked at.
pub(super) fn stored(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, String> {
    let sealed = Sealed::new(folder);
    match sealed.read(name) {
        Err(_) if sealed.fault().is_some() => {
            fs::read(folder.join(name)).map(Some).map_err(|error| error.to_string())
        }
        read => read.map_err(|fault| fault.to_string()),
    }
}

/// A JSON record of a folder.
fn parsed<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>, String> {
    let bytes = stored(folder, name)?;
    let parse = |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(|error| error.to_string());
    bytes.map(parse).transpose()
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

const EVENTS: &str = "events.jsonl";

/// What happened in a run, as far as it can be read.
#[derive(Default)]
struct Log {
    events: Vec<EventLine>,
    /// The first line that cannot be, from 1.
    unreadable: Option<usize>,
}

/// `None` without a log.
fn events(folder: &Path) -> Option<Log> {
    let text = fs::read(folder.join(EVENTS)).ok()?;
    let text = String::from_utf8_lossy(&text);
    let mut log = Log::default();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        // One line per epoch tells nothing about the state, and a long run has many.
        if line.contains("\"type\":\"epoch\"") {
            continue;
        }
        match serde_json::from_str(line) {
            Ok(event) => log.events.push(event),
            // A line without an end is being written, or was when the program was killed.
            Err(_) if line.ends_with('\n') => log.unreadable = log.unreadable.or(Some(index + 1)),
            Err(_) => {}
        }
    }
    Some(log)
}

/// The phases' checkpoints, and those that are damaged.
fn checkpoints(folder: &Path) -> (Vec<Progress>, Vec<Damage>) {
    let (mut known, mut damaged) = (Vec::new(), Vec::new());
    for phase in 1.. {
        let path = folder.join("checkpoints").join(format!("phase-{phase}.safetensors"));
        match peek(&path) {
            Ok(Some(progress)) => known.push(progress),
            Ok(None) => break,
            Err(error) => damaged.push(Damage { path, cause: error.to_string() }),
        }
    }
    (known, damaged)
}

fn seed_record(
    folder: &Path,
    resolved: Resolved,
    events: &[EventLine],
    checkpoints: &[Progress],
    results: Result<Option<Results>, String>,
) -> SeedRecord {
    let failure = events.last().filter(|event| event.kind == "failed");
    let failure = failure.map(|event| event.message.clone().unwrap_or_default());
    let diverged = checkpoints.last().and_then(|progress| progress.failed.clone());
    let state = match (&results, failure.or(diverged)) {
        (_, Some(message)) => State::Failed(message),
        (Ok(Some(_)), None) => State::Finished,
        (Ok(None), None) => interrupted(checkpoints),
        (Err(_), None) => State::Damaged,
    };
    let results = results.ok().flatten().unwrap_or_default();
    SeedRecord {
        folder: folder.to_owned(),
        variant: resolved.variant,
        seed: resolved.seed,
        state,
        order: resolved.order,
        began: events.first().map(|event| event.time),
        values: results.values.into_iter().map(number).collect(),
        warnings: results.warnings,
        protocol: results.protocol,
    }
}

/// A value that was not finite is null in the file.
fn number((name, value): (String, Option<f64>)) -> (String, f64) {
    (name, value.unwrap_or(f64::NAN))
}

/// Where a run without results stands.
fn interrupted(checkpoints: &[Progress]) -> State {
    let step = checkpoints.last().map_or(0, |progress| progress.step);
    State::Interrupted { phase: checkpoints.len().max(1), step }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(folder: &Path, variant: &str, number: u64, events: &str, results: Option<&str>) {
        let folder = folder.join(variant).join(format!("seed-{number}"));
        fs::create_dir_all(&folder).unwrap();
        let resolved = serde_json::json!({ "variant": variant, "seed": number, "title": "T" });
        let sealed = Sealed::new(&folder);
        sealed.write("resolved.json", resolved.to_string().as_bytes()).unwrap();
        fs::write(folder.join(EVENTS), events).unwrap();
        if let Some(results) = results {
            sealed.write("results.json", results.as_bytes()).unwrap();
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
    fn a_clock_that_is_set_back_changes_no_order() {
        let runs = tempfile::tempdir().unwrap();
        let run = runs.path().join("a-1234");
        for (order, variant) in ["sgd", "adam", "sam"].into_iter().enumerate() {
            let time = 100 - 10 * order;
            seed(&run, variant, 0, &STARTED.replace("10.0", &time.to_string()), None);
            let resolved = serde_json::json!({ "variant": variant, "seed": 0, "order": order });
            let sealed = Sealed::new(&run.join(variant).join("seed-0"));
            sealed.write("resolved.json", resolved.to_string().as_bytes()).unwrap();
        }
        let record = read(&run).unwrap().unwrap();
        assert_eq!((record.variants(), record.began()), (vec!["sgd", "adam", "sam"], Some(80.0)));
    }

    #[test]
    fn a_damaged_file_is_named_and_the_rest_is_read() {
        let runs = tempfile::tempdir().unwrap();
        let run = runs.path().join("a-1234");
        seed(&run, "sgd", 0, STARTED, Some(r#"{"stage":"x","values":[["accuracy",0.5]]}"#));
        fs::write(run.join("sgd/seed-0/results.json"), r#"{"stage":"x","values":[["accuracy",0.9]]}"#)
            .unwrap();
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

    #[test]
    fn records_without_hashes_are_shown_with_a_word() {
        let runs = tempfile::tempdir().unwrap();
        let run = runs.path().join("a-1234");
        let results = r#"{"stage":"x","values":[["accuracy",0.5]]}"#;
        seed(&run, "sgd", 0, &format!("{STARTED}\n{{\"tim\n"), Some(results));
        fs::remove_file(run.join("sgd/seed-0").join(TABLE)).unwrap();
        let record = read(&run).unwrap().unwrap();
        assert_eq!(record.seeds[0].values, [("accuracy".to_owned(), 0.5)]);
        let damaged: Vec<String> = record.damage.iter().map(|damage| damage.cause.clone()).collect();
        assert_eq!(
            damaged,
            ["it is not there; nothing vouches for the records beside it", "line 2 is not an event"]
        );
    }

    #[test]
    fn a_run_that_could_not_write_its_first_event_has_no_date() {
        let runs = tempfile::tempdir().unwrap();
        seed(&runs.path().join("b-1"), "sgd", 0, "", None);
        seed(&runs.path().join("a-1"), "sgd", 0, STARTED, None);
        let records = list(runs.path()).unwrap();
        let began: Vec<_> = records.iter().map(RunRecord::began).collect();
        assert_eq!(began, [Some(10.0), None]);
    }
}
