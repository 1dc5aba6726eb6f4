//! From records of runs to tables.

pub mod notes;
pub mod protocols;
mod records;
mod table;

pub use records::{RunRecord, SeedRecord, State, list, read};
pub use table::{Outcome, Row, Summary, Table};
