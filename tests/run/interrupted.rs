//! Interruptions at any time, within steps and measurements, and what a smoke run looks at.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use flatrun::evaluate::Headway;
use flatrun::run::{Event, Observer, Report, RunError, RunName, execute};
use flatrun::stop::Flag;

use super::{options, program, results};

/// Adversary, curriculum, minimizer and measurements, all with something to remember.
const ATTACKED: &str = "\
edition 2026
data digits augment [crop(pad = 1)] batch 128 validation 10%
model cnn(width = 4)
train 2 epochs
  curriculum spl(adm, fraction = 0.8)
  against iaat(eps = 0.1, step = 0.05, steps = 3, warmup = 1, most = 0.2)
  under sam(rho = 0.05)
 then 1 epochs against cat18(eps = 0.1, steps = 3, advance = 0.2) under lesam
evaluate accuracy, pgd(eps = 0.1, steps = 5) every 1 epochs
select best(pgd.accuracy)
";

struct Nobody;

impl Observer for Nobody {
    fn event(&mut self, _: &RunName, _: &Event, _: &str) {}
    fn stepped(&mut self, _: &RunName, _: u64, _: u64) {}
}

/// Runs a program and asks it to stop after a while; how long it took to obey.
fn stopped_after(
    source: &str,
    options: &flatrun::run::Options,
    patience: Duration,
) -> (Result<Report, RunError>, Duration) {
    let program = program(source);
    let flag = Flag::default();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| {
            std::thread::sleep(patience);
            flag.store(true, Ordering::Relaxed);
            Instant::now()
        });
        let report = execute(&program, options, &mut Nobody, &flag).map(|(report, _)| report);
        let ended = Instant::now();
        (report, ended.saturating_duration_since(asked.join().unwrap()))
    })
}

#[test]
fn an_attack_without_end_is_left() {
    let source = "edition 2026\ndata digits batch 64\nmodel cnn(width = 4)\n\
                  train 5 steps against at(eps = 0.1, steps = 1000000000) under sgd\n";
    let runs = tempfile::tempdir().unwrap();
    let (report, took) = stopped_after(source, &options(source, runs.path()), Duration::from_secs(1));
    let error = report.unwrap_err();
    assert!(matches!(error, RunError::Interrupted { phase: 1, step: 0, .. }), "{error}");
    // A second where nothing else is at work.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_run_stopped_within_steps_ends_with_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let expected = {
        let program = program(ATTACKED);
        let options = options(ATTACKED, whole.path());
        results(&execute(&program, &options, &mut Nobody, &Flag::default()).unwrap().0)
    };
    let length = began.elapsed();
    for parts in [3, 7, 11] {
        let runs = tempfile::tempdir().unwrap();
        let mut options = options(ATTACKED, runs.path());
        let (mut interrupted, mut patience) = (0, length / parts);
        let report = loop {
            let (report, _) = stopped_after(ATTACKED, &options, patience);
            match report {
                Ok(report) => break report,
                Err(RunError::Interrupted { .. } | RunError::Measuring { .. } | RunError::Preparing) => {
                    interrupted += 1;
                    // A little longer each time, so that it ends on any machine.
                    patience = patience * 5 / 4;
                }
                Err(error) => panic!("{error}"),
            }
            options.resume = true;
        };
        assert!(interrupted > 0);
        for ((name, found), (_, expected)) in results(&report).iter().zip(&expected) {
            assert!(found == expected, "{name} differs after {interrupted} stops");
        }
    }
}

/// Validation accuracies, and how much each measurement looks at.
#[derive(Default)]
struct Looks {
    accuracies: Vec<f64>,
    of: Vec<(String, usize)>,
}

impl Observer for Looks {
    fn event(&mut self, _: &RunName, event: &Event, _: &str) {
        if let Event::Epoch { metrics, .. } = event {
            self.accuracies.extend(metrics.validation_accuracy);
        }
    }
    fn stepped(&mut self, _: &RunName, _: u64, _: u64) {}
    fn measuring(&mut self, _: &RunName, headway: &Headway<'_>) {
        self.of.push((headway.what.to_owned(), headway.of));
    }
}

#[test]
fn a_smoke_run_looks_at_a_batch_of_everything() {
    let source = "edition 2026\ndata digits batch 64 validation 50%\nmodel mlp([16])\ntrain 9 epochs under sgd\n\
                  evaluate accuracy, pgd(eps = 0.1, steps = 3), gap, difficulty\nselect best(pgd.accuracy)\n";
    let runs = tempfile::tempdir().unwrap();
    let options = flatrun::run::Options { smoke: true, ..options(source, runs.path()) };
    let mut looks = Looks::default();
    execute(&program(source), &options, &mut looks, &Flag::default()).unwrap();
    let [accuracy] = looks.accuracies.as_slice() else { panic!("{:?}", looks.accuracies) };
    // A share of 256 images, and not of 718.
    assert_eq!((accuracy * 256.0).fract(), 0.0, "{accuracy}");
    assert!(
        looks.of.iter().any(|(what, _)| what == "pgd") && looks.of.iter().all(|(_, of)| *of <= 8),
        "{:?}",
        looks.of
    );
}

#[test]
fn counts_of_skipped_steps_have_one_base() {
    let source = "edition 2026\ndata digits batch 64 validation 10%\nmodel mlp(hidden = [16])\n\
                  optimize sgd(lr = 1e6)\ntrain 3 epochs under sam(rho = 0.05)\n";
    let runs = tempfile::tempdir().unwrap();
    let (report, _) =
        execute(&program(source), &options(source, runs.path()), &mut Nobody, &Flag::default()).unwrap();
    let message = report.results[0].outcome.clone().unwrap_err();
    let first: u64 = message.split("step ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let idle = report.results[0].idle;
    // Those from the first on, which are in two epochs.
    assert!((2..21).contains(&first), "{message}");
    assert_eq!((idle.skipped, idle.steps), (20, first + 19), "{message}");
}
