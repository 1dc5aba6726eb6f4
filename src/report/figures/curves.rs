//! Curves over training: metrics of every epoch, and what evaluators gave on the way.

use super::{Figure, Section, file_name};
use crate::report::draw::{Axis, LinePlot, Point, Scale, Series, lines};
use crate::report::history::Metrics;
use crate::report::study::{Seed, Study, band};
use crate::report::table::{heading, in_percent};

const TRAINING: usize = 0;
const SCHEDULES: usize = 1;
const STEPS: usize = 2;

const SECTIONS: [(&str, &str); 3] = [
    ("Training", "Means of each epoch, from the first pass of its steps; validation after each epoch."),
    (
        "Schedules as they ran",
        "What the steps used, at the end of each epoch or as its mean; not what the file asked for.",
    ),
    ("Steps", "Means of each epoch over the steps where the value applies."),
];

/// How a column of `metrics.csv` is shown.
struct Shown {
    section: usize,
    column: &'static str,
    title: &'static str,
    axis: &'static str,
    caption: &'static str,
}

const fn shown(
    section: usize,
    column: &'static str,
    title: &'static str,
    axis: &'static str,
    caption: &'static str,
) -> Shown {
    Shown { section, column, title, axis, caption }
}

/// Columns that are drawn elsewhere, or place a row.
const ELSEWHERE: [&str; 6] = ["phase", "epoch", "step", "difficulty_p10", "difficulty_p50", "difficulty_p90"];

const COLUMNS: [Shown; 26] = [
    shown(
        TRAINING,
        "train_loss",
        "Training loss",
        "cross-entropy (nats)",
        "Mean loss of the training inputs.",
    ),
    shown(
        TRAINING,
        "validation_loss",
        "Validation loss",
        "cross-entropy (nats)",
        "Mean loss of the clean validation samples.",
    ),
    shown(
        TRAINING,
        "train_accuracy",
        "Training accuracy",
        "accuracy (%)",
        "Share of training inputs classified correctly.",
    ),
    shown(
        TRAINING,
        "validation_accuracy",
        "Validation accuracy",
        "accuracy (%)",
        "Share of clean validation samples classified correctly.",
    ),
    shown(
        TRAINING,
        "clean_loss",
        "Clean training loss",
        "cross-entropy (nats)",
        "Mean loss of the clean images in the training passes.",
    ),
    shown(
        TRAINING,
        "clean_accuracy",
        "Clean training accuracy",
        "accuracy (%)",
        "Share of clean training images classified correctly.",
    ),
    shown(
        TRAINING,
        "adversarial_loss",
        "Adversarial training loss",
        "cross-entropy (nats)",
        "Mean loss of the attacked training images.",
    ),
    shown(
        TRAINING,
        "adversarial_accuracy",
        "Adversarial training accuracy",
        "accuracy (%)",
        "Share of attacked training images classified correctly.",
    ),
    shown(
        TRAINING,
        "validation_adversarial_accuracy",
        "Adversarial validation accuracy",
        "accuracy (%)",
        "Share of attacked validation images classified correctly.",
    ),
    shown(
        TRAINING,
        "adversarial_gap",
        "Adversarial generalisation gap",
        "gap (%)",
        "Adversarial accuracy in training less that of validation.",
    ),
    shown(
        SCHEDULES,
        "learning_rate",
        "Learning rate",
        "learning rate",
        "Learning rate of the last step of the epoch.",
    ),
    shown(
        SCHEDULES,
        "radius",
        "Radius of the perturbation",
        "length of the perturbation",
        "Mean length by which the minimizer moves the weights before its second pass.",
    ),
    shown(
        SCHEDULES,
        "clipped",
        "Clipped steps",
        "share of steps",
        "Share of steps whose radius the clip of the minimizer cut.",
    ),
    shown(
        SCHEDULES,
        "kept",
        "Samples kept",
        "share of samples",
        "Share of samples with a weight above zero.",
    ),
    shown(
        SCHEDULES,
        "weight_easiest",
        "Weight of easy samples",
        "weight",
        "Mean weight of the easiest sample of a batch.",
    ),
    shown(
        SCHEDULES,
        "weight_hardest",
        "Weight of hard samples",
        "weight",
        "Mean weight of the hardest sample of a batch.",
    ),
    shown(
        SCHEDULES,
        "lambda",
        "Curriculum of the adversary",
        "lambda",
        "Where the adversary's own curriculum stands: lambda, threshold, steps, or the mean radius.",
    ),
    shown(
        SCHEDULES,
        "attack_active",
        "Samples under attack",
        "share of samples",
        "Share of samples that took a step, over all attack steps.",
    ),
    shown(
        SCHEDULES,
        "perturbation",
        "Length of attacks",
        "norm of the perturbation",
        "Mean norm of the perturbations of images.",
    ),
    shown(
        SCHEDULES,
        "passes",
        "Cost of a step",
        "forward passes",
        "Passes per step in units of one forward pass.",
    ),
    shown(
        STEPS,
        "gradient_norm",
        "Norm of the gradient",
        "norm of the gradient",
        "Norm of the gradient of the first pass.",
    ),
    shown(
        STEPS,
        "rise",
        "Rise under perturbation",
        "rise of the loss (nats)",
        "Loss at the perturbed weights less that at the weights.",
    ),
    shown(
        STEPS,
        "curvature",
        "Curvature along the gradient",
        "curvature",
        "Rayleigh quotient of the Hessian, where the minimizer measures it.",
    ),
    shown(
        STEPS,
        "fell",
        "Attacks that lowered the loss",
        "share of samples",
        "Share of samples whose loss fell under the attack of ADM.",
    ),
    shown(
        STEPS,
        "skipped",
        "Skipped steps",
        "steps",
        "Steps of the epoch that changed nothing, because loss or gradient were not finite.",
    ),
    shown(
        STEPS,
        "empty",
        "Empty steps",
        "steps",
        "Steps of the epoch that changed nothing, because all sample weights were zero.",
    ),
];

/// Counts are drawn where there is something to count.
const COUNTS: [&str; 2] = ["skipped", "empty"];

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

/// One curve per number that evaluators gave on the way; quantiles of difficulty have figures of their own.
pub fn measurements(study: &Study) -> Section {
    let mut names: Vec<&str> = Vec::new();
    for row in study.all().flat_map(|(_, seed)| &seed.history.measured) {
        let is_quantile = [".p10", ".p50", ".p90"].iter().any(|end| row.name.ends_with(end));
        if !is_quantile && !names.contains(&row.name.as_str()) {
            names.push(&row.name);
        }
    }
    let figures = names.into_iter().filter_map(|name| {
        let scale = if in_percent(name) { 100.0 } else { 1.0 };
        let curve = |seed: &Seed| measured(seed, name, scale);
        let title = format!("{name} during training");
        figure(study, file_name(&["during", name]), title, &heading(name), "As evaluated on the way.", curve)
    });
    Section {
        title: "Measurements during training",
        note: "Each point is an evaluation of the weights at that time.",
        figures: figures.collect(),
    }
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
    let series = study.variants.iter().map(|variant| Series {
        style: variant.style,
        name: variant.name.clone(),
        points: band(variant.seeds.iter().map(&curve)),
        thin: false,
    });
    let series: Vec<Series> =
        series.filter(|series| series.points.iter().any(|point| point.y.is_finite())).collect();
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
