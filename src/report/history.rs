//! What a seed recorded on the way: `metrics.csv`, `measurements.csv`, `fields/`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::Damage;
use super::records::stored;
use crate::cell;
use crate::evaluate::field::{Field, Fields, SCHEMA};
use crate::files::Sealed;
use crate::run::Meaning;
use crate::run::folder::FINAL;
use crate::train::state::Measured;

/// Records of one seed, as far as they can be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    pub metrics: Metrics,
    pub measured: Vec<Measured>,
    /// In the order of training; those of the finished run come last.
    pub moments: Vec<Moment>,
    /// Text of the program.
    pub program: Option<String>,
    pub settings: Vec<Setting>,
    /// Of the network's outputs and inputs.
    pub meaning: Meaning,
    pub damage: Vec<Damage>,
}

/// `metrics.csv` by column; a row is an epoch, and a value that was not recorded is NaN.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    columns: Vec<(String, Vec<f64>)>,
}

/// Fields measured at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    pub phase: usize,
    pub step: u64,
    /// Of the weights that the run reports.
    pub last: bool,
    pub fields: Vec<Field>,
}

/// A value of the program and where it came from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Setting {
    pub path: String,
    pub value: String,
    pub origin: String,
}

#[derive(Deserialize)]
struct Resolved {
    #[serde(default)]
    settings: Vec<Setting>,
    #[serde(flatten)]
    meaning: Meaning,
}

impl Metrics {
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    pub fn column(&self, name: &str) -> Option<&[f64]> {
        self.columns.iter().find(|(known, _)| known == name).map(|(_, values)| values.as_slice())
    }

    /// Sum of the finite values of a column.
    pub fn total(&self, name: &str) -> f64 {
        self.column(name).unwrap_or_default().iter().filter(|value| value.is_finite()).sum()
    }

    /// Epochs of the run that are done at a step of a phase, with their fraction.
    pub fn epoch(&self, phase: usize, step: u64) -> f64 {
        let columns = ["phase", "step", "epoch"].map(|name| self.column(name).unwrap_or_default());
        let (mut from, step) = ((0.0, 0.0), step as f64);
        for ((&of, &at), &epoch) in columns[0].iter().zip(columns[1]).zip(columns[2]) {
            if of < phase as f64 {
                from = (0.0, epoch);
            } else if of == phase as f64 && at >= step {
                let share = if at > from.0 { (step - from.0) / (at - from.0) } else { 1.0 };
                return from.1 + share * (epoch - from.1);
            } else if of == phase as f64 {
                from = (at, epoch);
            }
        }
        from.1
    }

    /// Steps of the run before each phase, by its number.
    pub fn steps_before(&self, phase: usize) -> u64 {
        let (phases, steps) =
            (self.column("phase").unwrap_or_default(), self.column("step").unwrap_or_default());
        let mut last: BTreeMap<usize, f64> = BTreeMap::new();
        for (&of, &step) in phases.iter().zip(steps) {
            last.insert(of as usize, step);
        }
        last.range(..phase).map(|(_, &steps)| steps as u64).sum()
    }

    /// Epochs at which one phase gives way to the next.
    pub fn borders(&self) -> Vec<f64> {
        let (phases, epochs) =
            (self.column("phase").unwrap_or_default(), self.column("epoch").unwrap_or_default());
        let pairs = phases.windows(2).zip(epochs);
        pairs.filter(|(pair, _)| pair[0] != pair[1]).map(|(_, &epoch)| epoch).collect()
    }
}

impl History {
    /// Reads what is in a seed's folder; whatever cannot be read is in `damage`.
    pub fn read(folder: &Path) -> Self {
        let mut history = Self::default();
        history.metrics = history.take(folder, "metrics.csv", metrics).unwrap_or_default();
        history.measured = history.take(folder, "measurements.csv", measured).unwrap_or_default();
        history.program = history.take(folder, "pipeline.flat", |text| Ok((text.to_owned(), None)));
        // Damage of this file was noted with the run.
        let resolved = stored(folder, "resolved.json").ok().flatten();
        let resolved = resolved.and_then(|bytes| serde_json::from_slice::<Resolved>(&bytes).ok());
        if let Some(resolved) = resolved {
            (history.settings, history.meaning) = (resolved.settings, resolved.meaning);
        }
        let names = Sealed::new(folder).names();
        for name in names.iter().filter(|name| name.starts_with("fields/")) {
            let last = name == FINAL;
            if let Some(Fields { phase, step, fields, .. }) = history.take(folder, name, fields) {
                history.moments.push(Moment { phase, step, last, fields });
            }
        }
        history.moments.sort_by_key(|moment| (moment.last, moment.phase, moment.step));
        history
    }

    /// The latest field of every name and label.
    pub fn latest(&self) -> Vec<&Field> {
        let mut latest: Vec<&Field> = Vec::new();
        for field in self.moments.iter().flat_map(|moment| &moment.fields) {
            match latest.iter_mut().find(|known| known.name == field.name && known.label == field.label) {
                Some(known) => *known = field,
                None => latest.push(field),
            }
        }
        latest
    }

