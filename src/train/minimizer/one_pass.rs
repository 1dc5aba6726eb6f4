//! A step with a single pass, at weights perturbed by what an earlier step left.

use super::{Outcome, Passes, Start, ratio};
use crate::ops::{Ops, Subset, Vector};

/// The pass at `w + length · along / ‖along‖` over the weights of `subset`; unperturbed where `along` vanishes.
pub fn step<B: Ops>(
    start: &Start<'_, B>,
    passes: &mut dyn Passes<B>,
    along: Option<&Vector<B>>,
    length: f64,
    subset: &Subset,
) -> Outcome<B> {
    let Some(along) = along else {
        return Outcome::plain(start, passes.first(start.weights, &Subset::All));
    };
    let norm = along.norm_in(subset);
    let factor = ratio(norm.full_like(length), &norm);
    let perturbed = start.weights.add_scaled_in(along, &factor, subset);
    let outcome = Outcome::plain(start, passes.first(&perturbed, &Subset::All));
    Outcome { radius: Some((factor * norm).abs()), ..outcome }
}
