//! Normalisations, and what else transformers are made of.

use burn::tensor::DType;
use burn_flex::Flex;
use flatrun::ops::Ops;
use proptest::prelude::*;

use crate::{assert_close, channels, host, tensor};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn normalisations_agree(n in 1usize..6, size in 1usize..9, c in channels(), relu: bool, centre in -20f64..20.0) {
        let of = |dtype| {
            let shape = [n, size, size + 1, c];
            let x = (tensor(shape, 1, DType::F32) + centre).cast(dtype);
            let affine = [tensor([c], 2, dtype) + 1.0, tensor([c], 3, dtype)];
            let grad = tensor(shape, 4, dtype);
            let [scale, shift] = affine.clone();
            let out = Flex::batch_norm(x.clone(), scale, shift, relu);
            let moments = [out.mean.clone(), out.rstd.clone()];
            let batch = Flex::batch_norm_grad(x.clone(), grad.clone(), affine.clone(), moments.clone(), relu);
            let at = (affine.clone(), moments.clone());
            let fixed_x = Flex::fixed_norm_input_grad(x.clone(), grad.clone(), at.0, at.1, relu);
            let fixed = Flex::fixed_norm_weight_grad(x.clone(), grad, affine.clone(), moments, relu);
            let [fixed_scale, fixed_shift] = fixed;
            let [factor, offset] = affine;
            let plain = Flex::scale_shift(x, factor, offset, relu);
            let sums = vec![out.mean, batch.scale, batch.shift, fixed_scale, fixed_shift];
            (vec![out.y, batch.x, fixed_x, plain], sums, out.variance, out.rstd)
        };
        // A mask may flip where the output is within rounding of 0, so the inputs of both are the same f32 values
        // and a case that comes that close is passed over.
        let (own, default) = (of(DType::F32), of(DType::F64));
        let edge = host(&default.0[0]).iter().any(|y| *y != 0.0 && y.abs() < 1e-4 * (1.0 + centre.abs()));
        prop_assume!(!(relu && edge));
        // The mean is rounded to f32, and the deviation from it divided by the standard deviation.
        let rounding = 1e-6 * (1.0 + centre.abs()) * host(&default.3).into_iter().fold(0.0, f64::max);
        let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
        for (a, b) in own.0.iter().map(host).zip(default.0.iter().map(host)).chain(own.1.iter().map(host).zip(default.1.iter().map(host))) {
            let size = b.iter().fold(1.0f64, |m, x| m.max(x.abs()));
            prop_assert!(apart(&a, &b) <= (1e-5 + rounding) * size, "{} at {size}", apart(&a, &b));
        }
        prop_assert!(apart(&host(&own.2), &host(&default.2)) <= 1e-5);
    }
}

#[test]
fn operations_of_transformers_agree() {
    let of = |dtype, shape: [usize; 4]| {
        let x = tensor(shape, 1, dtype) * 8.0;
        let grad = tensor(shape, 2, dtype);
        let [scale, shift] = [3, 4].map(|seed| tensor([shape[3]], seed, dtype) + 1.0);
        let normed = Flex::norm_layer(x.clone(), scale.clone(), shift);
        let sums = Flex::norm_layer_weight_grad(normed.unit.clone(), grad.clone());
        let moved =
            Flex::norm_layer_input_grad(normed.unit.clone(), normed.rstd.clone(), grad.clone(), scale);
        let [y, gate, slope] =
            [normed.y, Flex::gelu_gate(x.clone()), Flex::gelu_gate_grad(x.clone(), grad.clone())];
        ([y, normed.unit, normed.rstd, moved, gate, slope], sums)
    };
    for shape in [[2, 1, 5, 24], [1, 1, 65, 192], [3, 2, 2, 7], [1, 1, 1, 16]] {
        let (own, sums) = of(DType::F32, shape);
        let (default, expected) = of(DType::F64, shape);
        let names = ["layer norm", "unit", "rstd", "gradient", "gelu", "gelu's gradient"];
        for ((own, default), name) in own.iter().zip(&default).zip(names) {
            assert_close(name, own, default);
        }
        for (own, default) in sums.iter().zip(&expected) {
            assert_close("scale and shift", own, default);
        }
    }
}
