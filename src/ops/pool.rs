//! Maximum over windows, from Burn's operations.

use burn::tensor::backend::Backend;
use burn::tensor::{IndexingUpdateOp, Int, Tensor};

use super::Pool;

/// Places of every window's pixels, kernel by kernel: `kernel²` lists of `h' w'`. A pixel outside stands for the nearest
/// one inside, which lies in the window too.
fn candidates([height, width]: [usize; 2], pool: Pool) -> Vec<Vec<i64>> {
    let [rows, columns] = [height, width].map(|size| pool.output(size));
    let inside = |at: usize, offset: usize, size: usize| {
        (at * pool.stride + offset).saturating_sub(pool.padding).min(size - 1)
    };
    let of = |offset: usize| -> Vec<i64> {
        let place = |row, column| {
            let row = inside(row, offset / pool.kernel, height);
            (row * width + inside(column, offset % pool.kernel, width)) as i64
        };
        (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .map(|(r, c)| place(r, c))
            .collect()
    };
    (0..pool.kernel * pool.kernel).map(of).collect()
}

/// Largest value of each window and its place in the image; the first one of equals, and of what is no number.
pub(super) fn max_pool<B: Backend>(x: Tensor<B, 4>, pool: Pool) -> (Tensor<B, 4>, Tensor<B, 4, Int>) {
    let [n, h, w, c] = x.dims();
    let [rows, columns] = [h, w].map(|size| pool.output(size));
    let device = x.device();
    let pixels = x.clone().reshape([n, h * w, c]);
    let mut best: Option<(Tensor<B, 3>, Tensor<B, 3, Int>)> = None;
    for list in candidates([h, w], pool) {
        let places = Tensor::<B, 1, Int>::from_data(list.as_slice(), &device);
        let value = pixels.clone().select(1, places.clone());
        let place = places.reshape([1, rows * columns, 1]).expand([n, rows * columns, c]);
        best = Some(match best {
            None => (value, place),
            Some((most, at)) => {
                let better = value.clone().greater(most.clone()).bool_or(value.clone().is_nan());
                (most.mask_where(better.clone(), value), at.mask_where(better, place))
            }
        });
    }
    let index = best.map_or_else(|| Tensor::zeros([n, rows * columns, c], &device), |(_, index)| index);
    let index = index.reshape([n, rows, columns, c]);
    (pick(x, index.clone()), index)
}

/// The values at `index`.
pub(super) fn pick<B: Backend>(x: Tensor<B, 4>, index: Tensor<B, 4, Int>) -> Tensor<B, 4> {
    let ([n, h, w, c], [_, rows, columns, _]) = (x.dims(), index.dims());
    let index = index.reshape([n, rows * columns, c]);
    x.reshape([n, h * w, c]).gather(1, index).reshape([n, rows, columns, c])
}

/// Sums at `index`: the gradient of [`pick`].
pub(super) fn unpick<B: Backend>(
    grad: Tensor<B, 4>,
    index: Tensor<B, 4, Int>,
    [h, w]: [usize; 2],
) -> Tensor<B, 4> {
    let [n, rows, columns, c] = grad.dims();
    let zeros = Tensor::zeros([n, h * w, c], (&grad.device(), grad.dtype()));
    let flat = [n, rows * columns, c];
    let sums = zeros.scatter(1, index.reshape(flat), grad.reshape(flat), IndexingUpdateOp::Add);
    sums.reshape([n, h, w, c])
}
