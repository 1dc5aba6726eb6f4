//! A surface over a rectangle, in isometric projection.

use svg::node::element::{Group, Path, Polygon, Text};

use super::frame::{path, tenth, text};
use super::grid::Levels;
use super::ticks::Tick;
use super::{Drawing, Grid, Scale};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 340.0;
/// Length of an edge of the ground, and of the upright edge.
const EDGE: f64 = 178.0;
const RISE: f64 = 110.0;
/// The far corner of the ground.
const FAR: (f64, f64) = (WIDTH / 2.0 + 8.0, 126.0);
/// More lines than this each way are not told apart.
const LINES: usize = 33;

/// Draws a grid under `levels`; `labels` are those of the x axis, the y axis and the values.
pub fn surface(grid: &Grid, levels: &Levels, labels: [&str; 3]) -> Drawing {
    let grid = grid.thinned(LINES);
    let (x, y) = (Scale::tight(grid.xs.iter().copied()), Scale::tight(grid.ys.iter().copied()));
    let body = Group::new()
        .add(ground(x, y))
        .add(upright(levels.scale, labels[2]))
        .add(faces(&grid, levels, x, y))
        .add(edge(x, labels[0], |share| (share, 1.0), -1.0))
        .add(edge(y, labels[1], |share| (1.0, share), 1.0));
    Drawing { width: WIDTH, height: HEIGHT, body, legend: Vec::new(), frame: None }
}

/// Of shares along x (to the right and forward), y (to the left and forward) and upwards.
fn project(x: f64, y: f64, up: f64) -> (f64, f64) {
    let (across, along) = (3f64.sqrt() / 2.0, 0.5);
    (FAR.0 + (x - y) * across * EDGE, FAR.1 + (x + y) * along * EDGE - up * RISE)
}

/// The grid on the ground.
fn ground(x: Scale, y: Scale) -> Path {
    let border =
        path([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| project(x, y, 0.0))) + "Z";
    let across =
        ticks(x).into_iter().map(|(share, _)| path([project(share, 0.0, 0.0), project(share, 1.0, 0.0)]));
    let along =
        ticks(y).into_iter().map(|(share, _)| path([project(0.0, share, 0.0), project(1.0, share, 0.0)]));
    Path::new().set("class", "edge").set("d", across.chain(along).fold(border, |all, line| all + &line))
}

fn ticks(scale: Scale) -> Vec<(f64, Tick)> {
    scale.ticks(4).into_iter().map(|tick| (scale.share(tick.value), tick)).collect()
}

/// Marks along an edge of the ground; `side` is -1 on the left.
fn edge(scale: Scale, label: &str, place: impl Fn(f64) -> (f64, f64), side: f64) -> Group {
    let anchor = if side < 0.0 { "end" } else { "start" };
    let at = |share: f64| {
        let (x, y) = place(share);
        project(x, y, 0.0)
    };
    let marks = ticks(scale).into_iter().fold(Group::new(), |group, (share, tick)| {
        let (x, y) = at(share);
        group.add(text(&tick.label, x + side * 5.0, y + 12.0, anchor))
    });
    let (x, y) = at(0.5);
    marks.add(text(label, x + side * 34.0, y + 34.0, anchor).set("class", "label"))
}

/// The axis of the values, at the left corner.
fn upright(scale: Scale, label: &str) -> Group {
    let (x, bottom) = project(0.0, 1.0, 0.0);
    let group = Group::new()
        .add(Path::new().set("class", "edge").set("d", format!("M{:.1} {bottom:.1}v{:.1}", x, -RISE)));
    let mut free = f64::NEG_INFINITY;
    let group = ticks(scale).into_iter().fold(group, |group, (share, tick)| {
        if share * RISE < free {
            return group;
        }
        free = share * RISE + 13.0;
        group.add(text(&tick.label, x - 5.0, bottom - share * RISE + 4.0, "end"))
    });
    let name: Text = text(label, x, bottom - RISE - 10.0, "middle");
    group.add(name.set("class", "label"))
}

/// Far faces first, so that near ones hide them; a face with a corner that is not finite is left out.
fn faces(grid: &Grid, levels: &Levels, x: Scale, y: Scale) -> Group {
    let (columns, rows) = (grid.xs.len() - 1, grid.ys.len() - 1);
    let mut cells: Vec<(usize, usize)> =
        (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row))).collect();
    cells.sort_by_key(|(column, row)| column + row);
    cells
        .into_iter()
        .filter_map(|(column, row)| face(grid, levels, (x, y), column, row))
        .fold(Group::new(), Group::add)
}

fn face(grid: &Grid, levels: &Levels, (x, y): (Scale, Scale), column: usize, row: usize) -> Option<Polygon> {
    let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(right, near)| (column + right, row + near));
    let heights = corners.map(|(column, row)| levels.scale.share(grid.at(column, row)));
    if heights.iter().any(|height| height.is_nan()) {
        return None;
    }
    let mut points = Vec::new();
    for (&(column, row), &height) in corners.iter().zip(&heights) {
        let (x, y) = project(x.share(grid.xs[column]), y.share(grid.ys[row]), height.clamp(0.0, 1.0));
        points.push(format!("{},{}", tenth(x), tenth(y)));
    }
    let slopes = [heights[1] - heights[0], heights[3] - heights[0]];
    let mean = heights.iter().sum::<f64>() / 4.0;
    let fill = lit(colorous::VIRIDIS.eval_continuous(mean.clamp(0.0, 1.0)), slopes);
    let face = Polygon::new().set("points", points.join(" ")).set("fill", fill.as_str());
    Some(face.set("stroke", fill).set("stroke-width", 0.4).set("stroke-linejoin", "round"))
}

/// A colour under light from the left: faces that rise to the right are brighter.
fn lit(color: colorous::Color, [along_x, along_y]: [f64; 2]) -> String {
    let light = 1.0 + (1.6 * (along_x - along_y)).clamp(-0.18, 0.18);
    let part = |value: u8| (f64::from(value) * light).clamp(0.0, 255.0) as u8;
    format!("#{:02x}{:02x}{:02x}", part(color.r), part(color.g), part(color.b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_box_is_in_the_picture() {
        for corner in 0..8 {
            let share = |bit: i32| f64::from(corner >> bit & 1);
            let (x, y) = project(share(0), share(1), share(2));
            assert!((30.0..WIDTH - 20.0).contains(&x) && (10.0..HEIGHT - 30.0).contains(&y), "{x} {y}");
        }
    }

    #[test]
    fn near_faces_come_last_and_holes_stay_open() {
        let axis = vec![0.0, 1.0, 2.0];
        let mut values: Vec<f64> = (0..9).map(f64::from).collect();
        values[0] = f64::NAN;
        let grid = Grid::new(axis.clone(), axis, values).unwrap();
        let text = surface(&grid, &Levels::of([&grid]), ["x", "y", "loss"]).file("a");
        let document = roxmltree::Document::parse(&text).unwrap();
        let faces: Vec<_> = document.descendants().filter(|node| node.has_tag_name("polygon")).collect();
        assert_eq!(faces.len(), 3);
        let (_, near) = project(1.0, 1.0, 1.0);
        assert!(faces[2].attribute("points").unwrap().contains(&format!("{}", tenth(near))));
    }
}
