//! WSAM (Yue et al., KDD 2023): sharpness as a regularisation term with a weight of its own.

use super::combiner::{Combined, Combiner};
use crate::lang::schedule::{Clock, Schedule};
use crate::ops::{Ops, Vector};

/// `g + factor (g_p - g)`.
pub struct Weighted(pub Schedule);

impl<B: Ops> Combiner<B> for Weighted {
    fn combine(&self, gradient: Option<Vector<B>>, perturbed: Vector<B>, clock: &Clock) -> Combined<B> {
        let Some(gradient) = gradient else { return perturbed.into() };
        extrapolated(gradient, perturbed, self.0.at(clock)).into()
    }
}

/// `gradient + factor (perturbed - gradient)`.
pub fn extrapolated<B: Ops>(gradient: Vector<B>, perturbed: Vector<B>, factor: f64) -> Vector<B> {
    let [factor, rest] = [factor, 1.0 - factor].map(|value| perturbed.number(value));
    perturbed.blend(&factor, gradient, &rest)
}

/// WSAM's weight `gamma / (1 - gamma)` of the sharpness, inside the base optimizer's direction or beside it.
pub struct Sharpness {
    pub gamma: Schedule,
    pub decoupled: bool,
}

impl<B: Ops> Combiner<B> for Sharpness {
    fn combine(&self, gradient: Option<Vector<B>>, perturbed: Vector<B>, clock: &Clock) -> Combined<B> {
        let Some(gradient) = gradient else { return perturbed.into() };
        let gamma = self.gamma.at(clock);
        let weight = gamma / (1.0 - gamma);
        if !self.decoupled {
            return extrapolated(gradient, perturbed, weight).into();
        }
        let [plus, minus] = [weight, -weight].map(|value| perturbed.number(value));
        let sharpness = perturbed.blend(&plus, gradient.clone(), &minus);
        Combined { direction: gradient, decoupled: Some(sharpness), memory: None }
    }
}
