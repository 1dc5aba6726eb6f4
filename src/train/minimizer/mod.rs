//! Minimizers: each owns the passes of a step and returns the direction the base optimizer takes.
//!
//! The SAM family is ascent vector × metric × radius rule × combiner × cadence, each a file here; a member is a
//! choice of them ([`build`]). The base optimizer always moves the unperturbed weights; a perturbed pass is an
//! evaluation at other weights, so nothing is restored.

mod asam;
mod ascent;
mod combiner;
mod decay;
mod eigensam;
mod esam;
mod fishersam;
mod fsam;
mod gsam;
mod lesam;
mod looksam;
mod metric;
mod msam;
mod one_pass;
mod radius;
mod s2sam;
mod sagm;
mod scope;
mod ssam;
mod two_pass;
mod wsam;

use burn::tensor::Tensor;

use crate::data::{Generator, Purpose};
use crate::lang::catalog::Minimizer as Spec;
use crate::lang::schedule::Clock;
use crate::model::Parameter;
use crate::ops::{Ops, Subset, Vector};

use two_pass::TwoPass;

/// The batch's objective as a minimizer sees it: curriculum and adversary are inside.
pub trait Passes<B: Ops> {
    /// Gradient at `weights` for the parameters of `subset`, the others empty. Running statistics and the
    /// curriculum follow this pass; it is the first of a step.
    fn first(&mut self, weights: &Vector<B>, subset: &Subset) -> Vector<B>;

    /// Gradient at other weights on the same samples, with the same sample weights; nothing else moves.
    fn again(&mut self, weights: &Vector<B>) -> Vector<B>;

    /// As [`Passes::again`], on the `share` of the samples whose loss rose most since the first pass, at least
    /// one. Measuring the rise is one more forward pass.
    fn again_on_sharpest(&mut self, weights: &Vector<B>, share: f64) -> Vector<B>;

    /// `H direction` at `weights` for the loss of the batch, normalised by running statistics.
    fn curvature(&mut self, weights: &Vector<B>, direction: &Vector<B>) -> Vector<B>;
}

/// Where a step starts.
#[derive(Clone, Copy)]
pub struct Start<'a, B: Ops> {
    pub weights: &'a Vector<B>,
    pub clock: &'a Clock,
    /// First moment of the base optimizer.
    pub momentum: Option<&'a Vector<B>>,
    /// Weight decay that the base optimizer adds to a gradient.
    pub decay: f64,
    /// What the minimizer kept from the step before; zeros at first.
    pub memory: Option<&'a Vector<B>>,
    /// Seed of the run, number of the phase, place of the micro-batch in its batch.
    pub random: [u64; 3],
}

impl<B: Ops> Start<'_, B> {
    /// Random numbers of this step.
    fn generator(&self, purpose: Purpose) -> Generator {
        let [seed, phase, part] = self.random;
        match part {
            0 => Generator::keyed(purpose, &[seed, phase, self.clock.step]),
            part => Generator::keyed(purpose, &[seed, phase, self.clock.step, part]),
        }
    }
}

/// What a step decided; each tensor has one element.
pub struct Outcome<B: Ops> {
    pub direction: Vector<B>,
    /// Moves the weights against it by the learning rate, besides the base optimizer.
    pub decoupled: Option<Vector<B>>,
    /// Norm of the first gradient, over the weights that count for it.
    pub norm: Tensor<B, 1>,
    /// Length of the perturbation.
    pub radius: Option<Tensor<B, 1>>,
    /// 1 where the radius was cut to its limit.
    pub clipped: Option<Tensor<B, 1>>,
    /// Rayleigh quotient of the Hessian, where it was measured.
    pub curvature: Option<Tensor<B, 1>>,
    /// What the next step finds, unless this one is skipped.
    pub memory: Option<Vector<B>>,
}

impl<B: Ops> Outcome<B> {
    /// The base optimizer's own step; what is kept stays as it is.
    fn plain(start: &Start<'_, B>, direction: Vector<B>) -> Self {
        let norm = direction.norm();
        let memory = start.memory.cloned();
        Self { direction, decoupled: None, norm, radius: None, clipped: None, curvature: None, memory }
    }
}

/// One member of the family.
pub trait Minimizer<B: Ops>: Send {
    /// Name of what is kept between steps, a vector as large as the weights.
    fn keeps(&self) -> Option<&'static str> {
        None
    }

    /// Direction for the base optimizer.
    fn step(&self, start: &Start<'_, B>, passes: &mut dyn Passes<B>) -> Outcome<B>;
}

/// Below this norm a vector has no direction. The square of it is still a normal f32.
const TINY: f64 = 1e-12;

/// `length / norm`, and 0 where the norm vanishes.
fn ratio<B: Ops>(length: Tensor<B, 1>, norm: &Tensor<B, 1>) -> Tensor<B, 1> {
    let vanished = norm.clone().lower_elem(TINY);
    (length / norm.clone().clamp_min(TINY)).mask_fill(vanished, 0.0)
}

