//! Convolutions of all sizes.

use burn::tensor::DType;
use burn_flex::Flex;
use flatrun::ops::{Conv, Ops};
use proptest::prelude::*;

use crate::{assert_close, channels, tensor};

#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub n: usize,
    pub size: [usize; 2],
    pub inputs: usize,
    pub outputs: usize,
    pub kernel: usize,
    pub conv: Conv,
}

impl Case {
    pub fn image(&self) -> [usize; 4] {
        [self.n, self.size[0], self.size[1], self.inputs]
    }

    pub fn weight(&self) -> [usize; 4] {
        [self.outputs, self.inputs, self.kernel, self.kernel]
    }

    pub fn result(&self) -> [usize; 4] {
        let [h, w] = self.size.map(|size| self.conv.output(size, self.kernel).unwrap());
        [self.n, h, w, self.outputs]
    }
}

prop_compose! {
    pub fn case()(
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn convolutions_agree(case in case()) {
        check_convolution(case);
    }
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
        // Input gradients as the transpose, by channels and by tiles, of one tile an image and of several.
        case(40, 6, 32, 64, 3, 1, 0),
        case(70, 4, 64, 32, 3, 1, 0),
        case(16, 16, 32, 48, 5, 1, 0),
        case(5, 16, 48, 32, 5, 1, 0),
        case(30, 10, 48, 32, 4, 2, 0),
        case(32, 14, 64, 64, 3, 1, 0),
        case(1, 1, 64, 64, 3, 1, 1),
        // More sums than a cache holds, and more tiles than are transformed at a time.
        case(12, 16, 192, 160, 3, 1, 1),
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
