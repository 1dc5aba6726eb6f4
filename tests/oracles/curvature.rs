//! Curvature and surfaces against dense Hessians of small networks.

use burn::tensor::DType;
use burn_flex::{Flex, FlexDevice};
use flatrun::data::{Corpus, Disk, Shape};
use flatrun::evaluate::field::Field;
use flatrun::evaluate::{Headway, Measurements, Moment, Notes, Session, Subject, measure};
use flatrun::lang::program::Experiment;
use flatrun::lang::{Settings, check};
use flatrun::model::{Model, StateDict};
use serde_json::Value;

use crate::support::{build, json, state, uniform, written};

const SAMPLES: usize = 32;

const CASES: [&str; 3] = ["softmax", "mlp", "cnn"];

struct Case {
    stored: Value,
    model: Model,
    state: StateDict<Flex>,
    corpus: Corpus,
}

impl Case {
    fn new(name: &str, dtype: DType) -> Self {
        let stored = json("curvature/curvature.json")[name].clone();
        let (network, names) = match name {
            "softmax" => ("mlp(hidden = [], normalize = none)", "mlp_128"),
            "mlp" => ("mlp(hidden = [8], normalize = none)", "mlp_128"),
            _ => ("cnn(width = 2, normalize = none)", "cnn_8"),
        };
        let shape: Vec<usize> =
            stored["input"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
        let model = build(&written(network, 1), [shape[0], shape[1], shape[2]]);
        let state = state(&model.layout, names, dtype);
        Self { stored, model, state, corpus: corpus(shape[1], shape[2]) }
    }

    fn measure(&self, line: &str) -> Measurements {
        let experiment = experiment(line);
        let indices: Vec<u32> = (0..self.corpus.len() as u32).collect();
        let subject = Subject {
            model: &self.model,
            device: &FlexDevice,
            train: &self.corpus,
            train_indices: &indices,
            test: &self.corpus,
            validation: &[],
            oracle: None,
            smoke: false,
        };
        let moment = Moment::of_weights(&self.state, &experiment.phases[0]);
        let (watch, notes) = (&mut |_: &Headway<'_>| true, &mut Notes::none());
        let evaluator = &experiment.evaluate[0].evaluator;
        measure(evaluator, &subject, &moment, &mut Session { watch, notes }).unwrap()
    }

    fn number(&self, path: &str) -> f64 {
        let value = path.split('.').fold(&self.stored, |value, key| &value[key]);
        value.as_f64().unwrap_or_else(|| panic!("no {path}"))
    }

    fn numbers(&self, path: &str) -> Vec<f64> {
        self.stored[path].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
    }
}

/// Bytes 0..127 over 128 from the formula's stream 1000, labels as everywhere.
fn corpus(height: usize, width: usize) -> Corpus {
    let byte = |i: usize| ((uniform(i as u32, 1000) + 0.5) * 128.0) as u8;
    Corpus::in_memory(
        (0..SAMPLES * height * width).map(byte).collect::<Vec<u8>>(),
        (0..SAMPLES as u16).map(|j| (3 * j + 1) % 10).collect::<Vec<u16>>(),
        Shape { height, width, channels: 1 },
        10,
        128,
    )
}

fn experiment(line: &str) -> Experiment {
    let source = format!("edition 2026\nmodel mlp([4])\ntrain 1 epochs under sgd\nevaluate {line}\n");
    let checked = check(&source, &Settings::default(), &Disk);
    let Some(program) = checked.program else { panic!("{source}{:#?}", checked.diagnostics) };
    program.variants[0].experiment.clone()
}

/// A number's name without the settings of its evaluator.
fn unlabelled(name: &str) -> String {
    match (name.find('('), name.rfind(')')) {
        (Some(open), Some(close)) => format!("{}{}", &name[..open], &name[close + 1..]),
        _ => name.to_owned(),
    }
}

fn value(measured: &Measurements, name: &str) -> f64 {
    let found = measured.values.iter().find(|(known, _)| unlabelled(known) == name);
    found.unwrap_or_else(|| panic!("no {name} in {:?}", measured.values)).1
}

fn field<'m>(measured: &'m Measurements, name: &str) -> &'m Field {
    measured.fields.iter().find(|field| field.name == name).unwrap()
}

fn close(what: &str, found: f64, expected: f64, relative: f64) {
    let distance = (found - expected).abs() / expected.abs();
    assert!(
        distance <= relative,
        "{what}: {found}, expected {expected} within {relative}, is off by {distance:.1e}"
    );
}

