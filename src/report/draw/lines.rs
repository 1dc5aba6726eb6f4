//! Curves with a band, one per variant.

use svg::node::element::{Circle, Group, Path, Title};

use super::frame::{Axis, Frame, path, tenth};
use super::{Drawing, Style};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 260.0;
/// Length of the dashes of curves that coincide.
const TURN: f64 = 9.0;

/// A curve of a variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub style: Style,
    pub name: String,
    pub points: Vec<Point>,
    /// One of many of its kind, drawn thin and without marks.
    pub thin: bool,
}

/// A mean and the ends of its band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub low: f64,
    pub high: f64,
}

impl Point {
    /// Without a band.
    pub fn bare(x: f64, y: f64) -> Self {
        Self { x, y, low: y, high: y }
    }
}

/// Curves between two axes.
#[derive(Clone, Debug)]
pub struct LinePlot {
    pub x: Axis,
    pub y: Axis,
    pub series: Vec<Series>,
    /// Every point is marked.
    pub marks: bool,
    /// Where something changes for all curves.
    pub rules: Vec<f64>,
}

/// Draws curves; points that have no place are left out and break the line.
pub fn lines(plot: &LinePlot) -> Drawing {
    let frame = Frame::new(WIDTH, HEIGHT, 0.0, plot.x.clone(), plot.y.clone());
    let mut body = Group::new().add(frame.grid());
    for &x in plot.rules.iter().filter(|&&x| (0.0..=1.0).contains(&plot.x.scale.share(x))) {
        let d = format!("M{:.1} {:.1}v{:.1}", frame.x(x), frame.top, frame.height);
        body = body.add(Path::new().set("class", "rule").set("d", d));
    }
    for series in &plot.series {
        body = body.add(band(&frame, series));
    }
    for (index, series) in plot.series.iter().enumerate() {
        body = body.add(curve(&frame, series, plot.marks, turn(&plot.series, index)));
    }
    let mut legend: Vec<(Style, String)> = Vec::new();
    for series in plot.series.iter().filter(|series| !series.points.is_empty()) {
        if !legend.iter().any(|(style, _)| *style == series.style) {
            legend.push((series.style, series.name.clone()));
        }
    }
    Drawing {
        width: WIDTH,
        height: HEIGHT,
        body: body.add(frame.axes()),
        legend,
        frame: Some(frame.ranges()),
    }
}

/// Runs of neighbours that all have a place.
fn pieces<'s>(frame: &Frame, series: &'s Series) -> Vec<&'s [Point]> {
    let placed = |point: &Point| frame.at(point.x, point.y).is_some();
    series
        .points
        .chunk_by(|one, other| placed(one) == placed(other))
        .filter(|piece| placed(&piece[0]))
        .collect()
}

fn band(frame: &Frame, series: &Series) -> Group {
    let mut group = Group::new().set("class", series.style.group());
    for piece in pieces(frame, series).into_iter().filter(|piece| piece.len() > 1) {
        if piece.iter().all(|point| point.low == point.high) {
            continue;
        }
        let upper = piece.iter().map(|point| (frame.x(point.x), frame.y_clamped(point.high)));
        let lower = piece.iter().rev().map(|point| (frame.x(point.x), frame.y_clamped(point.low)));
        let d = path(upper.chain(lower)) + "Z";
        group = group.add(Path::new().set("class", format!("band {}", series.style.fill())).set("d", d));
    }
    group
}

/// Dashes of a curve that others coincide with: they take turns, so that each is seen.
fn turn(all: &[Series], index: usize) -> Option<String> {
    let same: Vec<usize> =
        (0..all.len()).filter(|&other| coincide(&all[other].points, &all[index].points)).collect();
    let place = same.iter().position(|&other| other == index)?;
    let gap = TURN * (same.len() - 1) as f64;
    let dashes = format!("stroke-dasharray:{TURN} {gap};stroke-dashoffset:{}", -TURN * place as f64);
    (same.len() > 1).then_some(dashes)
}

fn coincide(one: &[Point], other: &[Point]) -> bool {
    let close =
        |one: f64, other: f64| (one - other).abs() <= 1e-9 * one.abs() || one.is_nan() && other.is_nan();
    let same = |(one, other): (&Point, &Point)| one.x == other.x && close(one.y, other.y);
    one.len() == other.len() && one.iter().zip(other).all(same)
}

fn curve(frame: &Frame, series: &Series, marks: bool, dashes: Option<String>) -> Group {
    let mut group = Group::new().set("class", series.style.group()).add(Title::new(&series.name));
    let thin = if series.thin { " thin" } else { "" };
    for piece in pieces(frame, series) {
        let places = piece.iter().filter_map(|point| frame.at(point.x, point.y));
        let d = path(places.clone());
        let class = format!("line{thin} {}", series.style.stroke());
        let line = Path::new().set("class", class).set("d", d);
        group = group.add(match &dashes {
            Some(dashes) => line.set("style", dashes.as_str()),
            None => line,
        });
        if piece.len() == 1 || marks && !series.thin {
            group = places.zip(piece).fold(group, |group, (place, point)| {
                group.add(whisker(frame, series.style, point, piece.len())).add(dot(place, series.style))
            });
        }
    }
    group
}

/// The band of a point that stands alone.
fn whisker(frame: &Frame, style: Style, point: &Point, of: usize) -> Path {
    let d = match of {
        1 => path([point.low, point.high].map(|y| (frame.x(point.x), frame.y_clamped(y)))),
        _ => String::new(),
    };
    Path::new().set("class", format!("line {}", style.stroke())).set("d", d)
}

fn dot((x, y): (f64, f64), style: Style) -> Circle {
    Circle::new().set("class", style.fill()).set("cx", tenth(x)).set("cy", tenth(y)).set("r", 2.6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::draw::Scale;

    fn plot(values: &[f64]) -> LinePlot {
        let points: Vec<Point> = values
            .iter()
            .enumerate()
            .map(|(x, &y)| Point { x: x as f64, y, low: y - 1.0, high: y + 1.0 })
            .collect();
        LinePlot {
            x: Axis::new("epoch", Scale::linear(points.iter().map(|point| point.x))),
            y: Axis::new("loss", Scale::linear(values.iter().copied())),
            series: vec![Series { style: Style::of(0), name: "a<b".into(), points, thin: false }],
            marks: false,
            rules: vec![1.0, f64::NAN],
        }
    }

    #[test]
    fn values_that_are_not_finite_break_the_line_and_nothing_else() {
        let drawing = lines(&plot(&[1.0, 2.0, f64::NAN, 3.0, 4.0, f64::INFINITY]));
        let text = drawing.file("a & b");
        let document = roxmltree::Document::parse(&text).unwrap();
        let of_class = |class: &str| {
            let has = |node: &roxmltree::Node| {
                node.attribute("class").is_some_and(|found| found.starts_with(class))
            };
            document.descendants().filter(has).count()
        };
        assert_eq!((of_class("line s0"), of_class("band"), of_class("rule")), (3, 2, 1));
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        assert!(text.contains("a&lt;b") && text.contains("a &amp; b"));
    }

    #[test]
    fn a_plot_of_nothing_is_a_plot() {
        let text = lines(&plot(&[f64::NAN])).file("nothing");
        roxmltree::Document::parse(&text).unwrap();
        assert!(!text.contains("NaN"), "{text}");
    }
}
