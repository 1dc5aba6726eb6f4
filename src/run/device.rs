//! Opening the device a program names.

use std::sync::atomic::AtomicBool;

use super::{Observer, Options, Prepared, Report, RunError};
use crate::lang::program::Program;

pub fn cpu() -> burn_flex::FlexDevice {
    burn_flex::FlexDevice
}

#[cfg(feature = "cuda")]
pub fn cuda(
    index: usize,
    program: &Program,
    prepared: &[Prepared],
    options: &Options,
    observer: &mut dyn Observer,
    stop: &AtomicBool,
) -> Result<Report, RunError> {
    let device = burn_cuda::CudaDevice::new(index);
    // The driver's library is loaded by the first use of the device, which panics where there is none.
    let probe = || burn::tensor::Tensor::<burn_cuda::Cuda<f32, i32>, 1>::zeros([1], &device).into_data();
    let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(probe));
    if opened.is_err() {
        return Err(RunError::Device(format!(
            "cannot open CUDA device {index}: looked for the NVIDIA driver (libcuda) and a card of that number"
        )));
    }
    super::executor::execute::<burn_cuda::Cuda<f32, i32>>(program, prepared, options, observer, stop, &device)
}

#[cfg(not(feature = "cuda"))]
pub fn cuda(
    index: usize,
    _: &Program,
    _: &[Prepared],
    _: &Options,
    _: &mut dyn Observer,
    _: &AtomicBool,
) -> Result<Report, RunError> {
    Err(RunError::Device(format!(
        "cannot open CUDA device {index}: this program was built without CUDA (build it with `--features cuda`)"
    )))
}
