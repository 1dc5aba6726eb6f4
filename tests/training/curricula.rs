//! Curricula: what they cost, and where they are no curriculum at all.

use flatrun::lang::catalog::{Pacing, Spl};
use flatrun::lang::schedule::Schedule;

use crate::support::host;
use crate::{after, clock, learner, model, samples, snapshot, support};

#[test]
fn passes_are_those_of_the_reference() {
    let cases = [
        ("erm", 3.0),
        ("ssp(loss)", 3.0),
        ("spl(loss, fraction = 0.5)", 3.0),
        ("ssp(gdm)", 4.0),
        ("spl(gdm, fraction = 0.5)", 4.0),
        ("ssp(adm)", 4.0),
        ("ssp(adm(mode = fresh))", 5.0),
        ("spl(adm(mode = fresh), fraction = 0.5)", 5.0),
        // Excluded samples have no gradient in the weighted pass: an input-only backward is added.
        ("spl(adm, fraction = 0.5)", 5.0),
    ];
    for (curriculum, cost) in cases {
        for (minimizer, more) in [("sgd", 0.0), ("sam", 3.0), ("lesam", 3.0)] {
            let model = model();
            let recipe = format!("curriculum {curriculum} under {minimizer}");
            let mut learner = learner(&model, &recipe);
            for step in 0..4 {
                let passes = learner.step(&samples(step), &clock(step)).passes;
                assert_eq!(passes.cost(), cost + more, "{recipe}: {passes:?}");
            }
        }
    }
}

#[test]
fn keeping_every_sample_is_erm_bit_for_bit() {
    let erm = after("curriculum erm under sam", 4);
    for difficulty in ["loss", "gdm", "adm"] {
        let all = format!("curriculum spl({difficulty}, fraction = 1) under sam");
        assert!(after(&all, 4) == erm, "{difficulty}");
    }
}

#[test]
fn a_sum_is_the_mean_times_what_is_kept() {
    let model = model();
    let norm = |reduction: &str| {
        let recipe = format!("curriculum spl(loss, fraction = 0.5, reduction = {reduction}) under sgd");
        host(&learner(&model, &recipe).step(&samples(0), &clock(0)).values)[3]
    };
    assert!((norm("sum") / norm("mean") - 4.0).abs() < 1e-5, "half of 8 samples are kept");
}

#[test]
fn a_batch_without_weight_changes_nothing() {
    let model = model();
    let mut phase = crate::phase("curriculum spl(loss) under sam");
    let Pacing::Spl(spec) = phase.curriculum else { unreachable!() };
    phase.curriculum = Pacing::Spl(Spl { fraction: None, lambda: Some(Schedule::Constant(0.0)), ..spec });
    let plan = flatrun::train::StepPlan { samples: 16, ..Default::default() };
    let state = support::state(&model.layout, "cnn_8", burn::tensor::DType::F32);
    let mut learner = flatrun::train::Learner::new(&model, &phase, state, plan, &burn_flex::FlexDevice);
    let before = snapshot(&learner);
    let values = host(&learner.step(&samples(0), &clock(0)).values);
    assert!(snapshot(&learner) == before);
    assert_eq!((values[9], values[10]), (0.0, 1.0), "empty, not broken");
}

#[test]
fn without_a_step_there_is_no_gap() {
    let model = model();
    let mut learner = learner(&model, "curriculum ssp(adm(alpha = 1e-12)) under sgd");
    learner.step(&samples(0), &clock(0));
    let table = host(&learner.curriculum.table);
    assert!(table[..8].iter().all(|xi| xi.abs() < 1e-5), "{table:?}");
    assert!(table[8..].iter().all(|xi| *xi < 0.0), "the others were not visited: {table:?}");
}
