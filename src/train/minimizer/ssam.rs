//! Stable SAM (Tan et al., ICML 2024): SAM's direction with the length of the plain gradient.

use burn::tensor::Tensor;

use super::combiner::{Combined, Combiner};
use super::radius::{Fixed, Radius, RadiusRule};
use super::ratio;
use crate::lang::schedule::{Clock, Schedule};
use crate::ops::{Ops, Vector};

/// `(‖g‖ / ‖g_p‖) g_p`.
pub struct Stable;

impl<B: Ops> Combiner<B> for Stable {
    fn combine(&self, gradient: Option<Vector<B>>, perturbed: Vector<B>, _: &Clock) -> Combined<B> {
        let Some(gradient) = gradient else { return perturbed.into() };
        let factor = ratio(gradient.norm(), &perturbed.norm());
        drop(gradient);
        perturbed.scale(&factor).into()
    }
}

/// SAM's radius, or USAM's.
pub fn radius<B: Ops>(rho: Schedule, normalize: bool) -> Box<dyn RadiusRule<B>> {
    if normalize { Box::new(Fixed(rho)) } else { Box::new(Unnormalised(rho)) }
}

/// USAM: `e = rho g`.
struct Unnormalised(Schedule);

impl<B: Ops> RadiusRule<B> for Unnormalised {
    fn at(&self, norm: &Tensor<B, 1>, clock: &Clock) -> Radius<B> {
        Radius::free(norm.clone() * self.0.at(clock))
    }
}
