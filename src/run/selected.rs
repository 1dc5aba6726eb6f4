//! The weights a run reports: loading, writing, exporting.

use std::path::{Path, PathBuf};

use super::RunError;
use crate::files::sweep;
use crate::lang::program::{Experiment, Program, Select, Variant};
use crate::model::{Layout, Pretrained, StateDict, may_export};
use crate::ops::Ops;
use crate::train::state::Checkpoint;

/// Weights before the first phase: initial ones of the seed, or those of `model … from`.
///
/// # Errors
/// A weights file that does not fit.
pub fn initial<B: Ops>(
    experiment: &Experiment,
    layout: &Layout,
    seed: u64,
    device: &B::Device,
) -> Result<StateDict<B>, RunError> {
    match &experiment.model.from {
        Some(path) => {
            let head = experiment.model.architecture.tuning().head;
            Ok(Pretrained::open(path, layout, head)?.state(layout, seed, device)?)
        }
        None => Ok(StateDict {
            weights: layout.initial_weights(seed, device),
            statistics: layout.initial_statistics(seed, device),
            batches: 0,
        }),
    }
}

/// The selected weights in a finished phase's checkpoint.
///
/// # Errors
/// A checkpoint that cannot be read.
pub fn selected<B: Ops>(
    experiment: &Experiment,
    layout: &Layout,
    checkpoint: &Checkpoint<'_>,
    device: &B::Device,
) -> Result<StateDict<B>, RunError> {
    let best = match experiment.select {
        Select::Last => None,
        Select::Best(_) => checkpoint.best(layout, device)?,
    };
    match best {
        Some(best) => Ok(best),
        None => Ok(checkpoint.state(layout, device)?),
    }
}

/// Writes the run's weights, the bytes `weights`, where `export` says, if it says so.
///
/// # Errors
/// Something stands there that must not be replaced; the file cannot be written.
pub fn export(
    program: &Program,
    variant: &Variant,
    seed: u64,
    weights: &[u8],
) -> Result<Option<PathBuf>, RunError> {
    let Some(path) = program.export_path(variant, seed) else { return Ok(None) };
    may_export(&path, &program.weights_read()).map_err(RunError::Output)?;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(|source| RunError::write(parent, source))?;
    }
    sweep(path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")));
    super::folder::write(&path, weights)?;
    Ok(Some(path))
}
