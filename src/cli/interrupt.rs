//! Ctrl-C and the signal that asks a process to end.

use std::io::{self, Write};
use std::sync::LazyLock;
use std::sync::atomic::Ordering;

use super::exit::{Exit, Failure};
use crate::stop::Flag;

static STOP: LazyLock<Flag> = LazyLock::new(Flag::default);

/// From now on the first signal sets the returned flag, and the second ends the process. A signal that whoever started
/// the program told it to ignore, as `nohup` does, stays ignored.
///
/// # Errors
/// The system refuses.
pub fn watch() -> Result<&'static Flag, Failure> {
    #[cfg(unix)]
    let ignored = ignored::Ignored::now();
    let installed = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted as i32);
        }
        let _ = writeln!(io::stderr(), "\nwriting a checkpoint; once more ends at once");
    });
    #[cfg(unix)]
    ignored.restore();
    installed.map_err(|error| Failure::usage(format!("cannot watch for Ctrl-C: {error}")))?;
    Ok(&STOP)
}

/// `ctrlc` watches every signal to end, also those that are ignored.
#[cfg(unix)]
mod ignored {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

    const WATCHED: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

    /// Signals to end that are ignored.
    pub struct Ignored(Vec<(Signal, SigAction)>);

    impl Ignored {
        pub fn now() -> Self {
            // A system tells what a signal does only where another effect is set.
            let nothing = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
            let known = WATCHED.into_iter().filter_map(|signal| Some((signal, set(signal, &nothing)?)));
            let (ignored, others): (Vec<_>, Vec<_>) =
                known.partition(|(_, action)| matches!(action.handler(), SigHandler::SigIgn));
            Self(others).restore();
            Self(ignored)
        }

        pub fn restore(self) {
            for (signal, action) in self.0 {
                set(signal, &action);
            }
        }
    }

    /// Gives a signal another effect, and says what it had.
    fn set(signal: Signal, action: &SigAction) -> Option<SigAction> {
        // SAFETY: no handler is set but one that was set before.
        unsafe { sigaction(signal, action) }.ok()
    }
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
