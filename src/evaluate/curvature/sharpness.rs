//! `sharpness`: how much the loss rises at a distance, along the gradient (SAM's own measure) and on average; and
//! `gradient`, the norm of the gradient.

use super::named;
use super::probe::Probe;
use super::trace::Mean;
use super::vector::{norm, normal, scale};
use crate::evaluate::{Headway, MeasureError, Measurements, Moment, Session, Subject};
use crate::lang::catalog::{GradientEvaluator, SharpnessEvaluator};
use crate::ops::Ops;

/// Streams of the directions, as part of a key: the same in every run.
const DIRECTION: u64 = 5;

/// A shorter gradient has no direction.
const TINY: f64 = 1e-12;

/// # Errors
/// Data that cannot be read; the session was stopped.
pub fn sharpness<B: Ops>(
    spec: &SharpnessEvaluator,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let probe = Probe::new(subject, moment, &spec.probe, session)?;
    let here = probe.scores(probe.weights())?.loss;
    let worst = match spec.batch {
        None => together(spec, &probe, here, session)?,
        Some(batch) => {
            let grouped = Probe::in_batches(subject, moment, &spec.probe, batch, session)?;
            by_batch(spec, &grouped, session)?
        }
    };
    let draws = super::smoke(subject, spec.draws, 2);
    let mut rises: Vec<f64> = session.state("sharpness").unwrap_or_default();
    while rises.len() < draws {
        let mut step = normal(probe.dimension(), &[DIRECTION, rises.len() as u64]);
        let length = norm(&step);
        scale(&mut step, spec.rho / length);
        rises.push(probe.scores(&probe.displaced(&step))?.loss - here);
        let headway = Headway { what: "sharpness", unit: "draws", done: rises.len(), of: draws };
        session.advance("sharpness", headway, &rises)?;
    }
    let average = Mean::of(rises.iter().copied());
    let name = |what: &str| named("sharpness", &spec.probe.loss, what);
    let values = vec![
        (name("worst"), worst),
        (name("average"), average.value),
        (name("average.error"), average.error),
    ];
    Ok(Measurements { values, ..Measurements::default() })
}

/// `L(w + rho g / ||g||) - L(w)` for the gradient of all samples.
fn together<B: Ops>(
    spec: &SharpnessEvaluator,
    probe: &Probe<'_, B>,
    here: f64,
    session: &mut Session<'_, '_>,
) -> Result<f64, MeasureError> {
    let step = ascent(probe.gradient(session)?, spec.rho);
    Ok(probe.scores(&probe.displaced(&step))?.loss - here)
}

/// The mean over batches, each along its own gradient.
fn by_batch<B: Ops>(
    spec: &SharpnessEvaluator,
    probe: &Probe<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<f64, MeasureError> {
    let (mut rise, mut done) = (0.0, 0);
    for batch in probe.batches() {
        let batch = batch?;
        let step = ascent(probe.batch_gradient(&batch), spec.rho);
        let [there, _] = probe.batch_sums(&probe.displaced(&step), &batch);
        let [here, _] = probe.batch_sums(probe.weights(), &batch);
        rise += (there - here) / probe.samples() as f64;
        done += batch.len();
        session.tell(Headway::samples("sharpness", done, probe.samples()))?;
    }
    Ok(rise)
}

fn ascent(mut gradient: Vec<f64>, rho: f64) -> Vec<f64> {
    let length = norm(&gradient).max(TINY);
    scale(&mut gradient, rho / length);
    gradient
}

/// `gradient.norm`: of the mean loss, in all weights.
///
/// # Errors
/// Data that cannot be read; the session was stopped.
pub fn gradient<B: Ops>(
    spec: &GradientEvaluator,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let probe = Probe::new(subject, moment, &spec.probe, session)?;
    let value = norm(&probe.gradient(session)?);
    Ok(Measurements::one(named("gradient", &spec.probe.loss, "norm"), value))
}
