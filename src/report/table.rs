//! The table of a run: rows are variants, columns are measurements, cells are mean ± standard deviation over seeds.

use std::fmt::Write;

use serde::Serialize;

use super::markdown;
use crate::cell;

/// Significant digits of a mean.
const DIGITS: i32 = 4;

/// What one variant gave under one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub variant: String,
    /// Name and value of each measurement.
    pub values: Result<Vec<(String, f64)>, Missing>,
}

/// Why a run has no values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Failed,
    /// Interrupted, still running, or with results that cannot be read.
    Unfinished,
}

/// All variants of one or more runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Table {
    pub measurements: Vec<String>,
    pub rows: Vec<Row>,
}

/// One variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub variant: String,
    /// Seeds whose run finished.
    pub seeds: usize,
    /// Seeds whose run failed.
    pub failed: usize,
    /// Seeds whose run was interrupted or goes on.
    pub unfinished: usize,
    /// One per measurement of the table; `None` where the variant does not have it.
    pub cells: Vec<Option<Summary>>,
}

/// One measurement over the seeds of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    pub mean: f64,
    /// Sample standard deviation (n - 1 in the denominator); `None` for a single seed.
    pub std: Option<f64>,
    pub n: usize,
}

impl Summary {
    /// `None` without values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
        Some(Self { mean, std, n })
    }

    /// `0.1312 ± 0.0020`; in percent where `percent`.
    pub fn shown(&self, percent: bool) -> String {
        if !self.mean.is_finite() {
            return self.mean.to_string();
        }
        let scale = if percent { 100.0 } else { 1.0 };
        let mean = self.mean * scale;
        let decimals = if percent { 2 } else { decimals(mean) };
        match self.std {
            Some(std) => format!("{mean:.decimals$} ± {:.decimals$}", std * scale),
            None => format!("{mean:.decimals$}"),
        }
    }
}

/// Decimals that show [`DIGITS`] significant digits.
fn decimals(value: f64) -> usize {
    if value == 0.0 || !value.is_finite() {
        return DIGITS as usize;
    }
    let magnitude = value.abs().log10().floor() as i32;
    (DIGITS - 1 - magnitude).clamp(0, 12) as usize
}

/// Whether a number is one of an evaluator's, with whatever settings: `gap`, `gap.train`, `gap(samples=64).train`.
pub(super) fn is_of(measurement: &str, evaluator: &str) -> bool {
    let rest = measurement.strip_prefix(evaluator);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['(', '.']))
}

/// Whether a measurement is a share of samples, which people read in percent.
pub(super) fn in_percent(measurement: &str) -> bool {
    measurement.rsplit('.').next() == Some("accuracy")
        || ["corruption", "gap"].iter().any(|evaluator| is_of(measurement, evaluator))
}

pub(super) fn heading(measurement: &str) -> String {
    if in_percent(measurement) { format!("{measurement} %") } else { measurement.to_owned() }
}

impl Table {
    /// Gathers runs; variants and measurements keep the order in which they first appear.
    pub fn new(outcomes: &[Outcome]) -> Self {
        let mut variants: Vec<&str> = Vec::new();
        let mut measurements: Vec<String> = Vec::new();
        for outcome in outcomes {
            if !variants.contains(&outcome.variant.as_str()) {
                variants.push(&outcome.variant);
            }
            for (name, _) in outcome.values.iter().flatten() {
                if !measurements.contains(name) {
                    measurements.push(name.clone());
                }
            }
        }
        let rows = variants.into_iter().map(|variant| row(variant, &measurements, outcomes)).collect();
        Self { measurements, rows }
    }

    /// For people: columns, or one block per variant where columns do not fit into `width`.
    pub fn text(&self, width: usize) -> String {
        let cells = self.grid();
        let columns = columns(&cells);
        if columns.iter().sum::<usize>() + 2 * (columns.len() - 1) > width {
            self.blocks()
        } else {
            aligned(&cells, &columns)
        }
    }

