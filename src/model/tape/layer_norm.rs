//! Layer normalisation at one input, for its derivatives.

use burn::tensor::Tensor;

use crate::ops::Ops;

/// A normalised activation `x̂ = (x - mean) / std` per position, and what it is scaled with.
pub(super) struct Normed<B: Ops> {
    /// `x̂`, `[n, h, w, c]`.
    pub unit: Tensor<B, 4>,
    /// `1 / std`, `[n, h, w, 1]`.
    pub rstd: Tensor<B, 4>,
    /// `[c]`.
    pub scale: Tensor<B, 1>,
}

impl<B: Ops> Normed<B> {
    /// `x * factor`, per channel.
    pub fn times(&self, x: Tensor<B, 4>, factor: Tensor<B, 1>) -> Tensor<B, 4> {
        let zero = factor.zeros_like();
        B::scale_shift(x, factor, zero, false)
    }

    /// `x * scale`.
    pub fn scaled(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        self.times(x, self.scale.clone())
    }

    /// The derivative of `x̂` for `x`, which is symmetric: `(v - mean v - x̂ mean(x̂ v)) / std`.
    pub fn project(&self, v: Tensor<B, 4>) -> Tensor<B, 4> {
        let along = self.unit.clone() * mean(self.unit.clone() * v.clone());
        (v.clone() - mean(v) - along) * self.rstd.clone()
    }

    /// Derivative of `project(grad)` along the tangent `t` of `x`; `unit` is the tangent of `x̂`.
    pub fn bend(&self, unit: &Tensor<B, 4>, t: &Tensor<B, 4>, grad: &Tensor<B, 4>) -> Tensor<B, 4> {
        let slope = mean(self.unit.clone() * t.clone()) * self.rstd.clone();
        let turned = unit.clone() * mean(self.unit.clone() * grad.clone())
            + self.unit.clone() * mean(unit.clone() * grad.clone());
        (self.project(grad.clone()) * slope + turned * self.rstd.clone()).neg()
    }
}

/// Over the channels, `[n, h, w, 1]`.
fn mean<B: Ops>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    x.mean_dim(3)
}
