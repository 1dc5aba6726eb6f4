//! From records of runs to tables.

mod notes;
mod records;
mod table;

pub use notes::notes;
pub use records::{RunRecord, SeedRecord, State, list, read};
pub use table::{Outcome, Row, Summary, Table};
