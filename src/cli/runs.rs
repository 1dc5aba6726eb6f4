//! `flatrun runs`: what was run.

use std::fmt::Write;
use std::io::ErrorKind;

use super::exit::{Exit, Failure};
use super::run::RunsArg;
use super::terminal::{Terminal, paint};
use crate::report::{RunRecord, State, Table, list};

/// Rows of results shown per run.
const ROWS: usize = 4;

/// List what was run, oldest first
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    runs: RunsArg,
}

/// # Errors
/// The folder cannot be read, or standard output cannot be written.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let records = match list(&args.runs.folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        listed => listed.map_err(|error| Failure::unreadable(&args.runs.folder, &error))?,
    };
    if records.is_empty() {
        terminal.note(&format!("nothing was run in `{}`\n", args.runs.folder.display()));
        return Ok(Exit::Done);
    }
    let entries: Vec<String> = records.iter().map(|record| entry(record, terminal)).collect();
    terminal.print(&entries.join("\n"))?;
    Ok(Exit::Done)
}

fn entry(record: &RunRecord, terminal: &Terminal) -> String {
    let folder = paint(&record.folder.display().to_string(), "1", terminal.output_color);
    let mut text = format!("{folder}: {}\n", state(record));
    let title = record.title.as_ref().map(|title| format!("{title}; ")).unwrap_or_default();
    let began = record.seeds.first().map_or(0.0, |seed| seed.began);
    let _ = writeln!(text, "  {title}{}; begun {}", size(record), date(began));
    let table = Table::new(&record.outcomes());
    let rows = table.rows.len();
    let shown = Table { rows: table.rows.into_iter().take(ROWS).collect(), measurements: table.measurements };
    if rows > 0 {
        shown.text(terminal.width.saturating_sub(2)).lines().for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
    }
    if rows > ROWS {
        let _ = writeln!(text, "  and {} more variants", rows - ROWS);
    }
    text
}

/// `finished`, `interrupted at step 40 of phase 2 (sam, seed 1)`, `1 of 6 failed`.
fn state(record: &RunRecord) -> String {
    if record.running {
        return "running".into();
    }
    let interrupted = record.seeds.iter().find_map(|seed| match &seed.state {
        State::Interrupted { phase, step } => Some((seed, phase, step)),
        _ => None,
    });
    if let Some((seed, phase, step)) = interrupted {
        return format!("interrupted at step {step} of phase {phase} ({}, seed {})", seed.variant, seed.seed);
    }
    match record.seeds.iter().filter(|seed| matches!(seed.state, State::Failed(_))).count() {
        0 => "finished".into(),
        failed if failed == record.seeds.len() => "failed".into(),
        failed => format!("{failed} of {} failed", record.seeds.len()),
    }
}

fn size(record: &RunRecord) -> String {
    let mut seeds: Vec<u64> = record.seeds.iter().map(|seed| seed.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let counted =
        |count: usize, noun: &str| if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") };
    format!("{}, {}", counted(record.variants().len(), "variant"), counted(seeds.len(), "seed"))
}

/// `2026-08-25 14:03 UTC`, from seconds since 1970-01-01 UTC.
fn date(seconds: f64) -> String {
    let minutes = (seconds / 60.0).floor() as i64;
    let (days, minute) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
    let (year, month, day) = civil(days);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", minute / 60, minute % 60)
}

/// Year, month and day of a number of days since 1970-01-01, counted in eras of 400 years that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let of_month = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_calendar() {
        assert_eq!(date(0.0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_400.0), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_787_666_580.0), "2026-08-25 14:03 UTC");
        assert_eq!(date(4_107_542_399.0), "2100-02-28 23:59 UTC");
    }
}
