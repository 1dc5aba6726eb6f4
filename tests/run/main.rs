//! Whole runs in one process: records, sharing, resuming.

mod damaged;
mod interrupted;
mod measured;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flatrun::data::Disk;
use flatrun::evaluate::Headway;
use flatrun::lang::{Program, Settings, check};
use flatrun::run::{Event, Observer, Options, Report, RunError, RunName, execute};

fn program(source: &str) -> Program {
    let checked = check(source, &Settings::default(), &Disk);
    checked.program.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics))
}

fn options(source: &str, runs: &Path) -> Options {
    Options {
        source: source.to_owned(),
        name: "test".into(),
        runs: runs.to_owned(),
        resume: false,
        restart: false,
        smoke: false,
    }
}

/// Stops the run after a number of steps, and keeps what happened.
#[derive(Default)]
struct Watch {
    stop_after: Option<u64>,
    steps: AtomicU64,
    /// Stop when a measurement tells of itself this often.
    stop_measuring: Option<u64>,
    told: u64,
    /// What was measured then, and how far it was.
    last: (String, usize),
    stop: AtomicBool,
    events: Vec<String>,
}

impl Observer for Watch {
    fn event(&mut self, run: &RunName, event: &Event, _: &str) {
        let kind = serde_json::to_value(event).unwrap()["type"].as_str().unwrap().to_owned();
        self.events.push(format!("{} {kind}", run.variant));
    }

