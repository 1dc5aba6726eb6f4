//! `gap`: how much better the network does on training samples than on test samples.

use super::measure::{MeasureError, Measurements};
use super::pgd::points;
use super::samples::Samples;
use super::{Moment, Session, Subject, evenly_spaced, victim};
use crate::attack::{Victim, read, wrong};
use crate::lang::catalog::{Evaluator, GapEvaluator, ProbeLoss};
use crate::ops::Ops;

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
    let of = |corpus, indices: &[u32]| {
        Samples::new(subject, corpus, evenly_spaced(indices, spec.probe.samples), BATCH)
    };
    let victim = victim(subject, moment.state);
    let train = of(subject.train, subject.train_indices);
    let train = accuracy(loss, &victim, "gap, training samples", &train, session)?;
    let test = accuracy(loss, &victim, "gap, test samples", &of(subject.test, &all), session)?;
    let mut values = vec![("gap", train - test), ("gap.train", train), ("gap.test", test)];
    let earlier = moment.history(&Evaluator::Gap(spec.clone()).label());
    if let Some((mean, half_width)) = over_time(&earlier, spec.last) {
        values.extend([("gap.mean", mean), ("gap.mean.ci95", half_width)]);
    }
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(Measurements { values, ..Measurements::default() })
}

/// Share of samples that are classified right, attacked where the loss is adversarial.
fn accuracy<B: Ops>(
    loss: &ProbeLoss,
    victim: &Victim<'_, B>,
    what: &str,
    samples: &Samples<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<f64, MeasureError> {
    let right = samples.fold_part(what, session, |right: &mut usize, batch, go_on| {
        let x = match loss {
            ProbeLoss::Clean => batch.x.clone(),
            ProbeLoss::Pgd(spec) => points(spec, victim, &batch, go_on),
        };
        let missed = read(wrong(&victim.logits(x), &batch.labels));
        *right += missed.into_iter().filter(|wrong| !wrong).count();
    })?;
    Ok(right as f64 / samples.len().max(1) as f64)
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
