//! A drawn figure, for a page or for a file of its own.

use svg::node::element::{Group, Path, Rectangle, SVG, Style as Css, Text, Title};

use super::colors::{Style, file_style};
use super::frame::width_of;

const ROW: f64 = 17.0;
const MARK: f64 = 20.0;
const GAP: f64 = 14.0;

/// What is drawn, without its surroundings.
#[derive(Clone, Debug)]
pub struct Drawing {
    pub width: f64,
    pub height: f64,
    pub body: Group,
    /// Which variant is which; a page says it once.
    pub legend: Vec<(Style, String)>,
    /// Place and ranges of the axes, where a reader may ask for the values of curves.
    pub frame: Option<String>,
}

impl Drawing {
    /// For a page that has the style and the legend.
    pub fn inline(&self, title: &str) -> String {
        let canvas = self.canvas(self.height, title).add(self.body.clone());
        match &self.frame {
            Some(frame) => canvas.set("data-frame", frame.as_str()).to_string(),
            None => canvas.to_string(),
        }
    }

    /// A whole file: light ground, style and legend inside.
    pub fn file(&self, title: &str) -> String {
        let (legend, rows) = self.legend();
        let height = self.height + rows as f64 * ROW + if rows > 0 { 6.0 } else { 0.0 };
        let ground = Rectangle::new().set("width", self.width).set("height", height).set("fill", "#ffffff");
        let canvas = self.canvas(height, title).set("width", self.width).set("height", height);
        canvas.add(Css::new(file_style())).add(ground).add(self.body.clone()).add(legend).to_string() + "\n"
    }

    fn canvas(&self, height: f64, title: &str) -> SVG {
        SVG::new()
            .set("class", "figure")
            .set("role", "img")
            .set("viewBox", (0, 0, self.width as i64, height.ceil() as i64))
            .add(Title::new(title))
    }

    /// Rows below the figure, and how many.
    fn legend(&self) -> (Group, usize) {
        let (mut x, mut rows, mut group) = (GAP, 0, Group::new());
        for (style, name) in &self.legend {
            let width = MARK + 6.0 + width_of(name) + GAP;
            if rows == 0 || x + width > self.width {
                (x, rows) = (GAP, rows + 1);
            }
            let y = self.height + (rows as f64 - 0.5) * ROW;
            let line = format!("M{x:.1} {y:.1}h{MARK}");
            group = group
                .add(Path::new().set("class", format!("line {}", style.stroke())).set("d", line))
                .add(Text::new(name).set("x", x + MARK + 6.0).set("y", y + 4.0).set("class", "label"));
            x += width;
        }
        (group, rows)
    }
}
