//! Operations without weights, of one activation: their derivatives at one input.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use burn::tensor::{IndexingUpdateOp, Int, Tensor};

use crate::ops::{Ops, wide};

/// The derivative `J` of an operation.
pub(super) trait Map<B: Ops> {
    /// `J t`.
    fn tangent(&self, t: Tensor<B, 4>) -> Tensor<B, 4>;

    /// `Jᵀ grad`.
    fn grad(&self, grad: Tensor<B, 4>) -> Tensor<B, 4>;

    /// Derivative of `Jᵀ grad` along the tangent `t` of the input; none where the operation is linear, or piecewise.
    fn bend(&self, _t: &Tensor<B, 4>, _grad: &Tensor<B, 4>) -> Option<Tensor<B, 4>> {
        None
    }
}

/// Per-channel factors.
pub(super) struct Scaled<B: Ops> {
    pub factor: Tensor<B, 1>,
}

impl<B: Ops> Map<B> for Scaled<B> {
    fn tangent(&self, t: Tensor<B, 4>) -> Tensor<B, 4> {
        B::scale_shift(t, self.factor.clone(), self.factor.zeros_like(), false)
    }

    fn grad(&self, grad: Tensor<B, 4>) -> Tensor<B, 4> {
        self.tangent(grad)
    }
}

/// ReLU, by its result as it is stored.
pub(super) struct Rectified<B: Ops> {
    pub y: Tensor<B, 4>,
}

impl<B: Ops> Map<B> for Rectified<B> {
    fn tangent(&self, t: Tensor<B, 4>) -> Tensor<B, 4> {
        B::rectify_grad(self.y.clone(), t)
    }

    fn grad(&self, grad: Tensor<B, 4>) -> Tensor<B, 4> {
        B::rectify_grad(wide(self.y.clone()), grad)
    }
}

/// Dropout.
pub(super) struct Masked<B: Ops> {
    pub mask: Tensor<B, 4>,
}

impl<B: Ops> Map<B> for Masked<B> {
    fn tangent(&self, t: Tensor<B, 4>) -> Tensor<B, 4> {
        t * self.mask.clone()
    }

    fn grad(&self, grad: Tensor<B, 4>) -> Tensor<B, 4> {
        grad * self.mask.clone()
    }
}

/// Mean over images of `size`.
pub(super) struct GlobalAverage {
    pub size: [usize; 2],
}

impl<B: Ops> Map<B> for GlobalAverage {
    fn tangent(&self, t: Tensor<B, 4>) -> Tensor<B, 4> {
        B::global_average(t)
    }

    fn grad(&self, grad: Tensor<B, 4>) -> Tensor<B, 4> {
        B::global_average_grad(grad, self.size)
    }
}

/// `[n, h, w, c]` in PyTorch's order as `[n, 1, 1, c·h·w]`.
#[derive(Clone, Copy)]
pub(super) struct Flatten {
    pub shape: [usize; 4],
}

impl<B: Ops> Map<B> for Flatten {
    fn tangent(&self, t: Tensor<B, 4>) -> Tensor<B, 4> {
        let [n, h, w, c] = self.shape;
        B::in_order(t.permute([0, 3, 1, 2])).reshape([n, 1, 1, c * h * w])
    }

    fn grad(&self, grad: Tensor<B, 4>) -> Tensor<B, 4> {
        let [n, h, w, c] = self.shape;
        B::in_order(grad.reshape([n, c, h, w]).permute([0, 2, 3, 1]))
    }
}

/// The first of so many tokens.
#[derive(Clone, Copy)]
pub(super) struct FirstToken {
    pub tokens: usize,
}

impl<B: Ops> Map<B> for FirstToken {
    fn tangent(&self, t: Tensor<B, 4>) -> Tensor<B, 4> {
        let [n, h, _, c] = t.dims();
        t.slice([0..n, 0..h, 0..1, 0..c])
    }

    fn grad(&self, grad: Tensor<B, 4>) -> Tensor<B, 4> {
        let [n, h, _, c] = grad.dims();
        let rest = Tensor::zeros([n, h, self.tokens - 1, c], (&grad.device(), grad.dtype()));
        Tensor::cat(vec![grad, rest], 2)
    }
}

/// Zero channels behind the first `from`, up to `to`.
#[derive(Clone, Copy)]
pub(super) struct Widen {
    pub from: usize,
    pub to: usize,
}

impl<B: Ops> Map<B> for Widen {
    fn tangent(&self, t: Tensor<B, 4>) -> Tensor<B, 4> {
        let [n, h, w, _] = t.dims();
        let zeros = Tensor::zeros([n, h, w, self.to - self.from], (&t.device(), t.dtype()));
        Tensor::cat(vec![t, zeros], 3)
    }

    fn grad(&self, grad: Tensor<B, 4>) -> Tensor<B, 4> {
        let [n, h, w, _] = grad.dims();
        grad.slice([0..n, 0..h, 0..w, 0..self.from])
    }
}

/// Mean of 2×2 squares; at an odd edge the last row or column counts for the missing one too.
#[derive(Clone, Copy)]
pub(super) struct Halve {
    pub shape: [usize; 4],
}

impl Halve {
    /// Rows (or columns) that are averaged: the first and the second of each pair.
    fn pairs<B: Ops>(length: usize, device: &B::Device) -> [Tensor<B, 1, Int>; 2] {
        let list = |offset: usize| {
            let places = (0..length.div_ceil(2)).map(|i| (2 * i + offset).min(length - 1) as i64);
            Tensor::from_data(places.collect::<Vec<_>>().as_slice(), device)
        };
        [list(0), list(1)]
    }
}

impl<B: Ops> Map<B> for Halve {
    fn tangent(&self, t: Tensor<B, 4>) -> Tensor<B, 4> {
        let device = t.device();
        [1, 2].into_iter().fold(t, |t, axis| {
            let [first, second] = Halve::pairs::<B>(self.shape[axis], &device);
            (t.clone().select(axis, first) + t.select(axis, second)) * 0.5
        })
    }

    fn grad(&self, grad: Tensor<B, 4>) -> Tensor<B, 4> {
        let device = grad.device();
        [2, 1].into_iter().fold(grad, |grad, axis| {
            let pairs = Halve::pairs::<B>(self.shape[axis], &device);
            let mut shape = grad.dims();
            shape[axis] = self.shape[axis];
            let zeros = Tensor::zeros(shape, (&device, grad.dtype()));
            let half = grad * 0.5;
            pairs.into_iter().fold(zeros, |sum, places| {
                sum.select_assign(axis, places, half.clone(), IndexingUpdateOp::Add)
            })
        })
    }
}

/// `x Φ(x)`.
pub(super) struct Gelu<B: Ops> {
    pub x: Tensor<B, 4>,
}

impl<B: Ops> Map<B> for Gelu<B> {
    fn tangent(&self, t: Tensor<B, 4>) -> Tensor<B, 4> {
        B::gelu_gate_grad(self.x.clone(), t)
    }

    fn grad(&self, grad: Tensor<B, 4>) -> Tensor<B, 4> {
        B::gelu_gate_grad(wide(self.x.clone()), grad)
    }

    /// The second derivative is `φ(x) (2 - x²)`.
    fn bend(&self, t: &Tensor<B, 4>, grad: &Tensor<B, 4>) -> Option<Tensor<B, 4>> {
        let square = self.x.clone() * self.x.clone();
        let density = (square.clone() * -0.5).exp() * (FRAC_1_SQRT_2 / PI.sqrt());
        Some(density * (square.neg() + 2.0) * t.clone() * grad.clone())
    }
}
