//! A point or a direction in parameter space.

use burn::tensor::{Bool, Tensor};

use super::Ops;

/// One flat tensor per parameter, in the order of the model's layout.
#[derive(Clone, Debug)]
pub struct Vector<B: Ops>(pub Vec<Tensor<B, 1>>);

/// Some of the parameters, by their place in the layout.
#[derive(Clone, Debug, PartialEq)]
pub enum Subset {
    All,
    /// One flag per parameter.
    Of(Vec<bool>),
}

impl Subset {
    pub fn holds(&self, parameter: usize) -> bool {
        match self {
            Subset::All => true,
            Subset::Of(flags) => flags[parameter],
        }
    }

    /// Parameters of either.
    pub fn union(&self, other: &Self) -> Self {
        match (self, other) {
            (Subset::Of(a), Subset::Of(b)) => Subset::Of(a.iter().zip(b).map(|(a, b)| *a || *b).collect()),
            _ => Subset::All,
        }
    }
}

impl<B: Ops> Vector<B> {
    /// Global squared L2 norm, one element.
    pub fn sum_squares(&self) -> Tensor<B, 1> {
        self.sum_squares_in(&Subset::All)
    }

    /// Squared L2 norm over some parameters, one element.
    pub fn sum_squares_in(&self, subset: &Subset) -> Tensor<B, 1> {
        self.sum_in(subset, |index| B::sum_squares(self.0[index].clone()))
    }

    /// Global L2 norm over all parameters, one element.
    pub fn norm(&self) -> Tensor<B, 1> {
        self.sum_squares().sqrt()
    }

    /// L2 norm over some parameters, one element.
    pub fn norm_in(&self, subset: &Subset) -> Tensor<B, 1> {
        self.sum_squares_in(subset).sqrt()
    }

    /// Inner product, one element.
    pub fn dot(&self, other: &Self) -> Tensor<B, 1> {
        self.dot_in(other, &Subset::All)
    }

    /// Inner product over some parameters, one element.
    pub fn dot_in(&self, other: &Self, subset: &Subset) -> Tensor<B, 1> {
        self.sum_in(subset, |index| B::dot(self.0[index].clone(), other.0[index].clone()))
    }

    /// `part` summed over the parameters of `subset`, in order; zero for none.
    fn sum_in(&self, subset: &Subset, part: impl Fn(usize) -> Tensor<B, 1>) -> Tensor<B, 1> {
        let parts: Vec<_> = (0..self.0.len()).filter(|&index| subset.holds(index)).map(part).collect();
        if parts.is_empty() { self.0[0].zeros_like().sum() } else { Tensor::cat(parts, 0).sum() }
    }

    /// `self + factor * direction`; `self` is not touched.
    pub fn add_scaled(&self, direction: &Self, factor: &Tensor<B, 1>) -> Self {
        self.add_scaled_in(direction, factor, &Subset::All)
    }

    /// `self + factor * direction` in the parameters of `subset`; the others are those of `self`.
    pub fn add_scaled_in(&self, direction: &Self, factor: &Tensor<B, 1>, subset: &Subset) -> Self {
        let add = |(index, (x, d)): (usize, (&Tensor<B, 1>, &Tensor<B, 1>))| match subset.holds(index) {
            true => B::add_scaled(x.clone(), d.clone(), factor.clone()),
            false => x.clone(),
        };
        Self(self.0.iter().zip(&direction.0).enumerate().map(add).collect())
    }

    /// `a * self + b * other`, with one-element `a` and `b`.
    pub fn blend(self, a: &Tensor<B, 1>, other: Self, b: &Tensor<B, 1>) -> Self {
        let blend = |(x, y)| B::blend(x, a.clone(), y, b.clone());
        Self(self.0.into_iter().zip(other.0).map(blend).collect())
    }

    /// `factor * self`, with a one-element `factor`.
    pub fn scale(self, factor: &Tensor<B, 1>) -> Self {
        Self(self.0.into_iter().map(|x| x * factor.clone()).collect())
    }

    /// `old` where `skip` (one element) is set, else `self`.
    pub fn unless(self, skip: &Tensor<B, 1, Bool>, old: &Self) -> Self {
        let keep = |(new, old): (Tensor<B, 1>, &Tensor<B, 1>)| B::keep_if(skip, old.clone(), new);
        Self(self.0.into_iter().zip(&old.0).map(keep).collect())
    }

    /// A one-element tensor of the kind of the parts.
    pub fn number(&self, value: f64) -> Tensor<B, 1> {
        Tensor::full([1], value, (&self.0[0].device(), self.0[0].dtype()))
    }

    pub fn zeros_like(&self) -> Self {
        Self(self.0.iter().map(Tensor::zeros_like).collect())
    }
}
