//! Products of bf16.

use burn::backend::Autodiff;
use burn::tensor::{DType, Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use flatrun::ops::Ops;
use proptest::prelude::*;

use crate::convolution::{Case, case};
use crate::{assert_within, host, values};

/// What rounding a result to bf16 may cost, with sums in another order.
const HALF_TOLERANCE: f64 = 1.1 / 256.0;

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
}
