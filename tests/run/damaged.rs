//! Damaged records: a run ends with the same results, or says which file it cannot go on from.
//!
//! `damage_at_many_places` is the long version: `FLATRUN_TRIES=1000 cargo test --release --test run -- --ignored many_places`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use flatrun::data::{Generator, Purpose};
use flatrun::report::{Study, read};
use flatrun::run::{Report, RunError};

use crate::{Watch, options, run, watched};

/// Two phases, and every kind of record.
const PROGRAM: &str = "\
edition 2026
data digits batch 512 validation 10%
model mlp([8])
train 2 epochs curriculum spl(loss, fraction = 0.5) under sgd(lr = 0.1)
 then 2 epochs under sam(rho = 0.05)
evaluate accuracy, difficulty(samples = 40) every 1 epochs
evaluate gradient(samples = 600)
select best(accuracy)
";

/// How a file is damaged.
#[derive(Clone, Copy, Debug)]
enum Harm {
    /// One bit, at this share of the file.
    Flip(f64, u8),
    /// To this share of its length.
    Cut(f64),
    Empty,
    Extend,
    Remove,
    Zeros,
}

impl Harm {
    fn drawn(random: &mut Generator) -> Self {
        match (random.unit() * 7.0) as usize {
            0 | 1 => Self::Flip(random.unit(), (random.unit() * 8.0) as u8),
            2 => Self::Cut(random.unit()),
            3 => Self::Empty,
            4 => Self::Extend,
            5 => Self::Remove,
            _ => Self::Zeros,
        }
    }

    fn apply(self, path: &Path) {
        let mut bytes = fs::read(path).unwrap();
        let length = bytes.len() as f64;
        match self {
            Self::Flip(share, bit) if !bytes.is_empty() => bytes[(share * length) as usize] ^= 1 << bit,
            Self::Flip(..) | Self::Extend => bytes.push(b'x'),
            Self::Cut(share) => bytes.truncate((share * length) as usize),
            Self::Empty => bytes.clear(),
            Self::Zeros => bytes.fill(0),
            Self::Remove => return fs::remove_file(path).unwrap(),
        }
        fs::write(path, bytes).unwrap();
    }
}

/// Run folders as a process left them.
struct Left {
    name: &'static str,
    runs: tempfile::TempDir,
    /// Whether a phase was under way.
    unfinished: bool,
}

fn left() -> Vec<Left> {
    let leave = |name, watch: Watch, unfinished| {
        let runs = tempfile::tempdir().unwrap();
        let stops = watch.stop_after.is_some() || watch.stop_measuring.is_some();
        let (report, _) = watched(PROGRAM, &options(PROGRAM, runs.path()), watch);
        assert_eq!(report.is_err(), stops, "{name}");
        Left { name, runs, unfinished }
    };
    vec![
        leave("finished", Watch::default(), false),
        leave("in phase 2", Watch { stop_after: Some(9), ..Watch::default() }, true),
        leave("measuring at the end", Watch { stop_measuring: Some(last_told()), ..Watch::default() }, false),
    ]
}

/// How often the measurements tell of themselves before the last time.
fn last_told() -> u64 {
    let runs = tempfile::tempdir().unwrap();
    watched(PROGRAM, &options(PROGRAM, runs.path()), Watch::default()).1.told - 1
}

/// All files below a folder but locks and what concerns other programs, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') {
            all.extend(files(&path));
        } else if path.is_file() && name != "lock" {
            all.push(path);
        }
    }
    all.sort();
    all
}

fn copy(from: &Path, to: &Path) {
    for path in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&path, target).unwrap();
    }
}

/// Every record that a finished run keeps, but the log and what is for one version of the program alone.
fn records(report: &Report) -> BTreeMap<PathBuf, Vec<u8>> {
    let all = files(&report.folder).into_iter().map(|path| {
        let name = path.strip_prefix(&report.folder).unwrap().to_owned();
        (name, fs::read(&path).unwrap())
    });
    let mut all: BTreeMap<_, _> = all.collect();
    all.retain(|name, _| !name.ends_with("events.jsonl") && !name.ends_with("hashes.json"));
    all
}

