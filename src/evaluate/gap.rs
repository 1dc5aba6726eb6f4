//! `gap`: how much better the network does on training samples than on test samples.

use super::curvature::named;
use super::measure::{Headway, MeasureError, Measurements};
use super::pgd::points;
use super::{Moment, Session, Subject, evenly_spaced, victim};
use crate::attack::wrong;
use crate::data::{Corpus, EvalBatches};
use crate::lang::catalog::{GapEvaluator, ProbeLoss};
use crate::ops::Ops;
use crate::train::Batch;

/// Samples per batch: each keeps its activations for a backward pass to its image.
const BATCH: usize = 128;

/// Standard errors on each side of a mean that hold it in 19 of 20 cases.
const NORMAL_95: f64 = 1.959_964;

/// Accuracies on the two splits and their difference; at the end of a run also its mean over the last measurements.
///
/// # Errors
/// Data that cannot be read; the session was stopped.
pub fn gap<B: Ops>(
    spec: &GapEvaluator,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let loss = &spec.probe.loss;
    let all: Vec<u32> = (0..subject.test.len() as u32).collect();
    let of = |indices: &[u32]| {
        let most = subject.at_most.map_or(spec.probe.samples, |_| spec.probe.samples.min(BATCH));
        evenly_spaced(indices, most)
    };
    let train = accuracy(loss, subject, moment, (subject.train, of(subject.train_indices)), session)?;
    let test = accuracy(loss, subject, moment, (subject.test, of(&all)), session)?;
    let name = |what: &str| named("gap", loss, what);
    let mut values = vec![(name(""), train - test), (name("train"), train), (name("test"), test)];
    if let Some((mean, half_width)) = over_time(&moment.history(&name("")), spec.last) {
        values.extend([(name("mean"), mean), (name("mean.ci95"), half_width)]);
    }
    Ok(Measurements { values, ..Measurements::default() })
}

/// Share of samples that are classified right, attacked where the loss is adversarial.
fn accuracy<B: Ops>(
    loss: &ProbeLoss,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    (corpus, indices): (&Corpus, Vec<u32>),
    session: &mut Session<'_, '_>,
) -> Result<f64, MeasureError> {
    let (victim, of) = (victim(subject, moment.state), indices.len());
    let (mut right, mut done) = (0, 0);
    for batch in EvalBatches::new(corpus, indices, BATCH) {
        let batch = Batch::upload(batch?, subject.device);
        let x = match loss {
            ProbeLoss::Clean => batch.x.clone(),
            ProbeLoss::Pgd(spec) => points(spec, &victim, &batch),
        };
        let missed = crate::attack::read(wrong(&victim.logits(x), &batch.labels));
        right += missed.into_iter().filter(|wrong| !wrong).count();
        done += batch.len();
        session.tell(Headway::samples("gap", done, of))?;
    }
    Ok(right as f64 / of.max(1) as f64)
}

/// Mean of the last values and half the width of its 95 % confidence interval; `None` for fewer than two.
pub fn over_time(history: &[f64], last: usize) -> Option<(f64, f64)> {
    let recent = &history[history.len().saturating_sub(last)..];
    let n = recent.len() as f64;
    if recent.len() < 2 {
        return None;
    }
    let mean = recent.iter().sum::<f64>() / n;
    let variance = recent.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Some((mean, NORMAL_95 * (variance / n).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_over_the_last_measurements_alone() {
        let (mean, half_width) = over_time(&[100.0, 1.0, 2.0, 3.0], 3).unwrap();
        assert_eq!(mean, 2.0);
        assert!((half_width - 1.959_964 / 3f64.sqrt()).abs() < 1e-12);
        assert_eq!(over_time(&[1.0], 20), None);
    }
}
