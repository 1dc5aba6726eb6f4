//! Members on a quadratic and on other functions whose gradients are known in closed form.

use burn::tensor::{DType, Tensor};
use burn_flex::Flex;
use flatrun::lang::catalog::Minimizer as Spec;
use flatrun::model::{Init, Parameter, Role};
use flatrun::ops::{Subset, Vector};
use flatrun::train::minimizer::{Outcome, Passes, Start, build};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{assert_close, host, json, tensor};
use crate::{clock, phase};

const W: [f64; 3] = [1.0, -2.0, 0.5];

/// A function of three weights, by its gradient; remembers where it was asked.
struct Known<'a> {
    gradient: &'a dyn Fn([f64; 3]) -> [f64; 3],
    visited: Vec<[f64; 3]>,
}

impl Known<'_> {
    fn at(&mut self, weights: &Vector<Flex>) -> Vector<Flex> {
        let w: [f64; 3] = host(&weights.0[0]).try_into().unwrap();
        assert!(w.iter().all(|w| w.is_finite()), "{w:?}");
        self.visited.push(w);
        vector((self.gradient)(w))
    }

    /// The perturbation of the last pass.
    fn e(&self) -> Vec<f64> {
        let (first, last) = (self.visited[0], self.visited[self.visited.len() - 1]);
        last.iter().zip(first).map(|(p, w)| p - w).collect()
    }
}

impl Passes<Flex> for Known<'_> {
    fn first(&mut self, weights: &Vector<Flex>, _: &Subset) -> Vector<Flex> {
        self.at(weights)
    }

    fn again(&mut self, weights: &Vector<Flex>) -> Vector<Flex> {
        self.at(weights)
    }

    fn again_on_sharpest(&mut self, weights: &Vector<Flex>, _: f64) -> Vector<Flex> {
        self.at(weights)
    }

    fn curvature(&mut self, _: &Vector<Flex>, direction: &Vector<Flex>) -> Vector<Flex> {
        vector(times_a(host(&direction.0[0]).try_into().unwrap()))
    }
}

fn times_a(w: [f64; 3]) -> [f64; 3] {
    let a = [[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]];
    std::array::from_fn(|i| (0..3).map(|j| a[i][j] * w[j]).sum())
}

/// `grad(w'Aw/2 - b'w)` of reference quadratic.
fn quadratic(w: [f64; 3]) -> [f64; 3] {
    let b = [0.3, -0.2, 0.1];
    let aw = times_a(w);
    std::array::from_fn(|i| aw[i] - b[i])
}

fn vector(values: [f64; 3]) -> Vector<Flex> {
    Vector(vec![tensor(&values, DType::F64)])
}

fn spec(member: &str) -> Spec {
    phase(&format!("under {member}")).minimizer
}

/// One step from `w`; `kept` is what the member finds from the step before.
fn step(
    spec: &Spec,
    w: [f64; 3],
    passes: &mut Known<'_>,
    kept: Option<[f64; 3]>,
    momentum: Option<[f64; 3]>,
) -> Outcome<Flex> {
    let init = Init::Constant(0.0);
    let parameters = [Parameter {
        name: "w.weight".into(),
        shape: vec![3],
        role: Role::Weight,
        init,
        place: 0,
        head: false,
    }];
    let (weights, clock) = (vector(w), clock(0));
    let (memory, momentum) = (kept.map(vector), momentum.map(vector));
    let start = Start {
        weights: &weights,
        clock: &clock,
        momentum: momentum.as_ref(),
        decay: 0.0,
        memory: memory.as_ref(),
        random: [0, 1, 0],
    };
    let outcome = build::<Flex>(spec, &parameters).step(&start, passes);
    assert_eq!(host(&weights.0[0]), w, "the weights are left as they were");
    outcome
}

fn on_the_quadratic(spec: &Spec, w: [f64; 3]) -> (Outcome<Flex>, Vec<f64>) {
    let mut passes = Known { gradient: &quadratic, visited: Vec::new() };
    let outcome = step(spec, w, &mut passes, None, None);
    let e = passes.e();
    (outcome, e)
}

fn numbers(case: &Value, key: &str) -> Vec<f64> {
    let values = case[key].as_array().unwrap_or_else(|| panic!("no {key} in {case}"));
    values.iter().map(|v| v.as_f64().unwrap()).collect()
}

