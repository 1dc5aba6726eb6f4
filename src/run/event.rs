//! What happens in a run, as records: one JSON object a line in `events.jsonl`, and what observers see.

use serde::Serialize;

use crate::evaluate::Headway;
use crate::train::state::EpochRow;

/// Version of the events' fields: additions keep it, changes raise it.
pub const SCHEMA: u32 = 1;

/// One thing that happened; `type` names it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    RunStarted {
        program: String,
        version: &'static str,
        variant: String,
        seed: u64,
        resumed: bool,
    },
    StageStarted {
        stage: String,
        label: String,
        steps: u64,
        step: u64,
    },
    /// The result was already there; `from` says where.
    StageCached {
        stage: String,
        label: String,
        from: String,
    },
    /// Another process is at the same stage; its result will be used.
    StageAwaited {
        stage: String,
        label: String,
    },
    /// A file is not what was written; `remedy` says what is done about it.
    Damaged {
        path: String,
        cause: String,
        remedy: String,
    },
    Epoch {
        phase: usize,
        metrics: Box<EpochRow>,
        seconds_per_step: f64,
    },
    Measured {
        phase: usize,
        step: u64,
        name: String,
        value: f64,
    },
    Checkpoint {
        phase: usize,
        step: u64,
        bytes: usize,
    },
    StageFinished {
        stage: String,
        seconds: f64,
    },
    Result {
        name: String,
        value: f64,
    },
    /// Something casts doubt on a measurement.
    Warning {
        message: String,
    },
    Exported {
        path: String,
    },
    Interrupted {
        phase: usize,
        step: u64,
    },
    Failed {
        stage: String,
        message: String,
    },
    RunFinished,
}

/// Which run an event belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunName {
    pub variant: String,
    pub seed: u64,
}

/// Watches a run.
pub trait Observer {
    /// After every event; `line` is what `events.jsonl` holds.
    fn event(&mut self, run: &RunName, event: &Event, line: &str);

    /// After every step of a phase.
    fn stepped(&mut self, run: &RunName, step: u64, steps: u64);

    /// On the way through a long measurement.
    fn measuring(&mut self, _run: &RunName, _headway: &Headway<'_>) {}
}
