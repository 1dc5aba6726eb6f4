//! Ctrl-C and the signal that asks a process to end.

use std::io::{self, Write};
use std::sync::LazyLock;
use std::sync::atomic::Ordering;

use super::exit::{Exit, Failure};
use crate::stop::Flag;

static STOP: LazyLock<Flag> = LazyLock::new(Flag::default);

/// From now on the first signal sets the returned flag, and the second ends the process.
///
/// # Errors
/// The system refuses.
pub fn watch() -> Result<&'static Flag, Failure> {
    let installed = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted as i32);
        }
        let _ = writeln!(io::stderr(), "\nwriting a checkpoint; once more ends at once");
    });
    installed.map_err(|error| Failure::usage(format!("cannot watch for Ctrl-C: {error}")))?;
    Ok(&STOP)
}

/// Lets a write beyond the largest file that is allowed (`ulimit -f`) fail with an error, as one to a full disk does,
/// where the system would end the process without a word.
pub fn survive_full_files() {
    #[cfg(unix)]
    {
        use nix::sys::signal::{SigHandler, Signal, signal};
        // SAFETY: nothing is called when the signal comes.
        let _ = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
    }
}

/// Does what the first signal does.
pub fn stop() {
    STOP.store(true, Ordering::Relaxed);
}