/// The numbers of sam.md 9.1, by an independent computation of them in float64.
#[test]
fn first_steps_of_every_member() {
    let stored = json("minimizers/quadratic.json");
    let cases = [
        ("sam", "sam(rho = 0.05)"),
        ("asam", "asam(rho = 0.5, eta = 0)"),
        ("asam_eta", "asam(rho = 0.5, eta = 0.01)"),
        ("fishersam", "fishersam(rho = 0.05, eta = 1)"),
        ("lesam", "lesam(budget = 0.35, clip = 0.4)"),
        ("lesam_plus", "lesam_plus(budget = 0.35, clip = 0.4, lambda = 0.5)"),
        ("lesam_adaptive", "lesam(budget = 0.35, clip = 0.4, metric = adaptive(eta = 0.01))"),
        ("gsam", "gsam(rho = 0.05, alpha = 0.4)"),
        ("gsam_clean", "gsam(rho = 0.05, alpha = 0.4, minimize = clean)"),
        ("asam_gsam", "asam(rho = 0.5, eta = 0.01, combiner = gap(alpha = 0.4))"),
        ("ssam", "ssam(rho = 0.05)"),
        ("ssam_unnormalised", "ssam(rho = 0.05, normalize = false)"),
        ("wsam", "wsam(rho = 0.05, gamma = 0.9, decoupled = false)"),
        ("sagm", "sagm(rho = 0.05, alpha = 0.001)"),
        ("sagm_sum", "sagm(rho = 0.05, alpha = 0.001, average = false)"),
        ("fsam", "fsam(rho = 0.05, sigma = 1, lambda = 0.9)"),
        ("fsam_sigma", "fsam(rho = 0.05, sigma = 0.7, lambda = 0.9)"),
        ("fsam_after", "fsam(rho = 0.05, sigma = 0.7, lambda = 0.9, order = before)"),
        ("eigensam", "eigensam(rho = 0.05, alpha = 0.2)"),
        ("looksam", "looksam(rho = 0.1)"),
    ];
    for (name, member) in cases {
        let case = &stored[name];
        assert!(case.is_object(), "{name} is not stored");
        let kept = match name.split('_').next() {
            Some("fsam") => Some([0.5; 3]),
            Some("eigensam") => Some([-0.835992096979, -0.539191947972, -0.101927701881]),
            _ => None,
        };
        let mut passes = Known { gradient: &quadratic, visited: Vec::new() };
        let outcome = step(&spec(member), W, &mut passes, kept, None);
        assert_close(&format!("{name}: e"), &passes.e(), &numbers(case, "e"), 1e-9);
        assert_close(&format!("{name}: d"), &host(&outcome.direction.0[0]), &numbers(case, "d"), 1e-9);
        let radius = host(&outcome.radius.unwrap())[0];
        assert!((radius - case["radius"].as_f64().unwrap()).abs() < 1e-9, "{name}: {radius}");
        if let Some(kept) = case.get("g_v") {
            let kept: Vec<f64> = kept.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
            assert_close("g_v", &host(&outcome.memory.unwrap().0[0]), &kept, 1e-9);
        }
    }
}

#[test]
fn momentum_sam_looks_ahead_along_the_momentum() {
    let mut passes = Known { gradient: &quadratic, visited: vec![W] };
    step(&spec("msam(rho = 0.3)"), W, &mut passes, None, Some([0.2, -0.1, 0.4]));
    assert_close("e", &passes.e(), &numbers(&json("minimizers/quadratic.json")["msam"], "e"), 1e-9);
}

/// F-SAM's average follows the raw gradients (the published vector that a peer gets wrong).
#[test]
fn the_average_of_friendly_sam_is_of_raw_gradients() {
    let mut kept = Some([0.0; 3]);
    for gradient in [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0]] {
        let given = move |_| gradient;
        let mut passes = Known { gradient: &given, visited: Vec::new() };
        let outcome = step(&spec("fsam(lambda = 0.9)"), W, &mut passes, kept, None);
        kept = Some(host(&outcome.memory.unwrap().0[0]).try_into().unwrap());
    }
    assert_close("average", &kept.unwrap(), &[1.0, 0.09, 0.1], 1e-12);
}

