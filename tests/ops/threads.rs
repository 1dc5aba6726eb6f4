//! Results are the same on any number of threads.

use burn::tensor::{DType, Tensor};
use burn_flex::Flex;
use flatrun::ops::{Conv, Ops};
use proptest::prelude::*;

use crate::convolution::{Case, case};
use crate::tensor;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

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
    let wide = Case { inputs: 192, outputs: 160, ..case(8, 3, conv(1, 1)) };
    let cases = [
        (30, 3, conv(1, 1)),
        (8, 3, conv(1, 1)),
        (20, 1, conv(1, 0)),
        (14, 6, conv(2, 3)),
        (12, 5, conv(1, 0)),
        // Several overlapping tiles an image, whose number divides no block.
        (14, 3, conv(1, 0)),
        (22, 3, conv(1, 0)),
    ];
    for case in cases.map(|(size, kernel, conv)| case(size, kernel, conv)).into_iter().chain([wide]) {
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
