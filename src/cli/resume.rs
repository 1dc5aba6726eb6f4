//! `--resume` where the file says something else than what was interrupted.

use std::collections::BTreeSet;

use super::exit::Failure;
use super::run::explained;
use super::runs::line::{Line, State};
use crate::graph::{StageGraph, StageKind};
use crate::lang::program::{Program, Variant};
use crate::report::outline::Outline;
use crate::report::{RunRecord, list};
use crate::run::{Options, RunError, Status, inputs, prepare, run_folder, status};

/// Differences that are told; more of them make another program anyway.
const TOLD: usize = 5;

/// Whether there is a run to go on with.
///
/// # Errors
/// There is none of this program, but an unfinished one of another program of this name: what differs, and what both
/// have in common.
pub fn has_begun(program: &Program, options: &Options) -> Result<bool, Failure> {
    if run_folder(program, options).is_dir() {
        return Ok(true);
    }
    match unfinished(options) {
        Some(other) => Err(refusal(program, options, &other)),
        None => Ok(false),
    }
}

/// The youngest unfinished run of a file of this name.
fn unfinished(options: &Options) -> Option<RunRecord> {
    let records = list(&options.runs).unwrap_or_default();
    let of_file =
        |record: &RunRecord| record.name().rsplit_once('-').is_some_and(|(name, _)| name == options.name);
    let known =
        records.into_iter().filter(|record| of_file(record) && Line::of(record).state == State::Interrupted);
    known.max_by_key(|record| Line::of(record).changed)
}

fn refusal(program: &Program, options: &Options, other: &RunRecord) -> Failure {
    let name = other.folder.display();
    let differences = differences(program, other);
    let mut told = differences.iter().take(TOLD).cloned().collect::<Vec<_>>().join("; ");
    if differences.len() > TOLD {
        told += &format!("; and {} more differences", differences.len() - TOLD);
    }
    let failure = Failure::usage(format!("`{name}` is unfinished, but of another program: {told}"));
    let shared = match shared(program, options) {
        Ok(shared) => shared,
        Err(error) => return explained(failure, &error),
    };
    let text = other.seeds.first().map(|seed| seed.folder.join("pipeline.flat")).unwrap_or_default();
    failure
        .help(format!("to go on with it, write the file as it was: `{}` holds its text", text.display()))
        .help(format!("to begin what the file says now, leave out --resume, or write --restart; {shared}"))
}

/// `train.0.duration` was 30 epochs, is 31 epochs.
fn differences(program: &Program, other: &RunRecord) -> Vec<String> {
    let old: Vec<Outline> = other.seeds.iter().filter_map(|seed| Outline::read(&seed.folder)).collect();
    let of_old = |old: &Outline| {
        // A choice that was edited has another name: what differs least from it is what it became.
        let same = program.variants.iter().find(|variant| variant.slug == old.variant);
        let nearest = || program.variants.iter().map(|variant| changes(old, variant)).min_by_key(Vec::len);
        same.map(|variant| changes(old, variant)).or_else(nearest).unwrap_or_default()
    };
    let mut found: Vec<String> = Vec::new();
    for change in old.iter().flat_map(of_old) {
        if !found.contains(&change) {
            found.push(change);
        }
    }
    if found.is_empty() {
        found.push("a variant that had not begun, or its edition, is another".into());
    }
    found
}

fn changes(old: &Outline, variant: &Variant) -> Vec<String> {
    let was = |path: &str| old.settings.iter().find(|known| known.path == path).map(|known| &known.value);
    let is = |path: &str| variant.settings.iter().find(|known| known.path == path).map(|known| &known.value);
    let now = variant.settings.iter().map(|setting| setting.path.as_str());
    let gone = old.settings.iter().map(|setting| setting.path.as_str()).filter(|path| is(path).is_none());
    let change = |path: &str| match (was(path), is(path)) {
        (Some(was), Some(is)) if was != is => Some(format!("`{path}` was {was}, is {is}")),
        (Some(was), None) => Some(format!("`{path}` was {was}, is not there")),
        (None, Some(is)) => Some(format!("`{path}` was not there, is {is}")),
        _ => None,
    };
    let version = env!("CARGO_PKG_VERSION");
    let other = (old.version != version).then(|| format!("flatrun was {}, is {version}", old.version));
    now.chain(gone).filter_map(change).chain(other).collect()
}

/// What of the program another run has finished.
fn shared(program: &Program, options: &Options) -> Result<String, RunError> {
    let graph = StageGraph::new(program, &inputs(&prepare(program)?));
    let folder = run_folder(program, options);
    let nodes: BTreeSet<_> = graph.runs.iter().flat_map(|run| run.train.iter().copied()).collect();
    let finished = |node: &&_| {
        let status = status(&graph, program, **node, &folder, &options.runs);
        matches!(status, Status::Cached { .. })
    };
    let labels: Vec<String> = nodes
        .iter()
        .filter(finished)
        .map(|&node| {
            let stage = graph.stage(node);
            match stage.kind {
                StageKind::Train { phase } => format!("phase {} ({})", phase + 1, stage.label),
                _ => stage.label.clone(),
            }
        })
        .collect();
    Ok(match labels.as_slice() {
        [] => "no finished phase can be reused".into(),
        labels => format!("{} will not be trained again", labels.join(", ")),
    })
}
