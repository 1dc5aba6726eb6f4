//! Opening the device a program names.

use super::RunError;

/// The CPU.
pub fn cpu() -> burn_flex::FlexDevice {
    burn_flex::FlexDevice
}

/// Makes the calling thread one of those that compute on the CPU, for as long as the program runs; nothing changes where
/// some have been started. A thread outside of them sleeps while an operation runs and is woken after it, which costs
/// more than small operations do.
pub fn join_threads() {
    // It fails where threads have been started, and those will do.
    let _ = rayon::ThreadPoolBuilder::new().use_current_thread().build_global();
}

/// The backend of NVIDIA cards.
#[cfg(feature = "cuda")]
pub type Cuda = burn_cuda::Cuda<f32, i32>;

/// The card of this number.
///
/// # Errors
/// It cannot be opened: what was looked for, and what was found.
#[cfg(feature = "cuda")]
pub fn cuda(index: usize) -> Result<burn_cuda::CudaDevice, RunError> {
    use burn::tensor::Tensor;
    use burn::tensor::backend::Backend;

    let device = burn_cuda::CudaDevice::new(index);
    let Err(reason) = panics::caught(|| Tensor::<Cuda, 1>::zeros([1], &device).into_data()) else {
        return Ok(device);
    };
    let found = match panics::caught(|| Cuda::device_count(0)).unwrap_or(0) {
        0 => "no card".to_owned(),
        1 => "one card, `cuda(0)`".to_owned(),
        cards => format!("{cards} cards, `cuda(0)` to `cuda({})`", cards - 1),
    };
    Err(RunError::Device(format!(
        "cannot open `cuda({index})`: looked for the NVIDIA driver (libcuda) and its card number {index}, found {found} ({reason})"
    )))
}

/// Says which build has what is missing here.
#[cfg(not(feature = "cuda"))]
pub fn missing(index: usize) -> RunError {
    RunError::Device(format!(
        "cannot open `cuda({index})`: this program was built without CUDA; one built with `--features cuda` can open cards"
    ))
}

/// Burn and the loader of the driver panic where something is missing, on threads of their own.
#[cfg(feature = "cuda")]
mod panics {
    use std::panic::{self, AssertUnwindSafe};
    use std::sync::{Arc, Mutex};

    /// The result, or the first sentence of the first panic, none of which reaches the terminal.
    pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
        let first = Arc::new(Mutex::new(None));
        let noted = first.clone();
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if let Ok(mut noted) = noted.lock() {
                noted.get_or_insert_with(|| info.payload_as_str().unwrap_or("unknown panic").to_owned());
            }
        }));
        let result = panic::catch_unwind(AssertUnwindSafe(work));
        panic::set_hook(usual);
        result.map_err(|_| {
            let text = first.lock().ok().and_then(|mut first| first.take()).unwrap_or_default();
            text.split(". ").next().unwrap_or_default().trim_end_matches('.').to_owned()
        })
    }
}
