//! From records of runs to tables.

pub mod notes;
mod records;
mod table;

pub use records::{RunRecord, SeedRecord, State, list, read};
pub use table::{Outcome, Row, Summary, Table};
