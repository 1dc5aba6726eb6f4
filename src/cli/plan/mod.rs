//! `flatrun plan`: what a run would do, what is done already, and what it costs.

mod facts;
mod measuring;
mod memory;
mod probe;
mod text;

use std::path::PathBuf;

use clap::ValueEnum;

use super::exit::{Exit, Failure};
use super::run::{Program, RunsArg, SettingArgs, explained};
use super::terminal::Terminal;
use crate::run::{Options, prepare, run_folder};
use facts::Plan;

/// Show the stages of a run, what is cached, and what the rest costs
///
/// The data set is opened and one small forward pass is timed; nothing is trained and nothing is written.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File to plan; `-` reads standard input
    file: PathBuf,
    /// text or json
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    settings: SettingArgs,
    #[command(flatten)]
    runs: RunsArg,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// # Errors
/// The file or its data cannot be read, or standard output cannot be written.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let Some(Program { source, program }) = Program::read(&args.file, &args.settings, terminal)? else {
        return Ok(Exit::Findings);
    };
    let failure = |error: crate::run::RunError| explained(Failure::usage(error.to_string()), &error);
    let prepared = prepare(&program).map_err(failure)?;
    let options = Options {
        name: source.stem(),
        source: source.text,
        runs: args.runs.folder.clone(),
        resume: false,
        restart: false,
        smoke: false,
    };
    let plan = Plan::new(&program, &prepared, &run_folder(&program, &options), &options);
    let plan = plan.map_err(|error| failure(error.into()))?;
    match args.format {
        Format::Text => terminal.print(&text::text(&plan, terminal))?,
        Format::Json => terminal.data(&json(&plan)?)?,
    }
    Ok(Exit::Done)
}

fn json(plan: &Plan) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(plan).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(text + "\n")
}
