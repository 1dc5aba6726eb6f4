//! From records of runs to tables, figures and pages.

mod date;
pub mod draw;
mod figures;
mod history;
pub mod notes;
mod page;
pub mod protocols;
mod publish;
mod records;
mod study;
mod table;
mod tensorboard;

pub use date::date;
pub use publish::{PublishError, publish};
pub use records::{Damage, RunRecord, SeedRecord, State, list, read};
pub use study::Study;
pub use table::{Missing, Outcome, Row, Summary, Table};
pub use tensorboard::write_events;
