//! Passes a step will take, known before it is taken.

use super::PassCount;
use crate::lang::catalog::{Adversary, Difficulty, Estimate, Freshness, Hsat, Minimizer, Pacing};
use crate::lang::program::Phase;
use crate::lang::schedule::{Beat, Clock, Schedule};

/// A forward and a backward pass: the gradient at one point.
const GRADIENT: PassCount = PassCount { forward: 1.0, backward: 1.0, input_backward: 0.0 };
const FORWARD: PassCount = PassCount { forward: 1.0, backward: 0.0, input_backward: 0.0 };
const INPUT_BACKWARD: PassCount = PassCount { forward: 0.0, backward: 0.0, input_backward: 1.0 };

/// Points of a phase at which a schedule is looked at for its mean.
const POINTS: u64 = 100;

/// Passes of a step of a phase, on average: those of the minimizer, of the curriculum's difficulty and of the
/// adversary. At most so many where the adversary may stop early or has to warm up.
pub fn passes(phase: &Phase, clock: &Clock) -> PassCount {
    let plain = gradients(&phase.minimizer, clock) + measuring(&phase.curriculum);
    let training = match &phase.adversary {
        None => plain,
        Some(adversary) => attacking(adversary) + looking_twice(adversary, plain),
    };
    training + products(&phase.minimizer, clock)
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
                // One pass less where the network is the same in training and evaluation.
                | Adversary::Trades(_)
        )
    };
    phase.adversary.as_ref().is_some_and(stops)
}

/// What making the training inputs costs.
pub fn attacking(adversary: &Adversary) -> PassCount {
    let steps = |count: usize| (FORWARD + INPUT_BACKWARD) * count as f64;
    match adversary {
        Adversary::At(s) if s.restarts > 1 => steps(s.steps * s.restarts) + FORWARD * s.restarts as f64,
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
        Adversary::Iaat(s) => steps(3 * s.steps) + FORWARD * 3.0,
    }
}

/// Estimates of curvature, each a gradient and the losses beside it.
fn estimates(hsat: &Hsat) -> PassCount {
    let beside = if hsat.estimate == Estimate::Upper { 1.0 } else { 2.0 };
    (GRADIENT + FORWARD * beside) * hsat.steps.div_ceil(hsat.every) as f64
}

/// Losses that look at the clean image too go forward twice, and backward twice for the weights.
fn looking_twice(adversary: &Adversary, plain: PassCount) -> PassCount {
    match adversary {
        Adversary::Trades(_) | Adversary::Mart(_) => {
            PassCount { forward: 2.0 * plain.forward, backward: 2.0 * plain.backward, ..plain }
        }
        _ => plain,
    }
}

fn gradients(minimizer: &Minimizer, clock: &Clock) -> PassCount {
    let share = |count: u64| count as f64 / clock.steps.max(1) as f64;
    let count = |beat: Beat| share(beat.count(clock.steps));
    let perturbed = minimizer.perturbing().map_or(0.0, |perturbing| count(perturbing.beat(clock)));
    match minimizer {
        Minimizer::Esam(esam) => {
            let gamma = mean(&esam.gamma, clock);
            let measured = if gamma < 1.0 { FORWARD } else { PassCount::default() };
            GRADIENT + (measured + GRADIENT * gamma) * perturbed
        }
        Minimizer::Looksam(looksam) => GRADIENT + GRADIENT * count(looksam.beat(clock)),
        _ => GRADIENT + GRADIENT * perturbed,
    }
}

/// Hessian-vector products, which look at one pass whatever the loss.
fn products(minimizer: &Minimizer, clock: &Clock) -> PassCount {
    let Minimizer::Eigensam(eigensam) = minimizer else { return PassCount::default() };
    let rhythm = eigensam.refresh.steps(clock.steps_per_epoch).max(1);
    let refreshes = eigensam.perturbing.beat(clock).passed(rhythm, clock.steps);
    let share = refreshes as f64 / clock.steps.max(1) as f64;
    PassCount::HESSIAN_PRODUCT * (share * eigensam.iterations as f64)
}

fn mean(schedule: &Schedule, clock: &Clock) -> f64 {
    let points = POINTS.min(clock.steps.max(1));
    let at = |point| schedule.at(&Clock { step: point * clock.steps / points, ..*clock });
    (0..points).map(at).sum::<f64>() / points as f64
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

    fn cost(recipe: &str) -> f64 {
        let source = format!("edition 2026\ntrain 2 epochs {recipe}\n");
        let checked = check(&source, &Settings::default(), &Disk);
        let program = checked.program.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
        let clock = Clock { step: 0, steps: 100, steps_per_epoch: 50, lr: None };
        passes(&program.variants[0].experiment.phases[0], &clock).cost()
    }

    #[test]
    fn members_cost_what_their_rhythm_says() {
        let cases = [
            ("msam", 3.0),
            ("s2sam", 3.0),
            ("looksam(k = 5)", 3.6),
            ("sam(every = 2 steps)", 4.5),
            ("sam(from = epoch 1)", 4.5),
            ("esam(beta = 0.6, gamma = 0.5)", 5.5),
            ("esam(beta = 0.6, gamma = 1)", 6.0),
            ("gsam", 6.0),
            ("lesam_plus", 6.0),
        ];
        for (minimizer, expected) in cases {
            let found = cost(&format!("under {minimizer}"));
            assert!((found - expected).abs() < 1e-9, "{minimizer}: {found}");
        }
    }

    /// One forward and one backward to the input per step, besides the 3 of training.
    #[test]
    fn attacks_cost_their_steps() {
        let attacks = [
            ("at", 23.0),
            ("at(restarts = 2)", 45.0),
            ("psat", 23.0),
            ("psat_single", 5.0),
            ("hsat", 33.0),
            ("hsat(every = 1, estimate = upper)", 63.0),
            ("trades", 27.0),
            ("mart", 26.0),
            ("fat", 23.0),
            ("dat", 23.0),
            ("cat18", 17.0),
            ("cat20", 24.0),
            ("iaat", 66.0),
        ];
        for (attack, expected) in attacks {
            assert_eq!(cost(&format!("against {attack} under sgd")), expected, "{attack}");
            let more = if matches!(attack, "trades" | "mart") { 6.0 } else { 3.0 };
            assert_eq!(cost(&format!("against {attack} under sam")), expected + more, "{attack}");
        }
    }

    /// The table of costs in Aizawa and Hayashi's terms: a forward is 1, a backward 2, one for the input alone 1.
    #[test]
    fn costs_are_those_of_the_algorithms() {
        let curricula = [
            ("erm", 3.0),
            ("ssp(loss)", 3.0),
            ("spl(loss)", 3.0),
            ("ssp(gdm)", 4.0),
            ("ssp(adm)", 4.0),
            ("spl(adm)", 5.0),
            ("ssp(adm(mode = fresh))", 5.0),
            ("spl(adm(mode = fresh))", 5.0),
        ];
        for (curriculum, expected) in curricula {
            assert_eq!(cost(&format!("curriculum {curriculum} under sgd")), expected, "{curriculum}");
            for minimizer in ["sam", "lesam"] {
                assert_eq!(
                    cost(&format!("curriculum {curriculum} under {minimizer}")),
                    expected + 3.0,
                    "{curriculum}"
                );
            }
        }
    }
}
