//! The program `flatrun`. Everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    flatrun::cli::main()
}
