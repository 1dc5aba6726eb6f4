//! Landscapes of the loss around the weights: curves, filled contours, surfaces.

use super::curvature::{curve, field, labels};
use super::{Figure, Section, file_name};
use crate::evaluate::field::Field;
use crate::report::draw::{Axis, Grid, Levels, LinePlot, Point, Scale, Series, contours, lines, surface};
use crate::report::study::{Seed, Study, Variant, band};

const NAME: &str = "landscape";

const DIRECTION: &str = "distance along a filter-normalised direction";

pub fn section(study: &Study) -> Section {
    let mut figures = Vec::new();
    for label in labels(study, NAME) {
        for column in columns(study, &label) {
            figures.extend(line(study, &label, &column));
            figures.extend(grids(study, &label, &column));
        }
    }
    Section {
        title: "Landscapes",
        note: "Around the reported weights, which lie at zero. Colours and levels are the same for all variants.",
        figures,
    }
}

/// Columns under a label, in the order in which they appear.
fn columns(study: &Study, label: &str) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for column in
        study.all().filter_map(|(_, seed)| field(seed, NAME, label)).flat_map(|field| &field.columns)
    {
        if !columns.contains(&column.name) {
            columns.push(column.name.clone());
        }
    }
    columns
}

/// Unit and factor of a column.
fn unit(column: &str) -> (String, f64) {
    match column {
        "accuracy" => ("accuracy (%)".into(), 100.0),
        "loss" => ("loss (nats)".into(), 1.0),
        other => (other.to_owned(), 1.0),
    }
}

fn line(study: &Study, label: &str, column: &str) -> Option<Figure> {
    let (axis, factor) = unit(column);
    let values = |seed: &Seed| -> Vec<(f64, f64)> {
        curve(seed, NAME, label, column).into_iter().map(|(x, y)| (x, y * factor)).collect()
    };
    let series = study.variants.iter().map(|variant| Series {
        style: variant.style,
        name: variant.name.clone(),
        points: band(variant.seeds.iter().map(values)),
        thin: false,
    });
    let series: Vec<Series> =
        series.filter(|series| series.points.iter().any(|point| point.y.is_finite())).collect();
    let points: Vec<Point> = series.iter().flat_map(|series| series.points.clone()).collect();
    let ys = points.iter().flat_map(|point| [point.y, point.low, point.high]);
    let plot = LinePlot {
        x: Axis::new(DIRECTION, Scale::tight(points.iter().map(|point| point.x))),
        y: Axis::new(
            axis,
            if factor > 1.0 { Scale::linear(ys).within(0.0, 100.0) } else { Scale::covering(ys) },
        ),
        series,
        marks: false,
        rules: vec![0.0],
    };
    let count = study.count(|seed| !values(seed).is_empty());
    (!points.is_empty()).then(|| Figure {
        id: file_name(&[NAME, column, label]),
        title: format!("{} along a line", title(column)),
        caption: format!("{label}: mean and one standard deviation, {count}. Dashed: the weights."),
        drawing: lines(&plot),
        first: false,
    })
}

fn title(column: &str) -> String {
    match column {
        "accuracy" => "Accuracy".into(),
        "loss" => "Loss".into(),
        other => other.to_owned(),
    }
}

/// The first seed of a variant that has a grid.
struct Seen<'s> {
    variant: &'s Variant,
    seed: u64,
    axes: [&'s str; 2],
    grid: Grid,
}

/// Contours of every column, and the loss as a surface too.
fn grids(study: &Study, label: &str, column: &str) -> Vec<Figure> {
    let seen: Vec<Seen> = study.variants.iter().filter_map(|variant| first(variant, label, column)).collect();
    let levels = Levels::of(seen.iter().map(|seen| &seen.grid));
    let (unit, _) = unit(column);
    let draw = |seen: &Seen<'_>, kind: &str| {
        let labels = [seen.axes[1], seen.axes[0], unit.as_str()];
        let (drawing, how) = match kind {
            "contours" => (contours(&seen.grid, &levels, labels), "Circle: the weights"),
            _ => (surface(&seen.grid, &levels, labels), "Colours as in the contours"),
        };
        let division =
            if levels.scale.log { "levels and heights are logarithmic" } else { "levels are even" };
        Figure {
            id: file_name(&[NAME, column, kind, &seen.variant.name, label]),
            title: format!("{}, {kind}: {}", title(column), seen.variant.name),
            caption: format!("{label}, seed {}. {how}; {division}; grey or open: not finite.", seen.seed),
            drawing,
            first: false,
        }
    };
    let kinds: &[&str] = if column == "loss" { &["contours", "surface"] } else { &["contours"] };
    let row = |kind: &&str| -> Vec<Figure> {
        let figures = seen.iter().map(|seen| draw(seen, kind)).enumerate();
        figures.map(|(index, figure)| Figure { first: index == 0, ..figure }).collect()
    };
    kinds.iter().flat_map(row).collect()
}

fn first<'s>(variant: &'s Variant, label: &str, column: &str) -> Option<Seen<'s>> {
    variant.seeds.iter().find_map(|seed| {
        let field = field(seed, NAME, label)?;
        let grid = grid(field, column)?;
        let axes = [&field.axes[0], &field.axes[1]].map(|axis| axis.name.as_str());
        Some(Seen { variant, seed: seed.record.seed, axes, grid })
    })
}

/// The first axis is the slower one, which points upwards.
fn grid(field: &Field, column: &str) -> Option<Grid> {
    let [rows, columns] = field.axes.as_slice() else { return None };
    let (_, factor) = unit(column);
    let values = field.column(column)?.iter().map(|value| value * factor).collect();
    Grid::new(columns.values.clone(), rows.values.clone(), values)
}
