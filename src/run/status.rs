//! What of a program has been done already.

use std::fs;
use std::path::{Path, PathBuf};

use petgraph::graph::NodeIndex;
use serde::Serialize;

use super::evaluation::{RESULTS, known_results};
use super::folder::{STAGES, SeedFolder};
use crate::graph::{Key, Stage, StageGraph, StageKind};
use crate::lang::program::Program;
use crate::train::state::{Progress, peek_stage};

/// Whether a stage will be computed, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Status {
    /// No trace of it anywhere.
    NotRun,
    /// A checkpoint in the middle; `--resume` goes on from there.
    Interrupted { step: u64 },
    /// A result is there and will be used.
    Cached { path: PathBuf },
    /// It failed, and would again.
    Failed { message: String },
    /// Another run had it, and its folder has gone or changed.
    Gone { path: PathBuf },
}

/// Where the place of a finished stage is noted for other run folders.
pub(super) fn index(runs: &Path, key: &Key) -> PathBuf {
    runs.join(STAGES).join(key.as_str())
}

/// What is known of a stage in the run folder `folder` and elsewhere under `runs`; data and table are never kept.
pub fn status(graph: &StageGraph, program: &Program, node: NodeIndex, folder: &Path, runs: &Path) -> Status {
    let stage = graph.stage(node);
    let needed_by = stage.runs.iter().map(|&run| &graph.runs[run]);
    let folders = needed_by.map(|run| SeedFolder::at(folder, &program.variants[run.variant].slug, run.seed));
    match stage.kind {
        StageKind::Train { phase } => {
            trained(stage, folders.map(|folder| folder.checkpoint(phase)).collect(), runs)
        }
        StageKind::Evaluate => evaluated(stage, folders.collect()),
        StageKind::Data | StageKind::Table => Status::NotRun,
    }
}

fn trained(stage: &Stage, checkpoints: Vec<PathBuf>, runs: &Path) -> Status {
    let key = stage.key.as_str();
    let known = |path: &PathBuf| Some((path.clone(), peek_stage(path, key)?));
    let known: Vec<_> = checkpoints.iter().filter_map(known).collect();
    if let Some((path, _)) = known.iter().find(|(_, progress)| progress.finished) {
        return Status::Cached { path: path.clone() };
    }
    if let Ok(path) = fs::read_to_string(index(runs, &stage.key)).map(PathBuf::from) {
        let there = peek_stage(&path, key).is_some_and(|found| found.finished);
        return if there { Status::Cached { path } } else { Status::Gone { path } };
    }
    match known.into_iter().next() {
        Some((_, Progress { failed: Some(message), .. })) => Status::Failed { message },
        Some((_, progress)) => Status::Interrupted { step: progress.step },
        None => Status::NotRun,
    }
}

fn evaluated(stage: &Stage, folders: Vec<SeedFolder>) -> Status {
    let known = |folder: &&SeedFolder| known_results(folder, stage.key.as_str()).is_some();
    let holds = |folder: &&SeedFolder| folder.weights().exists() && known(folder);
    match folders.iter().find(holds) {
        Some(folder) => Status::Cached { path: folder.path().join(RESULTS) },
        None => Status::NotRun,
    }
}
