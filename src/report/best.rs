//! The number a run is known by.

use serde::Serialize;

use super::Table;
use super::table::in_percent;

/// The best variant by the first accuracy of a table, or by its loss.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Best {
    pub measurement: String,
    pub variant: String,
    /// Over seeds.
    pub mean: f64,
}

impl Best {
    /// `None` where nothing was measured of which more is better, or less.
    pub fn of(table: &Table) -> Option<Self> {
        let find = |wanted: fn(&str) -> bool| table.measurements.iter().position(|name| wanted(name));
        let (column, sign) = match find(|name| name.rsplit('.').next() == Some("accuracy")) {
            Some(column) => (column, 1.0),
            None => (find(|name| name == "loss")?, -1.0),
        };
        let known = table.rows.iter().filter_map(|row| Some((row, (*row.cells.get(column)?)?.mean)));
        let known = known.filter(|(_, mean)| mean.is_finite());
        let (row, mean) = known.max_by(|(_, one), (_, other)| (sign * one).total_cmp(&(sign * other)))?;
        Some(Self { measurement: table.measurements[column].clone(), variant: row.variant.clone(), mean })
    }

    /// `accuracy 97.50 %`.
    pub fn shown(&self) -> String {
        match in_percent(&self.measurement) {
            true => format!("{} {:.2} %", self.measurement, 100.0 * self.mean),
            false => format!("{} {:.4}", self.measurement, self.mean),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Missing, Outcome};

    fn table(rows: &[(&str, &[(&str, f64)])]) -> Table {
        let outcome = |(variant, values): &(&str, &[(&str, f64)])| Outcome {
            variant: (*variant).to_owned(),
            values: match values {
                [] => Err(Missing::Failed),
                values => Ok(values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()),
            },
        };
        Table::new(&rows.iter().map(outcome).collect::<Vec<_>>())
    }

    #[test]
    fn accuracies_count_before_losses() {
        let all = table(&[
            ("a", &[("loss", 0.1), ("accuracy", 0.5)]),
            ("b", &[("loss", 0.2), ("accuracy", 0.75)]),
            ("c", &[]),
        ]);
        let best = Best::of(&all).unwrap();
        assert_eq!((best.variant.as_str(), best.shown().as_str()), ("b", "accuracy 75.00 %"));
        let losses = table(&[("a", &[("loss", 0.1)]), ("b", &[("loss", f64::NAN)])]);
        assert_eq!(Best::of(&losses).unwrap().shown(), "loss 0.1000");
        assert_eq!(Best::of(&table(&[("a", &[("hessian.top", 9.0)])])), None);
    }
}