    /// Markdown, as `text`.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for (index, row) in self.grid().iter().enumerate() {
            let cells: Vec<String> = row.iter().map(|cell| markdown::cell(cell)).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
            if index == 0 {
                let _ = writeln!(text, "|---|{}", "--:|".repeat(row.len() - 1));
            }
        }
        text
    }

    /// Every number in full: `<measurement>_mean` and `<measurement>_std`, empty where there is none.
    pub fn csv(&self) -> String {
        let mut lines = vec![["variant", "seeds", "failed", "unfinished"].map(str::to_owned).to_vec()];
        lines[0].extend(
            self.measurements
                .iter()
                .flat_map(|name| ["mean", "std"].map(|part| cell::written(&format!("{name}_{part}")))),
        );
        for row in &self.rows {
            let counts = [row.seeds, row.failed, row.unfinished].map(|count| count.to_string());
            let mut line = vec![cell::written(&row.variant)];
            line.extend(counts);
            line.extend(row.cells.iter().flat_map(|cell| {
                let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
                [number(cell.map(|summary| summary.mean)), number(cell.and_then(|summary| summary.std))]
            }));
            lines.push(line);
        }
        lines.iter().map(|line| csv_line(line)).collect()
    }

    /// Headings, then a line per variant.
    fn grid(&self) -> Vec<Vec<String>> {
        let mut heading_row = vec!["variant".to_owned(), "seeds".to_owned()];
        heading_row.extend(self.measurements.iter().map(|name| heading(name)));
        let mut grid = vec![heading_row];
        for row in &self.rows {
            let mut line = vec![row.variant.clone(), row.count()];
            line.extend(row.shown(&self.measurements));
            grid.push(line);
        }
        grid
    }

    fn blocks(&self) -> String {
        let column = self.measurements.iter().map(|name| heading(name).chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for row in &self.rows {
            let noun = match (row.seeds, row.missing()) {
                (0, _) => "",
                (1, 0) => " seed",
                _ => " seeds",
            };
            let _ = writeln!(text, "{} ({}{noun})", row.variant, row.count());
            for (name, cell) in self.measurements.iter().zip(row.shown(&self.measurements)) {
                let _ = writeln!(text, "  {:<column$}  {cell}", heading(name));
            }
        }
        text
    }
}

impl Row {
    fn missing(&self) -> usize {
        self.failed + self.unfinished
    }

    /// `3`, `2 of 3` where a run is missing, `failed` or `unfinished` where all are.
    pub fn count(&self) -> String {
        match (self.seeds, self.failed, self.unfinished) {
            (seeds, 0, 0) => seeds.to_string(),
            (0, _, 0) => "failed".into(),
            (0, 0, _) => "unfinished".into(),
            (seeds, ..) => format!("{seeds} of {}", seeds + self.missing()),
        }
    }

    fn shown(&self, measurements: &[String]) -> Vec<String> {
        let cell = |(name, summary): (&String, &Option<Summary>)| match summary {
            Some(summary) => summary.shown(in_percent(name)),
            None => "-".into(),
        };
        measurements.iter().zip(&self.cells).map(cell).collect()
    }
}

fn row(variant: &str, measurements: &[String], outcomes: &[Outcome]) -> Row {
    let of_variant: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.variant == variant).collect();
    let missing = |why| of_variant.iter().filter(|outcome| outcome.values == Err(why)).count();
    let (failed, unfinished) = (missing(Missing::Failed), missing(Missing::Unfinished));
    let values_of = |name: &String| {
        let values = of_variant.iter().filter_map(|outcome| outcome.values.as_ref().ok());
        let values = values.flatten().filter(|(known, _)| known == name).map(|(_, value)| *value);
        Summary::of(&values.collect::<Vec<_>>())
    };
    let cells = measurements.iter().map(values_of).collect();
    let seeds = of_variant.len() - failed - unfinished;
    Row { variant: variant.to_owned(), seeds, failed, unfinished, cells }
}

fn columns(grid: &[Vec<String>]) -> Vec<usize> {
    let count = grid.first().map_or(0, Vec::len);
    let widest = |column: usize| grid.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    (0..count).map(widest).collect()
}

