//! Findings for people, drawn by miette.

use std::fmt::{self, Display};

use miette::{
    Diagnostic as Drawn, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, Severity, SourceCode, SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};

use super::place::Lines;
use super::{FileFindings, summary};
use crate::cli::safe::{drawable, safe, safe_line};
use crate::diagnostic::{Diagnostic, Fix, Label, Level};

/// What miette asks for where it draws; [`WholeLines`] answers it with whole lines and no others.
const CONTEXT: usize = 1;

/// Columns of a drawing that are not the source's: line number and frame.
const FRAME: usize = 10;

/// Two labels further apart than this are drawn without the lines between them.
const APART: usize = 20;

/// Every finding with the lines it is about, and how many there are.
pub fn human(files: &[FileFindings], width: usize, color: bool) -> String {
    let handler = handler(width, color);
    let room = width.saturating_sub(FRAME);
    let mut text = String::new();
    for file in files {
        let drawn = drawable(&file.source.text);
        let lines = Lines::new(&drawn);
        let whole = WholeLines { name: &safe_line(&file.source.name), text: &drawn, lines: &lines, room };
        for finding in &file.shown() {
            let finding = &without_commands(finding);
            let help = help(finding, &whole);
            let report = Report { finding, source: &whole, help };
            // Writing to a string fails only where the report's own source does, and that is in memory.
            let _ = handler.render_report(&mut text, &report);
            if drawn.is_empty() {
                text.push_str(&format!("   in {}\n", whole.name));
            }
            text.extend(finding.rest().map(|rest| format!("\n{rest}\n")));
            text.push('\n');
        }
    }
    text.push_str(&summary(files));
    text.push('\n');
    text
}

fn handler(width: usize, color: bool) -> GraphicalReportHandler {
    let styles = if color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    let theme = GraphicalTheme { characters: ThemeCharacters::unicode(), styles };
    GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false).with_context_lines(CONTEXT)
}

/// The finding with nothing in it that a terminal obeys.
fn without_commands(finding: &Diagnostic) -> Diagnostic {
    let mut finding = finding.clone();
    let labels = finding.labels.iter_mut().map(|label| &mut label.text);
    let fixes = finding.fix.iter_mut().flat_map(|Fix { title, edits, .. }| {
        std::iter::once(title).chain(edits.iter_mut().map(|edit| &mut edit.replacement))
    });
    for text in std::iter::once(&mut finding.message).chain(&mut finding.help).chain(labels).chain(fixes) {
        *text = safe(text).into_owned();
    }
    finding
}

/// The help of a finding, and the line as its fix makes it.
fn help(finding: &Diagnostic, source: &WholeLines<'_>) -> Option<String> {
    let mut help = finding.help.clone();
    if let Some(fix) = &finding.fix {
        help.push(match fixed_line(fix, source).filter(|line| line.chars().count() <= source.room) {
            Some(line) => format!("{}: {line}", fix.title),
            None => fix.title.clone(),
        });
    }
    (!help.is_empty()).then(|| help.join("\n"))
}

/// What a fix within one line makes of it.
fn fixed_line(fix: &Fix, source: &WholeLines<'_>) -> Option<String> {
    let [edit] = fix.edits.as_slice() else { return None };
    let (start, end) = source.lines.line_around(edit.span.start);
    if edit.span.end > end || edit.replacement.contains('\n') {
        return None;
    }
    let text = source.text;
    let line = [&text[start..edit.span.start], &edit.replacement, &text[edit.span.end..end]].concat();
    Some(line.trim().to_owned())
}

/// A text that is drawn by whole lines, or by the part around a label where a line has no room.
#[derive(Debug)]
struct WholeLines<'a> {
    name: &'a str,
    text: &'a str,
    lines: &'a Lines<'a>,
    /// Columns for a line.
    room: usize,
}

impl SourceCode for WholeLines<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        // Without context it is the place in the heading, where the column matters.
        let (start, end) = if before + after == 0 { (start, end) } else { self.drawn(start, end) };
        let first = self.lines.place(start);
        let last = self.lines.line(end);
        // Labels are drawn together where the second begins within so many lines from the first.
        let together = (last - 1).min(last - first.line + 1 + APART);
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.to_owned(),
            self.text.get(start..end).ok_or(MietteError::OutOfBounds)?.as_bytes(),
            (start, end - start).into(),
            first.line - 1,
            first.column - 1,
            together,
        )))
    }
}

