//! What a measurement gives, and how it is watched.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

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

/// Between two beats of a pulse lies at least this.
const BEAT: Duration = Duration::from_secs(1);

/// Asks who watches a measurement whether it goes on, now and then within one of its batches.
pub(super) struct Pulse<'p, 'w>(RefCell<Beats<'p, 'w>>);

struct Beats<'p, 'w> {
    watch: &'p mut Watch<'w>,
    headway: Headway<'p>,
    last: Instant,
    stopped: bool,
}

impl<'p, 'w> Pulse<'p, 'w> {
    pub fn new(watch: &'p mut Watch<'w>, headway: Headway<'p>) -> Self {
        Self(RefCell::new(Beats { watch, headway, last: Instant::now(), stopped: false }))
    }

    /// Whether the measurement goes on.
    pub fn beats(&self) -> bool {
        let mut beats = self.0.borrow_mut();
        if !beats.stopped && beats.last.elapsed() > BEAT {
            let headway = beats.headway;
            beats.stopped = !(beats.watch)(&headway);
            beats.last = Instant::now();
        }
        !beats.stopped
    }

    pub fn is_stopped(&self) -> bool {
        self.0.borrow().stopped
    }
}

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

    /// Adds what another measurement gave; one that stands twice in a program counts once.
    pub fn extend(&mut self, other: Self) {
        let known = self.values.len();
        let new = |(name, _): &(String, f64)| !self.values[..known].iter().any(|(known, _)| known == name);
        let new: Vec<(String, f64)> = other.values.into_iter().filter(new).collect();
        self.values.extend(new);
        self.fields.extend(other.fields);
        self.warnings.extend(other.warnings);
    }
}

impl Measurements {
    /// Under `label` what is under the plain name of the evaluator.
    pub(super) fn labelled(mut self, plain: &str, label: &str) -> Self {
        for (name, _) in &mut self.values {
            if let Some(rest) =
                name.strip_prefix(plain).filter(|rest| rest.is_empty() || rest.starts_with('.'))
            {
                *name = format!("{label}{rest}");
            }
        }
        for field in &mut self.fields {
            field.label = format!("{label}: {}", field.label);
        }
        self
    }

    /// With a warning where a number is none.
    pub(super) fn doubted(mut self) -> Self {
        let lost = self.values.iter().filter(|(_, value)| !value.is_finite());
        self.warnings.extend(
            lost.map(|(name, value)| format!("{name} is {value}: the loss it looks at is not finite")),
        );
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_asks_rarely_and_remembers_a_stop() {
        let mut asked = 0;
        let mut watch = |_: &Headway<'_>| {
            asked += 1;
            false
        };
        let pulse = Pulse::new(&mut watch, Headway::samples("pgd", 0, 1));
        assert!(pulse.beats() && !pulse.is_stopped(), "a short batch is not asked about");
        std::thread::sleep(BEAT + Duration::from_millis(20));
        assert!(!pulse.beats() && !pulse.beats() && pulse.is_stopped());
        assert_eq!(asked, 1);
    }
}