/// Names to the left, numbers to the right.
fn aligned(grid: &[Vec<String>], columns: &[usize]) -> String {
    let mut text = String::new();
    for row in grid {
        let cells = row.iter().zip(columns).enumerate().map(|(index, (cell, &width))| match index {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A line of CSV; texts that a spreadsheet could compute are [`cell::written`] already.
pub(super) fn csv_line(cells: &[String]) -> String {
    cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",") + "\n"
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let run = |variant: &str, accuracy: f64, loss: f64| Outcome {
            variant: variant.into(),
            values: Ok(vec![("accuracy".into(), accuracy), ("loss".into(), loss)]),
        };
        let failed = |variant: &str| Outcome { variant: variant.into(), values: Err(Missing::Failed) };
        Table::new(&[
            run("sgd", 0.95, 0.25),
            run("sgd", 0.96, 0.35),
            run("a|b", 0.9712, 0.1),
            failed("a|b"),
            failed("sam"),
        ])
    }

    #[test]
    fn std_is_that_of_a_sample() {
        assert_eq!(Summary::of(&[1.0, 3.0]), Some(Summary { mean: 2.0, std: Some(2f64.sqrt()), n: 2 }));
        assert_eq!(Summary::of(&[5.0]), Some(Summary { mean: 5.0, std: None, n: 1 }));
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn columns_where_they_fit() {
        let expected = "\
variant   seeds    accuracy %             loss
sgd           2  95.50 ± 0.71  0.3000 ± 0.0707
a|b      1 of 2         97.12           0.1000
sam      failed             -                -
";
        assert_eq!(table().text(60), expected);
    }

    #[test]
    fn blocks_where_they_do_not() {
        let expected = "\
sgd (2 seeds)
  accuracy %  95.50 ± 0.71
  loss        0.3000 ± 0.0707
a|b (1 of 2 seeds)
  accuracy %  97.12
  loss        0.1000
sam (failed)
  accuracy %  -
  loss        -
";
        assert_eq!(table().text(40), expected);
    }

    #[test]
    fn markdown_escapes_its_bars() {
        let expected = "\
| variant | seeds | accuracy % | loss |
|---|--:|--:|--:|
| sgd | 2 | 95.50 ± 0.71 | 0.3000 ± 0.0707 |
| a\\|b | 1 of 2 | 97.12 | 0.1000 |
| sam | failed | - | - |
";
        assert_eq!(table().markdown(), expected);
    }

    #[test]
    fn names_make_no_formula_and_no_markup() {
        let values =
            Ok(vec![("=cmd|calc!A0.accuracy".into(), -0.5), ("<img onerror=x>\n.accuracy".into(), 1.0)]);
        let table = Table::new(&[Outcome { variant: "-1+1".into(), values }]);
        let csv = table.csv();
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let names: Vec<&str> = reader.headers().unwrap().iter().map(cell::read).collect();
        assert_eq!(names[4..6], ["=cmd|calc!A0.accuracy_mean", "=cmd|calc!A0.accuracy_std"]);
        assert!(csv.contains(",'=cmd|calc!A0.accuracy_mean,"), "{csv}");
        assert!(csv.contains("\n'-1+1,1,0,0,-0.5,"), "{csv}");
        let heading = "| variant | seeds | =cmd\\|calc!A0.accuracy % | &lt;img onerror=x> .accuracy % |\n";
        assert!(table.markdown().starts_with(heading), "{}", table.markdown());
    }

    #[test]
    fn csv_has_every_digit() {
        let expected = "\
variant,seeds,failed,unfinished,accuracy_mean,accuracy_std,loss_mean,loss_std
sgd,2,0,0,0.955,0.007071067811865481,0.3,0.07071067811865474
a|b,1,1,0,0.9712,,0.1,
sam,0,1,0,,,,
";
        assert_eq!(table().csv(), expected);
    }

    #[test]
    fn small_and_large_means_keep_their_digits() {
        assert_eq!(decimals(0.000_123_4), 7);
        assert_eq!(decimals(1234.5), 0);
        assert_eq!(decimals(0.0), 4);
    }

    #[test]
    fn when_all_failed_there_is_still_a_row() {
        let table = Table::new(&[Outcome { variant: "main".into(), values: Err(Missing::Failed) }]);
        assert_eq!(table.text(80), "variant   seeds\nmain     failed\n");
        let unfinished =
            |variant: &str| Outcome { variant: variant.into(), values: Err(Missing::Unfinished) };
        let finished = Outcome { variant: "a".into(), values: Ok(Vec::new()) };
        let table = Table::new(&[finished, unfinished("a"), unfinished("b")]);
        assert_eq!(table.text(80), "variant       seeds\na            1 of 2\nb        unfinished\n");
    }
}
