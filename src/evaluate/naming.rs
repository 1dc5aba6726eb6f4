//! Numbers of several measurements under names of their own.

use super::measure::{MeasureError, Measurements};
use super::{Moment, Session, Subject, measure};
use crate::lang::program::Measurement;
use crate::ops::Ops;

/// What a measurement of a program gives, under names that no other measurement of the program has.
///
/// # Errors
/// As [`measure`].
pub fn measure_named<B: Ops>(
    measurement: &Measurement,
    subject: &Subject<'_, B>,
    moment: &Moment<'_, B>,
    session: &mut Session<'_, '_>,
) -> Result<Measurements, MeasureError> {
    let evaluator = &measurement.evaluator;
    let Some((stem, distinction)) = evaluator.stem().zip(measurement.distinction.as_deref()) else {
        return measure(evaluator, subject, moment, session);
    };
    let distinct = distinct(&stem, distinction);
    let own = |(name, value): &(String, f64)| Some((renamed(name, &distinct, &stem)?, *value));
    let moment = Moment {
        measured: moment.measured.iter().filter_map(own).collect(),
        weights: moment.weights.clone(),
        adversary: moment.adversary.clone(),
        ..*moment
    };
    let mut measured = measure(evaluator, subject, &moment, session)?;
    for (name, _) in &mut measured.values {
        *name = renamed(name, &stem, &distinct).unwrap_or_else(|| std::mem::take(name));
    }
    for field in &mut measured.fields {
        field.label = format!("{distinct}: {}", field.label);
    }
    Ok(measured)
}

/// `hessian(top=5)`; within the bracket that a stem has opened.
fn distinct(stem: &str, distinction: &str) -> String {
    if stem.contains('(') { format!("{stem}, {distinction}") } else { format!("{stem}({distinction})") }
}

fn renamed(name: &str, from: &str, to: &str) -> Option<String> {
    name.strip_prefix(from).map(|rest| format!("{to}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distinction_stands_behind_the_stem() {
        let named = |stem: &str, name: &str| renamed(name, stem, &distinct(stem, "top=5")).unwrap();
        assert_eq!(named("hessian", "hessian.top"), "hessian(top=5).top");
        assert_eq!(
            named("pgd(linf, steps=2", "pgd(linf, steps=2).accuracy"),
            "pgd(linf, steps=2, top=5).accuracy"
        );
    }
}
