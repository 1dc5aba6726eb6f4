//! The operations on f32, which have kernels of their own, against the same operations on f64, which are Burn's.

use burn::backend::Autodiff;
use burn::tensor::{Bool, DType, Int, Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use flatrun::ops::{Conv, Ops, SgdRule};
use proptest::prelude::*;

const TOLERANCE: f64 = 1e-5;

/// What rounding a result to bf16 may cost, with sums in another order.
const HALF_TOLERANCE: f64 = 1.1 / 256.0;

/// Numbers in [-0.5, 0.5) that both precisions hold.
fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

fn tensor<const D: usize>(shape: [usize; D], seed: u64, dtype: DType) -> Tensor<Flex, D> {
    let data = TensorData::new(values(shape.iter().product(), seed), shape);
    Tensor::<Flex, D>::from_data(data, (&FlexDevice, DType::F32)).cast(dtype)
}

fn host<const D: usize>(tensor: &Tensor<Flex, D>) -> Vec<f64> {
    tensor.to_data().convert::<f64>().to_vec().unwrap()
}

/// Largest difference against the largest value.
#[track_caller]
fn assert_close<const D: usize>(what: &str, own: &Tensor<Flex, D>, default: &Tensor<Flex, D>) {
    assert_eq!(own.dims(), default.dims(), "{what}");
    assert_eq!((own.dtype(), default.dtype()), (DType::F32, DType::F64), "{what}");
    assert_within(TOLERANCE, what, (host(own), host(default)));
}

#[track_caller]
fn assert_within(tolerance: f64, what: &str, (own, default): (Vec<f64>, Vec<f64>)) {
    let size = default.iter().fold(1e-6f64, |size, x| size.max(x.abs()));
    let apart = own.iter().zip(&default).fold(0.0f64, |apart, (a, b)| apart.max((a - b).abs()));
    assert!(apart <= tolerance * size, "{what}: apart by {apart:.1e} at values up to {size:.1e}");
    assert!(own.iter().all(|x| x.is_finite()), "{what}");
}

#[derive(Clone, Copy, Debug)]
struct Case {
    n: usize,
    size: [usize; 2],
    inputs: usize,
    outputs: usize,
    kernel: usize,
    conv: Conv,
}

impl Case {
    fn image(&self) -> [usize; 4] {
        [self.n, self.size[0], self.size[1], self.inputs]
    }

    fn weight(&self) -> [usize; 4] {
        [self.outputs, self.inputs, self.kernel, self.kernel]
    }

    fn result(&self) -> [usize; 4] {
        let [h, w] = self.size.map(|size| self.conv.output(size, self.kernel).unwrap());
        [self.n, h, w, self.outputs]
    }
}

fn channels() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1usize, 2, 3, 4, 5, 10, 16, 17, 31, 32, 33, 48, 64, 80])
}

prop_compose! {
    fn case()(
        n in 1usize..5, size in prop::array::uniform2(1usize..13), inputs in channels(), outputs in channels(),
        kernel in prop::sample::select(vec![1usize, 2, 3, 3, 3, 5, 6, 8]), stride in 1usize..4, padding in 0usize..4,
    ) -> Case {
        // A kernel that does not fit is padded until it does.
        let short = kernel.saturating_sub(size[0].min(size[1])).div_ceil(2);
        Case { n, size, inputs, outputs, kernel, conv: Conv { stride, padding: padding.max(short) } }
    }
}

fn check_convolution(case: Case) {
    let of = |dtype| {
        let x = tensor(case.image(), 1, dtype);
        let weight = tensor(case.weight(), 2, dtype);
        let bias = tensor([case.outputs], 3, dtype);
        let grad = tensor(case.result(), 4, dtype);
        [
            Flex::convolve(x.clone(), weight.clone(), Some(bias), case.conv),
            Flex::convolve(x.clone(), weight.clone(), None, case.conv),
            Flex::convolve_input_grad(grad.clone(), weight, case.conv, case.size),
            Flex::convolve_weight_grad(x, grad, case.conv, case.kernel),
        ]
    };
    let names = ["with bias", "without bias", "input gradient", "weight gradient"];
    for ((own, default), name) in of(DType::F32).iter().zip(&of(DType::F64)).zip(names) {
        assert_close(name, own, default);
    }
}

