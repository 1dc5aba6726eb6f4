//! Shares over time and rank, as the strength of a colour.

use svg::node::element::{Group, Rectangle};

use super::frame::{Axis, Frame, tenth};
use super::{Drawing, Scale, Style};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 240.0;

/// Columns of shares.
#[derive(Clone, Debug)]
pub struct Raster {
    pub style: Style,
    pub name: String,
    /// Label of the axis along which columns stand.
    pub x: String,
    /// Label of the axis along a column, from 0 to 100 %.
    pub y: String,
    /// Place of each column and its shares in 0..1, from below; NaN where there is none.
    pub columns: Vec<(f64, Vec<f64>)>,
}

/// Draws the columns; each reaches half way to its neighbours.
pub fn raster(raster: &Raster) -> Drawing {
    let places: Vec<f64> = raster.columns.iter().map(|(x, _)| *x).collect();
    let edges = edges(&places);
    let x = Axis::new(raster.x.as_str(), Scale::tight(edges.iter().copied()));
    let frame = Frame::new(
        WIDTH,
        HEIGHT,
        0.0,
        x,
        Axis::new(raster.y.as_str(), Scale { low: 0.0, high: 100.0, log: false }),
    );
    let mut body = Group::new();
    for ((_, shares), ends) in raster.columns.iter().zip(edges.windows(2)) {
        body = runs(shares).fold(body, |body, (from, to, share)| {
            let of = shares.len() as f64;
            let (top, bottom) = (frame.y(100.0 * to as f64 / of), frame.y(100.0 * from as f64 / of));
            let (left, right) = (frame.x(ends[0]), frame.x(ends[1]));
            let cell = Rectangle::new()
                .set("x", tenth(left))
                .set("y", tenth(top))
                .set("width", tenth(right - left + 0.3));
            let cell =
                cell.set("height", tenth(bottom - top)).set("opacity", (share * 100.0).round() / 100.0);
            body.add(cell.set("class", format!("cell {}", raster.style.fill())))
        });
    }
    Drawing {
        width: WIDTH,
        height: HEIGHT,
        body: body.add(frame.axes()),
        legend: vec![(raster.style, raster.name.clone())],
        frame: None,
    }
}

/// Borders between the columns, one more than there are.
fn edges(places: &[f64]) -> Vec<f64> {
    let (Some(&first), Some(&last)) = (places.first(), places.last()) else { return Vec::new() };
    let half = |low: usize| places.get(low + 1).map_or(0.5, |next| (next - places[low]) / 2.0);
    let mut edges = vec![first - half(0)];
    edges.extend(places.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0));
    edges.push(last + half(places.len().saturating_sub(2)));
    edges
}

/// Neighbours of equal share, as first index, index after the last, and share; none where nothing is to be seen.
fn runs(shares: &[f64]) -> impl Iterator<Item = (usize, usize, f64)> {
    let same = |one: &f64, other: &f64| (one * 100.0).round() == (other * 100.0).round();
    let mut from = 0;
    let runs = shares.chunk_by(same).map(move |run| {
        from += run.len();
        (from - run.len(), from, run[0])
    });
    runs.filter(|(_, _, share)| *share >= 0.005)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_neighbours_are_one_cell() {
        let found: Vec<_> = runs(&[0.0, 1.0, 1.0, 0.5, f64::NAN]).collect();
        assert_eq!(found, [(1, 3, 1.0), (3, 4, 0.5)]);
    }

    #[test]
    fn columns_reach_half_way() {
        assert_eq!(edges(&[1.0, 2.0, 4.0]), [0.5, 1.5, 3.0, 5.0]);
        assert_eq!(edges(&[3.0]), [2.5, 3.5]);
        assert!(edges(&[]).is_empty());
    }
}
