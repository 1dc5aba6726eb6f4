//! `flatrun lsp`.

use std::io::ErrorKind;
use std::path::Path;

use super::exit::{Exit, Failure};
use crate::ide::{End, serve, stdio};
use crate::run::Machine;

/// Speak the language server protocol on standard input and output
///
/// Editors start this; docs/editors.md says how. Data sets are looked for from the working directory.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What some editors pass; standard input and output are the only way
    #[arg(long, hide = true)]
    stdio: bool,
}

/// # Errors
/// Standard input holds something else than messages.
pub fn run(_: &Args) -> Result<Exit, Failure> {
    let started = stdio();
    let (connection, threads) = started.map_err(|error| Failure::unreadable(Path::new("stdin"), &error))?;
    let end = serve(&connection, &Machine);
    drop(connection);
    if end == End::OutputClosed {
        // The reading thread waits for a message that may never come.
        return Ok(Exit::Done);
    }
    match threads.join() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::unreadable(Path::new("stdin"), &error))
        }
        // The protocol asks for 1 where `exit` comes without `shutdown`.
        _ if end == End::Abrupt => Ok(Exit::Findings),
        _ => Ok(Exit::Done),
    }
}
