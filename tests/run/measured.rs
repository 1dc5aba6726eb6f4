//! Measurements in a run: interrupted and continued, their names, their fields.

use std::path::Path;

use flatrun::evaluate::field::Fields;
use flatrun::run::RunError;

use crate::{Watch, options, results, run, watched};

/// An evaluator that notes where it stands, on the way and at the end.
const MEASURED: &str = "\
edition 2026
data digits batch 512
model cnn(width = 4)
train 1 epochs curriculum spl(loss, fraction = 0.5) under sgd
evaluate difficulty(samples = 200) every 2 steps
";

#[test]
fn a_measurement_that_was_interrupted_goes_on_where_it_stood() {
    goes_on_at_every_batch(MEASURED);
}

#[test]
fn what_looks_at_batches_goes_on_with_the_next() {
    for evaluator in [
        "gradient(samples = 1000)",
        "gradient(samples = 600, loss = pgd(eps = 0.1, steps = 2))",
        "gap(samples = 300, loss = pgd(eps = 0.1, steps = 2))",
        "perturbation(samples = 500)",
        "pgd(eps = 0.1, steps = 3)",
    ] {
        goes_on_at_every_batch(&format!(
            "edition 2026\ndata digits batch 512\nmodel mlp([8])\n\
             train 3 steps against psat(eps = 0.1, step = 0.05, steps = 2, lambda = 0.5) under sgd\nevaluate {evaluator}\n"
        ));
    }
}

/// A continued run measures only what is left, and ends with the same records.
fn goes_on_at_every_batch(source: &str) {
    let whole = tempfile::tempdir().unwrap();
    let (expected, watch) = watched(source, &options(source, whole.path()), Watch::default());
    let folder = expected.unwrap().folder.join("main/seed-0");
    let names = ["results.json", "measurements.csv", "fields/phase-1-step-2.json", "fields/final.json"];
    let read = |folder: &Path| names.map(|name| std::fs::read(folder.join(name)).unwrap_or_default());
    let expected = read(&folder);
    assert!(watch.told >= 3, "{source}: told {} times", watch.told);
    for stop in 1..=watch.told {
        let runs = tempfile::tempdir().unwrap();
        let mut options = options(source, runs.path());
        let stopping = Watch { stop_measuring: Some(stop), ..Watch::default() };
        let (stopped, _) = watched(source, &options, stopping);
        assert!(
            matches!(stopped, Err(RunError::Interrupted { .. } | RunError::Measuring { .. })),
            "{stopped:?}"
        );
        options.resume = true;
        let (report, again) = watched(source, &options, Watch::default());
        assert_eq!(again.told, watch.told - stop, "{source}: after {stop} of {}", watch.told);
        let folder = report.unwrap().folder.join("main/seed-0");
        assert!(read(&folder) == expected, "{source}: records differ after a stop at {stop}");
        assert!(!folder.join("partial").exists(), "notes are removed");
    }
}

/// AutoAttack goes on within the attack that was under way.
#[test]
fn a_cascade_goes_on_with_the_samples_that_are_left() {
    let source = "edition 2026\ndata digits batch 512\nmodel mlp([8])\ntrain 12 steps under sgd(lr = 0.1)\n\
                  evaluate autoattack(eps = 0.02, profile = quick)\n";
    let whole = tempfile::tempdir().unwrap();
    let (expected, watch) = run(source, &options(source, whole.path()), None);
    let expected = results(&expected.unwrap());
    for stop in 1..=watch.told {
        let runs = tempfile::tempdir().unwrap();
        let mut options = options(source, runs.path());
        let stopping = Watch { stop_measuring: Some(stop), ..Watch::default() };
        watched(source, &options, stopping).0.unwrap_err();
        options.resume = true;
        let (report, again) = run(source, &options, None);
        assert!(again.told < watch.told, "the whole cascade began again after {stop}");
        assert!(results(&report.unwrap()) == expected, "results differ after a stop at {stop}");
    }
}

