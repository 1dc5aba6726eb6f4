//! A run killed at any moment and continued ends with the bytes of one that was never interrupted.
//!
//! `killed_at_many_points` is the long version: `FLATRUN_KILLS=1000 cargo test --release --test kill -- --ignored`.

mod signals;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use flatrun::data::{Generator, Purpose};
use signals::obeys_signals;

const PIPELINE: &str = "\
edition 2026
data digits augment [crop(pad = 1)] batch 64 validation 10%
model cnn(width = 4)
train 3 epochs curriculum ssp(adm) under lesam(budget = 0.4, clip = 0.35)
 then 2 epochs under sam(rho = 0.05) over adam
evaluate accuracy, loss every 1 epochs
select best(accuracy)
";

/// Radii of samples are memory too.
const ATTACKED: &str = "\
edition 2026
data digits augment [crop(pad = 1)] batch 64 validation 10%
model cnn(width = 4)
train 3 epochs
  curriculum spl(adm, fraction = 0.8)
  against iaat(eps = 0.1, step = 0.05, steps = 3, warmup = 1, most = 0.2)
  under sam(rho = 0.05)
 then 2 epochs against cat18(eps = 0.1, steps = 3, advance = 0.2) under sgd(lr = 0.01)
evaluate accuracy, pgd(eps = 0.1, steps = 5)
select best(pgd.accuracy)
";

/// Every minimizer that keeps something between steps.
const MEMORIES: &str = "\
edition 2026
data digits batch 64 validation 10%
model cnn(width = 4)
train 2 epochs under fsam
 then 2 epochs under eigensam(refresh = 7 steps)
 then 2 epochs under s2sam
 then 2 epochs under looksam(k = 3)
evaluate accuracy, loss every 1 epochs
";

/// Most of the time measurements are under way.
const MEASURED: &str = "\
edition 2026
data digits batch 128 validation 10%
model mlp([8])
train 1 epochs under sam
evaluate difficulty(samples = 200) every 5 steps
evaluate autoattack(eps = 0.02, profile = quick), hessian(top = 2, samples = 64), gradient(samples = 600)
";

const KILLS: usize = 20;

fn start(folder: &Path, resume: bool) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flatrun"));
    command.current_dir(folder).args(["run", "p.flat", "--quiet"]);
    if resume {
        command.arg("--resume");
    }
    obeys_signals(&mut command);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn fresh(pipeline: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.flat"), pipeline).unwrap();
    folder
}

/// What must not depend on kills, by name.
fn results(folder: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let runs = fs::read_dir(folder.join("runs")).unwrap().map(|entry| entry.unwrap().path());
    let run: Vec<PathBuf> = runs.filter(|path| path.join("main").is_dir()).collect();
    let names = [
        "main/seed-0/weights.safetensors",
        "main/seed-0/metrics.csv",
        "main/seed-0/measurements.csv",
        "main/seed-0/results.json",
        "main/seed-0/fields/final.json",
        "table.csv",
    ];
    names.map(|name| (name, fs::read(run[0].join(name)).unwrap_or_default())).to_vec()
}

/// Files under temporary names.
fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(leftovers(&path));
        } else if path.to_string_lossy().ends_with(".part") {
            all.push(path);
        }
    }
    all
}

#[test]
fn killed_at_twenty_random_points() {
    kill(PIPELINE, KILLS);
}

#[test]
fn killed_while_samples_have_their_own_radii() {
    kill(ATTACKED, 6);
}

#[test]
fn killed_among_minimizers_that_remember() {
    kill(MEMORIES, KILLS / 2);
}

#[test]
fn killed_while_measuring() {
    kill(MEASURED, KILLS / 2);
}

#[test]
#[ignore = "takes minutes: run by hand, as docs/reliability.md says"]
fn killed_at_many_points() {
    let kills = std::env::var("FLATRUN_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(1000);
    let all = [PIPELINE, ATTACKED, MEMORIES, MEASURED];
    for pipeline in all {
        kill(pipeline, kills / all.len());
    }
    killed_reports(kills / 10);
}

/// A page that is being written when the program is killed is the old one or the new one.
#[test]
fn a_killed_report_leaves_a_whole_page() {
    killed_reports(5);
}

fn killed_reports(kills: usize) {
    let folder = fresh(PIPELINE);
    assert!(start(folder.path(), false).wait().unwrap().success());
    let mut runs = fs::read_dir(folder.path().join("runs")).unwrap().map(|entry| entry.unwrap().path());
    let run = runs.find(|path| path.join("main").is_dir()).unwrap();
    let report = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flatrun"));
        command.current_dir(folder.path()).arg("report").arg(&run);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let began = Instant::now();
    assert!(report().wait().unwrap().success());
    let length = began.elapsed().as_secs_f64();
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    let mut random = Generator::keyed(Purpose::Order, &[0x7061_6765]);
    for point in 0..kills {
        let mut child = report();
        std::thread::sleep(Duration::from_secs_f64(length * random.unit()));
        let _ = child.kill();
        child.wait().unwrap();
        assert!(fs::read_to_string(run.join("report.html")).unwrap() == page, "point {point}");
    }
    assert!(start(folder.path(), true).wait().unwrap().success());
    assert_eq!(leftovers(&run), Vec::<PathBuf>::new(), "what killed processes left is removed");
}

fn kill(pipeline: &str, kills: usize) {
    let whole = fresh(pipeline);
    let began = Instant::now();
    assert!(start(whole.path(), false).wait().unwrap().success());
    let length = began.elapsed();
    let expected = results(whole.path());
    let mut random = Generator::keyed(Purpose::Order, &[0x6b69_6c6c]);
    let mut interrupted = 0;
    for point in 0..kills {
        let folder = fresh(pipeline);
        let mut resume = false;
        // Up to two kills, then to the end.
        for _ in 0..1 + point % 2 {
            let mut child = start(folder.path(), resume);
            std::thread::sleep(Duration::from_secs_f64(length.as_secs_f64() * random.unit()));
            let _ = child.kill();
            interrupted += usize::from(!child.wait().unwrap().success());
            resume = true;
        }
        assert!(start(folder.path(), true).wait().unwrap().success(), "point {point}");
        for ((name, found), (_, expected)) in results(folder.path()).iter().zip(&expected) {
            assert!(found == expected, "{name} differs after kill {point}");
        }
        assert_eq!(leftovers(&folder.path().join("runs")), Vec::<PathBuf>::new(), "after kill {point}");
    }
    println!("{kills} runs, {interrupted} kills met a running program");
    assert!(interrupted >= kills / 2, "only {interrupted} kills met a running program");
}

#[test]
fn ctrl_c_writes_a_checkpoint_and_exits_130() {
    let folder = fresh(PIPELINE);
    let mut child = start(folder.path(), false);
    let checkpoint = |folder: &Path| -> bool {
        let runs = fs::read_dir(folder.join("runs"));
        runs.is_ok_and(|mut runs| {
            runs.any(|run| run.is_ok_and(|r| r.path().join("main/seed-0/events.jsonl").exists()))
        })
    };
    let began = Instant::now();
    while !checkpoint(folder.path()) && began.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    let events = fs::read_dir(folder.path().join("runs")).unwrap();
    let text = events
        .filter_map(|run| fs::read_to_string(run.unwrap().path().join("main/seed-0/events.jsonl")).ok());
    let text: String = text.collect();
    assert!(text.contains("\"type\":\"checkpoint\"") && text.contains("\"type\":\"interrupted\""), "{text}");
}
