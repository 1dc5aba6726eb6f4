//! `lpf`: the loss under a low-pass filter (Bisla, Wang and Choromanska, AISTATS 2022).

use super::filters;
use super::named;
use super::probe::{Probe, flat};
use super::trace::Mean;
use super::vector::{normal, scale};
use crate::evaluate::{Headway, MeasureError, Measurements, Moment, Session, Subject};
use crate::lang::catalog::{LpfEvaluator, Scale};
use crate::ops::Ops;

/// Streams of the draws, as part of a key: the same in every run.
const NOISE: u64 = 4;

/// Mean of the loss over normal displacements of the weights.
///
/// # Errors
/// Data that cannot be read; the session was stopped.
pub fn lpf<B: Ops>(
    spec: &LpfEvaluator,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let probe = Probe::new(subject, moment, &spec.probe, session)?;
    let draws = super::smoke(subject, spec.draws, 2);
    let weights = flat(probe.weights());
    let here = probe.scores(probe.weights())?.loss;
    let mut losses: Vec<f64> = session.state("lpf").unwrap_or_default();
    while losses.len() < draws {
        let mut noise = noise(weights.len(), spec.sigma, losses.len());
        if spec.scale == Scale::Filter {
            filters::scale(&mut noise, &weights, &subject.model.layout);
        }
        losses.push(probe.scores(&probe.displaced(&noise))?.loss);
        session.advance(
            "lpf",
            Headway { what: "lpf", unit: "draws", done: losses.len(), of: draws },
            &losses,
        )?;
    }
    let Mean { value, error } = Mean::of(losses.iter().copied());
    let name = |what: &str| named("lpf", &spec.probe.loss, what);
    let values = vec![(name(""), value), (name("error"), error), (name("rise"), value - here)];
    Ok(Measurements { values, ..Measurements::default() })
}

/// Displacement number `draw`.
fn noise(length: usize, sigma: f64, draw: usize) -> Vec<f64> {
    let mut noise = normal(length, &[NOISE, draw as u64]);
    scale(&mut noise, sigma);
    noise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quadratic_rises_by_half_its_trace_times_the_variance() {
        // L(w) = sum(h w^2) / 2: mean sigma^2 sum(h) / 2, variance sigma^4 sum(h^2) / 2.
        let curvatures: Vec<f64> = (1..=50).map(|k| 1.0 / f64::from(k)).collect();
        let sigma = 0.3;
        let loss = |draw| {
            let step = noise(50, sigma, draw);
            step.iter().zip(&curvatures).map(|(w, h)| h * w * w / 2.0).sum::<f64>()
        };
        let draws: Vec<f64> = (0..2000).map(loss).collect();
        let found = Mean::of(draws.iter().copied());
        let expected = sigma * sigma * curvatures.iter().sum::<f64>() / 2.0;
        let spread = sigma.powi(4) * curvatures.iter().map(|h| h * h).sum::<f64>() / 2.0;
        assert!((found.value - expected).abs() <= 3.0 * found.error, "{found:?} {expected}");
        assert!((found.error / (spread / 2000.0).sqrt() - 1.0).abs() < 0.1, "{found:?} {spread}");
    }
}