/// Whether nothing a run needs is in a file.
fn is_log(path: &Path) -> bool {
    path.ends_with("events.jsonl")
}

fn damage(tries: usize) {
    let left = left();
    let whole = options(PROGRAM, left[0].runs.path());
    let expected = records(&run(PROGRAM, &whole, None).0.unwrap());
    let mut random = Generator::keyed(Purpose::Order, &[0x6861_726d]);
    let mut counts = BTreeMap::new();
    for number in 0..tries {
        let Left { name, runs, unfinished } = &left[number % left.len()];
        let all = files(runs.path());
        let path = &all[(random.unit() * all.len() as f64) as usize];
        let harm = Harm::drawn(&mut random);
        let here = tempfile::tempdir().unwrap();
        copy(runs.path(), here.path());
        let target = here.path().join(path.strip_prefix(runs.path()).unwrap());
        harm.apply(&target);
        let changed = fs::read(&target).ok() != fs::read(path).ok();
        let mut options = options(PROGRAM, here.path());
        options.resume = true;
        let (report, watch) = run(PROGRAM, &options, None);
        let told = watch.events.iter().any(|event| event == "main damaged");
        let case = format!("try {number}, {name}, {harm:?} of {}", target.display());
        let checkpoint = path.extension().is_some_and(|extension| extension == "safetensors");
        let end = match report {
            Err(RunError::Damaged { path, .. }) => {
                assert!(*unfinished && path == target, "{case}: {}", path.display());
                "refused by name"
            }
            Err(error) => panic!("{case}: {error}"),
            Ok(report) => {
                let mut found = records(&report);
                // Tensors that nothing reads again stay as they are: whoever reads them will find it.
                if checkpoint && !told {
                    let name = target.strip_prefix(&report.folder).unwrap();
                    found.insert(name.to_owned(), expected[name].clone());
                }
                assert!(found.keys().eq(expected.keys()), "{case}: {:?}", found.keys());
                for (name, bytes) in &expected {
                    assert!(found[name] == *bytes, "{case}: {} differs", name.display());
                }
                // What is lost as a whole may have been lost before it was written.
                let word = told || !changed || is_log(path) || checkpoint || matches!(harm, Harm::Remove);
                assert!(word, "{case}: not a word");
                if told { "computed anew, with a word" } else { "not read, or not there" }
            }
        };
        *counts.entry(end).or_insert(0) += 1;
    }
    println!("{tries} damaged files: {counts:?}");
}

#[test]
fn damage_at_some_places() {
    damage(42);
}

#[test]
#[ignore = "takes minutes: run by hand, as docs/reliability.md says"]
fn damage_at_many_places() {
    let tries = std::env::var("FLATRUN_TRIES").ok().and_then(|tries| tries.parse().ok());
    damage(tries.unwrap_or(1000));
}

/// A file of the only seed of the only run.
fn record(runs: &Path, name: &str) -> PathBuf {
    let named = |path: &PathBuf| path.ends_with(name);
    files(runs).into_iter().find(named).unwrap_or_else(|| panic!("{name} is not there"))
}

fn edit(path: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(old), "{text}");
    fs::write(path, text.replacen(old, new, 1)).unwrap();
}

/// A number that was edited is found by the next run and by the report.
#[test]
fn an_edited_number_is_found_wherever_it_stands() {
    let left = left();
    let whole = left[0].runs.path();
    let expected = records(&run(PROGRAM, &options(PROGRAM, whole), None).0.unwrap());
    let edits = [
        ("results.json", "0.", "1."),
        ("metrics.csv", ",0.", ",1."),
        ("measurements.csv", ",0.", ",1."),
        ("fields/final.json", "0.", "1."),
        ("fields/phase-1-step-3.json", "0.", "1."),
        ("resolved.json", "\"seed\": 0", "\"seed\": 1"),
        ("pipeline.flat", "512", "513"),
        ("hashes.json", "metrics.csv", "metric.csv"),
    ];
    for (name, old, new) in edits {
        let here = tempfile::tempdir().unwrap();
        copy(whole, here.path());
        let path = record(here.path(), name);
        edit(&path, old, new);
        let folder = fs::read_dir(here.path()).unwrap().next().unwrap().unwrap().path();
        let study = Study::read(vec![read(&folder).unwrap().unwrap()]);
        assert!(
            study.damage().any(|damage| damage.path == path),
            "{name}: {:?}",
            study.damage().collect::<Vec<_>>()
        );
        let (report, watch) = run(PROGRAM, &options(PROGRAM, here.path()), None);
        assert!(watch.events.contains(&"main damaged".to_owned()), "{name}: {:?}", watch.events);
        assert!(records(&report.unwrap()) == expected, "{name}");
        let study = Study::read(vec![read(&folder).unwrap().unwrap()]);
        assert_eq!(study.damage().count(), 0, "{name}");
    }
}