/// Everything that looks at the loss around the weights, and at the adversary.
const AROUND: &str = "\
edition 2026
data digits batch 512
model cnn(width = 2)
train 3 steps against psat(eps = 0.1, step = 0.05, steps = 2, lambda = linear(-0.3 -> 0.3, 0..3 steps)) under sgd
evaluate hessian(top = 3, samples = 48, iterations = 30, probes = 11, layers = true), spectrum(steps = 5, starts = 2, samples = 48)
evaluate lpf(draws = 3, samples = 48), sharpness(draws = 2, batch = 20, samples = 48)
evaluate landscape(points = 3, dimensions = 2, samples = 48, regenerate = true, loss = pgd(eps = 0.1, steps = 2))
evaluate gradient(samples = 48), gap(samples = 48), perturbation(samples = 48) every 1 steps
";

#[test]
fn measurements_around_the_weights_go_on_too() {
    let whole = tempfile::tempdir().unwrap();
    let (expected, watch) = watched(AROUND, &options(AROUND, whole.path()), Watch::default());
    let folder = expected.unwrap().folder.join("main/seed-0");
    let names = ["results.json", "measurements.csv", "fields/final.json"];
    let read = |folder: &Path| names.map(|name| std::fs::read(folder.join(name)).unwrap());
    let expected = read(&folder);
    let fields: Fields = serde_json::from_slice(&expected[2]).unwrap();
    let named: Vec<&str> = fields.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(named, ["hessian", "hessian.layers", "spectrum", "landscape"]);
    for stop in (1..=watch.told).step_by(37) {
        let runs = tempfile::tempdir().unwrap();
        let mut options = options(AROUND, runs.path());
        for stop in [stop, 2] {
            let stopping = Watch { stop_measuring: Some(stop), ..Watch::default() };
            watched(AROUND, &options, stopping).0.unwrap_err();
            options.resume = true;
        }
        let folder = watched(AROUND, &options, Watch::default()).0.unwrap().folder.join("main/seed-0");
        for ((name, found), expected) in names.iter().zip(read(&folder)).zip(&expected) {
            assert!(found == *expected, "{name} differs after a stop at {stop}");
        }
        assert!(!folder.join("partial").exists(), "notes are removed");
    }
}

