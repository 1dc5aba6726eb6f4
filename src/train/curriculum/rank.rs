//! Positions in a batch without a sort, so that nothing leaves the device.

use burn::tensor::{Int, Tensor};

use crate::ops::Ops;

/// Number of samples that come before each one by value, ties in batch order: 0 for the smallest. `[n]` → `[n]`.
pub fn rank<B: Ops>(values: Tensor<B, 1>) -> Tensor<B, 1> {
    let n = values.dims()[0];
    let dtype = values.dtype();
    let column = values.clone().reshape([n, 1]).expand([n, n]);
    let row = values.reshape([1, n]).expand([n, n]);
    let order = Tensor::<B, 1, Int>::arange(0..n as i64, &row.device());
    let earlier = order.clone().reshape([1, n]).expand([n, n]).lower(order.reshape([n, 1]).expand([n, n]));
    let before = row.clone().lower(column.clone()).bool_or(row.equal(column).bool_and(earlier));
    before.float().cast(dtype).sum_dim(1).reshape([n])
}
