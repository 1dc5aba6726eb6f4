//! Opening the device a program names.

use super::RunError;
use crate::diagnostic::Code;
use crate::lang::world::WorldError;

/// The CPU.
pub fn cpu() -> burn_flex::FlexDevice {
    burn_flex::FlexDevice
}

/// Where `RAYON_NUM_THREADS` asks for more threads than there are cores, as many as there are cores; threads that wait
/// for each other without a core of their own stop a run. To be called before any thread is started.
pub fn bound_threads() {
    const ASKED: &str = "RAYON_NUM_THREADS";
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let asked = std::env::var(ASKED).ok().and_then(|asked| asked.parse::<usize>().ok());
    if asked.is_some_and(|asked| asked > cores) {
        // SAFETY: no other thread reads the environment.
        unsafe { std::env::set_var(ASKED, cores.to_string()) };
    }
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

    let device = burn_cuda::CudaDevice::new(index);
    let Err(reason) = panics::caught(|| Tensor::<Cuda, 1>::zeros([1], &device).into_data()) else {
        return Ok(device);
    };
    Err(RunError::Device(format!(
        "cannot open `cuda({index})`: looked for the NVIDIA driver (libcuda) and its card number {index}, found {} ({reason})",
        found(cards())
    )))
}

/// Whether there is a card of this number; nothing is opened.
///
/// # Errors
/// What was found instead.
#[cfg(feature = "cuda")]
pub fn card(index: usize) -> Result<(), WorldError> {
    let cards = cards();
    if index < cards {
        return Ok(());
    }
    let message = format!(
        "there is no `cuda({index})`: looked for the NVIDIA driver (libcuda) and its card number {index}, found {}",
        found(cards)
    );
    Err(WorldError { code: Code::MissingDevice, path: None, message, help: Vec::new() })
}

/// As with cards, in a build that knows none.
///
/// # Errors
/// Always.
#[cfg(not(feature = "cuda"))]
pub fn card(index: usize) -> Result<(), WorldError> {
    let message = format!("cannot open `cuda({index})`: this program was built without CUDA");
    let help = vec!["`cargo build --release --features cuda` builds one that opens cards".to_owned()];
    Err(WorldError { code: Code::MissingDevice, path: None, message, help })
}

/// How many cards there are; asked once.
#[cfg(feature = "cuda")]
fn cards() -> usize {
    use std::sync::LazyLock;

    use burn::tensor::backend::Backend;

    static CARDS: LazyLock<usize> = LazyLock::new(|| panics::caught(|| Cuda::device_count(0)).unwrap_or(0));
    *CARDS
}

#[cfg(feature = "cuda")]
fn found(cards: usize) -> String {
    match cards {
        0 => "no card".to_owned(),
        1 => "one card, `cuda(0)`".to_owned(),
        cards => format!("{cards} cards, `cuda(0)` to `cuda({})`", cards - 1),
    }
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
