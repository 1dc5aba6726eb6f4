//! The loss around given weights: curvature, filtered loss, sharpness, surfaces.
//!
//! Everything looks at the mean cross-entropy over a fixed set of training samples (`probe`), in evaluation mode,
//! without augmentation and without weight decay. Vectors are computed with in f64 on the host; products are exact
//! (`model::Trace::hessian_product`). Random directions are functions of their place alone, so that runs which are
//! compared look along the same ones.

mod density;
mod eigenvalues;
mod filters;
mod hessian;
mod krylov;
mod landscape;
mod lpf;
mod operator;
mod probe;
mod sharpness;
mod small;
mod spectrum;
mod trace;
mod vector;

pub use hessian::hessian;
pub use landscape::landscape;
pub use lpf::lpf;
pub use sharpness::{gradient, sharpness};
pub use spectrum::spectrum;

use super::Subject;
use crate::ops::Ops;

/// `count`, or the little of it that a smoke run does.
fn smoke<B: Ops>(subject: &Subject<'_, B>, count: usize, little: usize) -> usize {
    if subject.smoke { count.min(little) } else { count }
}
