//! Numbers of samples, keyed by place in the training set.

use burn::tensor::{Bool, IndexingUpdateOp, Int, Tensor};

use crate::ops::Ops;

/// `table` with `values` at `indices`, unless the step was skipped.
pub fn written<B: Ops>(
    table: &Tensor<B, 1>,
    indices: Tensor<B, 1, Int>,
    values: Tensor<B, 1>,
    skip: &Tensor<B, 1, Bool>,
) -> Tensor<B, 1> {
    let [samples] = table.dims();
    let blank = table.zeros_like();
    let add = IndexingUpdateOp::Add;
    let visited = blank.clone().select_assign(0, indices.clone(), values.ones_like(), add);
    let values = blank.select_assign(0, indices, values, add);
    let write = visited.greater_elem(0.5).bool_and(skip.clone().bool_not().expand([samples]));
    table.clone().mask_where(write, values)
}