/// Measurements of one kind are told apart in every record.
#[test]
fn two_measurements_of_a_kind_have_names_of_their_own() {
    let source = "edition 2026\ndata digits batch 512\nmodel mlp([8])\ntrain 2 steps under sgd\n\
                  evaluate hessian(top = 1, samples = 16, trace = false), hessian(top = 2, samples = 16, trace = false)\n\
                  evaluate gap(samples = 32), gap(samples = 64) every 1 steps\n";
    let runs = tempfile::tempdir().unwrap();
    let folder = run(source, &options(source, runs.path()), None).0.unwrap().folder.join("main/seed-0");
    let results = std::fs::read_to_string(folder.join("results.json")).unwrap();
    let results: serde_json::Value = serde_json::from_str(&results).unwrap();
    let mut names: Vec<&str> =
        results["values"].as_array().unwrap().iter().map(|value| value[0].as_str().unwrap()).collect();
    for name in [
        "hessian(top=1, trace=false, samples=16).top",
        "hessian(top=2, trace=false, samples=16).top",
        "gap(samples=32)",
        "gap(samples=64).mean",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
    let fields: Fields =
        serde_json::from_slice(&std::fs::read(folder.join("fields/final.json")).unwrap()).unwrap();
    let labels: Vec<&str> = fields.fields.iter().map(|field| field.label.as_str()).collect();
    assert!(
        labels[0].starts_with("hessian(top=1, ") && labels[1].starts_with("hessian(top=2, "),
        "{labels:?}"
    );
}

/// A number's name without the settings of its evaluator.
fn unlabelled(name: &str) -> String {
    match (name.find('('), name.rfind(')')) {
        (Some(open), Some(close)) => format!("{}{}", &name[..open], &name[close + 1..]),
        _ => name.to_owned(),
    }
}

#[test]
fn perturbations_grow_with_lambda_and_the_gap_has_a_mean() {
    let runs = tempfile::tempdir().unwrap();
    let folder = run(AROUND, &options(AROUND, runs.path()), None).0.unwrap().folder.join("main/seed-0");
    let measured = std::fs::read_to_string(folder.join("measurements.csv")).unwrap();
    let values = |name: &str| -> Vec<f64> {
        let rows = csv::Reader::from_reader(measured.as_bytes()).into_records().map(Result::unwrap);
        rows.filter(|row| unlabelled(&row[3]) == name).map(|row| row[4].parse().unwrap()).collect()
    };
    let (norms, lambdas) = (values("perturbation"), values("perturbation.lambda"));
    assert!(lambdas.windows(2).all(|pair| pair[0] < pair[1]), "{lambdas:?}");
    assert!(norms[0] < norms[1] && norms[1] <= 0.1 + 1e-6, "{norms:?}");
    let results = std::fs::read_to_string(folder.join("results.json")).unwrap();
    let results: serde_json::Value = serde_json::from_str(&results).unwrap();
    let result = |name: &str| {
        let values = results["values"].as_array().unwrap();
        let found = values.iter().find(|value| unlabelled(value[0].as_str().unwrap()) == name);
        found.unwrap_or_else(|| panic!("{name}"))[1].as_f64().unwrap()
    };
    let gaps = values("gap");
    assert!((result("gap.mean") - gaps.iter().sum::<f64>() / 3.0).abs() < 1e-12);
    assert!((result("gap") - (result("gap.train") - result("gap.test"))).abs() < 1e-12);
    assert!(result("gap.mean.ci95") >= 0.0 && result("hessian.residual") <= 1e-3);
}

/// An attack on the way, an attack that selects, and corruptions at the end, each in several batches.
const ATTACKED: &str = "\
edition 2026
data digits batch 512 validation 10%
model mlp([8])
train 5 steps under sgd
evaluate pgd(eps = 0.1, steps = 2) every 2 steps
evaluate corruption(samples = 20), estimates(samples = 8, group = 4, iterations = 3)
select best(pgd.accuracy)
";

#[test]
fn a_run_interrupted_while_it_attacks_ends_with_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    let (report, watch) = run(ATTACKED, &options(ATTACKED, whole.path()), None);
    let expected = results(&report.unwrap());
    // 360 samples on the way twice and the validation split after two epochs, in batches of 128; both at the end.
    assert_eq!(watch.told, 2 * 3 + 2 * 2 + 3 + 75 + 2 * (4 + 1));
    for stops in
        [vec![1], vec![2, 1], vec![4], vec![5], vec![9, 1], vec![10], vec![13], vec![40, 60], vec![95]]
    {
        let runs = tempfile::tempdir().unwrap();
        let mut options = options(ATTACKED, runs.path());
        for &stop in &stops {
            let stopping = Watch { stop_measuring: Some(stop), ..Watch::default() };
            let (stopped, _) = watched(ATTACKED, &options, stopping);
            let interrupted =
                matches!(stopped, Err(RunError::Interrupted { .. } | RunError::Measuring { .. }));
            assert!(interrupted, "{stopped:?}");
            options.resume = true;
        }
        let (report, _) = run(ATTACKED, &options, None);
        for ((name, found), (_, expected)) in results(&report.unwrap()).iter().zip(&expected) {
            assert!(found == expected, "{name} differs after stops {stops:?}");
        }
    }
}

#[test]
fn a_field_says_which_samples_were_kept() {
    let runs = tempfile::tempdir().unwrap();
    let folder = run(MEASURED, &options(MEASURED, runs.path()), None).0.unwrap().folder.join("main/seed-0");
    let fields = std::fs::read(folder.join("fields/phase-1-step-2.json")).unwrap();
    let fields: Fields = serde_json::from_slice(&fields).unwrap();
    assert_eq!((fields.schema, fields.phase, fields.step), (1, 1, 2));
    let kept = fields.fields[0].column("kept").unwrap();
    let count = |what: f64| kept.iter().filter(|value| **value == what).count();
    // Two batches of 512 of 1437 samples were seen, half of each was kept.
    assert!((50..90).contains(&count(1.0)) && (50..90).contains(&count(0.0)), "{kept:?}");
    assert!((40..80).contains(&kept.iter().filter(|value| value.is_nan()).count()), "{kept:?}");
    assert_eq!(fields.fields[0].column("adm").unwrap().len(), 200);
}
