//! What a measurement gives, and how it is watched.

use crate::data::DataError;

/// Numbers of one evaluator, each under the name it has in tables, and what casts doubt on them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurements {
    pub values: Vec<(String, f64)>,
    pub warnings: Vec<String>,
}

/// Told after every batch what is under way, how many samples are done, and of how many; false stops the measurement.
pub type Watch<'w> = dyn FnMut(&str, usize, usize) -> bool + 'w;

/// Why there is no number.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    #[error("{0}")]
    Data(#[from] DataError),
    #[error("the measurement was stopped")]
    Stopped,
}

impl Measurements {
    /// A number without doubts.
    pub fn one(name: impl Into<String>, value: f64) -> Self {
        Self { values: vec![(name.into(), value)], warnings: Vec::new() }
    }
}
