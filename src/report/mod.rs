//! From records of runs to tables, figures and pages.

mod best;
mod date;
pub mod draw;
mod figures;
mod history;
mod long;
mod markdown;
pub mod notes;
pub mod outline;
mod page;
pub mod protocols;
mod publish;
mod records;
mod study;
mod table;
mod tensorboard;

pub use best::Best;
pub use date::date;
pub use long::{Measured, long};
pub use publish::{PublishError, publish};
pub use records::{Damage, RunRecord, SeedRecord, State, list, read};
pub use study::Study;
pub use table::{Missing, Outcome, Row, Summary, Table};
pub use tensorboard::write_events;
