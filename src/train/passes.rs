//! Passes a step will take, known before it is taken.

use super::PassCount;
use crate::lang::catalog::{Difficulty, Freshness, Minimizer, Pacing};
use crate::lang::program::Phase;

/// A forward and a backward pass: the gradient at one point.
const GRADIENT: PassCount = PassCount { forward: 1, backward: 1, input_backward: 0 };
const FORWARD: PassCount = PassCount { forward: 1, backward: 0, input_backward: 0 };
const INPUT_BACKWARD: PassCount = PassCount { forward: 0, backward: 0, input_backward: 1 };

/// Passes of one step of a phase: those of the minimizer and those of the curriculum's difficulty.
pub fn passes(phase: &Phase) -> PassCount {
    gradients(&phase.minimizer) + measuring(&phase.curriculum)
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