/// Products on the backend `B`, flat; operands are rounded to bf16 and given as `dtype`.
fn products<B: Ops>(case: Case, device: &B::Device, dtype: DType) -> Vec<Tensor<B, 1>> {
    fn operand<B: Ops, const D: usize>(
        shape: [usize; D],
        seed: u64,
        device: &B::Device,
        dtype: DType,
    ) -> Tensor<B, D> {
        let data = TensorData::new(values(shape.iter().product(), seed), shape);
        Tensor::<B, D>::from_data(data, (device, DType::F32)).cast(DType::BF16).cast(dtype)
    }
    fn flat<B: Ops, const D: usize>(x: Tensor<B, D>) -> Tensor<B, 1> {
        let length = x.shape().num_elements();
        x.reshape([length])
    }
    let Case { n, size, inputs, outputs, kernel, conv } = case;
    let image = |shape, seed| operand::<B, 4>(shape, seed, device, dtype);
    let rows = |shape, seed| operand::<B, 2>(shape, seed, device, dtype);
    let bias = operand::<B, 1>([outputs], 3, device, dtype);
    let (x, weight, grad) = (image(case.image(), 1), image(case.weight(), 2), image(case.result(), 4));
    let (row, matrix, slope) = (rows([n, inputs], 5), rows([outputs, inputs], 6), rows([n, outputs], 7));
    let (attended, share) = B::attend(image([n, 1, 5, 12 * inputs], 8), 4);
    let attended_grad = image([n, 1, 5, 4 * inputs], 9);
    vec![
        flat(B::convolve(x.clone(), weight.clone(), Some(bias.clone()), conv)),
        flat(B::convolve_input_grad(grad.clone(), weight, conv, size)),
        flat(B::convolve_weight_grad(x, grad, conv, kernel)),
        flat(B::affine(row.clone(), matrix.clone(), bias)),
        flat(B::affine_input_grad(slope.clone(), matrix)),
        flat(B::affine_weight_grad(row, slope)),
        flat(attended),
        flat(B::attend_grad(image([n, 1, 5, 12 * inputs], 8), share, attended_grad)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// On the CPU's own kernels, and on Burn's operations as other devices have them.
    #[test]
    fn products_of_bf16_are_those_of_the_same_numbers_rounded(case in case()) {
        let exact = products::<Flex>(case, &FlexDevice, DType::F64);
        let own = products::<Flex>(case, &FlexDevice, DType::BF16);
        let burn = products::<Autodiff<Flex>>(case, &FlexDevice, DType::BF16);
        // Burn adds the bias to a rounded product; in attention scores and shares are rounded on the way.
        let names = [
            ("convolution", 2.0),
            ("its input", 1.0),
            ("its weight", 1.0),
            ("affine", 2.0),
            ("its input", 1.0),
            ("its weight", 1.0),
            ("attention", 3.0),
            ("its gradient", 6.0),
        ];
        for (((exact, own), burn), (name, roundings)) in exact.iter().zip(own).zip(burn).zip(names) {
            prop_assert_eq!((own.dtype(), burn.dtype()), (DType::BF16, DType::BF16));
            let tolerance = roundings * HALF_TOLERANCE;
            assert_within(tolerance, name, (host(&own), host(exact)));
            assert_within(tolerance, name, (host(&burn.inner()), host(exact)));
        }
    }

    #[test]
    fn convolutions_agree(case in case()) {
        check_convolution(case);
    }

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

    #[test]
    fn results_do_not_depend_on_the_number_of_threads(case in case()) {
        let of = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| everything(case))
        };
        let one = of(1);
        prop_assert_eq!(&of(2), &one);
        prop_assert_eq!(&of(3), &one);
    }
}

#[test]
fn large_results_do_not_depend_on_the_number_of_threads() {
    let conv = |stride, padding| Conv { stride, padding };
    let case = |size, kernel, conv| Case { n: 1, size: [size; 2], inputs: 64, outputs: 48, kernel, conv };
    for case in [case(30, 3, conv(1, 1)), case(20, 1, conv(1, 0)), case(14, 6, conv(2, 3))] {
        let of = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| everything(case))
        };
        let one = of(1);
        assert_eq!((of(2) == one, of(5) == one), (true, true), "{case:?}");
    }
}

