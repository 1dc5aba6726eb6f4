//! SAGM (Wang et al., CVPR 2023): `e = (rho / ‖g‖ - alpha) g`, and the sum of both gradients.

use burn::tensor::Tensor;

use super::combiner::{Combined, Combiner};
use super::radius::{Radius, RadiusRule};
use crate::lang::schedule::{Clock, Schedule};
use crate::ops::{Ops, Vector};

/// SAM's perturbation after a descent step of length `alpha ‖g‖`.
pub struct Matched {
    pub rho: Schedule,
    pub alpha: Schedule,
}

impl<B: Ops> RadiusRule<B> for Matched {
    fn at(&self, norm: &Tensor<B, 1>, clock: &Clock) -> Radius<B> {
        Radius::free(norm.clone() * -self.alpha.at(clock) + self.rho.at(clock))
    }
}

/// `share (g + g_p)`.
pub struct Sum {
    pub share: f64,
}

impl<B: Ops> Combiner<B> for Sum {
    fn combine(&self, gradient: Option<Vector<B>>, perturbed: Vector<B>, _: &Clock) -> Combined<B> {
        let Some(gradient) = gradient else { return perturbed.into() };
        let share = perturbed.number(self.share);
        perturbed.blend(&share, gradient, &share).into()
    }
}
