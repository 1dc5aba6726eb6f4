//! The operations on f32, which have kernels of their own, against the same operations on f64, which are Burn's.

mod convolution;
mod elementwise;
mod norm;
mod precision;
mod product;
mod threads;
mod vector;

use burn::tensor::{DType, Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use proptest::prelude::*;

const TOLERANCE: f64 = 1e-5;

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

fn channels() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1usize, 2, 3, 4, 5, 10, 16, 17, 31, 32, 33, 48, 64, 80])
}
