//! Filled contours with labelled levels and a bar of colours.

use contour::ContourBuilder;
use svg::node::element::{Circle, Group, Path, Rectangle};

use super::frame::{Axis, Frame, path, tenth, text, width_of};
use super::grid::Levels;
use super::ticks::short;
use super::{Drawing, Grid, Scale};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 350.0;
/// Kept free for the bar.
const BAR: f64 = 78.0;
/// Labels are no closer than this.
const APART: f64 = 42.0;

/// Rings of fewer points are too short for a label.
const LONG: usize = 12;

type Ring = Vec<(f64, f64)>;

/// Draws a grid under `levels`; `labels` are those of the x axis, the y axis and the values.
pub fn contours(grid: &Grid, levels: &Levels, labels: [&str; 3]) -> Drawing {
    let axis = |label: &str, values: &[f64]| Axis::new(label, Scale::tight(values.iter().copied()));
    let frame = Frame::new(WIDTH, HEIGHT, BAR, axis(labels[0], &grid.xs), axis(labels[1], &grid.ys));
    let rings: Vec<Vec<Ring>> =
        isorings(grid, levels).iter().map(|rings| placed(grid, &frame, rings)).collect();
    let body = filled(&frame, levels, &rings)
        .add(holes(grid, &frame))
        .add(Path::new().set("class", "iso").set("d", rings.iter().flatten().map(closed).collect::<String>()))
        .add(centre(grid, &frame))
        .add(names(&frame, levels, &rings))
        .add(bar(&frame, levels, labels[2]))
        .add(frame.axes());
    Drawing { width: WIDTH, height: HEIGHT, body, legend: Vec::new(), frame: None }
}

/// Rings of every level, in units of grid lines; ends at the border of the grid.
fn isorings(grid: &Grid, levels: &Levels) -> Vec<Vec<Ring>> {
    let (columns, rows) = (grid.xs.len(), grid.ys.len());
    // Interpolation is even in what the axis shows.
    let place = |value: f64| if levels.scale.log { value.max(levels.scale.low).ln() } else { value };
    let shown = |value: &f64| place(if value.is_finite() { *value } else { levels.scale.high });
    let values: Vec<f64> = grid.values.iter().map(shown).collect();
    let thresholds: Vec<f64> = levels.values.iter().map(|&level| place(level)).collect();
    let lines = ContourBuilder::new(columns, rows, true).lines(&values, &thresholds).unwrap_or_default();
    // The crate counts from the edge of the first cell, and closes rings half a cell outside.
    let inside = |value: f64, count: usize| (value - 0.5).clamp(0.0, (count - 1) as f64);
    let ring = |line: &geo_types::LineString<f64>| -> Ring {
        line.0.iter().map(|point| (inside(point.x, columns), inside(point.y, rows))).collect()
    };
    lines.iter().map(|line| line.geometry().0.iter().map(ring).collect()).collect()
}

fn placed(grid: &Grid, frame: &Frame, rings: &[Ring]) -> Vec<Ring> {
    let between = |axis: &[f64], place: f64| {
        let below = (place as usize).min(axis.len() - 2);
        axis[below] + (place - below as f64) * (axis[below + 1] - axis[below])
    };
    let point = |&(x, y): &(f64, f64)| (frame.x(between(&grid.xs, x)), frame.y(between(&grid.ys, y)));
    rings.iter().map(|ring| ring.iter().map(point).collect()).collect()
}

fn closed(ring: &Ring) -> String {
    path(ring.iter().copied()) + "Z"
}

/// Each level covers what is above it; the even-odd rule leaves pits open.
fn filled(frame: &Frame, levels: &Levels, rings: &[Vec<Ring>]) -> Group {
    let colors: Vec<String> = levels.middles().into_iter().map(|value| hexadecimal(levels, value)).collect();
    let ground = area(frame.left, frame.top, frame.width, frame.height).set("fill", colors[0].as_str());
    rings.iter().zip(&colors[1..]).filter(|(rings, _)| !rings.is_empty()).fold(
        Group::new().add(ground),
        |group, (rings, color)| {
            let d: String = rings.iter().map(closed).collect();
            group.add(Path::new().set("d", d).set("fill", color.as_str()).set("fill-rule", "evenodd"))
        },
    )
}

fn hexadecimal(levels: &Levels, value: f64) -> String {
    format!("#{:x}", levels.color(value))
}

fn area(x: f64, y: f64, width: f64, height: f64) -> Rectangle {
    let rectangle = Rectangle::new().set("x", tenth(x)).set("y", tenth(y));
    rectangle.set("width", tenth(width)).set("height", tenth(height))
}

/// Grey where a value is not finite.
fn holes(grid: &Grid, frame: &Frame) -> Group {
    let (columns, rows) = (grid.xs.len(), grid.ys.len());
    let (width, height) = (frame.width / (columns - 1) as f64, frame.height / (rows - 1) as f64);
    let missing = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
    missing.filter(|&(column, row)| !grid.at(column, row).is_finite()).fold(
        Group::new(),
        |group, (column, row)| {
            let (x, y) = (frame.x(grid.xs[column]), frame.y(grid.ys[row]));
            let (left, top) = ((x - width / 2.0).max(frame.left), (y - height / 2.0).max(frame.top));
            let right = (x + width / 2.0).min(frame.left + frame.width);
            let bottom = (y + height / 2.0).min(frame.top + frame.height);
            group.add(area(left, top, right - left, bottom - top).set("class", "hole"))
        },
    )
}

