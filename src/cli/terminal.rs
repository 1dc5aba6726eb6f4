//! Where output goes and how it may look.

use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};

use clap::ValueEnum;

use super::exit::Failure;
use super::safe::{safe, safe_styled};

/// Columns where the output is no terminal and `COLUMNS` says nothing.
const WIDTH: usize = 80;
/// Narrower terminals get lines of this width.
const NARROWEST: usize = 40;

/// Values of `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// Standard output and standard error.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Columns of a line.
    pub width: usize,
    /// Somebody watches standard output.
    output_watched: bool,
    /// Colour on standard output.
    pub output_color: bool,
    /// Colour on standard error.
    pub error_color: bool,
    /// Somebody watches standard error: progress bars make sense.
    pub watched: bool,
}

impl Terminal {
    pub fn new(color: Color) -> Self {
        let watched = io::stderr().is_terminal();
        let output_watched = io::stdout().is_terminal();
        Self {
            width: width(),
            output_watched,
            output_color: colorful(color, output_watched),
            error_color: colorful(color, watched),
            watched,
        }
    }

    /// Writes a result for people; where the reader has closed the pipe, nobody misses it.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        self.write(&if self.output_color { safe_styled(text) } else { safe(text) })
    }

    /// Writes a result for programs, byte for byte where no terminal reads it.
    ///
    /// # Errors
    /// As [`Terminal::print`].
    pub fn data(&self, text: &str) -> Result<(), Failure> {
        if self.output_watched { self.write(&safe(text)) } else { self.write(text) }
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        let mut output = io::stdout().lock();
        match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::output(&error)),
            _ => Ok(()),
        }
    }

    /// Writes anything that is not a result; where standard error is closed, nobody misses it.
    pub fn note(&self, text: &str) {
        let text = if self.error_color { safe_styled(text) } else { safe(text) };
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Writes a message with its mark: `error: there is no file `a.flat``. Its further lines are indented, so that none
    /// looks like a message of its own.
    pub fn say(&self, mark: Mark, message: &str) {
        let message = message.trim_end().replace('\n', "\n         ");
        self.note(&format!("{} {}\n", mark.painted(self.error_color), safe(&message)));
    }

    pub fn failure(&self, failure: &Failure) {
        self.say(Mark::Error, &failure.message);
        for help in &failure.help {
            self.say(Mark::Help, help);
        }
    }
}

/// The word a message begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Error,
    Warning,
    Help,
}

impl Mark {
    fn painted(self, color: bool) -> String {
        let (word, code) = match self {
            Mark::Error => ("error:", "1;31"),
            Mark::Warning => ("warning:", "1;33"),
            Mark::Help => ("  help:", "36"),
        };
        paint(word, code, color)
    }
}

/// `text` in an ANSI style, where `color`.
pub fn paint(text: &str, code: &str, color: bool) -> String {
    let text = safe(text);
    if color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into_owned() }
}

fn colorful(color: Color, terminal: bool) -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            terminal && !is_set("NO_COLOR") && env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

fn width() -> usize {
    let told = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    told.or_else(seen).unwrap_or(WIDTH).max(NARROWEST)
}
