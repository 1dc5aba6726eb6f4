//! One statement, on one line or several.

use pest::iterators::Pair;

use crate::diagnostic::Span;
use crate::syntax::grammar::Rule;

use super::WIDTH;
use super::layout::{Clause, Comment, Group, Item, Part, Place, clauses};

/// How a written statement goes with its neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    /// On one line, with a column for its value; the number is the length of what stands before that column.
    Column(Kind, usize),
    Comment,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Setting,
    Binding,
}

impl Shape {
    /// Whether a run of `kind` goes on over it.
    pub fn joins(self, kind: Kind) -> bool {
        self == Shape::Comment || matches!(self, Shape::Column(other, _) if other == kind)
    }

    /// Length of what stands before the column; 0 without one.
    pub fn head(self) -> usize {
        match self {
            Shape::Column(_, head) => head,
            _ => 0,
        }
    }
}

pub(super) struct Written {
    pub shape: Shape,
    pub text: String,
}

const SETTINGS: &[&str] =
    &["data", "model", "optimize", "evaluate", "select", "seeds", "device", "precision", "export"];

/// The canonical text of the statement `pair`, which is `text` and holds `comments`.
pub(super) fn write(text: &str, comments: Vec<Span>, pair: Pair<'_, Rule>) -> Written {
    let clauses = clauses(text, comments, pair);
    let Some(first) = clauses.first() else { return Written { shape: Shape::Other, text: text.to_owned() } };
    let is_setting = SETTINGS.contains(&first.keyword.as_str());
    let widest = SETTINGS.iter().map(|keyword| keyword.len()).max().unwrap_or(0);
    let padding = if is_setting { widest - first.keyword.len() } else { 0 };
    let one_line = flat_clauses(&clauses).filter(|line| width(line) + padding <= WIDTH);
    let several = clauses.iter().any(|clause| clause.place.begins_line);
    match one_line {
        Some(text) if !several => {
            let shape = match first.keyword.as_str() {
                "let" => Shape::Column(Kind::Binding, first.head.len() - "=".len()),
                keyword if is_setting => Shape::Column(Kind::Setting, keyword.len()),
                _ => Shape::Other,
            };
            Written { shape, text }
        }
        _ => Written { shape: Shape::Other, text: on_lines(&clauses) },
    }
}

/// A statement on several lines: each phase of a training, or each clause, on its own.
fn on_lines(clauses: &[Clause]) -> String {
    let phases: Vec<&[Clause]> = clauses.chunk_by(|_, next| next.keyword != "then").collect();
    let one_line_each = phases.len() > 1 && phases.iter().all(|phase| phase_on_one_line(phase).is_some());
    let digits =
        if one_line_each { phases.iter().map(|phase| count_width(phase)).max().unwrap_or(0) } else { 0 };
    let mut out = String::new();
    for phase in phases {
        let indent = usize::from(phase[0].keyword == "then");
        begin_line(&mut out, &phase[0].place, indent);
        match phase_on_one_line(phase) {
            Some(line) => {
                let head = phase[0].head.len() + 1;
                let count = count_width(phase);
                let padding = if count > 0 { digits.saturating_sub(count) } else { 0 };
                out.push_str(&line[..head]);
                out.push_str(&" ".repeat(padding));
                out.push_str(&line[head..]);
                end_line(&mut out, phase.last().map(|clause| &clause.place));
            }
            None => clause_per_line(&mut out, phase, indent),
        }
    }
    out
}

/// The phase as one line, unless it was written on several.
fn phase_on_one_line(phase: &[Clause]) -> Option<String> {
    let rest = phase.get(1..)?;
    let apart = rest.iter().any(|clause| clause.place.begins_line);
    flat_clauses(phase).filter(|line| !apart && width(line) < WIDTH)
}

/// Digits of the duration of a phase; 0 without one.
fn count_width(phase: &[Clause]) -> usize {
    match (phase[0].keyword.as_str(), phase[0].values.first()) {
        ("train" | "then", Some(Part::Text(text))) => {
            text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
        }
        _ => 0,
    }
}

fn clause_per_line(out: &mut String, clauses: &[Clause], indent: usize) {
    for (position, clause) in clauses.iter().enumerate() {
        let indent = if position > 0 { 2 } else { indent };
        if position > 0 {
            begin_line(out, &clause.place, indent);
        }
        out.push_str(&clause.head);
        out.push(' ');
        write_parts(out, &clause.values, indent, 0);
        end_line(out, Some(&clause.place));
    }
}

