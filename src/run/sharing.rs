//! Stages that several variants or programs have in common: trained once, used by all.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use petgraph::graph::NodeIndex;

use super::RunError;
use super::event::Event;
use super::executor::Executor;
use super::folder::{LOCKS, STAGES, SeedFolder, shared, write};
use super::measuring::link_fields;
use super::monitor::Journal;
use crate::files::{Lock, link_atomic};
use crate::graph::{Run, StageKind};
use crate::ops::Ops;
use crate::train::state::{Stored, peek_stage};

/// Between two looks at a stage that another process is at.
const LOOK: Duration = Duration::from_millis(100);

/// The right to train a stage; other processes wait for its end.
pub struct Claim(Option<Lock>);

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Lock::remove);
    }
}

impl<B: Ops> Executor<'_, B> {
    /// Waits until no other process is at the stage; whoever comes next finds its result.
    ///
    /// # Errors
    /// The user asked to stop; a lock that cannot be made.
    pub(super) fn claim(
        &self,
        run: &Run,
        phase: usize,
        folder: &SeedFolder,
        journal: &mut Journal<'_>,
    ) -> Result<Claim, RunError> {
        let stage = self.graph.stage(run.train[phase]);
        if self.options.smoke || self.options.restart {
            return Ok(Claim(None));
        }
        let path = shared(&self.options.runs, LOCKS)?.join(stage.key.as_str());
        let mut told = false;
        loop {
            let lock = Lock::take(&path).map_err(|source| RunError::write(&path, source))?;
            if lock.is_some() {
                return Ok(Claim(lock));
            }
            if !told {
                let (stage, label) = (stage.key.to_string(), stage.label.clone());
                journal.event(&Event::StageAwaited { stage, label })?;
                told = true;
            }
            if self.stop.load(Ordering::Relaxed) {
                let step =
                    peek_stage(&folder.checkpoint(phase), stage.key.as_str()).map_or(0, |known| known.step);
                let folder = self.folder.path().to_owned();
                return Err(RunError::Interrupted { folder, phase: phase + 1, step });
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Brings the finished checkpoint of the same stage, of another variant or another program, into the run's folder;
    /// whether there is one that is whole.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(super) fn linked(
        &self,
        run: &Run,
        phase: usize,
        folder: &SeedFolder,
        journal: &mut Journal<'_>,
    ) -> Result<bool, RunError> {
        let node = run.train[phase];
        let Some((from, why)) = self.elsewhere(node, run) else { return Ok(false) };
        let key = self.graph.stage(node).key.as_str();
        let stored = match Stored::read(&from) {
            Ok(Some(stored)) => stored,
            // Its folder was removed a moment ago.
            Ok(None) => return Ok(false),
            Err(error) => {
                journal.damaged(&from, &error, "the stage is trained anew")?;
                return Ok(false);
            }
        };
        if let Some(owner) = SeedFolder::of_checkpoint(&from)
            && let Some((path, fault)) = link_fields(&owner, folder, phase)?
        {
            journal.damaged(&path, &fault, "the stage is trained anew")?;
            return Ok(false);
        }
        let to = folder.checkpoint(phase);
        link_atomic(&from, &to, stored.bytes()).map_err(|source| RunError::write(&to, source))?;
        // Its owner may have begun again after it was read.
        let whole = peek_stage(&to, key).is_some_and(|known| known.finished);
        if whole {
            self.cached(node, &why, journal)?;
        }
        Ok(whole)
    }

    /// A finished checkpoint of the same stage: of another variant, or of another run folder.
    pub(super) fn elsewhere(&self, node: NodeIndex, run: &Run) -> Option<(PathBuf, String)> {
        let stage = self.graph.stage(node);
        let finished =
            |path: &Path| peek_stage(path, stage.key.as_str()).is_some_and(|progress| progress.finished);
        let StageKind::Train { phase } = stage.kind else { return None };
        let owner = &self.graph.runs[*stage.runs.first()?];
        if (owner.variant, owner.seed) != (run.variant, run.seed) {
            let slug = &self.program.variants[owner.variant].slug;
            let path = SeedFolder::at(self.folder.path(), slug, owner.seed).checkpoint(phase);
            return finished(&path).then(|| (path, format!("{slug}, seed {}", owner.seed)));
        }
        if self.options.smoke || self.options.restart {
            return None;
        }
        let path = PathBuf::from(fs::read_to_string(self.index(node)).ok()?);
        finished(&path).then(|| (path.clone(), path.display().to_string()))
    }

    /// Where the place of a finished stage is noted for other run folders.
    fn index(&self, node: NodeIndex) -> PathBuf {
        super::status::index(&self.options.runs, &self.graph.stage(node).key)
    }

    /// Notes the place of a finished stage for other run folders.
    ///
    /// # Errors
    /// The note cannot be written.
    pub(super) fn remember(&self, node: NodeIndex, path: &Path) -> Result<(), RunError> {
        if self.options.smoke {
            return Ok(());
        }
        shared(&self.options.runs, STAGES)?;
        let path = path.canonicalize().map_err(|source| RunError::read(path, source))?;
        write(&self.index(node), path.to_string_lossy().as_bytes())
    }
}
