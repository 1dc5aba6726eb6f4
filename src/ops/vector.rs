//! A point or a direction in parameter space.

use burn::tensor::Tensor;

use super::Ops;

/// One flat tensor per parameter, in the order of the model's layout.
#[derive(Clone, Debug)]
pub struct Vector<B: Ops>(pub Vec<Tensor<B, 1>>);

impl<B: Ops> Vector<B> {
    /// Global squared L2 norm, one element.
    pub fn sum_squares(&self) -> Tensor<B, 1> {
        let parts = self.0.iter().map(|part| B::sum_squares(part.clone())).collect();
        Tensor::cat(parts, 0).sum()
    }

    /// Global L2 norm over all parameters, one element.
    pub fn norm(&self) -> Tensor<B, 1> {
        self.sum_squares().sqrt()
    }

    /// `self + factor * direction`; `self` is not touched.
    pub fn add_scaled(&self, direction: &Self, factor: &Tensor<B, 1>) -> Self {
        let add =
            |(x, d): (&Tensor<B, 1>, &Tensor<B, 1>)| B::add_scaled(x.clone(), d.clone(), factor.clone());
        Self(self.0.iter().zip(&direction.0).map(add).collect())
    }

    /// Inner product, one element.
    pub fn dot(&self, other: &Self) -> Tensor<B, 1> {
        let parts = self.0.iter().zip(&other.0).map(|(a, b)| (a.clone() * b.clone()).sum()).collect();
        Tensor::cat(parts, 0).sum()
    }
}
