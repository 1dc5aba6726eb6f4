//! Eigen-SAM (Luo et al., NeurIPS 2024): leans the gradient toward the top eigenvector of the Hessian.

use burn::tensor::{Tensor, TensorData};

use super::ascent::{Along, Ascent};
use super::scope::Scope;
use super::{Passes, Start, TINY, ratio};
use crate::data::Purpose;
use crate::lang::catalog::Perturbing;
use crate::lang::schedule::{Duration, Schedule};
use crate::ops::{Ops, Vector};

/// `g + ‖g‖ alpha sign⟨g, v⟩ v_perp`, whose length counts as `‖g‖`.
pub struct Leaning {
    pub alpha: Schedule,
    pub refresh: Duration,
    pub iterations: usize,
    /// Says which steps are perturbed.
    pub perturbing: Perturbing,
}

impl<B: Ops> Ascent<B> for Leaning {
    fn keeps(&self) -> Option<&'static str> {
        Some("eigenvector")
    }

    fn reads_gradient(&self) -> bool {
        true
    }

    fn along(
        &self,
        start: &Start<'_, B>,
        passes: &mut dyn Passes<B>,
        scope: &Scope,
        gradient: &Vector<B>,
        norm: &Tensor<B, 1>,
    ) -> Along<B> {
        let known = start.memory.cloned().unwrap_or_else(|| gradient.zeros_like());
        let (v, curvature) = self.eigenvector(start, passes, known, gradient);
        let along = gradient.dot_in(&v, &scope.measured);
        let lean = along.clone().sign() * self.alpha.at(start.clock);
        // v_perp = v - <g, v> / ||g||^2 g
        let aside = ratio(ratio(along, norm), norm);
        let one = aside.ones_like();
        let share = one - lean.clone() * norm.clone() * aside;
        let vector = gradient.clone().blend(&share, v.clone(), &(lean * norm.clone()));
        Along { vector, norm: Some(norm.clone()), memory: Some(v), curvature }
    }
}

impl Leaning {
    /// The eigenvector at this step, and its Rayleigh quotient where it is computed anew.
    fn eigenvector<B: Ops>(
        &self,
        start: &Start<'_, B>,
        passes: &mut dyn Passes<B>,
        known: Vector<B>,
        gradient: &Vector<B>,
    ) -> (Vector<B>, Option<Tensor<B, 1>>) {
        let rhythm = self.refresh.steps(start.clock.steps_per_epoch).max(1);
        let (beat, step) = (self.perturbing.beat(start.clock), start.clock.step);
        if !beat.passes(rhythm, step) {
            return (known, None);
        }
        let first = beat.passed(rhythm, step) == 0;
        let mut v = unit(&self.beginning(start, known, gradient, first));
        let mut quotient = None;
        for _ in 0..self.iterations {
            let product = passes.curvature(start.weights, &v);
            quotient = Some(v.dot(&product));
            v = unit(&product);
        }
        (v, quotient)
    }

    /// The known vector; a random one at first, and the gradient where all before was skipped.
    fn beginning<B: Ops>(
        &self,
        start: &Start<'_, B>,
        known: Vector<B>,
        gradient: &Vector<B>,
        first: bool,
    ) -> Vector<B> {
        let norm = known.norm();
        let absent = norm.clone().lower_elem(TINY);
        let share = norm.ones_like().mask_fill(absent.bool_not(), 0.0);
        let other = if first { normal(start, &known) } else { gradient.clone() };
        known.add_scaled(&other, &share)
    }
}

fn unit<B: Ops>(vector: &Vector<B>) -> Vector<B> {
    let norm = vector.norm();
    vector.clone().scale(&ratio(norm.ones_like(), &norm))
}

/// Standard normal numbers, shaped as `like`.
fn normal<B: Ops>(start: &Start<'_, B>, like: &Vector<B>) -> Vector<B> {
    let mut generator = start.generator(Purpose::Eigenvector);
    let mut drawn = |part: &Tensor<B, 1>| {
        let [length] = part.dims();
        let values: Vec<f64> = (0..length).map(|_| generator.normal()).collect();
        Tensor::from_data(TensorData::new(values, [length]), (&part.device(), part.dtype()))
    };
    Vector(like.0.iter().map(&mut drawn).collect())
}
