//! `spectrum`: the density of the Hessian's eigenvalues.

use super::density::{Quadrature, average, density, nodes, range};
use super::operator::Operator;
use super::probe::{Hessian, Probe};
use super::{named, smoke};
use crate::evaluate::field::{Axis, Column, Field};
use crate::evaluate::{MeasureError, Measurements, Moment, Session, Subject};
use crate::lang::catalog::SpectrumEvaluator;
use crate::ops::Ops;

/// # Errors
/// Data that cannot be read; the session was stopped.
pub fn spectrum<B: Ops>(
    spec: &SpectrumEvaluator,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let probe = Probe::new(subject, moment, &spec.probe, session)?;
    let steps = smoke(subject, spec.steps, 2);
    let starts = smoke(subject, spec.starts, 1);
    let rule = Quadrature { steps, starts, precision: probe.precision() };
    let mut operator = Hessian(&probe);
    let all = nodes(&rule, &mut operator, session)?;
    let density = density(&all, spec.points);
    let (low, high) = range(&all);
    let name = |what: &str| named("spectrum", &spec.probe.loss, what);
    let values = vec![
        (name("low"), low),
        (name("high"), high),
        (name("negative"), average(&all, |value| f64::from(value < 0.0))),
        (name("trace"), operator.dimension() as f64 * average(&all, |value| value)),
    ];
    let described = probe.described(&spec.probe.loss);
    let label = format!("spectrum(steps={steps}, starts={starts}, {described}; no weight decay)");
    let columns = vec![Column::new("density", density.values)];
    let field = Field::line("spectrum", label, Axis::new("eigenvalue", density.grid), columns);
    Ok(Measurements { values, fields: vec![field], warnings: Vec::new() })
}