/// The weights themselves, where the axes pass through zero.
fn centre(grid: &Grid, frame: &Frame) -> Group {
    let inside = |axis: &[f64]| axis[0] <= 0.0 && 0.0 <= axis[axis.len() - 1];
    if !inside(&grid.xs) || !inside(&grid.ys) {
        return Group::new();
    }
    let circle = Circle::new().set("cx", tenth(frame.x(0.0))).set("cy", tenth(frame.y(0.0))).set("r", 3);
    Group::new().add(circle.set("fill", "none").set("stroke", "#ffffff").set("stroke-width", 1.5))
}

/// One label for every level that has room for it.
fn names(frame: &Frame, levels: &Levels, rings: &[Vec<Ring>]) -> Group {
    let (mut taken, mut group): (Vec<(f64, f64)>, _) = (Vec::new(), Group::new());
    for (level, rings) in levels.values.iter().zip(rings) {
        let label = short(*level);
        let free = |&&(x, y): &&(f64, f64)| {
            let margin = width_of(&label) / 2.0 + 4.0;
            let inside = x > frame.left + margin
                && x < frame.left + frame.width - margin
                && y > frame.top + 12.0
                && y < frame.top + frame.height - 8.0;
            inside && taken.iter().all(|other| (x - other.0).hypot(y - other.1) > APART)
        };
        // From the right, where the eye begins to read upwards.
        let mut candidates: Vec<&(f64, f64)> =
            rings.iter().filter(|ring| ring.len() > LONG).flatten().filter(free).collect();
        candidates.sort_by(|one, other| (other.0 - other.1).total_cmp(&(one.0 - one.1)));
        if let Some(&&(x, y)) = candidates.first() {
            taken.push((x, y));
            group = group.add(text(&label, x, y + 4.0, "middle").set("class", "halo"));
        }
    }
    group
}

/// Colours of the bands, with their levels.
fn bar(frame: &Frame, levels: &Levels, label: &str) -> Group {
    let left = frame.left + frame.width + 14.0;
    let middles = levels.middles();
    let step = frame.height / middles.len() as f64;
    let at = |index: usize| frame.top + frame.height - index as f64 * step;
    let mut group = Group::new();
    for (index, &middle) in middles.iter().enumerate() {
        group =
            group.add(area(left, at(index + 1), 12.0, step + 0.3).set("fill", hexadecimal(levels, middle)));
    }
    for (index, &level) in levels.values.iter().enumerate() {
        group = group.add(text(&short(level), left + 17.0, at(index + 1) + 4.0, "start"));
    }
    let (x, y) = (WIDTH - 6.0, frame.top + frame.height / 2.0);
    let name = text(label, x, y, "middle").set("transform", format!("rotate(-90 {x} {y:.1})"));
    group.add(name.set("class", "label"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn interpolated(grid: &Grid, (x, y): (f64, f64)) -> f64 {
        let (column, row) = ((x as usize).min(grid.xs.len() - 2), (y as usize).min(grid.ys.len() - 2));
        let (u, v) = (x - column as f64, y - row as f64);
        let along = |row: usize| grid.at(column, row) * (1.0 - u) + grid.at(column + 1, row) * u;
        along(row) * (1.0 - v) + along(row + 1) * v
    }

    fn on_border(grid: &Grid, (x, y): (f64, f64)) -> bool {
        let at_end = |value: f64, count: usize| value == 0.0 || value == (count - 1) as f64;
        at_end(x, grid.xs.len()) || at_end(y, grid.ys.len())
    }

    /// Share of the rings around a point is odd exactly where the even-odd rule fills.
    fn covered(rings: &[Ring], (x, y): (f64, f64)) -> bool {
        let crossings = rings.iter().flat_map(|ring| ring.iter().zip(ring.iter().cycle().skip(1)));
        let right = crossings.filter(|((ax, ay), (bx, by))| {
            (ay > &y) != (by > &y) && x < (bx - ax) * (y - ay) / (by - ay) + ax
        });
        right.count() % 2 == 1
    }

    fn axis(count: usize) -> Vec<f64> {
        (0..count).map(|value| value as f64).collect()
    }

    proptest! {
        #[test]
        fn rings_lie_at_their_level_and_fill_what_is_above(
            values in prop::collection::vec(1.0..20.0f64, 7 * 6),
        ) {
            let grid = Grid::new(axis(7), axis(6), values).unwrap();
            let levels = Levels::of([&grid]);
            for (level, rings) in levels.values.iter().zip(isorings(&grid, &levels)) {
                for &point in rings.iter().flatten().filter(|&&point| !on_border(&grid, point)) {
                    let found = interpolated(&grid, point);
                    prop_assert!((found - level).abs() < 1e-6, "{found} on the ring of {level}");
                }
                for row in 1..5 {
                    for column in 1..6 {
                        let value = grid.at(column, row);
                        // A hair beside the crossing, which may itself lie on a ring.
                        let point = (column as f64 + 1e-7, row as f64 + 1e-7);
                        if (value - level).abs() > 1e-3 {
                            prop_assert_eq!(covered(&rings, point), value > *level);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_surface_with_holes_is_drawn() {
        let mut values: Vec<f64> =
            (0..25).map(|k| f64::from(k % 5 - 2).powi(2) + f64::from(k / 5 - 2).powi(2)).collect();
        values[3] = f64::NAN;
        values[20] = f64::INFINITY;
        let axis = [-1.0, -0.5, 0.0, 0.5, 1.0].to_vec();
        let grid = Grid::new(axis.clone(), axis, values).unwrap();
        let text = contours(&grid, &Levels::of([&grid]), ["x", "y", "loss"]).file("a");
        let document = roxmltree::Document::parse(&text).unwrap();
        let holes = document.descendants().filter(|node| node.attribute("class") == Some("hole")).count();
        assert_eq!(holes, 2);
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}
