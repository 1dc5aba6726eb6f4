//! Linear maps and attention.

use burn::tensor::DType;
use burn_flex::Flex;
use flatrun::ops::Ops;
use proptest::prelude::*;

use crate::{assert_close, tensor};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn affine_maps_agree(n in 1usize..400, inputs in 1usize..150, outputs in 1usize..150) {
        let of = |dtype| {
            let (x, weight) = (tensor([n, inputs], 1, dtype), tensor([outputs, inputs], 2, dtype));
            let grad = tensor([n, outputs], 3, dtype);
            [
                Flex::affine(x.clone(), weight.clone(), tensor([outputs], 4, dtype)),
                Flex::affine_input_grad(grad.clone(), weight),
                Flex::affine_weight_grad(x, grad),
            ]
        };
        for (own, default) in of(DType::F32).iter().zip(&of(DType::F64)) {
            assert_close("affine", own, default);
        }
    }

    #[test]
    fn attention_agrees(n in 1usize..4, tokens in 1usize..70, heads in 1usize..5, size in 1usize..20) {
        let of = |dtype| {
            let (c, qkv) = (heads * size, tensor([n, 1, tokens, 3 * heads * size], 1, dtype) * 8.0);
            let (y, share) = Flex::attend(qkv.clone(), heads);
            let grad = Flex::attend_grad(qkv, share.clone(), tensor([n, 1, tokens, c], 2, dtype));
            [y, share, grad]
        };
        for ((own, default), name) in of(DType::F32).iter().zip(&of(DType::F64)).zip(["result", "share", "gradient"]) {
            assert_close(name, own, default);
        }
    }
}