#[test]
fn a_vanishing_gradient_gives_no_perturbation_and_no_nan() {
    for member in crate::MEMBERS
        .into_iter()
        .chain(["lesam(clip = none)", "lesam(metric = adaptive, combiner = stable)"])
    {
        let flat = |_| [0.0; 3];
        let mut passes = Known { gradient: &flat, visited: Vec::new() };
        let outcome = step(&spec(member), W, &mut passes, None, None);
        assert_eq!(host(&outcome.direction.0[0]), [0.0; 3], "{member}");
        assert!(outcome.radius.is_none_or(|radius| host(&radius) == [0.0]), "{member}");
        assert!(passes.e().iter().all(|e| *e == 0.0), "{member}");
        let kept: Option<Tensor<Flex, 1>> = outcome.memory.map(|memory| memory.0[0].clone());
        assert!(kept.is_none_or(|kept| host(&kept).iter().all(|value| value.is_finite())), "{member}");
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

fn weights() -> impl Strategy<Value = [f64; 3]> {
    prop::array::uniform3(-3.0f64..3.0)
        .prop_filter("a gradient that vanishes has no direction", |w| norm(&quadratic(*w)) > 1e-2)
}

/// `grad(b'w / ||w||)`: rescaling the weights changes nothing.
fn scale_invariant(w: [f64; 3]) -> [f64; 3] {
    let b = [0.3, -0.2, 0.9];
    let length = norm(&w);
    let along = dot(&b, &w) / (length * length);
    std::array::from_fn(|i| (b[i] - along * w[i]) / length)
}

proptest! {
    #[test]
    fn an_unclipped_perturbation_raises_the_loss_by_the_budget(w in weights(), budget in 0.01f64..2.0) {
        for metric in ["none", "adaptive", "fisher"] {
            let member = spec(&format!("lesam(budget = {budget}, clip = none, metric = {metric})"));
            let (_, e) = on_the_quadratic(&member, w);
            let rise = dot(&quadratic(w), &e);
            prop_assert!((rise - budget).abs() < 1e-9, "{metric}: g . e = {rise}, budget {budget}");
        }
    }

    #[test]
    fn a_perturbation_is_never_longer_than_its_clip(
        w in weights(), budget in 0.01f64..10.0, clip in 0.01f64..1.0
    ) {
        let (outcome, e) = on_the_quadratic(&spec(&format!("lesam(budget = {budget}, clip = {clip})")), w);
        prop_assert!(norm(&e) <= clip * (1.0 + 1e-12));
        let clipped = host(&outcome.clipped.unwrap())[0];
        prop_assert_eq!(clipped == 1.0, budget / host(&outcome.norm)[0] > clip);
    }

    #[test]
    fn the_scale_of_the_loss(w in weights(), c in 0.1f64..10.0) {
        let scaled = |w: [f64; 3]| quadratic(w).map(|g| g * c);
        let e = |member: &str, gradient: &dyn Fn([f64; 3]) -> [f64; 3]| {
            let mut passes = Known { gradient, visited: Vec::new() };
            step(&spec(member), w, &mut passes, None, None);
            passes.e()
        };
        for member in ["sam", "asam", "ssam", "gsam", "wsam", "esam"] {
            assert_close(member, &e(member, &scaled), &e(member, &quadratic), 1e-9);
        }
        let budget = e(&format!("lesam(budget = {}, clip = none)", 0.3 * c), &scaled);
        assert_close("lesam", &budget, &e("lesam(budget = 0.3, clip = none)", &quadratic), 1e-9);
    }

    #[test]
    fn adaptive_perturbations_follow_a_rescaled_layer(w in weights(), c in 0.1f64..10.0) {
        prop_assume!(norm(&scale_invariant(w)) > 1e-3);
        let e = |w: [f64; 3]| {
            let mut passes = Known { gradient: &scale_invariant, visited: Vec::new() };
            step(&spec("asam(rho = 0.5, eta = 0)"), w, &mut passes, None, None);
            passes.e()
        };
        let larger: Vec<f64> = e(w.map(|w| w * c)).into_iter().map(|e| e / c).collect();
        assert_close("e", &larger, &e(w), 1e-9);
    }

    #[test]
    fn directions_of_the_combiners(w in weights(), rho in 0.01f64..0.5) {
        let g = quadratic(w);
        let (outcome, e) = on_the_quadratic(&spec(&format!("gsam(rho = {rho}, alpha = 1)")), w);
        let p: [f64; 3] = std::array::from_fn(|i| w[i] + e[i]);
        let g_p = quadratic(p);
        let aside: Vec<f64> = host(&outcome.direction.0[0]).iter().zip(g_p).map(|(d, g_p)| g_p - d).collect();
        prop_assert!(dot(&aside, &g_p).abs() < 1e-9 * norm(&g_p).powi(2), "g_perp is orthogonal to g_p");

        let (outcome, _) = on_the_quadratic(&spec(&format!("ssam(rho = {rho})")), w);
        prop_assert!((norm(&host(&outcome.direction.0[0])) / norm(&g) - 1.0).abs() < 1e-9);

        let (outcome, _) = on_the_quadratic(&spec(&format!("sagm(rho = {rho}, alpha = 0)")), w);
        let mean: Vec<f64> = g.iter().zip(g_p).map(|(g, g_p)| (g + g_p) / 2.0).collect();
        assert_close("sagm", &host(&outcome.direction.0[0]), &mean, 1e-9);
    }
}
