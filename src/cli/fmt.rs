//! `flatrun fmt`: the canonical form of files.

use std::path::PathBuf;

use super::diff::unified;
use super::exit::{Exit, Failure};
use super::render::FileFindings;
use super::source::{Source, expand};
use super::terminal::Terminal;

/// Bring files into canonical form
///
/// Comments are kept and the meaning is never changed. A file with a syntax error is left as it is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files to format, or folders of them; `-` reads standard input and writes to standard output
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write nothing; list the files that are not in canonical form and exit with 1
    #[arg(long)]
    check: bool,
    /// Write nothing; show what would change and exit with 1 where something would
    #[arg(long)]
    diff: bool,
}

/// # Errors
/// Standard output cannot be written.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    let mut changed = 0;
    for file in expand(&args.files) {
        let done =
            file.and_then(|file| Source::read(&file)).and_then(|source| format(source, args, terminal));
        match done {
            Ok(Formatted::Same) => {}
            Ok(Formatted::Written) => changed += 1,
            Ok(Formatted::Differs | Formatted::Broken) => exit = exit.max(Exit::Findings),
            Err(failure) => {
                terminal.failure(&failure);
                exit = exit.max(failure.exit);
            }
        }
    }
    if changed > 0 {
        let noun = if changed == 1 { "file" } else { "files" };
        terminal.note(&format!("formatted {changed} {noun}\n"));
    }
    Ok(exit)
}

/// What became of a file.
enum Formatted {
    Same,
    Written,
    /// It is not in canonical form, and only that was asked.
    Differs,
    /// It has no canonical form.
    Broken,
}

fn format(mut source: Source, args: &Args, terminal: &Terminal) -> Result<Formatted, Failure> {
    let formatted = match source.formatted() {
        Ok(formatted) => formatted,
        Err(diagnostics) => {
            FileFindings { source, diagnostics }.show(terminal);
            return Ok(Formatted::Broken);
        }
    };
    let same = formatted == source.text;
    if args.diff {
        terminal.data(&unified(&source.name, &source.text, &formatted))?;
    } else if args.check && !same {
        terminal.data(&format!("{}\n", source.name))?;
    }
    if args.check || args.diff {
        return Ok(if same { Formatted::Same } else { Formatted::Differs });
    }
    source.text = formatted;
    let Some(path) = source.path.clone() else {
        terminal.data(&source.text)?;
        return Ok(Formatted::Same);
    };
    if same {
        return Ok(Formatted::Same);
    }
    source.store(&path)?;
    Ok(Formatted::Written)
}