    /// What `parse` makes of a file; a file that is not there is no damage.
    fn take<T>(
        &mut self,
        folder: &Path,
        name: &str,
        parse: impl Fn(&str) -> Result<(T, Option<String>), String>,
    ) -> Option<T> {
        let parsed = match stored(folder, name) {
            Ok(None) => return None,
            Ok(Some(bytes)) => {
                String::from_utf8(bytes).map_err(|error| error.to_string()).and_then(|text| parse(&text))
            }
            Err(cause) => Err(cause),
        };
        let (parsed, cause) = match parsed {
            Ok((parsed, cause)) => (Some(parsed), cause),
            Err(cause) => (None, Some(cause)),
        };
        self.damage.extend(cause.map(|cause| Damage { path: folder.join(name), cause }));
        parsed
    }
}

/// The columns of all rows that have them, and what is wrong with the first row that has not.
fn metrics(text: &str) -> Result<(Metrics, Option<String>), String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let names: Vec<String> =
        reader.headers().map_err(|error| error.to_string())?.iter().map(Into::into).collect();
    let mut columns: Vec<(String, Vec<f64>)> = names.into_iter().map(|name| (name, Vec::new())).collect();
    let mut damage = None;
    for (row, record) in reader.records().enumerate() {
        let numbers =
            record.map_err(|error| error.to_string()).and_then(|record| numbers(&record, columns.len()));
        match numbers {
            Ok(numbers) => {
                columns.iter_mut().zip(numbers).for_each(|((_, column), value)| column.push(value))
            }
            Err(cause) => damage = damage.or(Some(format!("line {}: {cause}", row + 2))),
        }
    }
    Ok((Metrics { columns }, damage))
}

fn numbers(record: &csv::StringRecord, wanted: usize) -> Result<Vec<f64>, String> {
    if record.len() != wanted {
        return Err(format!("{} fields instead of {wanted}", record.len()));
    }
    let number = |text: &str| match text.trim() {
        "" => Ok(f64::NAN),
        // A list: one share for each attack step.
        text if text.contains(' ') => Ok(f64::NAN),
        text => text.parse().map_err(|_| format!("`{text}` is no number")),
    };
    record.iter().map(number).collect()
}

fn measured(text: &str) -> Result<(Vec<Measured>, Option<String>), String> {
    let (mut rows, mut damage) = (Vec::new(), None);
    for (row, record) in csv::Reader::from_reader(text.as_bytes()).deserialize::<Measured>().enumerate() {
        match record {
            Ok(record) => rows.push(Measured { name: cell::read(&record.name).to_owned(), ..record }),
            Err(error) => damage = damage.or(Some(format!("line {}: {error}", row + 2))),
        }
    }
    Ok((rows, damage))
}

fn fields(text: &str) -> Result<(Fields, Option<String>), String> {
    let mut read: Fields = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if read.schema != SCHEMA {
        return Err(format!("its schema is {}, and this version knows {SCHEMA}", read.schema));
    }
    let count = read.fields.len();
    read.fields.retain(is_whole);
    let lost = count - read.fields.len();
    let damage =
        (lost > 0).then(|| format!("{lost} of {count} fields have columns that do not fit their axes"));
    Ok((read, damage))
}

fn is_whole(field: &Field) -> bool {
    let points: usize = field.axes.iter().map(|axis| axis.values.len()).product();
    !field.axes.is_empty() && field.columns.iter().all(|column| column.values.len() == points)
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = "phase,epoch,step,train_loss\n1,1,20,2.0\n1,2,30,\n2,3,20,oops\n2,3,20,0.5\n2,4\n";

    #[test]
    fn rows_that_cannot_be_read_are_named_and_the_others_stay() {
        let (metrics, damage) = metrics(METRICS).unwrap();
        assert_eq!(damage.unwrap(), "line 4: `oops` is no number");
        assert_eq!(metrics.column("step"), Some([20.0, 30.0, 20.0].as_slice()));
        assert!(metrics.column("train_loss").unwrap()[1].is_nan());
        assert_eq!(metrics.total("train_loss"), 2.5);
    }

    #[test]
    fn steps_of_phases_become_epochs() {
        let (metrics, _) = metrics(METRICS).unwrap();
        let epochs = [(1, 0), (1, 10), (1, 20), (1, 25), (1, 30), (2, 10), (2, 20), (2, 99)];
        let expected = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.0];
        assert_eq!(epochs.map(|(phase, step)| metrics.epoch(phase, step)), expected);
        assert_eq!((metrics.steps_before(1), metrics.steps_before(2)), (0, 30));
        assert_eq!(metrics.borders(), [2.0]);
    }

    #[test]
    fn fields_must_fit_their_axes() {
        let text = r#"{"schema":1,"phase":1,"step":3,"fields":[
            {"name":"a","label":"a","axes":[{"name":"x","values":[0,1]}],"columns":[{"name":"y","values":[1,null]}]},
            {"name":"b","label":"b","axes":[{"name":"x","values":[0,1]}],"columns":[{"name":"y","values":[1]}]}]}"#;
        let (read, damage) = fields(text).unwrap();
        assert_eq!((read.fields.len(), damage.is_some()), (1, true));
        assert!(
            fields(r#"{"schema":2,"phase":1,"step":3,"fields":[]}"#).unwrap_err().contains("schema is 2")
        );
    }
}
