//! What a measurement gives, and how it is watched.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::field::Field;
use crate::data::DataError;

/// What one evaluator gives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    /// Each under the name it has in tables.
    #[serde(with = "finite_or_null")]
    pub values: Vec<(String, f64)>,
    pub fields: Vec<Field>,
    /// What casts doubt on them.
    pub warnings: Vec<String>,
}

/// How far a measurement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headway<'a> {
    /// What is under way.
    pub what: &'a str,
    /// What is counted, in plural.
    pub unit: &'a str,
    pub done: usize,
    pub of: usize,
}

impl<'a> Headway<'a> {
    pub fn samples(what: &'a str, done: usize, of: usize) -> Self {
        Self { what, unit: "samples", done, of }
    }
}

/// Told how far a measurement is, after every batch or more rarely; false stops it.
pub type Watch<'w> = dyn FnMut(&Headway<'_>) -> bool + 'w;

/// Why there is no number.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    #[error("{0}")]
    Data(#[from] DataError),
    #[error("the measurement was stopped")]
    Stopped,
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

impl Measurements {
    /// A number without doubts.
    pub fn one(name: impl Into<String>, value: f64) -> Self {
        Self { values: vec![(name.into(), value)], ..Self::default() }
    }

    /// Adds what another evaluator gave.
    pub fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
        self.fields.extend(other.fields);
        self.warnings.extend(other.warnings);
    }
}

/// Numbers that are not finite are written as null and read back as NaN.
mod finite_or_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(values: &[(String, f64)], serializer: S) -> Result<S::Ok, S::Error> {
        let finite = |(name, value): &(String, f64)| (name.clone(), Some(*value).filter(|v| v.is_finite()));
        values.iter().map(finite).collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, f64)>, D::Error> {
        let values = Vec::<(String, Option<f64>)>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|(name, value)| (name, value.unwrap_or(f64::NAN))).collect())
    }
}
