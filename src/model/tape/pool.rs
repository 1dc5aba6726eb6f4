//! Maximum over windows.

use burn::tensor::{Int, Tensor};

use super::map::Map;
use crate::ops::Ops;
pub use crate::ops::Pool;

/// Which pixel each window took.
pub(super) struct Picked<B: Ops> {
    /// Place in the image of each window's largest value, `[n, h', w', c]`.
    index: Tensor<B, 4, Int>,
    /// Height and width of the images.
    size: [usize; 2],
}

impl<B: Ops> Picked<B> {
    pub fn new(x: Tensor<B, 4>, pool: Pool) -> (Tensor<B, 4>, Self) {
        let [_, h, w, _] = x.dims();
        let (y, index) = B::max_pool(x, pool);
        (y, Self { index, size: [h, w] })
    }
}

impl<B: Ops> Map<B> for Picked<B> {
    fn tangent(&self, t: Tensor<B, 4>) -> Tensor<B, 4> {
        B::pick(t, self.index.clone())
    }

    fn grad(&self, grad: Tensor<B, 4>) -> Tensor<B, 4> {
        B::unpick(grad, self.index.clone(), self.size)
    }
}