    fn stepped(&mut self, _: &RunName, _: u64, _: u64) {
        let steps = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        if Some(steps) == self.stop_after {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Runs to the end or to the given number of steps.
fn run(source: &str, options: &Options, stop_after: Option<u64>) -> (Result<Report, RunError>, Watch) {
    watched(source, options, Watch { stop_after, ..Watch::default() })
}

fn watched(source: &str, options: &Options, inner: Watch) -> (Result<Report, RunError>, Watch) {
    let program = program(source);
    let flag = std::sync::Arc::new(AtomicBool::new(false));
    let mut watch = Relay { inner, flag: flag.clone() };
    let report = execute(&program, options, &mut watch, &flag).map(|(report, _)| report);
    (report, watch.inner)
}

/// Shares the stop flag with the run.
struct Relay {
    inner: Watch,
    flag: std::sync::Arc<AtomicBool>,
}

impl Observer for Relay {
    fn event(&mut self, run: &RunName, event: &Event, line: &str) {
        self.inner.event(run, event, line);
    }

    fn stepped(&mut self, run: &RunName, step: u64, steps: u64) {
        self.inner.stepped(run, step, steps);
        if self.inner.stop.load(Ordering::Relaxed) {
            self.flag.store(true, Ordering::Relaxed);
        }
    }

    fn measuring(&mut self, _: &RunName, headway: &Headway<'_>) {
        // Within a batch that takes long, an attack tells once more where the last one ended.
        let told = (headway.what.to_owned(), headway.done);
        let within = headway.done == 0 || headway.done < headway.of && self.inner.last == told;
        if within {
            return;
        }
        self.inner.last = told;
        self.inner.told += 1;
        if Some(self.inner.told) == self.inner.stop_measuring {
            self.flag.store(true, Ordering::Relaxed);
        }
    }
}

/// Three epochs of a small network; every kind of state is in play.
const SMALL: &str = "\
edition 2026
data digits augment [crop(pad = 1), flip] batch 128 validation 10%
model cnn(width = 4)
train 2 epochs curriculum spl(adm, fraction = linear(0.3 -> 1), scope = dataset) under sgd
 then 1 epochs curriculum ssp(adm) under lesam(budget = 0.4, clip = 0.35)
evaluate accuracy, loss every 7 steps
select best(accuracy)
";

/// Names and bytes of what must not depend on interruptions; nothing is measured on the way where no line asks for it.
fn results(report: &Report) -> Vec<(String, Vec<u8>)> {
    let folder = report.folder.join("main/seed-0");
    let names = ["weights.safetensors", "metrics.csv", "measurements.csv", "results.json"];
    names.map(|name| (name.to_owned(), std::fs::read(folder.join(name)).unwrap_or_default())).to_vec()
}

#[test]
fn an_interrupted_run_ends_with_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    let expected = results(&run(SMALL, &options(SMALL, whole.path()), None).0.unwrap());
    for stops in [vec![1], vec![5, 3], vec![11], vec![12, 1, 1], vec![22], vec![24, 6]] {
        let found = interrupted(SMALL, &stops);
        for ((name, found), (_, expected)) in found.iter().zip(&expected) {
            assert!(found == expected, "{name} differs after stops {stops:?}");
        }
    }
}

/// Results of a run that was stopped after so many steps, continued, stopped again, and so on.
fn interrupted(source: &str, stops: &[u64]) -> Vec<(String, Vec<u8>)> {
    let runs = tempfile::tempdir().unwrap();
    let mut options = options(source, runs.path());
    for &stop in stops {
        let (report, watch) = run(source, &options, Some(stop));
        assert!(matches!(report, Err(RunError::Interrupted { .. })));
        assert!(watch.events.iter().any(|event| event == "main interrupted"), "{:?}", watch.events);
        options.resume = true;
    }
    results(&run(source, &options, None).0.unwrap())
}

#[test]
fn bf16_is_another_run_that_can_be_interrupted_too() {
    let half = format!("{SMALL}precision bf16\n");
    let whole = tempfile::tempdir().unwrap();
    let [single, expected] = [SMALL, half.as_str()].map(|source| {
        let report = run(source, &options(source, whole.path()), None).0.unwrap();
        (report.folder.clone(), results(&report))
    });
    // Run folders and stages are named by content keys: nothing of the one was taken for the other.
    assert_ne!(single.0, expected.0);
    assert_ne!(single.1[0].1, expected.1[0].1);
    // Weights are kept in f32.
    assert_eq!(single.1[0].1.len(), expected.1[0].1.len());
    for stops in [vec![5, 3], vec![22]] {
        assert!(interrupted(&half, &stops) == expected.1, "differs after stops {stops:?}");
    }
}

#[test]
fn an_interrupted_run_is_not_thrown_away() {
    let runs = tempfile::tempdir().unwrap();
    let mut options = options(SMALL, runs.path());
    run(SMALL, &options, Some(3)).0.unwrap_err();
    let error = run(SMALL, &options, None).0.unwrap_err();
    let RunError::Unfinished { phase, step, .. } = error else { panic!("{error}") };
    assert_eq!((phase, step), (1, 3));
    options.restart = true;
    run(SMALL, &options, Some(2)).0.unwrap_err();
}

#[test]
fn a_shared_phase_is_trained_once() {
    let source = "data digits batch 256\nmodel cnn(width = 2)\n\
                  train 1 epochs under sgd\n then 1 epochs under each [sgd, sam(rho = 0.1)]\n";
    let runs = tempfile::tempdir().unwrap();
    let (report, watch) = run(source, &options(source, runs.path()), None);
    let folder = report.unwrap().folder;
    let count = |kind: &str| watch.events.iter().filter(|event| event.ends_with(kind)).count();
    assert_eq!((count("stage_started"), count("stage_cached")), (3, 1), "{:?}", watch.events);
    let metrics =
        |variant: &str| std::fs::read_to_string(folder.join(variant).join("seed-0/metrics.csv")).unwrap();
    let variants: Vec<String> = program(source).variants.into_iter().map(|variant| variant.slug).collect();
    let [first, second] = [metrics(&variants[0]), metrics(&variants[1])];
    assert_eq!(first.lines().nth(1), second.lines().nth(1), "the first phase is the same one");
    assert_ne!(first.lines().nth(2), second.lines().nth(2));
}

#[test]
fn a_finished_run_is_not_trained_again_and_a_new_measurement_reuses_it() {
    let source = "data digits batch 256\nmodel mlp([16])\ntrain 1 epochs under sgd\n";
    let runs = tempfile::tempdir().unwrap();
    let first = run(source, &options(source, runs.path()), None).0.unwrap();
    let (second, watch) = run(source, &options(source, runs.path()), None);
    assert_eq!(first.results, second.unwrap().results);
    assert!(!watch.events.contains(&"main stage_started".to_owned()), "{:?}", watch.events);
    let more = format!("{source}evaluate accuracy, loss\n");
    let (third, watch) = run(&more, &options(&more, runs.path()), None);
    assert!(!watch.events.contains(&"main stage_started".to_owned()), "{:?}", watch.events);
    let values = third.unwrap().results[0].outcome.clone().unwrap().values;
    assert_eq!(values[0], first.results[0].outcome.clone().unwrap().values[0]);
    assert_eq!(values.len(), 2);
}

#[test]
fn two_runs_in_one_folder_the_second_refuses() {
    let source = "data digits\nmodel mlp([4])\ntrain 1 steps under sgd\n";
    let runs = tempfile::tempdir().unwrap();
    let report = run(source, &options(source, runs.path()), None).0.unwrap();
    let held = flatrun::run::folder::RunFolder::enter(report.folder.clone()).unwrap();
    let error = run(source, &options(source, runs.path()), None).0.unwrap_err();
    assert!(matches!(error, RunError::Busy(_)), "{error}");
    drop(held);
    run(source, &options(source, runs.path()), None).0.unwrap();
}

#[test]
fn records_are_whole_and_say_where_values_come_from() {
    let runs = tempfile::tempdir().unwrap();
    let folder = run(SMALL, &options(SMALL, runs.path()), None).0.unwrap().folder.join("main/seed-0");
    let events = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
    for (index, line) in events.lines().enumerate() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["seq"], index, "{line}");
        assert!(event["schema"].is_u64() && event["time"].is_f64() && event["type"].is_string(), "{line}");
    }
    assert!(events.contains("seconds_per_step"));
    let metrics = std::fs::read_to_string(folder.join("metrics.csv")).unwrap();
    let header = metrics.lines().next().unwrap();
    for column in [
        "learning_rate",
        "train_loss",
        "train_accuracy",
        "gradient_norm",
        "radius",
        "clipped",
        "kept",
        "weight_easiest",
        "weight_hardest",
        "difficulty_p50",
        "passes",
        "skipped",
    ] {
        assert!(header.split(',').any(|name| name == column), "{column} is not in {header}");
    }
    assert_eq!(metrics.lines().count(), 1 + 3);
    let resolved: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("resolved.json")).unwrap()).unwrap();
    let settings = resolved["settings"].as_array().unwrap();
    for origin in ["file", "default"] {
        assert!(settings.iter().any(|setting| setting["origin"] == origin), "{settings:?}");
    }
    assert_eq!(std::fs::read_to_string(folder.join("pipeline.flat")).unwrap(), SMALL);
}