const PRECISIONS: [(DType, f64); 2] = [(DType::F64, 1e-6), (DType::F32, 1e-3)];

#[test]
fn eigenvalues_are_those_of_the_dense_hessian() {
    for (dtype, tolerance) in PRECISIONS {
        for name in CASES {
            let case = Case::new(name, dtype);
            let expected = case.numbers("eigenvalues");
            let settings = "tolerance = 1e-4, iterations = 400, trace = false, samples = 32";
            let many = case.measure(&format!("hessian(top = 8, {settings})"));
            let found = field(&many, "hessian").column("eigenvalue").unwrap();
            for (rank, (found, expected)) in found.iter().zip(&expected).enumerate() {
                close(&format!("{name} {dtype:?} eigenvalue {}", rank + 1), *found, *expected, tolerance);
            }
            assert!(many.warnings.is_empty(), "{:?}", many.warnings);
            let one = case.measure(&format!("hessian(top = 1, {settings})"));
            close(
                &format!("{name} {dtype:?} by power iteration"),
                value(&one, "hessian.top"),
                expected[0],
                tolerance,
            );
        }
    }
}

#[test]
fn the_trace_is_within_three_standard_errors_and_layers_have_their_own() {
    for name in CASES {
        let case = Case::new(name, DType::F64);
        let line = "hessian(top = 1, tolerance = 1e-4, iterations = 2000, error = 3%, probes = 2000, layers = true, samples = 32)";
        let measured = case.measure(line);
        let (trace, error) = (value(&measured, "hessian.trace"), value(&measured, "hessian.trace.error"));
        assert!((trace - case.number("trace")).abs() <= 3.0 * error, "{name}: {trace} ± {error}");
        assert!(error <= 0.03 * trace, "{name}: {trace} ± {error}");
        let layers = field(&measured, "hessian.layers");
        let (tops, traces) = (layers.column("eigenvalue").unwrap(), layers.column("trace").unwrap());
        for (place, layer) in layers.axes[0].labels.iter().enumerate() {
            let expected: Vec<f64> = case.stored["blocks"][layer]
                .as_array()
                .unwrap_or_else(|| panic!("no block {layer}"))
                .iter()
                .map(|value| value.as_f64().unwrap())
                .collect();
            close(&format!("{name} {layer}"), tops[place], expected[0], 1e-6);
            // A block's trace has more noise than its share: products mix in the other blocks.
            assert!((traces[place] - expected[1]).abs() < 0.1 * case.number("trace"), "{name} {layer}");
        }
        assert_eq!(layers.axes[0].labels.len(), case.stored["blocks"].as_object().unwrap().len());
    }
}

#[test]
fn adversarial_curvature_is_that_at_fixed_attacked_points() {
    for (dtype, tolerance) in PRECISIONS {
        for name in CASES {
            let case = Case::new(name, dtype);
            let loss = "samples = 32, loss = pgd(eps = 8/255, step = 8/255, steps = 1, start = clean)";
            let line = format!(
                "hessian(top = 2, tolerance = 1e-5, iterations = 400, error = 5%, probes = 2000, {loss})"
            );
            let measured = case.measure(&line);
            let (top, trace) = ("hessian.top", "hessian.trace");
            close(top, value(&measured, top), case.number("adversarial.top"), tolerance);
            let error = value(&measured, "hessian.trace.error");
            assert!(
                (value(&measured, trace) - case.number("adversarial.trace")).abs() <= 3.0 * error,
                "{name}"
            );
            let gradient = case.measure(&format!("gradient({loss})"));
            let found = value(&gradient, "gradient.norm");
            close("gradient", found, case.number("adversarial.gradient"), tolerance);
        }
    }
}

#[test]
fn the_spectrum_has_the_moments_and_the_ends_of_the_hessian() {
    for name in CASES {
        let case = Case::new(name, DType::F64);
        let measured = case.measure("spectrum(steps = 60, starts = 20, samples = 32)");
        close("high", value(&measured, "spectrum.high"), case.number("high"), 1e-6);
        if name != "softmax" {
            close("low", value(&measured, "spectrum.low"), case.number("low"), 1e-6);
        }
        let trace = value(&measured, "spectrum.trace");
        // The standard error of twenty draws of Hutchinson's estimate.
        let error = (2.0f64 / 20.0).sqrt() * case.number("frobenius_off_diagonal");
        assert!((trace - case.number("trace")).abs() <= 3.0 * error, "{name}: {trace}");
        let density = field(&measured, "spectrum");
        let (grid, values) = (&density.axes[0].values, density.column("density").unwrap());
        let spacing = grid[1] - grid[0];
        let moment =
            |power: i32| grid.iter().zip(values).map(|(x, y)| x.powi(power) * y * spacing).sum::<f64>();
        close("mass", moment(0), 1.0, 1e-6);
        let expected = case.numbers("moments");
        assert!((moment(1) - expected[0]).abs() <= 3.0 * error / case.number("parameters"), "{name}");
        assert_eq!(grid.len(), 10_000);
    }
}

