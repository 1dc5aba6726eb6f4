//! What makes a robustness number hard to believe: the flags of AutoAttack, and attacks that disagree.

use crate::attack::{Criterion, Victim, input_gradient, norms};
use crate::lang::catalog::{Evaluator, Norm, Stage};
use crate::ops::Ops;
use crate::train::Batch;

/// Passes over the same images that must agree.
const REPEATS: usize = 5;

/// Relative distance of logits from which a network counts as randomised.
const DRIFT: f64 = 1e-4;

/// Share of the samples that Square may win after the gradient attacks.
const SQUARE_GAIN: f64 = 0.002;

/// Gap between `pgd` and `autoattack` that suggests masked gradients.
const MASKING: f64 = 0.05;

/// What a batch of classified samples says against attacking a network by its gradients.
pub fn doubts_of_network<B: Ops>(victim: &Victim<'_, B>, batch: &Batch<B>) -> Vec<String> {
    let doubts = [randomised(victim, batch), probabilities(victim, batch), flat(victim, batch)];
    doubts.into_iter().flatten().collect()
}

fn randomised<B: Ops>(victim: &Victim<'_, B>, batch: &Batch<B>) -> Option<String> {
    let logits = || victim.logits(batch.x.clone());
    let first = logits();
    let size = (first.clone() * first.clone()).sum().sqrt();
    let drifts = (1..REPEATS).map(|_| {
        let moved = logits() - first.clone();
        let drift = (moved.clone() * moved).sum().sqrt() / size.clone();
        drift.into_data().convert::<f64>().iter::<f64>().next().unwrap_or_default()
    });
    let most = drifts.fold(0.0, f64::max);
    (most > DRIFT).then(|| {
        format!("the network answers differently each time (by {most:.1e}): attacks that average its noise would be stronger")
    })
}

fn probabilities<B: Ops>(victim: &Victim<'_, B>, batch: &Batch<B>) -> Option<String> {
    let logits = victim.logits(batch.x.clone());
    let classes = logits.dims()[1];
    let values: Vec<f64> = logits.into_data().convert::<f64>().iter::<f64>().collect();
    let sums_to_one = |row: &[f64]| (row.iter().sum::<f64>() - 1.0).abs() < 1e-4;
    let softmax =
        values.chunks(classes).all(|row| sums_to_one(row) && row.iter().all(|p| (0.0..=1.0).contains(p)));
    softmax
        .then(|| "the network seems to give probabilities instead of logits: their gradients vanish".into())
}

/// Samples whose margin has no gradient at the clean image.
fn flat<B: Ops>(victim: &Victim<'_, B>, batch: &Batch<B>) -> Option<String> {
    let trace = victim.trace(batch.x.clone());
    let (_, cotangent) = Criterion::Margin.at(trace.logits.clone(), &batch.labels);
    let sizes = norms(Norm::Linf, input_gradient(&trace, cotangent));
    let sizes: Vec<f64> = sizes.into_data().convert::<f64>().iter::<f64>().collect();
    let none = sizes.iter().filter(|size| **size == 0.0).count();
    (none > 0).then(|| {
        format!(
            "{none} of {} samples have no gradient: attacks that follow gradients cannot move them",
            sizes.len()
        )
    })
}

/// Square sees no gradients: what it wins after the others, they could not see.
pub fn doubts_of_gain(stage: Stage, won: usize, of: usize) -> Option<String> {
    let share = won as f64 / of.max(1) as f64;
    (stage == Stage::Square && share > SQUARE_GAIN).then(|| {
        format!(
            "square won {:.2} points after the attacks that follow gradients: gradients may be masked",
            100.0 * share
        )
    })
}

/// Warnings about attacks of one evaluation in the same ball that disagree.
pub fn disagreements(measured: &[(&Evaluator, f64)]) -> Vec<String> {
    let attacks = measured.iter().filter_map(|(evaluator, accuracy)| match evaluator {
        Evaluator::Autoattack(spec) => Some((spec, *accuracy)),
        _ => None,
    });
    attacks
        .flat_map(|(spec, strong)| {
            measured.iter().filter_map(move |(evaluator, weak)| match evaluator {
                Evaluator::Pgd(pgd) if pgd.norm == spec.norm && (pgd.eps - spec.eps).abs() < 1e-9 => {
                    disagreement(&pgd.label(), *weak, strong)
                }
                _ => None,
            })
        })
        .collect()
}

fn disagreement(pgd: &str, weak: f64, strong: f64) -> Option<String> {
    let points = 100.0 * (weak - strong);
    if weak - strong > MASKING {
        Some(format!(
            "autoattack finds {points:.2} points less than `{pgd}`: gradients may be masked, the smaller number counts"
        ))
    } else if strong - weak > SQUARE_GAIN {
        Some(format!(
            "`{pgd}` finds {:.2} points less than autoattack: a weaker attack should not, the smaller number counts",
            -points
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attacks_may_disagree_by_five_points_in_one_direction() {
        assert_eq!(disagreement("pgd", 0.55, 0.51), None);
        assert!(disagreement("pgd", 0.58, 0.51).unwrap().contains("7.00 points less than `pgd`: gradients"));
        assert_eq!(disagreement("pgd", 0.509, 0.51), None);
        assert!(disagreement("pgd", 0.50, 0.51).unwrap().starts_with("`pgd` finds 1.00 points less"));
    }

    #[test]
    fn square_may_win_a_fifth_of_a_point() {
        assert_eq!(doubts_of_gain(Stage::Square, 2, 1000), None);
        assert!(doubts_of_gain(Stage::Square, 3, 1000).is_some());
        assert_eq!(doubts_of_gain(Stage::ApgdT, 30, 1000), None);
    }
}
