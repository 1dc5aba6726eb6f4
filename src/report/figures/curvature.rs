//! Spectra and eigenvalues of the Hessian.

use super::{Figure, Section, file_name};
use crate::evaluate::field::Field;
use crate::report::draw::{Axis, Category, Dot, LinePlot, Point, Scale, Series, dots, lines};
use crate::report::study::{Seed, Study, Variant, band, point};

/// Densities below this share of the highest are numbers of the method and not of the network.
const FLOOR: f64 = 1e-8;

/// Points of a drawn spectrum.
const POINTS: usize = 500;

pub fn section(study: &Study) -> Section {
    let mut figures: Vec<Figure> =
        labels(study, "spectrum").iter().filter_map(|label| spectrum(study, label)).collect();
    figures.extend(labels(study, "hessian").iter().filter_map(|label| eigenvalues(study, label)));
    for label in labels(study, "hessian.layers") {
        figures
            .extend(["eigenvalue", "trace"].into_iter().filter_map(|column| layers(study, &label, column)));
    }
    Section {
        title: "Curvature",
        note: "Of the loss at the reported weights, in evaluation mode; each figure says how it was measured.",
        figures,
    }
}

/// Labels under which a field was measured, in the order in which they appear.
pub fn labels(study: &Study, name: &str) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for field in study.all().flat_map(|(_, seed)| seed.history.latest()).filter(|field| field.name == name) {
        if !labels.contains(&field.label) {
            labels.push(field.label.clone());
        }
    }
    labels
}

/// The latest field of a seed under a name and a label.
pub fn field<'s>(seed: &'s Seed, name: &str, label: &str) -> Option<&'s Field> {
    seed.history.latest().into_iter().find(|field| field.name == name && field.label == label)
}

/// A column over the only axis of a field.
pub fn curve(seed: &Seed, name: &str, label: &str, column: &str) -> Vec<(f64, f64)> {
    let curve = field(seed, name, label).filter(|field| field.axes.len() == 1).and_then(|field| {
        let values = field.column(column)?;
        Some(field.axes[0].values.iter().copied().zip(values.iter().copied()).collect())
    });
    curve.unwrap_or_default()
}

fn spectrum(study: &Study, label: &str) -> Option<Figure> {
    let densities = |seed: &Seed| curve(seed, "spectrum", label, "density");
    let several = study.variants.iter().any(|variant| variant.seeds.len() > 1);
    let series: Vec<Series> = study
        .all()
        .filter(|(_, seed)| !densities(seed).is_empty())
        .map(|(variant, seed)| Series {
            style: variant.style,
            name: variant.name.clone(),
            points: peaks(densities(seed)),
            thin: several,
        })
        .collect();
    let points = || series.iter().flat_map(|series| &series.points);
    let highest = points().map(|point| point.y).filter(|y| y.is_finite()).fold(0.0, f64::max);
    if highest <= 0.0 {
        return None;
    }
    let floor = highest * FLOOR;
    let x = Scale::tight(points().filter(|point| point.y >= floor).map(|point| point.x));
    let y = Scale::log(points().map(|point| point.y).filter(|&y| y >= floor));
    let seen = |point: &Point| match point.y >= floor {
        true => *point,
        false => Point::bare(point.x, f64::NAN),
    };
    let series: Vec<Series> = series
        .iter()
        .map(|series| Series { points: series.points.iter().map(seen).collect(), ..series.clone() })
        .collect();
    let plot = LinePlot {
        x: Axis::new("eigenvalue", x),
        y: Axis::new("density", y),
        series,
        marks: false,
        rules: vec![0.0],
    };
    let count = study.count(|seed| !densities(seed).is_empty());
    Some(Figure {
        id: file_name(&["spectrum", label]),
        title: "Spectrum of the Hessian".into(),
        caption: format!("{label}: density of eigenvalues, {count}, one line each. Dashed: zero."),
        drawing: lines(&plot),
        first: false,
    })
}

