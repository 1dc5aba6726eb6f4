//! Operations on whole sets of weights.

use burn::tensor::{Bool, DType, Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use flatrun::ops::{Ops, SgdRule};
use proptest::prelude::*;

use crate::{assert_close, tensor};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn vector_operations_agree(length in 0usize..100_000, momentum: bool, nesterov: bool, decay: bool, skip: bool) {
        let of = |dtype| {
            let v = |seed| tensor([length], seed, dtype);
            let rule = SgdRule {
                lr: 0.1,
                momentum: 0.9,
                nesterov,
                weight_decay: if decay { 5e-4 } else { 0.0 },
            };
            let flag = Tensor::<Flex, 1, Bool>::from_data(TensorData::new(vec![skip], [1]), &FlexDevice);
            let (weight, buffer) = Flex::sgd(v(1), momentum.then(|| v(2)), v(3), rule, flag);
            let flag = Tensor::<Flex, 1, Bool>::from_data(TensorData::new(vec![skip], [1]), &FlexDevice);
            let held = v(3);
            let (again, _) = Flex::sgd(v(1), momentum.then(|| v(2)), held.clone(), rule, flag);
            let added = Flex::add_scaled(v(1), v(2), tensor([1], 4, dtype));
            let one = |seed| tensor([1], seed, dtype);
            let flag = Tensor::<Flex, 1, Bool>::from_data(TensorData::new(vec![skip], [1]), &FlexDevice);
            [
                weight,
                again,
                held,
                buffer.unwrap_or(v(5)),
                added,
                Flex::sum_squares(v(6)),
                // An inner product of opposite signs is small against its terms: of squares it is not.
                Flex::dot(v(7).abs(), v(8).abs()),
                Flex::blend(v(9), one(10), v(11), one(12)),
                Flex::scale_by_size(v(13), v(14), 0.01),
                Flex::scale_by_fisher(v(15), v(16), 100.0),
                Flex::keep_if(&flag, v(17), v(18)),
            ]
        };
        for (own, default) in of(DType::F32).iter().zip(&of(DType::F64)) {
            assert_close("vectors", own, default);
        }
    }
}
