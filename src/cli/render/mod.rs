//! Findings as text for people and for programs.

mod github;
mod human;
mod json;
mod place;
mod sarif;
mod short;

use clap::ValueEnum;

use super::source::Source;
use super::terminal::Terminal;
use crate::diagnostic::{self, Diagnostic, Level};
use crate::lang::words;
use human::human;
pub use place::{Lines, Place};

/// Values of `check --format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Findings with the text they are about.
    #[default]
    Human,
    /// One line per finding.
    Short,
    /// A list of objects.
    Json,
    /// Commands that annotate a pull request on GitHub.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

/// A file and what was found in it.
#[derive(Clone, Debug)]
pub struct FileFindings {
    pub source: Source,
    pub diagnostics: Vec<Diagnostic>,
}

impl FileFindings {
    /// The findings that are written out.
    fn shown(&self) -> Vec<Diagnostic> {
        diagnostic::shown(&self.diagnostics)
    }

    /// Writes the findings, where there are any, for people, beside another result.
    pub fn show(&self, terminal: &Terminal) {
        if !self.diagnostics.is_empty() {
            terminal.note(&human(std::slice::from_ref(self), terminal.width, terminal.error_color));
        }
    }
}

/// All findings in one of the formats; human ones in lines of `width`.
pub fn render(files: &[FileFindings], format: Format, width: usize, color: bool) -> String {
    match format {
        Format::Human => human(files, width, color),
        Format::Short => short::short(files),
        Format::Json => json::json(files),
        Format::Github => github::github(files),
        Format::Sarif => sarif::sarif(files),
    }
}

/// `found 2 errors and 1 warning, 1 of them fixable with --fix`.
pub fn summary(files: &[FileFindings]) -> String {
    let all: Vec<&Diagnostic> = files.iter().flat_map(|file| &file.diagnostics).collect();
    let of_level = |level| all.iter().filter(move |finding| finding.level() == level);
    let count = |level| of_level(level).map(|finding| 1 + finding.more).sum();
    let [errors, warnings]: [usize; 2] = [Level::Error, Level::Warning].map(count);
    let counts = [counted(errors, "error"), counted(warnings, "warning")];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    if counts.is_empty() {
        return "no findings".into();
    }
    let found = format!("found {}", counts.join(" and "));
    match all.iter().filter(|finding| is_fixable(finding)).count() {
        0 => found,
        fixable if fixable == errors + warnings => format!("{found}, fixable with --fix"),
        fixable => format!("{found}, {fixable} of them fixable with --fix"),
    }
}

pub fn is_fixable(finding: &Diagnostic) -> bool {
    finding.fix.as_ref().is_some_and(|fix| fix.safe)
}

fn counted(count: usize, noun: &str) -> Option<String> {
    (count > 0).then(|| words::counted(count, noun))
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
    }
}

#[cfg(test)]
pub(super) mod fixture {
    use super::FileFindings;
    use crate::cli::source::Source;
    use crate::diagnostic::{Code, Diagnostic, Span};

    /// A line with letters outside ASCII before the place, a fix, and characters every format must escape.
    pub fn files() -> Vec<FileFindings> {
        let text = "title \"é\"\nunder lesma # 100 %\n";
        let span = Span::new(17, 22);
        let message = "no minimizer is named `lesma`: 100 %,\n\"quoted\"";
        let finding = Diagnostic::new(Code::UnknownComponent, span, message, "not a minimizer")
            .help("the nearest minimizer is `lesam`")
            .fix("replace by `lesam`", span, "lesam");
        let lint = Diagnostic::new(Code::EditionMissing, Span::new(0, 0), "no edition", "before this");
        let source = Source::for_test("a,b.flat", text);
        vec![FileFindings { source, diagnostics: vec![lint, finding] }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts() {
        let mut files = fixture::files();
        assert_eq!(summary(&files), "found 1 error and 1 warning, 1 of them fixable with --fix");
        files[0].diagnostics.remove(0);
        assert_eq!(summary(&files), "found 1 error, fixable with --fix");
        files[0].diagnostics.clear();
        assert_eq!(summary(&files), "no findings");
    }
}
