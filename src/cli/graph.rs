//! `flatrun graph`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::exit::{Exit, Failure};
use super::run::Program;
use super::terminal::Terminal;
use crate::graph::{self, StageGraph};
use crate::run::{inputs, prepare};

/// Draw the stages of a program and how they depend on each other
///
/// A phase that several variants share stands there once.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File to draw; `-` reads standard input
    file: PathBuf,
    /// dot, mermaid, svg, json or text
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    settings: super::run::SettingArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    Dot,
    Mermaid,
    Svg,
    Json,
    #[default]
    Text,
}

impl From<Format> for graph::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Dot => Self::Dot,
            Format::Mermaid => Self::Mermaid,
            Format::Svg => Self::Svg,
            Format::Json => Self::Json,
            Format::Text => Self::Text,
        }
    }
}

/// # Errors
/// The file or its data cannot be read, or standard output cannot be written.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let Some(Program { program, .. }) = Program::read(&args.file, &args.settings, terminal)? else {
        return Ok(Exit::Findings);
    };
    let prepared = prepare(&program).map_err(|error| Failure::usage(error.to_string()))?;
    let stages = StageGraph::new(&program, &inputs(&prepared));
    terminal.data(&graph::render(&stages, &program, args.format.into()))?;
    Ok(Exit::Done)
}
