//! Signals that reach the program as they reach it from a terminal.

use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::signal::{SigHandler, Signal, signal};

/// Whatever whoever runs the tests has their processes ignore.
pub fn obeys_signals(process: &mut Command) {
    let usual = || {
        for watched in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            // SAFETY: nothing is called when the signal comes.
            unsafe { signal(watched, SigHandler::SigDfl) }?;
        }
        Ok(())
    };
    // SAFETY: what runs between the two programs sets signals alone.
    unsafe { process.pre_exec(usual) };
}