#[test]
fn a_run_that_diverges_says_so_and_lets_the_others_go_on() {
    let source = "data digits batch 32\nmodel mlp([8])\ntrain 2 epochs under sgd(lr = each [1e30, 0.01])\n";
    let runs = tempfile::tempdir().unwrap();
    let report = run(source, &options(source, runs.path()), None).0.unwrap();
    let message = report.results[0].outcome.clone().unwrap_err();
    assert!(message.contains("not finite for 20 steps in a row"), "{message}");
    assert!(report.results[1].outcome.is_ok());
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_that_names_it() {
    let source = "data digits\nmodel mlp([4])\ntrain 1 steps under sgd\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs");
    std::fs::write(&file, "in the way").unwrap();
    let error = run(source, &options(source, &file), None).0.unwrap_err();
    assert!(error.to_string().starts_with("cannot write `"), "{error}");
}

#[test]
fn values_that_are_not_finite_are_kept_as_such() {
    let source = "data digits batch 128 validation 10%\nmodel mlp([16])\n\
                  train 1 epochs under sgd(lr = 1e37)\nevaluate loss every 1 epochs\nselect best(loss)\n";
    let runs = tempfile::tempdir().unwrap();
    let first = run(source, &options(source, runs.path()), None).0.unwrap();
    assert!(first.results[0].idle.skipped > 0, "{:?}", first.results);
    let again = run(source, &options(source, runs.path()), None).0.unwrap();
    let value = |report: &Report| report.results[0].outcome.clone().unwrap().values[0].1;
    assert!(value(&first).is_nan() && value(&again).is_nan());
}

/// The only run below `runs`; locks and stages lie beside it under names with a dot.
fn run_folder(runs: &Path) -> PathBuf {
    let mut paths = std::fs::read_dir(runs).unwrap().map(|entry| entry.unwrap().path());
    let hidden = |path: &PathBuf| path.file_name().unwrap().as_encoded_bytes().starts_with(b".");
    paths.find(|path| !hidden(path)).unwrap()
}

