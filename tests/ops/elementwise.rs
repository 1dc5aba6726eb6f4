//! Operations on single values, and copies in order.

use burn::tensor::{DType, Int, Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use flatrun::ops::{Conv, Ops};
use proptest::prelude::*;

use crate::{assert_close, channels, host, tensor};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn elementwise_operations_agree(n in 1usize..5, size in 1usize..20, c in channels()) {
        let of = |dtype| {
            let shape = [n, size, size, c];
            let (a, b) = (tensor(shape, 1, dtype), tensor(shape, 2, dtype));
            let y = Flex::rectify(a.clone());
            [
                Flex::rectify_grad(y.clone(), b.clone()),
                y,
                Flex::sum_of(a.clone(), b.clone()),
                Flex::add_rectify(a.clone(), b),
                Flex::global_average(a.clone()),
                Flex::global_average_grad(tensor([n, 1, 1, c], 3, dtype), [size, size]),
                Flex::channel_sum(a).reshape([1, 1, 1, c]),
            ]
        };
        for (own, default) in of(DType::F32).iter().zip(&of(DType::F64)) {
            assert_close("elementwise", own, default);
        }
    }

    #[test]
    fn views_come_in_order(
        shape in prop::array::uniform4(1usize..24),
        axes in Just(vec![0isize, 1, 2, 3]).prop_shuffle(),
        skip in prop::array::uniform4(0usize..3),
        repeat in prop::option::of(0usize..4),
    ) {
        let mut view = tensor(shape, 1, DType::F32).permute(<[isize; 4]>::try_from(axes).unwrap());
        let dims = view.dims();
        let range = |axis: usize| skip[axis].min(dims[axis] - 1)..dims[axis];
        view = view.slice([range(0), range(1), range(2), range(3)]);
        if let Some(axis) = repeat {
            let mut dims = view.dims();
            view = view.narrow(axis, 0, 1);
            dims[axis] += 1;
            view = view.expand(dims);
        }
        prop_assert_eq!(host(&Flex::in_order(view.clone())), host(&view));
    }
}

#[test]
fn inputs_that_are_held_elsewhere_stay_as_they_are() {
    let x = tensor([2, 4, 4, 16], 1, DType::F32);
    let before = host(&x);
    let grad = tensor([2, 4, 4, 16], 2, DType::F32);
    let kept = host(&grad);
    let unit = |seed| tensor([16], seed, DType::F32);
    Flex::rectify(x.clone());
    Flex::sum_of(x.clone(), grad.clone());
    Flex::rectify_grad(x.clone(), grad.clone());
    Flex::batch_norm_grad(x.clone(), grad.clone(), [unit(3), unit(4)], [unit(5), unit(6)], true);
    assert_eq!(host(&x), before);
    assert_eq!(host(&grad), kept);
}

#[test]
fn nothing_in_nothing_out() {
    let conv = Conv { stride: 1, padding: 1 };
    let labels = Tensor::<Flex, 1, Int>::from_data(TensorData::new(Vec::<i64>::new(), [0]), &FlexDevice);
    assert_eq!(labels.dims(), [0]);
    let x = tensor([0, 4, 4, 3], 1, DType::F32);
    assert_eq!(Flex::rectify(x.clone()).dims(), [0, 4, 4, 3]);
    assert_eq!(Flex::sum_of(x.clone(), x.clone()).dims(), [0, 4, 4, 3]);
    assert_eq!(Flex::global_average(x.clone()).dims(), [0, 1, 1, 3]);
    assert_eq!(host(&Flex::channel_sum(x)), [0.0; 3]);
    assert_eq!(conv.output(1, 3), Some(1));
    assert_eq!(Conv { stride: 1, padding: 0 }.output(2, 3), None);
}

#[test]
fn steps_of_attacks_agree_and_stay_in_the_ball() {
    for shape @ [n, h, w, c] in [[3, 5, 7, 3], [1, 1, 1, 1], [40, 28, 28, 1], [0, 4, 4, 3]] {
        let of = |dtype| {
            let [x, center] = [1, 2].map(|seed| tensor(shape, seed, dtype) * 0.5 + 0.5);
            let gradient = tensor(shape, 3, dtype);
            let gradient = gradient.clone().mask_fill(gradient.abs().lower_elem(0.2), 0.0);
            let [step, radius] = [4, 5].map(|seed| tensor([n], seed, dtype).abs() * 0.3);
            let moved = Flex::ascend_signs([x.clone(), gradient, center.clone()], step, radius.clone());
            let away = (moved.clone() - center).abs().reshape([n, h * w * c]);
            (moved, away, radius)
        };
        let (own, away, radius) = of(DType::F32);
        assert_close("a step", &own, &of(DType::F64).0);
        assert!(host(&own).iter().all(|x| (0.0..=1.0).contains(x)));
        for (row, radius) in host(&away).chunks(h * w * c).zip(host(&radius)) {
            assert!(row.iter().all(|away| *away <= radius + 1e-6), "{radius}");
        }
    }
    let one = |value: f32| Tensor::<Flex, 4>::full([1, 1, 1, 1], value, &FlexDevice);
    let [step, radius] = [0.1, 0.2].map(|value: f32| Tensor::<Flex, 1>::full([1], value, &FlexDevice));
    for (gradient, expected) in [(0.0, 0.5), (-0.0, 0.5), (1e-30, 0.6), (-1e-30, 0.4), (f32::NAN, f64::NAN)] {
        let moved = Flex::ascend_signs([one(0.5), one(gradient), one(0.5)], step.clone(), radius.clone());
        let found = host(&moved)[0];
        assert!(
            (found - expected).abs() < 1e-6 || (found.is_nan() && expected.is_nan()),
            "{gradient}: {found}"
        );
    }
}
