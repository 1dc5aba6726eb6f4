//! Adversaries end to end: a file, a run, its records.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn flatrun(folder: &Path, arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_flatrun")).current_dir(folder).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a file and gives its table and the folder of its first seed.
fn run(source: &str) -> (tempfile::TempDir, String, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.flat"), source).unwrap();
    let table = flatrun(folder.path(), &["run", "p.flat", "--quiet"]);
    let runs = fs::read_dir(folder.path().join("runs")).unwrap().map(|entry| entry.unwrap().path());
    let seed = runs.map(|run| run.join("main/seed-0")).find(|seed| seed.is_dir()).unwrap();
    (folder, table, seed)
}

/// The values of one column of `metrics.csv`; `None` where it is empty.
fn texts(seed: &Path, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_path(seed.join("metrics.csv")).unwrap();
    let at = reader.headers().unwrap().iter().position(|header| header == name).unwrap();
    reader.records().map(|record| record.unwrap()[at].to_owned()).collect()
}

fn column(seed: &Path, name: &str) -> Vec<Option<f64>> {
    texts(seed, name).iter().map(|text| text.parse().ok()).collect()
}

fn numbers(seed: &Path, name: &str) -> Vec<f64> {
    column(seed, name).into_iter().map(|value| value.unwrap_or_else(|| panic!("{name} is empty"))).collect()
}

const COMPOSED: &str = "\
edition 2026
data digits validation 10%
train 6 epochs
  curriculum ssp(adm)
  against psat(eps = 0.1, step = 0.03, steps = 7, lambda = linear(0 -> 1, 1..4 epochs))
  under lesam(budget = 0.4, clip = 0.35)
select best(pgd.accuracy)
evaluate accuracy, pgd(eps = 0.1, steps = 10, restarts = 2)
";

#[test]
fn curriculum_adversary_and_minimizer_train_together() {
    let (_folder, table, seed) = run(COMPOSED);
    assert!(table.contains("pgd(linf, eps=0.1, steps=10, restarts=2)"), "{table}");
    let results: serde_json::Value =
        serde_json::from_slice(&fs::read(seed.join("results.json")).unwrap()).unwrap();
    let [clean, robust] = [0, 1].map(|index| results["values"][index][1].as_f64().unwrap());
    assert!(clean > 0.85 && robust > 0.55 && robust < clean, "clean {clean}, robust {robust}");
    let lambda = numbers(&seed, "lambda");
    assert_eq!((lambda[0], lambda[5]), (0.0, 1.0));
    assert!(lambda.windows(2).all(|pair| pair[0] <= pair[1]), "{lambda:?}");
    let active = numbers(&seed, "attack_active");
    assert!(active[0] < active[5] && active[5] == 1.0, "{active:?}");
    let by_step = texts(&seed, "attack_active_by_step");
    for (mean, shares) in active.iter().zip(&by_step) {
        let shares: Vec<f64> = shares.split(' ').map(|share| share.parse().unwrap()).collect();
        // Nobody is attacked after the last sample has left, so that a list may be short.
        assert!(shares.windows(2).all(|pair| pair[1] <= pair[0]) && shares.len() <= 7, "{shares:?}");
        assert!((shares.iter().sum::<f64>() / 7.0 - mean).abs() < 1e-3, "{shares:?}, {mean}");
    }
    let passes = numbers(&seed, "passes");
    assert!(passes[0] < passes[5], "samples that are done leave the batch: {passes:?}");
    assert!(numbers(&seed, "perturbation").iter().all(|norm| *norm > 0.05 && *norm < 0.1 + 1e-6));
    let attacked = numbers(&seed, "validation_adversarial_accuracy");
    let gaps = numbers(&seed, "adversarial_gap");
    let train = numbers(&seed, "adversarial_accuracy");
    for ((train, attacked), gap) in train.iter().zip(&attacked).zip(&gaps) {
        assert!((train - attacked - gap).abs() < 1e-12);
    }
    let clean = numbers(&seed, "clean_accuracy");
    assert!(clean[5] > train[5] && clean[5] > clean[0], "{clean:?}, attacked {train:?}");
}

#[test]
fn autoattack_is_labelled_and_never_above_what_it_contains() {
    let (_folder, table, seed) = run(
        "edition 2026\ndata digits\nmodel mlp(hidden = [16])\ntrain 5 epochs under sgd\n\
         evaluate accuracy, pgd(eps = 0.05), autoattack(eps = 0.05), autoattack(eps = 0.05, profile = quick)\n",
    );
    assert!(
        table.contains("quick, an upper bound: apgd-ce 100 steps x 1 restart, apgd-t 100 x 9 targets"),
        "{table}"
    );
    let whole = "autoattack(linf, eps=0.05: apgd-ce 100 steps x 1 restart, apgd-t 100 x 9 targets, fab-t 100 x 9 targets, square 5000 queries)";
    assert!(table.contains(whole), "{table}");
    let results: serde_json::Value =
        serde_json::from_slice(&fs::read(seed.join("results.json")).unwrap()).unwrap();
    let [clean, pgd, standard, quick] =
        [0, 1, 2, 3].map(|index| results["values"][index][1].as_f64().unwrap());
    assert!(standard <= quick && quick <= pgd + 0.002 && pgd < clean, "{clean} {pgd} {quick} {standard}");
}

#[test]
fn a_run_without_adversary_has_empty_columns() {
    let (_folder, _, seed) = run("edition 2026\ndata digits\ntrain 1 epochs under sgd\n");
    for name in
        ["clean_loss", "adversarial_loss", "adversarial_accuracy", "attack_active", "perturbation", "lambda"]
    {
        assert_eq!(column(&seed, name), [None], "{name}");
    }
}

#[test]
fn trades_sees_the_clean_images_too() {
    let (_folder, _, seed) =
        run("edition 2026\ndata digits\ntrain 2 epochs against trades(eps = 0.1, step = 0.03) under sgd\n");
    assert!(numbers(&seed, "clean_loss")[1] < numbers(&seed, "adversarial_loss")[1]);
    assert!(numbers(&seed, "clean_accuracy")[1] > numbers(&seed, "adversarial_accuracy")[1]);
}

#[test]
fn a_plan_says_at_most_where_attacks_stop_early() {
    let folder = tempfile::tempdir().unwrap();
    for (adversary, expected) in [("psat", "of at most 11 forward"), ("at", "of 11 forward")] {
        let source = format!("edition 2026\ndata digits\ntrain 10 epochs against {adversary} under sgd\n");
        fs::write(folder.path().join("p.flat"), source).unwrap();
        let plan = flatrun(folder.path(), &["plan", "p.flat"]);
        assert!(plan.contains(expected), "{plan}");
    }
}
