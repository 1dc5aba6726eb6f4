//! Sample weights, difficulties, and four epochs of each curriculum by ADM under LE-SAM.

use burn::tensor::{DType, Tensor};
use burn_flex::{Flex, FlexDevice};
use flatrun::lang::catalog::{Difficulty, Loss, Reduction, Scope, Spl, Weighting};
use flatrun::lang::schedule::Clock;
use flatrun::train::curriculum::{Threshold, emphasis, rank, spl_weights, ssp_weights};
use serde_json::Value;

use flatrun::train::{Learner, StepPlan};

use crate::minimizers::{SGD, assert_state};
use crate::support::{GREY, Stored, assert_close, batch, cnn, constants, host, json, phase, state, tensor};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn spl(weight: Weighting) -> Spl {
    Spl {
        difficulty: Difficulty::Loss(Loss {}),
        fraction: None,
        lambda: None,
        weight,
        scope: Scope::Batch,
        reduction: Reduction::Mean,
        mixture: 0.5,
        power: 2.0,
    }
}

#[test]
fn symmetric_weights() {
    for row in json("curriculum/weights.json")["ssp"].as_array().unwrap() {
        let [epoch, epochs] = ["epoch", "epochs"].map(|key| row[key].as_u64().unwrap());
        let clock = Clock { step: epoch * 3, steps: epochs * 3, steps_per_epoch: 3, lr: None };
        let xi = tensor(&numbers(&row["difficulty"]), DType::F64);
        let v = ssp_weights::<Flex>(rank(xi), emphasis(&clock));
        assert_close("ssp", &host(&v), &numbers(&row["weights"]), 1e-12);
    }
}

#[test]
fn self_paced_weights() {
    for row in json("curriculum/weights.json")["spl"].as_array().unwrap() {
        let weight = match row["weighting"].as_str().unwrap() {
            "hard" => Weighting::Hard,
            "linear" => Weighting::Linear,
            "log" => Weighting::Log,
            "mixture" => Weighting::Mixture,
            "logistic" => Weighting::Logistic,
            "poly" => Weighting::Poly,
            other => panic!("{other}"),
        };
        let mut spec = spl(weight);
        spec.mixture = row["ratio"].as_f64().unwrap_or(spec.mixture);
        spec.power = row["power"].as_f64().unwrap_or(spec.power);
        let xi = tensor(&numbers(&row["difficulty"]), DType::F64);
        let threshold = Threshold::Value(row["lambda"].as_f64().unwrap());
        let v = spl_weights::<Flex>(&spec, xi.clone(), rank(xi), threshold);
        assert_close(&row.to_string(), &host(&v), &numbers(&row["weights"]), 1e-9);
    }
}

#[test]
fn fraction_keeps_the_easiest() {
    for row in json("curriculum/weights.json")["fraction"].as_array().unwrap() {
        let difficulty = numbers(&row["difficulty"]);
        let fraction = row["fraction"].as_f64().unwrap();
        let xi = tensor(&difficulty, DType::F64);
        let threshold = Threshold::easiest(fraction, difficulty.len());
        let v = host(&spl_weights::<Flex>(&spl(Weighting::Hard), xi.clone(), rank(xi), threshold));
        // Ties at the threshold: the reference keeps all of them, a fraction keeps the number asked for.
        let expected = numbers(&row["weights"]);
        assert!(v.iter().zip(&expected).all(|(ours, theirs)| ours <= theirs), "{row}");
        let count = (fraction * difficulty.len() as f64 - 1e-9).ceil().max(1.0);
        assert_eq!(v.iter().sum::<f64>(), count, "{row}");
    }
}

fn run(file: &str, pacing: &str, cost: f64) {
    let stored = Stored::read(&format!("curriculum/{file}.safetensors"));
    for (dtype, tolerance) in [(DType::F64, 1e-8), (DType::F32, 1e-4)] {
        let shape = [1, 8, 8];
        let model = cnn(4, shape, &constants(&GREY.0, &GREY.1));
        let recipe = format!("curriculum {pacing} under lesam(budget = 0.4, clip = 0.35)");
        let phase = phase(SGD, "8 steps", &recipe);
        let state = state(&model.layout, "cnn_8", dtype);
        let plan = StepPlan { samples: 16, ..StepPlan::default() };
        let mut learner = Learner::<Flex>::new(&model, &phase, state, plan, &FlexDevice);
        learner.curriculum.table = learner.curriculum.table.clone().cast(dtype);
        for step in 0..8u64 {
            let prefix = format!("step{step}/");
            let pick: Vec<usize> =
                stored.get(&format!("{prefix}indices")).iter().map(|i| *i as usize).collect();
            let clock = Clock { step, steps: 8, steps_per_epoch: 2, lr: None };
            if step % 2 == 0 {
                learner.curriculum.begin_epoch(&clock);
            }
            let record = learner.step(&batch(shape, 16, &pick, 1000, 0, dtype), &clock);
            assert_eq!(record.passes.cost(), cost, "{file}: {:?}", record.passes);
            let known = stored.get(&format!("{prefix}table"));
            let table: Tensor<Flex, 1> = learner.curriculum.table.clone();
            let ours: Vec<f64> = host(&table).into_iter().map(|xi| if xi < 0.0 { 0.0 } else { xi }).collect();
            let theirs: Vec<f64> = known.iter().map(|xi| if xi.is_nan() { 0.0 } else { *xi }).collect();
            assert_close(&format!("{file} {prefix}table"), &ours, &theirs, tolerance);
            assert_state(&stored, &prefix, &model, &learner, &[], tolerance);
        }
    }
}

#[test]
fn ssp_by_adm_under_lesam() {
    run("ssp_adm_lesam", "ssp(adm)", 7.0);
    run("ssp_adm_fresh_lesam", "ssp(adm(mode = fresh))", 8.0);
}

#[test]
fn spl_by_adm_under_lesam() {
    run("spl_adm_lesam", "spl(adm, fraction = linear(0.25 -> 1))", 8.0);
}
