//! Dropout: the same values are left out in both passes of a step, and again after a resume.

use burn::tensor::DType;
use burn_flex::{Flex, FlexDevice};
use flatrun::data::{Generator, Purpose};
use flatrun::model::{Mode, Model, Noise, Normalization, Wants};
use flatrun::ops::Vector;
use flatrun::train::{Learner, StepPlan};

use crate::support::{build, host, uniform, written};
use crate::{SHAPE, bits, clock, phase, samples};

fn model() -> Model {
    build(&written("mlp(hidden = [32, 16], dropout = 0.5, normalize = none)", SHAPE[0]), SHAPE)
}

fn after(recipe: &str, micro: Option<usize>) -> Vec<u64> {
    let model = model();
    let plan = StepPlan { samples: 16, micro, seed: 0, phase: 1 };
    let state = crate::support::state(&model.layout, "mlp_32_16", DType::F32);
    let mut learner = Learner::<Flex>::new(&model, &phase(recipe), state, plan, &FlexDevice);
    (1..5).for_each(|step| drop(learner.step(&samples(step), &clock(step))));
    learner.state.weights.0.iter().flat_map(bits).collect()
}

#[test]
fn both_passes_leave_out_the_same_values() {
    let base = after("under sgd", None);
    let still = "rho = linear(0.05 -> 0, 0..1 steps)";
    assert!(after(&format!("under sam({still})"), None) == base);
    assert!(after(&format!("under sam({still}, masks = fresh)"), None) != base);
    for member in ["esam(gamma = 0.5)", "lesam", "gsam", "s2sam"] {
        let recipe = format!("curriculum ssp(adm) under {member}");
        assert!(after(&recipe, None) == after(&recipe, None), "{member}");
        assert!(after(&recipe, Some(3)).iter().all(|bits| f64::from_bits(*bits).is_finite()), "{member}");
    }
}

fn noise() -> Noise<Flex> {
    Noise::new(Generator::keyed(Purpose::Dropout, &[7]))
}

#[test]
fn half_is_left_out_and_the_rest_made_up_for() {
    let like = samples(0).x.repeat_dim(3, 64);
    let mask = host(&noise().mask(0.25, &like));
    let kept = mask.iter().filter(|value| **value > 0.0).count() as f64 / mask.len() as f64;
    assert!((kept - 0.75).abs() < 0.01, "{kept}");
    assert!(mask.iter().all(|value| *value == 0.0 || (value - 4.0 / 3.0).abs() < 1e-6));
    let places = samples(0).indices.slice(2..5);
    let part = host(&noise().select(8, places).mask(0.25, &like.clone().narrow(0, 0, 3)));
    let row = mask.len() / 8;
    assert_eq!(part, mask[2 * row..5 * row], "the part sees its rows of the whole");
}

/// The gradient is that of the network with these values left out: against central differences.
#[test]
fn the_gradient_is_that_of_the_same_masks() {
    let model = model();
    let state = crate::support::state(&model.layout, "mlp_32_16", DType::F64);
    let batch = crate::support::batch(SHAPE, 8, &[0, 1, 2, 3], 1000, 0, DType::F64);
    let pass = |weights: &Vector<Flex>| {
        let (normalization, noise) = (Normalization::Batch, Some(noise()));
        let mode = Mode { normalization, record: true, noise, precision: model.precision };
        model.forward_with(weights, &state.statistics, batch.x.clone(), mode)
    };
    let loss = |weights: &Vector<Flex>| host(&pass(weights).cross_entropy(batch.labels.clone()).0.sum())[0];
    let direction = |(j, part): (usize, &burn::tensor::Tensor<Flex, 1>)| {
        let values: Vec<f64> = (0..part.dims()[0]).map(|i| uniform(i as u32, 4000 + j as u32)).collect();
        crate::support::tensor(&values, DType::F64)
    };
    let direction = Vector(state.weights.0.iter().enumerate().map(direction).collect());
    let at = |h: f64| loss(&state.weights.add_scaled(&direction, &direction.number(h)));
    let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
    let trace = pass(&state.weights);
    let (_, d_logits) = trace.cross_entropy(batch.labels.clone());
    let gradient = trace.backward(d_logits, Wants::WEIGHTS).weights.unwrap();
    let slope = host(&gradient.dot(&direction))[0];
    assert!((slope / difference - 1.0).abs() < 1e-6, "{slope} against {difference}");
}
