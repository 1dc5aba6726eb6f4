//! Whole runs in one process: records, sharing, resuming.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flatrun::data::Disk;
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
    let program = program(source);
    let flag = std::sync::Arc::new(AtomicBool::new(false));
    let mut watch = Relay { inner: Watch { stop_after, ..Watch::default() }, flag: flag.clone() };
    let report = execute(&program, options, &mut watch, &flag);
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
}

#[test]
fn time_the_quickstart() {
    let source = std::fs::read_to_string("pipelines/quickstart.flat").unwrap();
    let runs = tempfile::tempdir().unwrap();
    let began = std::time::Instant::now();
    let (report, watch) = run(&source, &options(&source, runs.path()), None);
    println!("{:?} {:?} {:#?}", began.elapsed(), report.unwrap(), watch.events.len());
}