#[test]
fn losses_around_the_weights_are_those_of_the_reference() {
    for (dtype, tolerance) in [(DType::F64, 1e-9), (DType::F32, 1e-5)] {
        for name in CASES {
            let case = Case::new(name, dtype);
            let loss = case.number("loss");
            let gradient = case.measure("gradient(samples = 32)");
            close("gradient", value(&gradient, "gradient.norm"), case.number("gradient"), 10.0 * tolerance);
            let sharpness = case.measure("sharpness(rho = 0.05, draws = 6, samples = 32)");
            // Differences of losses: what is relative to the loss is not relative to them.
            let near = |what: &str, found: f64, expected: f64| {
                let distance = (found - expected).abs() / loss;
                assert!(distance <= tolerance, "{name} {dtype:?} {what}: {found}, expected {expected}");
            };
            near("worst", value(&sharpness, "sharpness.worst"), case.number("worst"));
            near("average", value(&sharpness, "sharpness.average"), case.number("average"));
            let batches = case.measure("sharpness(rho = 0.05, draws = 2, batch = 8, samples = 32)");
            near("batches of 8", value(&batches, "sharpness.worst"), case.number("worst_by_8"));
            let plain = case.measure("lpf(sigma = 0.01, draws = 6, scale = none, samples = 32)");
            near("lpf", value(&plain, "lpf"), case.number("lpf"));
            near("rise", value(&plain, "lpf.rise"), case.number("lpf") - loss);
            let filter = case.measure("lpf(sigma = 0.01, draws = 6, samples = 32)");
            near("lpf by filter", value(&filter, "lpf"), case.number("lpf_filter"));
            let surface = case.measure("landscape(span = 1, points = 5, samples = 32)");
            let losses = field(&surface, "landscape").column("loss").unwrap();
            for (found, expected) in losses.iter().zip(case.numbers("surface")) {
                close(&format!("{name} surface"), *found, expected, 10.0 * tolerance);
            }
            near("centre", value(&surface, "landscape.centre"), loss);
        }
    }
}

#[test]
fn filtered_loss_of_small_noise_is_half_the_trace_above() {
    for name in CASES {
        let case = Case::new(name, DType::F64);
        let measured = case.measure("lpf(sigma = 1e-3, draws = 100, scale = none, samples = 32)");
        let (rise, error) = (value(&measured, "lpf.rise"), value(&measured, "lpf.error"));
        let expected = 0.5e-6 * case.number("trace");
        assert!((rise - expected).abs() <= 3.0 * error, "{name}: {rise} ± {error}, expected {expected}");
    }
}

#[test]
fn a_surface_holds_the_line_and_regenerated_attacks_raise_it() {
    let case = Case::new("cnn", DType::F64);
    let line = case.measure("landscape(points = 5, samples = 32)");
    let square = case.measure("landscape(points = 5, dimensions = 2, samples = 32)");
    let (line, surface) = (field(&line, "landscape"), field(&square, "landscape"));
    let names: Vec<&str> = surface.axes.iter().map(|axis| axis.name.as_str()).collect();
    assert_eq!(names, ["y", "x"]);
    // Row-major, x fastest: the third row is that of y = 0.
    assert_eq!(&surface.column("loss").unwrap()[10..15], line.column("loss").unwrap());
    let attack = "samples = 32, loss = pgd(eps = 8/255, steps = 5)";
    let fixed = case.measure(&format!("landscape(points = 5, {attack})"));
    let fresh = case.measure(&format!("landscape(points = 5, regenerate = true, {attack})"));
    let losses = |measured: &Measurements| field(measured, "landscape").column("loss").unwrap().to_vec();
    assert_eq!(losses(&fixed)[2], losses(&fresh)[2], "at the centre both are attacked there");
    assert!(losses(&fresh)[0] > losses(&fixed)[0] && losses(&fixed)[2] > line.column("loss").unwrap()[2]);
}
