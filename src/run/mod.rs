//! Walks the stage graph of a program: trains, measures, records, continues after a kill.

mod damage;
pub mod device;
mod evaluation;
pub mod event;
mod executor;
pub mod folder;
mod machine;
pub mod meaning;
mod measuring;
mod monitor;
mod prepare;
mod record;
mod selected;
mod sharing;
mod status;
pub mod tidy;

use std::io;
use std::path::{Path, PathBuf};

use crate::data::DataError;
use crate::diagnostic::Code;
use crate::evaluate::Measurements;
use crate::lang::program::{Device, Program};
use crate::lang::world::WorldError;
use crate::model::{ModelError, WeightsError};
use crate::stop::Flag;
use crate::train::phase::PhaseError;
use crate::train::state::CheckpointError;

pub use event::{Event, Observer, RunName};
pub use executor::run_folder;
pub use machine::Machine;
pub use meaning::Meaning;
pub use prepare::{Prepared, inputs, prepare};
pub use status::{Status, status};

/// How a program is to be run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program's text, kept in the run folder.
    pub source: String,
    /// First part of the run folder's name: the file's stem.
    pub name: String,
    /// Folder of run folders.
    pub runs: PathBuf,
    /// Continue an interrupted run.
    pub resume: bool,
    /// Throw an interrupted or finished run away.
    pub restart: bool,
    /// One step per phase and one batch per evaluator, in a folder that is removed afterwards.
    pub smoke: bool,
}

/// What one variant under one seed gave.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// Index into the program's variants.
    pub variant: usize,
    pub seed: u64,
    /// Name and value of each measurement, in the order of the program, and what casts doubt on them.
    pub outcome: Result<Measurements, String>,
    pub idle: Idle,
}

/// Steps that changed nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Idle {
    /// Of so many.
    pub steps: u64,
    /// Loss or gradient were not finite.
    pub skipped: u64,
    /// All sample weights were zero.
    pub empty: u64,
}

/// A whole run.
#[derive(Clone, Debug)]
pub struct Report {
    pub folder: PathBuf,
    pub results: Vec<RunResult>,
    /// How the data of each variant came about.
    pub protocols: Vec<Vec<String>>,
}

/// Why a run did not happen or did not finish.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("another process is running in `{}`", .0.display())]
    Busy(PathBuf),
    #[error("`{}` holds an unfinished run (step {step} of phase {phase}): continue it with --resume, or begin again with --restart", folder.display())]
    Unfinished { folder: PathBuf, phase: usize, step: u64 },
    #[error("`{}` is damaged: {error}", path.display())]
    Damaged { path: PathBuf, error: CheckpointError },
    #[error("cannot read `{}`: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Data(#[from] DataError),
    #[error("{0}")]
    Model(#[from] ModelError),
    #[error("{0}")]
    Weights(#[from] WeightsError),
    #[error("{}", .0.message)]
    Output(WorldError),
    #[error("{0}")]
    Phase(PhaseError),
    #[error("{0}")]
    Checkpoint(#[from] CheckpointError),
    /// An earlier session of the run ended so, and what it ended with is kept.
    #[error("{0}; the run ended so before, and would again")]
    Failed(String),
    /// A stage that another variant shares with this one failed there.
    #[error("{0}")]
    Shared(String),
    #[error("{0}")]
    Device(String),
    /// The user asked to stop; a checkpoint is kept.
    #[error("interrupted after step {step} of phase {phase} in `{}`", folder.display())]
    Interrupted { folder: PathBuf, phase: usize, step: u64 },
    /// The user asked to stop while the trained weights were measured.
    #[error("interrupted while measuring, after phase {phase} in `{}`", folder.display())]
    Measuring { folder: PathBuf, phase: usize },
    /// The user asked to stop while data and networks were opened.
    #[error("interrupted before the first step: nothing was begun")]
    Preparing,
    #[error("internal error: {0}")]
    Internal(String),
}

impl RunError {
    /// The code and the help of the finding that a check would have made of it.
    pub fn finding(&self) -> Option<(Code, Vec<String>)> {
        match self {
            Self::Data(error) | Self::Phase(PhaseError::Data(error)) => {
                error.finding().map(|(code, help)| (code, help.to_vec()))
            }
            Self::Model(error) => Some((error.code(), Vec::new())),
            Self::Weights(error) => Some((error.code(), Vec::new())),
            Self::Output(error) => Some((error.code, error.help.clone())),
            _ => None,
        }
    }

    /// Whether the user asked to stop, and all that was done is kept.
    pub fn is_interruption(&self) -> bool {
        matches!(self, Self::Interrupted { .. } | Self::Measuring { .. })
    }

    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }

    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }
}

/// Runs everything a program asks for. A variant that fails is recorded and the others go on. The run's folder stays
/// locked until the second value is dropped, so that what is told of it still holds.
///
/// # Errors
/// Anything that stops all of it: data, disk, device, or `stop` set by the user.
pub fn execute(
    program: &Program,
    options: &Options,
    observer: &mut dyn Observer,
    stop: &Flag,
) -> Result<(Report, folder::RunFolder), RunError> {
    // One device per program: the statement stands once.
    match program.variants.first().map_or(Device::Cpu, |variant| variant.experiment.device) {
        Device::Cpu => executor::execute::<burn_flex::Flex>(program, options, observer, stop, &device::cpu()),
        #[cfg(feature = "cuda")]
        Device::Cuda(index) => {
            executor::execute::<device::Cuda>(program, options, observer, stop, &device::cuda(index)?)
        }
        #[cfg(not(feature = "cuda"))]
        Device::Cuda(index) => Err(device::missing(index)),
    }
}
