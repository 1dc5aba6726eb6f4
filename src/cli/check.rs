//! `flatrun check`: everything that can be known without training.

use std::path::PathBuf;

use super::exit::{Exit, Failure};
use super::fix::{self, Settled};
use super::render::{FileFindings, Format, render};
use super::run::SettingArgs;
use super::source::{Source, expand};
use super::terminal::Terminal;
use crate::diagnostic::Level;
use crate::lang::Settings;
use crate::lang::words::counted;

/// Check files without training: names, types, units, schedules, data
///
/// Exits with 1 where a file has an error; a warning alone stops nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files to check, or folders of them; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    settings: SettingArgs,
    /// How findings are written: human, short, json, github or sarif
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", hide_possible_values = true)]
    format: Format,
    /// Apply the fixes that are safe; from standard input the fixed text goes to standard output
    #[arg(long)]
    fix: bool,
}

/// # Errors
/// Standard output cannot be written.
pub fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    let mut checked = Vec::new();
    let settings = args.settings.to_settings();
    for file in expand(&args.files) {
        match file
            .and_then(|file| Source::read(&file))
            .and_then(|source| check(source, &settings, args.fix, terminal))
        {
            Ok(findings) => checked.push(findings),
            Err(failure) => {
                terminal.failure(&failure);
                exit = exit.max(failure.exit);
            }
        }
    }
    let fixed_stdin = args.fix && checked.iter().any(|file| file.source.path.is_none());
    if !checked.is_empty() || args.format != Format::Human {
        if fixed_stdin {
            terminal.note(&render(&checked, args.format, terminal.width, terminal.error_color));
        } else {
            print(
                &render(&checked, args.format, terminal.width, terminal.output_color),
                args.format,
                terminal,
            )?;
        }
    }
    let mut findings = checked.iter().flat_map(|file| &file.diagnostics);
    let wrong = findings.any(|finding| finding.level() == Level::Error);
    Ok(exit.max(if wrong { Exit::Findings } else { Exit::Done }))
}

fn print(text: &str, format: Format, terminal: &Terminal) -> Result<(), Failure> {
    match format {
        Format::Human | Format::Short | Format::Github => terminal.print(text),
        Format::Json | Format::Sarif => terminal.data(text),
    }
}

fn check(
    mut source: Source,
    settings: &Settings,
    fix: bool,
    terminal: &Terminal,
) -> Result<FileFindings, Failure> {
    let mut diagnostics = source.check(settings).diagnostics;
    if fix {
        let settled = fix::settle(&mut source, settings, &mut diagnostics);
        store(&source, &settled, terminal)?;
    }
    Ok(FileFindings { source, diagnostics })
}

fn store(source: &Source, settled: &Settled, terminal: &Terminal) -> Result<(), Failure> {
    match &source.path {
        None => terminal.data(&source.text)?,
        Some(path) if settled.count > 0 => source.store(path)?,
        Some(_) => {}
    }
    settled.applied.iter().chain(&settled.refused).for_each(|line| terminal.note(&format!("{line}\n")));
    if settled.count > 0 && source.path.is_some() {
        let fixes = counted(settled.count, "fix");
        terminal.note(&format!("applied {fixes} to {}\n", source.name));
    }
    Ok(())
}