/// The highest of neighbours, so that thinning loses no peak.
fn peaks(curve: Vec<(f64, f64)>) -> Vec<Point> {
    let size = curve.len().div_ceil(POINTS).max(1);
    let highest = |chunk: &[(f64, f64)]| {
        let peak = chunk
            .iter()
            .copied()
            .filter(|(_, y)| y.is_finite())
            .max_by(|one, other| one.1.total_cmp(&other.1));
        let (x, y) = peak.unwrap_or((chunk[0].0, f64::NAN));
        Point::bare(x, y)
    };
    curve.chunks(size).map(highest).collect()
}

fn eigenvalues(study: &Study, label: &str) -> Option<Figure> {
    let values = |seed: &Seed| curve(seed, "hessian", label, "eigenvalue");
    let series = study.variants.iter().map(|variant| Series {
        style: variant.style,
        name: variant.name.clone(),
        points: band(variant.seeds.iter().map(values)),
        thin: false,
    });
    let series: Vec<Series> =
        series.filter(|series| series.points.iter().any(|point| point.y.is_finite())).collect();
    let points: Vec<Point> = series.iter().flat_map(|series| series.points.clone()).collect();
    let most = points.iter().map(|point| point.x).fold(1.0, f64::max);
    let plot = LinePlot {
        x: Axis::new("rank", Scale { low: 0.5, high: most + 0.5, log: false }),
        y: Axis::new(
            "eigenvalue",
            Scale::covering(points.iter().flat_map(|point| [point.y, point.low, point.high])),
        ),
        series,
        marks: most <= 60.0,
        rules: Vec::new(),
    };
    let count = study.count(|seed| !values(seed).is_empty());
    (!points.is_empty()).then(|| Figure {
        id: file_name(&["eigenvalues", label]),
        title: "Largest eigenvalues of the Hessian".into(),
        caption: format!("{label}: by rank; mean and one standard deviation, {count}."),
        drawing: lines(&plot),
        first: false,
    })
}

/// A number of every layer.
fn layers(study: &Study, label: &str, column: &str) -> Option<Figure> {
    let name = "hessian.layers";
    let fields = || study.all().filter_map(|(_, seed)| field(seed, name, label));
    let axis = fields().next()?.axes.first()?.clone();
    let of_layer = |index: usize| Category {
        name: axis.labels.get(index).cloned().unwrap_or_else(|| axis.values[index].to_string()),
        dots: study.variants.iter().filter_map(|variant| dot(variant, name, label, column, index)).collect(),
    };
    let categories: Vec<Category> = (0..axis.values.len()).map(of_layer).collect();
    let all = categories.iter().flat_map(|category| &category.dots).flat_map(|dot| dot.values.clone());
    let scale = Scale::covering(all);
    if categories.iter().all(|category| category.dots.is_empty()) {
        return None;
    }
    Some(Figure {
        id: file_name(&["layers", column, label]),
        title: format!("Hessian by layer: {column}"),
        caption: format!(
            "{label}: {column} of the block of each layer; pale: seeds, full: mean, bar: one standard deviation."
        ),
        drawing: dots(column, &categories, scale, study.legend()),
        first: false,
    })
}

fn dot(variant: &Variant, name: &str, label: &str, column: &str, index: usize) -> Option<Dot> {
    let value = |seed: &Seed| field(seed, name, label)?.column(column)?.get(index).copied();
    let values: Vec<f64> = variant.seeds.iter().filter_map(value).filter(|value| value.is_finite()).collect();
    dot_of(variant, values)
}

/// Mean, standard deviation and values; `None` without values.
pub fn dot_of(variant: &Variant, values: Vec<f64>) -> Option<Dot> {
    let summary = point(0.0, &values);
    let dot = Dot { style: variant.style, mean: summary.y, low: summary.low, high: summary.high, values };
    (!dot.values.is_empty()).then_some(dot)
}
