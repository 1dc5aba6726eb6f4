//! H-SAT's estimates of sharpness beside the exact values, sample by sample (SAT, figure 7).

use super::curvature::{field, labels, latest};
use super::{Figure, Section, file_name};
use crate::evaluate::ranks;
use crate::report::draw::{Axis, Point, Scale, Series, scatter};
use crate::report::study::{Seed, Study};

const NAME: &str = "estimates";

/// What the others estimate.
const EXACT: &str = "exact";

/// The estimates in the order of the paper's figure.
const ESTIMATES: [&str; 4] = ["lower", "symmetric", "upper", "literal"];

pub fn section(study: &Study) -> Section {
    let figures = labels(study, NAME).into_iter().flat_map(|label| {
        let drawn = ESTIMATES.into_iter().filter_map(|estimate| figure(study, &label, estimate));
        let drawn = drawn.enumerate().map(|(index, figure)| Figure { first: index == 0, ..figure });
        drawn.collect::<Vec<_>>()
    });
    Section {
        title: "Estimates of sharpness",
        note: "Samples by rank: an estimate that orders them as the exact value does lies along the diagonal.",
        figures: figures.collect(),
    }
}

fn figure(study: &Study, label: &str, estimate: &str) -> Option<Figure> {
    let series: Vec<Series> = study
        .all()
        .map(|(variant, seed)| Series {
            style: variant.style,
            name: variant.name.clone(),
            points: points(seed, label, estimate),
            thin: true,
        })
        .filter(|series| !series.points.is_empty())
        .collect();
    if series.is_empty() {
        return None;
    }
    let axis = |label: String| Axis::new(label, Scale { low: 0.0, high: 100.0, log: false });
    let (x, y) = (axis("rank by exact eigenvalue (%)".into()), axis(format!("rank by `{estimate}` (%)")));
    let count = study.count(|seed| !points(seed, label, estimate).is_empty());
    Some(Figure {
        id: file_name(&[NAME, estimate, label]),
        title: format!("Estimate `{estimate}` and exact sharpness"),
        caption: format!(
            "{label}: one dot per sample, {count}.{} The table has the rank correlations.",
            latest(study, NAME, label)
        ),
        drawing: scatter(x, y, &series),
        first: false,
    })
}

/// Both ranks of every sample, in percent.
fn points(seed: &Seed, label: &str, estimate: &str) -> Vec<Point> {
    let columns =
        field(seed, NAME, label).and_then(|field| Some((field.column(EXACT)?, field.column(estimate)?)));
    let Some((exact, estimated)) = columns else { return Vec::new() };
    let last = exact.len().saturating_sub(1).max(1) as f64;
    let percent =
        |values: &[f64]| ranks(values).into_iter().map(|rank| 100.0 * rank / last).collect::<Vec<_>>();
    let pairs = percent(exact).into_iter().zip(percent(estimated));
    pairs.map(|(x, y)| Point::bare(x, y)).collect()
}