/// The case of an AutoAttack whose note was edited from 0.358 to 0.958.
#[test]
fn an_edited_note_of_a_measurement_is_measured_anew() {
    let left = left();
    let expected = records(&run(PROGRAM, &options(PROGRAM, left[0].runs.path()), None).0.unwrap());
    let runs = left[2].runs.path();
    let notes: Vec<PathBuf> =
        files(runs).into_iter().filter(|path| path.to_string_lossy().contains("/partial/")).collect();
    assert!(!notes.is_empty());
    for note in &notes {
        let bytes = fs::read(note).unwrap();
        let place = bytes.iter().rposition(u8::is_ascii_digit).unwrap();
        let mut edited = bytes.clone();
        edited[place] = if edited[place] == b'9' { b'8' } else { b'9' };
        fs::write(note, edited).unwrap();
    }
    let mut options = options(PROGRAM, runs);
    options.resume = true;
    let (report, watch) = run(PROGRAM, &options, None);
    assert!(watch.events.contains(&"main damaged".to_owned()), "{:?}", watch.events);
    assert!(records(&report.unwrap()) == expected);
}

/// One bit of the weights that phase 2 begins with.
#[test]
fn a_flipped_bit_before_the_next_phase_is_found_and_the_phase_trained_anew() {
    let left = left();
    let expected = records(&run(PROGRAM, &options(PROGRAM, left[0].runs.path()), None).0.unwrap());
    let runs = left[1].runs.path();
    let path = record(runs, "phase-1.safetensors");
    let length = fs::metadata(&path).unwrap().len();
    Harm::Flip(1.0 - 8.0 / length as f64, 3).apply(&path);
    let mut options = options(PROGRAM, runs);
    options.resume = true;
    let (report, watch) = run(PROGRAM, &options, None);
    let count = |event: &str| watch.events.iter().filter(|known| *known == event).count();
    assert_eq!((count("main damaged"), count("main stage_finished")), (1, 2), "{:?}", watch.events);
    assert!(records(&report.unwrap()) == expected);
}

/// Another program does not take what is damaged for a stage of its own.
#[test]
fn a_damaged_stage_of_another_run_is_trained_anew() {
    let source = |second: &str| {
        format!(
            "edition 2026\ndata digits batch 512\nmodel mlp([8])\ntrain 1 epochs under sgd\n then 1 epochs under {second}\n"
        )
    };
    let runs = tempfile::tempdir().unwrap();
    let first = run(&source("sgd"), &options(&source("sgd"), runs.path()), None).0.unwrap();
    let path = record(&first.folder, "phase-1.safetensors");
    Harm::Flip(0.99, 0).apply(&path);
    let (report, watch) = run(&source("sam"), &options(&source("sam"), runs.path()), None);
    report.unwrap();
    let count = |event: &str| watch.events.iter().filter(|known| *known == event).count();
    assert_eq!((count("main damaged"), count("main stage_finished")), (1, 2), "{:?}", watch.events);
    // Its folder may be gone as well.
    fs::remove_dir_all(&first.folder).unwrap();
    let (report, watch) = run(&source("lesam"), &options(&source("lesam"), runs.path()), None);
    report.unwrap();
    let cached = watch.events.iter().filter(|known| *known == "main stage_cached").count();
    assert_eq!(cached, 1, "from the second run: {:?}", watch.events);
}
