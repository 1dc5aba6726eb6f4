//! Samples as dots between two axes.

use svg::node::element::{Circle, Group, Title};

use super::Drawing;
use super::frame::{Axis, Frame, tenth};
use super::lines::{Series, legend};

/// As wide as it is high, so that what is measured twice lies along the diagonal.
const SIDE: f64 = 340.0;

/// Draws the points of every series; those without a place are left out.
pub fn scatter(x: Axis, y: Axis, series: &[Series]) -> Drawing {
    let frame = Frame::new(SIDE, SIDE, 0.0, x, y);
    let mut body = Group::new().add(frame.grid());
    for series in series {
        let places = series.points.iter().filter_map(|point| frame.at(point.x, point.y));
        let named = Group::new().set("class", series.style.group()).add(Title::new(&series.name));
        body = body.add(places.fold(named, |group, (x, y)| {
            let dot = Circle::new().set("cx", tenth(x)).set("cy", tenth(y)).set("r", 2.2);
            group.add(dot.set("class", format!("faint {}", series.style.fill())))
        }));
    }
    let body = body.add(frame.axes());
    Drawing { width: SIDE, height: SIDE, body, legend: legend(series), frame: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::draw::{Point, Scale, Style};

    #[test]
    fn every_point_with_a_place_is_a_dot() {
        let points = [(0.0, 0.0), (50.0, f64::NAN), (100.0, 100.0)].map(|(x, y)| Point::bare(x, y)).to_vec();
        let series = Series { style: Style::of(0), name: "a<b".into(), points, thin: false };
        let axis = |label| Axis::new(label, Scale { low: 0.0, high: 100.0, log: false });
        let text = scatter(axis("x"), axis("y"), &[series]).file("dots");
        let document = roxmltree::Document::parse(&text).unwrap();
        let dots =
            document.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "circle")));
        assert_eq!(dots.filter(|node| node.attribute("r") == Some("2.2")).count(), 2);
        assert!(!text.contains("NaN") && text.contains("a&lt;b"), "{text}");
    }
}
