//! One run in one line.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::report::outline::Outline;
use crate::report::{self, Best, RunRecord, Table};
use crate::run::tidy;

/// What is seen of a run at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub name: String,
    pub folder: String,
    pub state: State,
    /// Variants under a seed that are finished, of all that the program asks for.
    pub done: usize,
    pub of: usize,
    pub failed: usize,
    pub best: Option<Best>,
    /// Seconds since 1970-01-01 UTC when something was last recorded.
    pub changed: u64,
    pub bytes: u64,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Running,
    Finished,
    Interrupted,
    Failed,
    Damaged,
}

impl State {
    fn of(record: &RunRecord, of: usize) -> Self {
        use report::State as Seed;
        let any = |is: fn(&Seed) -> bool| record.seeds.iter().any(|seed| is(&seed.state));
        if record.running {
            State::Running
        } else if any(|state| matches!(state, Seed::Interrupted { .. })) || record.seeds.len() < of {
            State::Interrupted
        } else if any(|state| matches!(state, Seed::Failed(_))) {
            State::Failed
        } else if any(|state| matches!(state, Seed::Damaged)) {
            State::Damaged
        } else {
            State::Finished
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Finished => "finished",
            State::Interrupted => "interrupted",
            State::Failed => "failed",
            State::Damaged => "damaged",
        }
    }
}

impl Line {
    pub fn of(record: &RunRecord) -> Self {
        let outlines = record.seeds.iter().filter_map(|seed| Outline::read(&seed.folder)?.runs);
        let of = outlines.max().unwrap_or(0).max(record.seeds.len());
        let count =
            |is: fn(&report::State) -> bool| record.seeds.iter().filter(|seed| is(&seed.state)).count();
        let changed = record.seeds.iter().filter_map(|seed| {
            let time = fs::metadata(seed.folder.join("events.jsonl")).and_then(|about| about.modified());
            Some(seconds(time.ok()?))
        });
        Self {
            name: record.name(),
            folder: record.folder.display().to_string(),
            state: State::of(record, of),
            done: count(|state| matches!(state, report::State::Finished)),
            of,
            failed: count(|state| matches!(state, report::State::Failed(_))),
            best: Best::of(&Table::new(&record.outcomes())),
            changed: changed.max().unwrap_or(0),
            bytes: tidy::size(&record.folder),
        }
    }

    fn cells(&self, with_variant: bool) -> [String; 6] {
        let best = self.best.as_ref().map_or_else(
            || "-".into(),
            |best| match with_variant && self.of > 1 {
                true => format!("{}, {}", best.shown(), best.variant),
                false => best.shown(),
            },
        );
        let age = seconds(SystemTime::now()).saturating_sub(self.changed);
        let done = format!("{}/{}", self.done, self.of);
        [self.name.clone(), self.state.name().into(), done, best, age_of(age), bytes(self.bytes)]
    }
}

const HEADINGS: [&str; 6] = ["run", "state", "done", "best", "age", "size"];

/// Columns that a narrow terminal goes without, the least wanted first.
const DISPENSABLE: [usize; 3] = [5, 4, 3];

/// A table of runs; where it does not fit into `width`, columns are left out.
pub fn table(lines: &[Line], width: usize) -> String {
    let rows = |with_variant| {
        let head = HEADINGS.map(str::to_owned);
        [head].into_iter().chain(lines.iter().map(move |line| line.cells(with_variant))).collect::<Vec<_>>()
    };
    let mut columns: Vec<usize> = (0..HEADINGS.len()).collect();
    let whole = rows(true);
    if total(&whole, &columns) <= width {
        return text(&whole, &columns);
    }
    let short = rows(false);
    for column in DISPENSABLE {
        if total(&short, &columns) > width {
            columns.retain(|known| *known != column);
        }
    }
    text(&short, &columns)
}

fn wide(rows: &[[String; 6]], column: usize) -> usize {
    rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
}

fn total(rows: &[[String; 6]], columns: &[usize]) -> usize {
    columns.iter().map(|&column| wide(rows, column)).sum::<usize>() + 2 * (columns.len() - 1)
}

fn text(rows: &[[String; 6]], columns: &[usize]) -> String {
    let line = |row: &[String; 6]| {
        let cells = columns.iter().map(|&column| format!("{:<1$}", row[column], wide(rows, column)));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// `12 s`, `5 min`, `3 h`, `2 d`.
fn age_of(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `512 B`, `1.2 MB`.
pub fn bytes(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(unit > 0 && value < 9.95);
    format!("{value:.decimals$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_in_one_unit() {
        assert_eq!(
            [0, 999, 1200, 12_345_678, 999_999_999].map(bytes),
            ["0 B", "999 B", "1.2 kB", "12 MB", "1.0 GB"]
        );
        assert_eq!([5, 125, 7300, 200_000].map(age_of), ["5 s", "2 min", "2 h", "2 d"]);
    }

    #[test]
    fn a_narrow_table_goes_without_its_last_columns() {
        let line = Line {
            name: "quickstart-436b4f14".into(),
            folder: String::new(),
            state: State::Interrupted,
            done: 3,
            of: 9,
            failed: 0,
            best: Some(Best { measurement: "accuracy".into(), variant: "sam-rho-0.05".into(), mean: 0.975 }),
            changed: seconds(SystemTime::now()),
            bytes: 5_000_000,
        };
        let lines = [line];
        let at = |width| table(&lines, width).lines().nth(1).unwrap().to_owned();
        let whole = "quickstart-436b4f14  interrupted  3/9   accuracy 97.50 %, sam-rho-0.05  0 s  5.0 MB";
        assert_eq!(at(100), whole);
        assert_eq!(at(60), "quickstart-436b4f14  interrupted  3/9   accuracy 97.50 %");
        assert_eq!(at(40), "quickstart-436b4f14  interrupted  3/9");
        assert!(table(&lines, 60).lines().all(|line| line.chars().count() <= 60));
    }
}
