//! SAM (Foret et al., ICLR 2021): `e = rho · g / ‖g‖`, direction `∇L(w + e)`.

use super::two_pass::{Radius, ascend_and_descend};
use super::{Minimizer, Outcome, Passes};
use crate::lang::catalog::Sam as Spec;
use crate::lang::schedule::Clock;
use crate::ops::{Ops, Vector};

pub struct Sam(pub Spec);

impl<B: Ops> Minimizer<B> for Sam {
    fn step(&mut self, weights: &Vector<B>, passes: &mut dyn Passes<B>, clock: &Clock) -> Outcome<B> {
        let rho = self.0.rho.at(clock);
        ascend_and_descend(weights, passes, |norm| Radius { length: norm.full_like(rho), clipped: None })
    }
}