#[test]
fn a_damaged_checkpoint_is_an_error_and_is_left_alone() {
    let runs = tempfile::tempdir().unwrap();
    let mut options = options(SMALL, runs.path());
    run(SMALL, &options, Some(5)).0.unwrap_err();
    let folder = run_folder(runs.path());
    let path = folder.join("main/seed-0/checkpoints/phase-1.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    options.resume = true;
    let error = run(SMALL, &options, None).0.unwrap_err();
    assert!(matches!(error, RunError::Damaged { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap().len(), bytes.len() / 2);
}

#[test]
fn a_refused_start_leaves_the_record_as_it_was() {
    let runs = tempfile::tempdir().unwrap();
    run(SMALL, &options(SMALL, runs.path()), Some(3)).0.unwrap_err();
    let folder = run_folder(runs.path());
    let events = || std::fs::read_to_string(folder.join("main/seed-0/events.jsonl")).unwrap();
    let before = events();
    run(SMALL, &options(SMALL, runs.path()), None).0.unwrap_err();
    assert_eq!(events(), before);
}

#[test]
fn soft_weights_train_with_every_pacing() {
    for weight in ["hard", "linear", "log", "mixture", "logistic", "poly"] {
        for scope in ["batch", "dataset"] {
            let source = format!(
                "data digits batch 64\nmodel mlp([16])\ntrain 2 epochs\n  \
                 curriculum spl(loss, fraction = linear(0.02 -> 1), weight = {weight}, scope = {scope})\n  under sgd\n"
            );
            let runs = tempfile::tempdir().unwrap();
            let report = run(&source, &options(&source, runs.path()), None).0.unwrap();
            let result = &report.results[0];
            assert!(result.outcome.is_ok(), "{weight} {scope}: {result:?}");
            assert_eq!((result.idle.skipped, result.idle.empty), (0, 0), "{weight} {scope}");
        }
    }
}

#[test]
fn a_fraction_of_the_data_set_is_what_is_kept() {
    let source = "data digits batch 64\nmodel mlp([16])\ntrain 3 epochs\n  \
                  curriculum spl(loss, fraction = 0.25, scope = dataset)\n  under sgd\n";
    let runs = tempfile::tempdir().unwrap();
    let folder = run(source, &options(source, runs.path()), None).0.unwrap().folder;
    let metrics = std::fs::read_to_string(folder.join("main/seed-0/metrics.csv")).unwrap();
    let column = metrics.lines().next().unwrap().split(',').position(|name| name == "kept").unwrap();
    let kept: Vec<f64> =
        metrics.lines().skip(1).map(|line| line.split(',').nth(column).unwrap().parse().unwrap()).collect();
    assert_eq!(kept[0], 1.0, "nothing is known in the first epoch");
    assert!(kept[1..].iter().all(|kept| (kept - 0.25).abs() < 0.02), "{kept:?}");
}

#[test]
fn an_export_is_always_that_of_the_run_just_asked_for() {
    let runs = tempfile::tempdir().unwrap();
    let path = runs.path().join("w.safetensors");
    let source = |lr: &str| {
        format!(
            "data digits\nmodel mlp([4])\ntrain 2 steps under sgd(lr = {lr})\nexport \"{}\"\n",
            path.display()
        )
    };
    let exported = |lr: &str| {
        let source = source(lr);
        run(&source, &options(&source, runs.path()), None).0.unwrap();
        std::fs::read(&path).unwrap()
    };
    let first = exported("0.1");
    assert!(exported("0.2") != first);
    assert!(exported("0.1") == first);
}

#[test]
fn a_restart_and_a_smoke_run_really_train() {
    let one = "data digits batch 256\nmodel mlp([4])\ntrain 1 epochs under sgd\n";
    let runs = tempfile::tempdir().unwrap();
    run(one, &options(one, runs.path()), None).0.unwrap();
    let other = format!("{one}evaluate loss\n");
    for change in [|o: &mut Options| o.restart = true, |o: &mut Options| o.smoke = true] {
        let mut options = options(&other, runs.path());
        change(&mut options);
        let (report, watch) = run(&other, &options, None);
        report.unwrap();
        assert!(watch.events.contains(&"main stage_started".to_owned()), "{:?}", watch.events);
    }
}

#[test]
fn every_counts_from_the_start_of_the_run() {
    let source = "data digits batch 256\nmodel mlp([4])\ntrain 2 epochs under sgd\n then 2 epochs under sam\n\
                  evaluate accuracy every 3 epochs\n";
    let runs = tempfile::tempdir().unwrap();
    let folder = run(source, &options(source, runs.path()), None).0.unwrap().folder;
    let measured = std::fs::read_to_string(folder.join("main/seed-0/measurements.csv")).unwrap();
    let rows: Vec<&str> = measured.lines().skip(1).collect();
    assert_eq!(rows.len(), 1, "{measured}");
    assert!(rows[0].starts_with("2,3,6,accuracy,"), "phase, epoch, step, name: {measured}");
}