impl WholeLines<'_> {
    /// Where the label of a part of one line ends on the drawing, which has no room for more.
    fn cut(&self, start: usize, end: usize) -> usize {
        let within_line = self.lines.line_around(start) == self.lines.line_around(end);
        match self.text.get(start..end).and_then(|part| part.char_indices().nth(self.room / 2)) {
            Some((room, _)) if within_line => start + room,
            _ => end,
        }
    }

    /// The part of the text that is drawn for a label.
    fn drawn(&self, start: usize, end: usize) -> (usize, usize) {
        let line = self.lines.line_around(start);
        let last = self.lines.line_around(end.saturating_sub(1).max(start));
        if line.0 == last.1 {
            // An empty line at the end of the file is drawn with the one before it.
            return (self.lines.line_around(line.0.saturating_sub(1)).0, last.1);
        }
        if line != last || self.text[line.0..line.1].chars().count() <= self.room {
            return (line.0, last.1);
        }
        let first = self.text.floor_char_boundary(start.saturating_sub(self.room / 2).max(line.0));
        (first, self.text.floor_char_boundary((first + self.room).max(end).min(line.1)))
    }
}

/// A finding as miette wants it.
struct Report<'a> {
    finding: &'a Diagnostic,
    source: &'a WholeLines<'a>,
    help: Option<String>,
}

impl Drawn for Report<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        let info = self.finding.code.info();
        Some(Box::new(format!("{} {}", info.id, info.slug)))
    }

    fn severity(&self) -> Option<Severity> {
        Some(match self.finding.level() {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        // An empty text has no line to draw.
        (!self.source.text.is_empty()).then_some(self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.finding.labels.iter().enumerate();
        let drawn = labels.filter(|(index, label)| *index == 0 || self.has_room(label));
        Some(Box::new(drawn.map(|(index, label)| self.label(index, label))))
    }
}

impl Report<'_> {
    /// Whether a second label of a long line can be drawn beside the first.
    fn has_room(&self, label: &Label) -> bool {
        let first = self.finding.span();
        let (one, other) =
            (self.source.lines.line_around(first.start), self.source.lines.line_around(label.span.start));
        one != other || one.1 - one.0 <= self.source.room || {
            let joined = first.join(label.span);
            joined.end - joined.start <= self.source.room / 2
        }
    }

    fn label(&self, index: usize, label: &Label) -> LabeledSpan {
        let end = label.span.end.min(self.source.text.len());
        let start = label.span.start.min(end);
        let end = self.source.cut(start, end);
        let text = Some(label.text.clone()).filter(|text| !text.is_empty());
        let place = (start, end - start);
        if index == 0 {
            LabeledSpan::new_primary_with_span(text, place)
        } else {
            LabeledSpan::new_with_span(text, place)
        }
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.finding, formatter)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.finding.message)
    }
}

impl std::error::Error for Report<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::fixture;

    #[test]
    fn a_finding_is_drawn_on_its_line() {
        let expected = "\
L0001 edition-missing

  ⚠ no edition
   ╭─[a,b.flat:1:1]
 1 │ title \"é\"
   · ▲
   · ╰── before this
   ╰────

F0201 unknown-component

  × no minimizer is named `lesma`: 100 %,
  │ \"quoted\"
   ╭─[a,b.flat:2:7]
 2 │ under lesma # 100 %
   ·       ──┬──
   ·         ╰── not a minimizer
   ╰────
  help: the nearest minimizer is `lesam`
        replace by `lesam`: under lesam # 100 %

found 1 error and 1 warning, 1 of them fixable with --fix
";
        assert_eq!(human(&fixture::files(), 80, false), expected);
    }

    #[test]
    fn of_a_long_line_the_part_around_the_label_is_drawn() {
        let mut files = fixture::files();
        let pad = "# é ".repeat(1000);
        let [_, finding] = files[0].diagnostics.as_mut_slice() else { panic!("two findings") };
        let span = crate::diagnostic::Span::new(pad.len(), pad.len() + 5);
        finding.labels[0].span = span;
        finding.fix = None;
        files[0].source.text = format!("{pad}lesma {pad}");
        let text = human(&files, 60, false);
        let drawn = text.lines().find(|line| line.contains("lesma #")).unwrap();
        assert!(drawn.chars().count() <= 60, "{drawn}");
    }

    #[test]
    fn long_labels_and_those_far_away_are_cut() {
        let mut files = fixture::files();
        let [_, finding] = files[0].diagnostics.as_mut_slice() else { panic!("two findings") };
        let text = format!("evaluate {}\n", "pgd(eps = 0.1), ".repeat(70));
        finding.labels[0].span = crate::diagnostic::Span::new(9, text.len() - 3);
        finding.fix = None;
        let far = crate::diagnostic::Span::new(text.len() - 20, text.len() - 10);
        let finding = finding.clone().label(far, "the last of them");
        files[0].diagnostics = vec![finding];
        files[0].source.text = text;
        let text = human(&files, 60, false);
        assert!(text.contains("evaluate pgd"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 66), "{text}");
    }
}
