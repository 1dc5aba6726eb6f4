//! `spectrum`: the density of the Hessian's eigenvalues.

use super::density::{Quadrature, density, nodes, range, share_below_zero, trace};
use super::operator::Operator;
use super::probe::{Hessian, Probe};
use super::smoke;
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
    let name = |what: &str| format!("spectrum.{what}");
    let (negative, trace) = (share_below_zero(&all, operator.dimension()), trace(&all, operator.dimension()));
    let values = vec![
        (name("low"), low),
        (name("high"), high),
        (name("negative"), negative.value),
        (name("negative.error"), negative.error),
        (name("trace"), trace.value),
        (name("trace.error"), trace.error),
    ];
    let label = format!("stochastic Lanczos quadrature, {}, no weight decay", probe.described());
    let columns = vec![Column::new("density", density.values)];
    let field = Field::line("spectrum", label, Axis::new("eigenvalue", density.grid), columns);
    Ok(Measurements { values, fields: vec![field], warnings: Vec::new() })
}
