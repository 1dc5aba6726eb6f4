//! GSAM (Zhuang et al., ICLR 2022): the perturbed gradient without what would widen the surrogate gap.

use burn::tensor::Tensor;

use super::combiner::{Combined, Combiner};
use super::ratio;
use crate::lang::catalog::Minimized;
use crate::lang::schedule::{Clock, Schedule};
use crate::ops::{Ops, Vector};

/// `g_p - alpha g_perp`, with `g_perp` the part of `g` orthogonal to `g_p`; or the same with both exchanged and added.
pub struct Gap {
    pub alpha: Schedule,
    pub minimize: Minimized,
}

impl<B: Ops> Combiner<B> for Gap {
    fn combine(&self, gradient: Option<Vector<B>>, perturbed: Vector<B>, clock: &Clock) -> Combined<B> {
        let Some(gradient) = gradient else { return perturbed.into() };
        let alpha = self.alpha.at(clock);
        let (followed, other, weight) = match self.minimize {
            Minimized::Perturbed => (perturbed, gradient, -alpha),
            Minimized::Clean => (gradient, perturbed, alpha),
        };
        // followed + weight (other - share followed)
        let share = parallel(&other, &followed);
        let weight = share.full_like(weight);
        let own = share.ones_like() - weight.clone() * share;
        followed.blend(&own, other, &weight).into()
    }
}

/// `⟨a, b⟩ / ‖b‖²`: how much of `b` is in `a`.
pub fn parallel<B: Ops>(a: &Vector<B>, b: &Vector<B>) -> Tensor<B, 1> {
    let norm = b.norm();
    ratio(ratio(a.dot(b), &norm), &norm)
}