/// The bits of everything that sums over a batch.
fn everything(case: Case) -> Vec<u32> {
    // Enough images for several chunks.
    let case = Case { n: case.n * 7, ..case };
    let dtype = DType::F32;
    let (x, weight) = (tensor(case.image(), 1, dtype), tensor(case.weight(), 2, dtype));
    let grad = tensor(case.result(), 4, dtype);
    let [scale, shift] = [5, 6].map(|seed| tensor([case.inputs], seed, dtype));
    let norm = Flex::batch_norm(x.clone(), scale.clone(), shift.clone(), true);
    let moments = [norm.mean.clone(), norm.rstd];
    let norm_grad = Flex::batch_norm_grad(x.clone(), x.clone(), [scale, shift], moments, true);
    let flat = |x: Tensor<Flex, 4>| {
        let length = x.shape().num_elements();
        x.reshape([length])
    };
    let all = vec![
        flat(Flex::convolve(x.clone(), weight.clone(), None, case.conv)),
        flat(Flex::convolve_input_grad(grad.clone(), weight, case.conv, case.size)),
        flat(Flex::convolve_weight_grad(x.clone(), grad.clone(), case.conv, case.kernel)),
        flat(norm.y),
        norm.mean,
        norm.variance,
        flat(norm_grad.x),
        norm_grad.scale,
        Flex::channel_sum(grad),
        Flex::sum_squares(flat(x)),
    ];
    Tensor::cat(all, 0).to_data().to_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

#[test]
fn the_networks_convolutions_agree() {
    let case = |n, size, inputs, outputs, kernel, stride, padding| Case {
        n,
        size: [size; 2],
        inputs,
        outputs,
        kernel,
        conv: Conv { stride, padding },
    };
    let networks = [
        case(3, 16, 3, 16, 3, 1, 1),
        case(3, 16, 16, 16, 3, 1, 1),
        case(3, 16, 16, 32, 3, 2, 1),
        case(3, 16, 16, 32, 1, 2, 0),
        case(2, 8, 64, 64, 3, 1, 1),
        case(2, 8, 64, 128, 3, 2, 1),
        case(3, 4, 128, 128, 3, 1, 1),
        case(2, 32, 64, 64, 3, 1, 1),
        case(3, 29, 32, 48, 3, 1, 0),
        case(2, 33, 48, 32, 3, 1, 2),
        case(16, 8, 128, 128, 3, 1, 1),
        // Four views of the image, and of the result.
        case(4, 17, 32, 32, 4, 1, 2),
        case(4, 17, 32, 48, 5, 2, 1),
        case(3, 19, 48, 32, 6, 1, 5),
        case(33, 14, 48, 32, 6, 2, 3),
        case(5, 16, 32, 32, 4, 2, 0),
        case(5, 15, 32, 32, 6, 2, 5),
        case(2, 28, 1, 64, 8, 2, 3),
        case(2, 14, 64, 128, 6, 2, 3),
        case(2, 8, 128, 128, 5, 1, 0),
        case(1, 1, 64, 64, 3, 1, 1),
    ];
    networks.into_iter().for_each(check_convolution);
}

#[test]
fn views_are_read_in_their_order() {
    let dtype = DType::F32;
    let conv = Conv { stride: 1, padding: 1 };
    // Channel-first memory seen as [n, h, w, c], and a slice that does not begin at its storage.
    let (views, copies): (Vec<_>, Vec<_>) = [DType::F32, DType::F64]
        .map(|dtype| {
            let permuted = tensor([2, 5, 7, 6], 1, dtype).permute([0, 2, 3, 1]);
            let sliced = tensor([4, 7, 6, 5], 1, dtype).slice([2..4, 0..7, 0..6, 0..5]);
            (permuted, sliced)
        })
        .into_iter()
        .unzip();
    for [own, default] in [views, copies].map(|pair| <[_; 2]>::try_from(pair).unwrap()) {
        let [own, default] = [(own, dtype), (default, DType::F64)].map(|(x, dtype)| {
            let weight = tensor([8, 5, 3, 3], 2, dtype);
            Flex::rectify(Flex::convolve(x.clone(), weight, None, conv)).mean()
                + Flex::sum_of(x.clone(), x).mean()
        });
        assert_close("views", &own, &default);
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
