//! Values of named things, one line each: single values, their mean, and one standard deviation to both sides.

use svg::node::element::{Circle, Group, Path, Text, Title};

use super::frame::{Axis, Frame, tenth, text, width_of};
use super::{Drawing, Scale, Style};

const WIDTH: f64 = 420.0;
/// Height of a line with one dot.
const LINE: f64 = 24.0;
/// Names are cut where they would leave too little for the values.
const NAMES: f64 = 176.0;

/// A named line.
#[derive(Clone, Debug, PartialEq)]
pub struct Category {
    pub name: String,
    pub dots: Vec<Dot>,
}

/// What one variant has there.
#[derive(Clone, Debug, PartialEq)]
pub struct Dot {
    pub style: Style,
    pub mean: f64,
    pub low: f64,
    pub high: f64,
    /// What the mean is of.
    pub values: Vec<f64>,
}

/// Draws lines of dots under an axis with `label`.
pub fn dots(label: &str, categories: &[Category], scale: Scale, legend: Vec<(Style, String)>) -> Drawing {
    let widest = categories.iter().map(|category| width_of(&category.name)).fold(0.0, f64::max).min(NAMES);
    let lines: f64 = categories.iter().map(height_of).sum();
    let height = lines + 56.0;
    let x = Axis::new(label, scale);
    let mut frame =
        Frame::new(WIDTH, height, 0.0, x, Axis::new("", Scale { low: 0.0, high: 1.0, log: false }));
    frame.indent(widest + 14.0);
    let mut body = Group::new().add(frame.upright_grid());
    let mut top = frame.top + 3.0;
    let several = categories.iter().any(|category| category.dots.len() > 1);
    for (index, category) in categories.iter().enumerate() {
        let height = height_of(category);
        if several && index > 0 {
            let d = format!("M{:.1} {top:.1}h{:.1}", frame.left, frame.width);
            body = body.add(Path::new().set("class", "edge").set("d", d));
        }
        body = body.add(name_of(&category.name, frame.left - 8.0, top + height / 2.0 + 4.0));
        let slot = (height - 8.0) / category.dots.len().max(1) as f64;
        for (index, dot) in category.dots.iter().enumerate() {
            body = body.add(drawn(&frame, dot, top + 4.0 + (index as f64 + 0.5) * slot));
        }
        top += height;
    }
    Drawing { width: WIDTH, height, body: body.add(frame.x_axis()), legend, frame: None }
}

fn height_of(category: &Category) -> f64 {
    LINE.max(10.0 * category.dots.len() as f64 + 8.0)
}

fn name_of(name: &str, x: f64, y: f64) -> Group {
    let fits = (NAMES / width_of("m")) as usize;
    let shown: String = match name.chars().count() > fits {
        true => name.chars().take(fits - 1).chain(['…']).collect(),
        false => name.into(),
    };
    let shown: Text = text(&shown, x, y, "end").set("class", "label");
    Group::new().add(Title::new(name)).add(shown)
}

fn drawn(frame: &Frame, dot: &Dot, y: f64) -> Group {
    let group = Group::new().set("class", dot.style.group());
    let x = |value: f64| frame.x(value).clamp(frame.left, frame.left + frame.width);
    let group =
        dot.values.iter().filter(|value| frame.x(**value).is_finite()).fold(group, |group, &value| {
            let faint = format!("faint {}", dot.style.fill());
            group.add(
                Circle::new()
                    .set("class", faint)
                    .set("cx", tenth(x(value)))
                    .set("cy", tenth(y))
                    .set("r", 2.4),
            )
        });
    if !frame.x(dot.mean).is_finite() {
        return group;
    }
    let ends = [dot.low, dot.high].map(|end| if frame.x(end).is_finite() { x(end) } else { x(dot.mean) });
    let bar = format!("M{:.1} {y:.1}H{:.1}", ends[0], ends[1]);
    let mean = Circle::new().set("class", dot.style.fill()).set("cx", tenth(x(dot.mean))).set("cy", tenth(y));
    group
        .add(Path::new().set("class", format!("line {}", dot.style.stroke())).set("d", bar))
        .add(mean.set("r", 4))
}
