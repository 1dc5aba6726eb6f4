//! `landscape`: the loss along filter-normalised directions (Li et al., NeurIPS 2018).

use super::probe::{Probe, Scores, flat};
use super::vector::normal;
use super::{filters, named};
use crate::evaluate::field::{Axis, Column, Field};
use crate::evaluate::{Headway, MeasureError, Measurements, Moment, Session, Subject};
use crate::lang::catalog::{LandscapeEvaluator, ProbeLoss};
use crate::ops::{Ops, Vector};

/// Streams of the directions, as part of a key.
const DIRECTION: u64 = 6;

/// Points along each axis of a smoke run.
const SMOKE: usize = 2;

/// # Errors
/// Data that cannot be read; the session was stopped.
pub fn landscape<B: Ops>(
    spec: &LandscapeEvaluator,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let mut probe = Probe::new(subject, moment, &spec.probe, session)?;
    let centre = probe.scores(probe.weights())?;
    let directions = directions(spec, &probe, subject);
    let steps = steps(spec.span, super::smoke(subject, spec.points, SMOKE));
    let of = steps.len().pow(spec.dimensions as u32);
    let mut found: Vec<(f64, f64)> = session.state("landscape").unwrap_or_default();
    while found.len() < of {
        let at =
            [found.len() % steps.len(), found.len() / steps.len()].map(|place| steps.get(place).copied());
        let Scores { loss, accuracy } = scores(spec, &mut probe, &directions, at, session)?;
        found.push((loss, accuracy));
        let headway = Headway { what: "landscape", unit: "points", done: found.len(), of };
        session.advance("landscape", headway, &found)?;
    }
    let evaluator = if spec.dimensions == 2 { "landscape.2d" } else { "landscape" };
    let name = |what: &str| named(evaluator, &spec.probe.loss, what);
    let values = vec![(name("centre"), centre.loss), (name("rise"), rim(&found, steps.len()) - centre.loss)];
    let field = field(spec, &probe, steps, found);
    Ok(Measurements { values, fields: vec![field], warnings: Vec::new() })
}

/// One or two, drawn by the seed alone: runs that are compared look along the same ones, each at its own scale.
fn directions<B: Ops>(
    spec: &LandscapeEvaluator,
    probe: &Probe<'_, B>,
    subject: &Subject<'_, B>,
) -> Vec<Vector<B>> {
    let weights = flat(probe.weights());
    let direction = |axis: u64| {
        let mut direction = normal(weights.len(), &[DIRECTION, spec.seed as u64, axis]);
        filters::normalize(&mut direction, &weights, &subject.model.layout);
        probe.vector(&direction)
    };
    (0..spec.dimensions as u64).map(direction).collect()
}

/// From `-span` to `span`.
fn steps(span: f64, points: usize) -> Vec<f64> {
    let last = (points - 1).max(1) as f64;
    // An odd number of points has one that is exactly 0.
    (0..points).map(|point| span * (2.0 * point as f64 - last) / last).collect()
}

fn scores<B: Ops>(
    spec: &LandscapeEvaluator,
    probe: &mut Probe<'_, B>,
    directions: &[Vector<B>],
    at: [Option<f64>; 2],
    session: &mut Session<'_, '_>,
) -> Result<Scores, MeasureError> {
    let mut weights = probe.weights().clone();
    for (direction, step) in directions.iter().zip(at.into_iter().flatten()) {
        weights = weights.add_scaled(direction, &weights.number(step));
    }
    if let (ProbeLoss::Pgd(attack), true) = (&spec.probe.loss, spec.regenerate) {
        let attacked = probe.attack(attack, &weights, session)?;
        probe.at(attacked);
    }
    probe.scores(&weights)
}

/// Mean loss over the points at the rim.
fn rim(found: &[(f64, f64)], side: usize) -> f64 {
    let outer = |place: usize| place == 0 || place + 1 == side;
    let at_rim = |index: usize| {
        let (x, y) = (index % side, index / side);
        outer(x) || (found.len() > side && outer(y))
    };
    let losses: Vec<f64> =
        (0..found.len()).filter(|&index| at_rim(index)).map(|index| found[index].0).collect();
    losses.iter().sum::<f64>() / losses.len() as f64
}

fn field<B: Ops>(
    spec: &LandscapeEvaluator,
    probe: &Probe<'_, B>,
    steps: Vec<f64>,
    found: Vec<(f64, f64)>,
) -> Field {
    let points = match (&spec.probe.loss, spec.regenerate) {
        (ProbeLoss::Clean, _) => "",
        (ProbeLoss::Pgd(_), true) => ", attacked anew at every point",
        (ProbeLoss::Pgd(_), false) => ", attacked once at the centre",
    };
    let described = probe.described(&spec.probe.loss);
    let label = format!(
        "landscape(span={}, points={}, dimensions={}, {described}, seed={}{points}; filter-normalised, running statistics fixed)",
        spec.span,
        steps.len(),
        spec.dimensions,
        spec.seed
    );
    let names: &[&str] = if spec.dimensions == 2 { &["y", "x"] } else { &["x"] };
    let (losses, accuracies) = found.into_iter().unzip();
    Field {
        name: "landscape".into(),
        label,
        axes: names.iter().map(|name| Axis::new(name, steps.clone())).collect(),
        columns: vec![Column::new("loss", losses), Column::new("accuracy", accuracies)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_symmetric_and_holds_the_weights() {
        assert_eq!(steps(1.0, 5), [-1.0, -0.5, 0.0, 0.5, 1.0]);
        assert_eq!(steps(0.5, 51)[25], 0.0);
        assert_eq!(steps(2.0, 2), [-2.0, 2.0]);
    }

    #[test]
    fn the_rim_is_the_ends_of_a_line_and_the_border_of_a_square() {
        let line: Vec<(f64, f64)> = [4.0, 1.0, 2.0].map(|loss| (loss, 0.0)).to_vec();
        assert_eq!(rim(&line, 3), 3.0);
        let square: Vec<(f64, f64)> = (0..9).map(|k| (if k == 4 { 100.0 } else { 1.0 }, 0.0)).collect();
        assert_eq!(rim(&square, 3), 1.0);
    }
}
