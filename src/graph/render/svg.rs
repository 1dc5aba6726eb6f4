//! A picture that follows the reader's light or dark mode.

use std::fmt::Write;

use super::View;
use super::layout::{Layout, Slot};

const LETTER: f64 = 7.2;
const LINE: f64 = 17.0;
const PADDING: f64 = 12.0;
const BOX_HEIGHT: f64 = 3.0 * LINE + PADDING;
const ROW: f64 = BOX_HEIGHT + 18.0;
const GAP: f64 = 56.0;
const MARGIN: f64 = 16.0;

const STYLE: &str = "<style>
  text { font: 12px ui-monospace, monospace; fill: #1f2328 }
  .title { font-weight: bold }
  rect { fill: #f6f8fa; stroke: #59636e }
  path { fill: none; stroke: #818b98; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    rect { fill: #161b22; stroke: #9198a1 }
    path { stroke: #6e7681 }
  }
</style>
";

/// Boxes in columns and the lines between them.
struct Picture<'a> {
    layout: Layout,
    lines: Vec<Vec<String>>,
    /// Left edge and width of each column.
    columns: Vec<(f64, f64)>,
    height: f64,
    view: &'a View<'a>,
}

pub(super) fn svg(view: &View<'_>) -> String {
    Picture::new(view).draw()
}

impl<'a> Picture<'a> {
    fn new(view: &'a View<'a>) -> Self {
        let layout = Layout::new(view);
        let lines: Vec<Vec<String>> = view.nodes().map(|node| view.lines(node)).collect();
        let longest = |slot: &usize| {
            let node = layout.slots[*slot].node?;
            lines[node.index()].iter().map(|line| line.chars().count()).max()
        };
        let mut left = MARGIN;
        let mut columns = Vec::new();
        for column in &layout.columns {
            let letters = column.iter().filter_map(longest).max().unwrap_or(0);
            let width = letters as f64 * LETTER + 2.0 * PADDING;
            columns.push((left, width));
            left += width + GAP;
        }
        let rows = layout.columns.iter().map(Vec::len).max().unwrap_or(0);
        let height = rows as f64 * ROW - (ROW - BOX_HEIGHT) + 2.0 * MARGIN;
        Self { layout, lines, columns, height, view }
    }

    fn draw(&self) -> String {
        let width = self.columns.last().map_or(0.0, |(left, width)| left + width) + MARGIN;
        let height = self.height;
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
             height=\"{height:.0}\" role=\"img\">\n<title>{}</title>\n{STYLE}",
            escaped(self.view.program.title.as_deref().unwrap_or("stages")),
        );
        self.layout.lines.iter().for_each(|&(from, to)| self.line(&mut text, from, to));
        self.layout.slots.iter().for_each(|slot| self.stage(&mut text, slot));
        text.push_str("</svg>\n");
        text
    }

    /// Top of a slot; columns are centred.
    fn top(&self, slot: &Slot) -> f64 {
        let rows = self.layout.columns[slot.column].len() as f64;
        let used = rows * ROW - (ROW - BOX_HEIGHT);
        (self.height - used) / 2.0 + slot.row as f64 * ROW
    }

    fn line(&self, text: &mut String, from: usize, to: usize) {
        let (from, to) = (&self.layout.slots[from], &self.layout.slots[to]);
        let (left, width) = self.columns[from.column];
        let right = left + width;
        let end = self.columns[to.column].0;
        let [from_y, to_y] = [from, to].map(|slot| self.top(slot) + BOX_HEIGHT / 2.0);
        let middle = (right + end) / 2.0;
        // Where only a line passes, it begins where a box would.
        let passing = if from.node.is_none() { format!("M{left:.1} {from_y:.1} L") } else { "M".into() };
        let _ = writeln!(
            text,
            "<path d=\"{passing}{right:.1} {from_y:.1} C{middle:.1} {from_y:.1} {middle:.1} {to_y:.1} {end:.1} {to_y:.1}\"/>"
        );
    }

    fn stage(&self, text: &mut String, slot: &Slot) {
        let Some(node) = slot.node else { return };
        let (left, width) = self.columns[slot.column];
        let top = self.top(slot);
        let _ = writeln!(
            text,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BOX_HEIGHT:.1}\" rx=\"6\"/>"
        );
        for (index, line) in self.lines[node.index()].iter().enumerate() {
            let class = if index == 0 { " class=\"title\"" } else { "" };
            let (x, y) = (left + PADDING, top + PADDING / 2.0 + (index as f64 + 0.75) * LINE);
            let _ = writeln!(text, "<text x=\"{x:.1}\" y=\"{y:.1}\"{class}>{}</text>", escaped(line));
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::super::{Format, render};

    #[test]
    fn every_stage_has_a_box_and_every_edge_a_line() {
        let (graph, program) = fixture::graph(fixture::SHARED);
        let svg = render(&graph, &program, Format::Svg);
        assert_eq!(svg.matches("<rect").count(), graph.graph.node_count());
        assert_eq!(svg.matches("<path").count(), graph.graph.edge_count());
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        assert!(svg.starts_with("<svg xmlns") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn a_title_cannot_break_out() {
        let (graph, program) = fixture::graph("edition 2026\ntitle \"a < b & c\"\nunder sgd\n");
        assert!(render(&graph, &program, Format::Svg).contains("<title>a &lt; b &amp; c</title>"));
    }
}
