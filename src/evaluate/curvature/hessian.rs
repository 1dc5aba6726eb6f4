//! `hessian`: largest eigenvalues and trace.

use std::ops::Range;

use super::eigenvalues::{Found, Search, eigenvalues};
use super::operator::{Block, Operator};
use super::probe::{Hessian, Probe};
use super::smoke;
use super::trace::{Mean, Rule, traces};
use crate::evaluate::field::{Axis, Column, Field};
use crate::evaluate::{MeasureError, Measurements, Moment, Session, Subject};
use crate::lang::catalog::HessianEvaluator;
use crate::ops::Ops;

/// Products, or draws, of a smoke run.
const SMOKE: usize = 2;

/// What the program asks for.
///
/// # Errors
/// Data that cannot be read; the session was stopped.
pub fn hessian<B: Ops>(
    spec: &HessianEvaluator,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let probe = Probe::new(subject, moment, &spec.probe, session)?;
    let search = Search {
        count: spec.top,
        tolerance: spec.tolerance,
        iterations: smoke(subject, spec.iterations, SMOKE),
        precision: probe.precision(),
        key: 0,
    };
    let layers = if spec.layers { subject.model.layout.modules() } else { Vec::new() };
    let mut operator = Hessian(&probe);
    let found = eigenvalues(&search, &mut operator, "hessian eigenvalues", session)?;
    let mut measured = Measurements::default();
    let name = |what: &str| format!("hessian.{what}");
    measured.values.push((name("top"), found.values.first().copied().unwrap_or(f64::NAN)));
    let mut means = Vec::new();
    if spec.trace || spec.layers {
        let rule = Rule { error: spec.error, probes: smoke(subject, spec.probes, SMOKE) };
        let ranges: Vec<Range<usize>> = layers.iter().map(|(_, range)| range.clone()).collect();
        means = traces(&rule, &mut operator, &ranges, session)?;
    }
    if spec.trace {
        measured.values.extend([(name("trace"), means[0].value), (name("trace.error"), means[0].error)]);
    }
    measured.values.push((name("residual"), found.relative_residual()));
    measured.values.push((name("products"), found.products as f64));
    if !subject.smoke {
        measured.warnings.extend(unconverged("hessian", &found, spec.tolerance));
    }
    let label = label(spec, &probe);
    measured.fields.push(ranked(label.clone(), &found));
    if spec.layers {
        let blocks = blocks(&layers, &search, &mut operator, session)?;
        measured.fields.push(layered(label, &layers, &blocks, &means[1..]));
    }
    Ok(measured)
}

fn label<B: Ops>(spec: &HessianEvaluator, probe: &Probe<'_, B>) -> String {
    let method = if spec.top == 1 { "power iteration" } else { "Lanczos" };
    format!("{method}, {}, tolerance {}, no weight decay", probe.described(), spec.tolerance)
}

/// What is to be said of eigenvalues that are not settled.
fn unconverged(what: &str, found: &Found, tolerance: f64) -> Option<String> {
    (!found.converged).then(|| {
        format!(
            "{what}: after {} products the eigenvalues are known to {:.1e} of their size, not to the tolerance of {tolerance:.1e}",
            found.products,
            found.relative_residual()
        )
    })
}

fn ranked(label: String, found: &Found) -> Field {
    let ranks = (1..=found.values.len()).map(|rank| rank as f64).collect();
    let columns = vec![
        Column::new("eigenvalue", found.values.clone()),
        Column::new("residual", found.residuals.clone()),
    ];
    Field::line("hessian", label, Axis::new("rank", ranks), columns)
}

/// Largest eigenvalue of each layer's block.
fn blocks(
    layers: &[(&str, Range<usize>)],
    search: &Search,
    operator: &mut dyn Operator,
    session: &mut Session<'_, '_>,
) -> Result<Vec<Found>, MeasureError> {
    let mut all = Vec::new();
    for (place, (layer, range)) in layers.iter().enumerate() {
        let search = Search { count: 1, key: place as u64 + 1, ..*search };
        let mut block = Block { whole: operator, range: range.clone() };
        all.push(eigenvalues(&search, &mut block, &format!("hessian of {layer}"), session)?);
    }
    Ok(all)
}

fn layered(label: String, layers: &[(&str, Range<usize>)], blocks: &[Found], traces: &[Mean]) -> Field {
    let axis = Axis {
        labels: layers.iter().map(|(name, _)| name.to_string()).collect(),
        ..Axis::new("layer", (0..layers.len()).map(|place| place as f64).collect())
    };
    let first = |found: &Found| found.values.first().copied().unwrap_or(f64::NAN);
    let columns = vec![
        Column::new("eigenvalue", blocks.iter().map(first).collect()),
        Column::new("trace", traces.iter().map(|mean| mean.value).collect()),
    ];
    Field::line("hessian.layers", label, axis, columns)
}
