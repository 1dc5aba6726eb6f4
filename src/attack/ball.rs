//! The set an attack may search: a ball around each clean image, cut by the pixel range.

use burn::tensor::Tensor;

use crate::lang::catalog::Norm;
use crate::ops::{Ops, into_linf_ball};

/// A smaller gradient or distance has no direction.
const TINY: f64 = 1e-12;

/// One ball per sample.
#[derive(Clone)]
pub struct Ball<B: Ops> {
    pub norm: Norm,
    /// Clean images, `[n, h, w, c]`.
    pub center: Tensor<B, 4>,
    /// `[n]`.
    pub radius: Tensor<B, 1>,
}

impl<B: Ops> Ball<B> {
    /// `x` moved by `step` (`[n]`) along the steepest ascent of the norm, back into the ball and the pixel range.
    /// A zero gradient moves nothing.
    pub fn ascend(&self, x: Tensor<B, 4>, gradient: Tensor<B, 4>, step: &Tensor<B, 1>) -> Tensor<B, 4> {
        if self.norm == Norm::Linf {
            return B::ascend_signs([x, gradient, self.center.clone()], step.clone(), self.radius.clone());
        }
        let length = norms(Norm::L2, gradient.clone()).clamp_min(TINY);
        self.project(x + gradient / per_sample(&length) * per_sample(step))
    }

    /// The nearest point of the ball, then of the pixel range: clipping only shortens.
    pub fn project(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        if self.norm == Norm::Linf {
            return into_linf_ball(x, self.center.clone(), self.radius.clone());
        }
        let moved = x - self.center.clone();
        let length = per_sample(&norms(Norm::L2, moved.clone()).clamp_min(TINY));
        let inside = self.center.clone() + moved * (per_sample(&self.radius) / length).clamp_max(1.0);
        inside.clamp(0.0, 1.0)
    }

    /// The balls at `rows`.
    pub fn select(&self, rows: &Tensor<B, 1, burn::tensor::Int>) -> Self {
        Self {
            norm: self.norm,
            center: self.center.clone().select(0, rows.clone()),
            radius: self.radius.clone().select(0, rows.clone()),
        }
    }
}

/// Norm of each sample's image, `[n, h, w, c]` → `[n]`.
pub fn norms<B: Ops>(norm: Norm, x: Tensor<B, 4>) -> Tensor<B, 1> {
    let [n, h, w, c] = x.dims();
    let rows = x.reshape([n, h * w * c]);
    match norm {
        Norm::Linf => rows.abs().max_dim(1).reshape([n]),
        Norm::L2 => (rows.clone() * rows).sum_dim(1).sqrt().reshape([n]),
    }
}

/// `[n]` → `[n, 1, 1, 1]`.
pub fn per_sample<B: Ops>(values: &Tensor<B, 1>) -> Tensor<B, 4> {
    let n = values.dims()[0];
    values.clone().reshape([n, 1, 1, 1])
}
