//! Curves over training: metrics of every epoch, and what evaluators gave on the way.

use super::columns::{COLUMNS, COUNTS, ELSEWHERE, SECTIONS, STEPS, Shown};
use super::{Figure, Section, axis_label, file_name};
use crate::report::draw::{Axis, LinePlot, Point, Scale, Series, lines};
use crate::report::history::Metrics;
use crate::report::study::{Seed, Study};
use crate::report::table::{in_percent, is_of};

/// Curves of the metrics, by section.
pub fn sections(study: &Study) -> Vec<Section> {
    let mut sections: Vec<Section> = SECTIONS
        .iter()
        .enumerate()
        .map(|(index, &(title, note))| {
            let columns = COLUMNS.iter().filter(|shown| shown.section == index);
            Section { title, note, figures: columns.filter_map(|shown| metric(study, shown)).collect() }
        })
        .collect();
    sections[STEPS].figures.extend(unknown(study));
    sections
}

fn metric(study: &Study, shown: &Shown) -> Option<Figure> {
    if COUNTS.contains(&shown.column)
        && study.all().all(|(_, seed)| seed.history.metrics.total(shown.column) == 0.0)
    {
        return None;
    }
    let scale = if shown.axis.ends_with("(%)") { 100.0 } else { 1.0 };
    let curve = |seed: &Seed| curve(&seed.history.metrics, shown.column, scale);
    let title = shown.title.to_owned();
    figure(study, file_name(&[shown.column]), title, shown.axis, shown.caption, curve)
}

/// Columns that a newer version may have written.
fn unknown(study: &Study) -> Vec<Figure> {
    let mut names: Vec<&str> = study.all().flat_map(|(_, seed)| seed.history.metrics.names()).collect();
    names.sort_unstable();
    names.dedup();
    let known = |name: &&str| ELSEWHERE.contains(name) || COLUMNS.iter().any(|shown| shown.column == *name);
    let figures = names.into_iter().filter(|name| !known(name)).filter_map(|name| {
        let curve = |seed: &Seed| curve(&seed.history.metrics, name, 1.0);
        figure(study, file_name(&[name]), name.to_owned(), name, "A column of metrics.csv.", curve)
    });
    figures.collect()
}

fn curve(metrics: &Metrics, column: &str, scale: f64) -> Vec<(f64, f64)> {
    let (epochs, values) =
        (metrics.column("epoch").unwrap_or_default(), metrics.column(column).unwrap_or_default());
    epochs.iter().zip(values).map(|(&epoch, &value)| (epoch, value * scale)).collect()
}

/// One curve per number that evaluators gave on the way.
pub fn measurements(study: &Study) -> Section {
    let mut names: Vec<&str> = Vec::new();
    for row in study.all().flat_map(|(_, seed)| &seed.history.measured) {
        if !is_drawn_elsewhere(&row.name) && !names.contains(&row.name.as_str()) {
            names.push(&row.name);
        }
    }
    let figures = names.into_iter().filter_map(|name| {
        let scale = if in_percent(name) { 100.0 } else { 1.0 };
        let curve = |seed: &Seed| measured(seed, name, scale);
        let title = format!("{name} during training");
        figure(
            study,
            file_name(&["during", name]),
            title,
            &axis_label(name),
            "As evaluated on the way.",
            curve,
        )
    });
    Section {
        title: "Measurements during training",
        note: "Each point is an evaluation of the weights at that time.",
        figures: figures.collect(),
    }
}

/// Difficulty has figures of its own.
fn is_drawn_elsewhere(name: &str) -> bool {
    let ends = [".p10", ".p50", ".p90", ".ratio", ".variation"];
    is_of(name, "difficulty") && ends.iter().any(|end| name.ends_with(end))
}

/// The values of a measurement over epochs.
pub fn measured(seed: &Seed, name: &str, scale: f64) -> Vec<(f64, f64)> {
    let rows = seed.history.measured.iter().filter(|row| row.name == name);
    rows.map(|row| (seed.history.metrics.epoch(row.phase, row.step), row.value * scale)).collect()
}

/// A curve with a band over seeds for each variant; `None` where no seed has a value.
pub fn figure(
    study: &Study,
    id: String,
    title: String,
    axis: &str,
    caption: &str,
    curve: impl Fn(&Seed) -> Vec<(f64, f64)>,
) -> Option<Figure> {
    let has = |seed: &Seed| curve(seed).iter().any(|(_, y)| y.is_finite());
    let series = study.series(&curve);
    if series.is_empty() {
        return None;
    }
    let count = study.count(has);
    let caption = match count.as_str() {
        "one seed" => format!("{caption} One seed."),
        _ => format!("{caption} Line: mean; band: one standard deviation; {count}."),
    };
    let plot = plot(axis, series, study.borders());
    Some(Figure { id, title, caption, drawing: lines(&plot), first: false })
}

/// Curves over epochs.
pub fn plot(axis: &str, series: Vec<Series>, rules: Vec<f64>) -> LinePlot {
    let points: Vec<Point> = series.iter().flat_map(|series| series.points.clone()).collect();
    let ys = points.iter().flat_map(|point| [point.y, point.low, point.high]);
    let y = if axis.contains('%') { Scale::linear(ys).within(-100.0, 100.0) } else { Scale::covering(ys) };
    let y = if axis.starts_with("share") { y.within(0.0, 1.0) } else { y };
    let xs = points.iter().map(|point| point.x);
    let marks = series.iter().all(|series| series.points.len() <= 12);
    LinePlot { x: Axis::new("epoch", Scale::tight(xs)), y: Axis::new(axis, y), series, marks, rules }
}
