//! Passes a step will take, known before it is taken.

use super::PassCount;
use crate::lang::catalog::{Adversary, Difficulty, Estimate, Freshness, Hsat, Minimizer, Pacing};
use crate::lang::program::Phase;

/// A forward and a backward pass: the gradient at one point.
const GRADIENT: PassCount = PassCount { forward: 1, backward: 1, input_backward: 0 };
const FORWARD: PassCount = PassCount { forward: 1, backward: 0, input_backward: 0 };
const INPUT_BACKWARD: PassCount = PassCount { forward: 0, backward: 0, input_backward: 1 };

/// Passes of one step of a phase: those of the minimizer, of the curriculum's difficulty and of the adversary. At
/// most so many where the adversary may stop early or has to warm up.
pub fn passes(phase: &Phase) -> PassCount {
    let plain = gradients(&phase.minimizer) + measuring(&phase.curriculum);
    match &phase.adversary {
        None => plain,
        Some(adversary) => attacking(adversary) + looking_twice(adversary, plain),
    }
}

/// Whether [`passes`] is a bound and not a count.
pub fn at_most(phase: &Phase) -> bool {
    let stops = |adversary: &Adversary| {
        matches!(
            adversary,
            Adversary::Psat(_)
                | Adversary::Fat(_)
                | Adversary::Dat(_)
                | Adversary::Hsat(_)
                | Adversary::Cat18(_)
                | Adversary::Iaat(_)
        )
    };
    phase.adversary.as_ref().is_some_and(stops)
}

/// What making the training inputs costs.
fn attacking(adversary: &Adversary) -> PassCount {
    let steps = |count: usize| PassCount { forward: count as u64, backward: 0, input_backward: count as u64 };
    match adversary {
        Adversary::At(s) if s.restarts > 1 => {
            let judged = PassCount { forward: s.restarts as u64, ..PassCount::default() };
            steps(s.steps * s.restarts) + judged
        }
        Adversary::At(s) => steps(s.steps),
        Adversary::Psat(s) => steps(s.steps),
        Adversary::PsatSingle(_) => steps(1),
        Adversary::Hsat(s) => steps(s.steps) + estimates(s),
        Adversary::Trades(s) => steps(s.steps) + FORWARD,
        Adversary::Mart(s) => steps(s.steps),
        Adversary::Fat(s) => steps(s.steps),
        Adversary::Dat(s) => steps(s.steps),
        Adversary::Cat18(s) => steps(s.steps),
        Adversary::Cat20(s) => steps(s.steps) + FORWARD,
        Adversary::Iaat(s) => steps(3 * s.steps) + FORWARD + FORWARD + FORWARD,
    }
}

/// Estimates of curvature, each a gradient and the losses beside it.
fn estimates(hsat: &Hsat) -> PassCount {
    let count = hsat.steps.div_ceil(hsat.every) as u64;
    let looks = if hsat.estimate == Estimate::Upper { 2 } else { 3 };
    PassCount { forward: looks * count, backward: count, input_backward: 0 }
}

/// Losses that look at the clean image too go forward twice, and backward twice for the weights.
fn looking_twice(adversary: &Adversary, plain: PassCount) -> PassCount {
    match adversary {
        Adversary::Trades(_) | Adversary::Mart(_) => {
            PassCount { forward: 2 * plain.forward, backward: 2 * plain.backward, ..plain }
        }
        _ => plain,
    }
}

fn gradients(minimizer: &Minimizer) -> PassCount {
    match minimizer {
        Minimizer::Base => GRADIENT,
        Minimizer::Sam(_) | Minimizer::Lesam(_) => GRADIENT + GRADIENT,
    }
}

/// What difficulty costs besides the first pass.
fn measuring(curriculum: &Pacing) -> PassCount {
    let (difficulty, weights_may_vanish) = match curriculum {
        Pacing::Erm(_) => return PassCount::default(),
        Pacing::Spl(spl) => (&spl.difficulty, true),
        Pacing::Ssp(ssp) => (&ssp.difficulty, false),
    };
    match difficulty {
        Difficulty::Loss(_) => PassCount::default(),
        Difficulty::Gdm(_) => INPUT_BACKWARD,
        // The weighted backward pass gives the input gradient too, unless it can be zero for a sample.
        Difficulty::Adm(adm) if adm.mode == Freshness::Stale && !weights_may_vanish => FORWARD,
        Difficulty::Adm(_) => FORWARD + INPUT_BACKWARD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Disk;
    use crate::lang::{Settings, check};

    fn cost(recipe: &str) -> u64 {
        let source = format!("edition 2026\ntrain 1 epochs {recipe}\n");
        let checked = check(&source, &Settings::default(), &Disk);
        let program = checked.program.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
        passes(&program.variants[0].experiment.phases[0]).cost()
    }

    /// One forward and one backward to the input per step, besides the 3 of training.
    #[test]
    fn attacks_cost_their_steps() {
        let attacks = [
            ("at", 23),
            ("at(restarts = 2)", 45),
            ("psat", 23),
            ("psat_single", 5),
            ("hsat", 23 + 3 * 5),
            ("hsat(every = 1, estimate = upper)", 23 + 10 * 4),
            ("trades", 27),
            ("mart", 26),
            ("fat", 23),
            ("dat", 23),
            ("cat18", 17),
            ("cat20", 24),
            ("iaat", 66),
        ];
        for (attack, expected) in attacks {
            assert_eq!(cost(&format!("against {attack} under sgd")), expected, "{attack}");
            let more = if matches!(attack, "trades" | "mart") { 6 } else { 3 };
            assert_eq!(cost(&format!("against {attack} under sam")), expected + more, "{attack}");
        }
    }

    /// The table of costs in Aizawa and Hayashi's terms: a forward is 1, a backward 2, one for the input alone 1.
    #[test]
    fn costs_are_those_of_the_algorithms() {
        let curricula = [
            ("erm", 3),
            ("ssp(loss)", 3),
            ("spl(loss)", 3),
            ("ssp(gdm)", 4),
            ("ssp(adm)", 4),
            ("spl(adm)", 5),
            ("ssp(adm(mode = fresh))", 5),
            ("spl(adm(mode = fresh))", 5),
        ];
        for (curriculum, expected) in curricula {
            assert_eq!(cost(&format!("curriculum {curriculum} under sgd")), expected, "{curriculum}");
            for minimizer in ["sam", "lesam"] {
                assert_eq!(
                    cost(&format!("curriculum {curriculum} under {minimizer}")),
                    expected + 3,
                    "{curriculum}"
                );
            }
        }
    }
}
