//! Fisher-SAM (Kim et al., ICML 2022): `e = rho F⁻¹ g / √(g' F⁻¹ g)` with `F = 1 + eta g²`.

use super::metric::Metric;
use crate::ops::{Ops, Subset, Vector};

/// The inverse of the diagonal Fisher information, from the gradient of the mean loss; holds eta.
pub struct Fisher(pub f64);

impl<B: Ops> Metric<B> for Fisher {
    fn map(&self, _: &Vector<B>, gradient: &Vector<B>, vector: &Vector<B>, subset: &Subset) -> Vector<B> {
        let part = |index| match subset.holds(index) {
            true => B::scale_by_fisher(vector.0[index].clone(), gradient.0[index].clone(), self.0),
            false => vector.0[index].clone(),
        };
        Vector((0..vector.0.len()).map(part).collect())
    }
}