/// Starts a line, after the comments and the blank line that stand before it.
fn begin_line(out: &mut String, place: &Place, indent: usize) {
    let mut line = |blank: bool, text: &str| {
        if !out.is_empty() {
            out.push_str(if blank { "\n\n" } else { "\n" });
        }
        out.push_str(&" ".repeat(indent));
        out.push_str(text);
    };
    for Comment { blank, text } in &place.leading {
        line(*blank, text);
    }
    line(place.blank, "");
}

fn end_line(out: &mut String, place: Option<&Place>) {
    if let Some(comment) = place.and_then(|place| place.trailing.as_ref()) {
        out.push_str("  ");
        out.push_str(comment);
    }
}

/// Writes `parts`; a group is broken where it does not fit before the margin with `after` characters behind it.
fn write_parts(out: &mut String, parts: &[Part], indent: usize, after: usize) {
    for (position, part) in parts.iter().enumerate() {
        let next = match parts.get(position + 1) {
            Some(Part::Text(text)) => width(text),
            _ => after,
        };
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Group(group) => match flat_group(group) {
                Some(flat) if column(out) + width(&flat) + next <= WIDTH => out.push_str(&flat),
                _ => write_group(out, group, indent),
            },
        }
    }
}

fn write_group(out: &mut String, group: &Group, indent: usize) {
    out.push(group.open);
    match plain_items(group) {
        Some(items) => fill(out, &items, indent + 2),
        None => write_items(out, group, indent + 2),
    }
    out.push('\n');
    out.push_str(&" ".repeat(indent));
    out.push(group.close);
}

fn write_items(out: &mut String, group: &Group, indent: usize) {
    let last = group.items.len().saturating_sub(1);
    for (position, Item { parts, place }) in group.items.iter().enumerate() {
        let comma = usize::from(position < last);
        begin_item(out, place, indent, position == 0);
        write_parts(out, parts, indent, comma);
        out.push_str(&",".repeat(comma));
        end_line(out, Some(place));
    }
    for Comment { blank, text } in &group.tail {
        out.push_str(if *blank { "\n\n" } else { "\n" });
        out.push_str(&" ".repeat(indent));
        out.push_str(text);
    }
}

fn begin_item(out: &mut String, place: &Place, indent: usize, first: bool) {
    let opened = out.len();
    begin_line(out, place, indent);
    // No blank line right after the bracket.
    if first && out[opened..].starts_with("\n\n") {
        out.remove(opened);
    }
}

/// Items that are a single word or number each: as many on a line as fit.
fn plain_items(group: &Group) -> Option<Vec<&str>> {
    let plain = |item: &'_ Item| match (&item.parts[..], &item.place) {
        ([Part::Text(_)], Place { leading, trailing: None, .. }) => leading.is_empty(),
        _ => false,
    };
    let is_plain = group.tail.is_empty() && group.open == '[' && group.items.iter().all(plain);
    let texts = group.items.iter().filter_map(|item| match item.parts.first() {
        Some(Part::Text(text)) => Some(text.as_str()),
        _ => None,
    });
    is_plain.then(|| texts.collect())
}

fn fill(out: &mut String, items: &[&str], indent: usize) {
    for (position, item) in items.iter().enumerate() {
        let comma = if position + 1 < items.len() { "," } else { "" };
        if position == 0 || column(out) + 1 + width(item) + comma.len() > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
        } else {
            out.push(' ');
        }
        out.push_str(item);
        out.push_str(comma);
    }
}

/// All on one line; `None` where a comment stands in between.
fn flat_clauses(clauses: &[Clause]) -> Option<String> {
    let mut line = String::new();
    for (position, clause) in clauses.iter().enumerate() {
        let last = position + 1 == clauses.len();
        let Place { leading, trailing, .. } = &clause.place;
        if (position > 0 && !leading.is_empty()) || (!last && trailing.is_some()) {
            return None;
        }
        if position > 0 {
            line.push(' ');
        }
        line.push_str(&clause.head);
        line.push(' ');
        line.push_str(&flat_parts(&clause.values)?);
    }
    Some(line)
}

fn flat_parts(parts: &[Part]) -> Option<String> {
    let flat = |part: &Part| match part {
        Part::Text(text) => Some(text.clone()),
        Part::Group(group) => flat_group(group),
    };
    parts.iter().map(flat).collect()
}

fn flat_group(group: &Group) -> Option<String> {
    let flat = |item: &Item| match &item.place {
        Place { leading, trailing: None, .. } if leading.is_empty() => flat_parts(&item.parts),
        _ => None,
    };
    let items: Vec<String> = group.items.iter().map(flat).collect::<Option<_>>()?;
    group.tail.is_empty().then(|| format!("{}{}{}", group.open, items.join(", "), group.close))
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Characters on the last line of `out`.
fn column(out: &str) -> usize {
    width(out.rsplit('\n').next().unwrap_or_default())
}