/// Builds what a program names, for a network with these parameters.
pub fn build<B: Ops>(spec: &Spec, parameters: &[Parameter]) -> Box<dyn Minimizer<B>> {
    let two_pass = |perturbing| TwoPass::new(parameters, perturbing);
    match spec.clone() {
        Spec::Base(_) => Box::new(Base),
        Spec::Sam(sam) => Box::new(
            two_pass(sam.perturbing)
                .radius(Box::new(radius::Fixed(sam.rho)))
                .metric(metric::of(sam.metric, parameters))
                .combiner(combiner::of(sam.combiner)),
        ),
        Spec::Asam(asam) => Box::new(
            two_pass(asam.perturbing)
                .radius(Box::new(radius::Fixed(asam.rho)))
                .metric(Some(Box::new(asam::Adaptive::new(asam.scaling, asam.eta, parameters))))
                .combiner(combiner::of(asam.combiner)),
        ),
        Spec::Esam(esam) => Box::new(esam::Esam::new(esam, parameters)),
        Spec::Fsam(fsam) => Box::new(
            two_pass(fsam.perturbing)
                .ascent(Box::new(fsam::Friendly {
                    sigma: fsam.sigma,
                    lambda: fsam.lambda,
                    order: fsam.order,
                }))
                .radius(Box::new(radius::Fixed(fsam.rho)))
                .metric(metric::of(fsam.metric, parameters))
                .combiner(combiner::of(fsam.combiner)),
        ),
        Spec::Eigensam(eigensam) => Box::new(
            two_pass(eigensam.perturbing.clone())
                .radius(Box::new(radius::Fixed(eigensam.rho)))
                .combiner(combiner::of(eigensam.combiner))
                .ascent(Box::new(eigensam::Leaning {
                    alpha: eigensam.alpha,
                    refresh: eigensam.refresh,
                    iterations: eigensam.iterations,
                    perturbing: eigensam.perturbing,
                })),
        ),
        Spec::Fishersam(fisher) => Box::new(
            two_pass(fisher.perturbing)
                .radius(Box::new(radius::Fixed(fisher.rho)))
                .metric(Some(Box::new(fishersam::Fisher(fisher.eta))))
                .combiner(combiner::of(fisher.combiner)),
        ),
        Spec::Gsam(gsam) => Box::new(
            two_pass(gsam.perturbing)
                .radius(Box::new(radius::Fixed(gsam.rho)))
                .metric(metric::of(gsam.metric, parameters))
                .combiner(Box::new(gsam::Gap { alpha: gsam.alpha, minimize: gsam.minimize })),
        ),
        Spec::Ssam(ssam) => Box::new(
            two_pass(ssam.perturbing)
                .radius(ssam::radius(ssam.rho, ssam.normalize))
                .metric(metric::of(ssam.metric, parameters))
                .combiner(Box::new(ssam::Stable)),
        ),
        Spec::Msam(msam) => Box::new(msam::Msam::new(msam, parameters)),
        Spec::S2sam(s2sam) => Box::new(s2sam::S2sam::new(s2sam, parameters)),
        Spec::Sagm(sagm) => Box::new(
            two_pass(sagm.perturbing)
                .radius(Box::new(sagm::Matched { rho: sagm.rho, alpha: sagm.alpha }))
                .metric(metric::of(sagm.metric, parameters))
                .combiner(Box::new(sagm::Sum { share: if sagm.average { 0.5 } else { 1.0 } })),
        ),
        Spec::Wsam(wsam) => Box::new(
            two_pass(wsam.perturbing)
                .radius(Box::new(radius::Fixed(wsam.rho)))
                .metric(metric::of(wsam.metric, parameters))
                .combiner(Box::new(wsam::Sharpness { gamma: wsam.gamma, decoupled: wsam.decoupled })),
        ),
        Spec::Looksam(looksam) => Box::new(looksam::Looksam::new(looksam, parameters)),
        Spec::Lesam(lesam) => Box::new(
            two_pass(lesam.perturbing)
                .radius(Box::new(lesam::Budget {
                    budget: lesam.budget,
                    clip: lesam.clip,
                    anneal: lesam.anneal,
                }))
                .metric(metric::of(lesam.metric, parameters))
                .combiner(combiner::of(lesam.combiner)),
        ),
        Spec::LesamPlus(lesam) => Box::new(
            two_pass(lesam.perturbing)
                .radius(Box::new(lesam::Budget {
                    budget: lesam.budget,
                    clip: lesam.clip,
                    anneal: lesam.anneal,
                }))
                .metric(metric::of(lesam.metric, parameters))
                .combiner(Box::new(lesam::Amplified(lesam.lambda))),
        ),
    }
}

/// The gradient itself: the base optimizer alone.
struct Base;

impl<B: Ops> Minimizer<B> for Base {
    fn step(&self, start: &Start<'_, B>, passes: &mut dyn Passes<B>) -> Outcome<B> {
        Outcome::plain(start, passes.first(start.weights, &Subset::All))
    }
}
