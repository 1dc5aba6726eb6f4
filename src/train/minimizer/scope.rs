//! Which weights a perturbation moves, and when.

use crate::lang::catalog::{NormOver, Perturbed};
use crate::lang::schedule::{Clock, Duration, Moment};
use crate::model::{Parameter, Role};
use crate::ops::Subset;

/// Which weights are perturbed, and over which the gradient is measured.
#[derive(Clone)]
pub struct Scope {
    pub perturbed: Subset,
    pub measured: Subset,
}

impl Scope {
    pub fn new(parameters: &[Parameter], perturbed: Perturbed, norm: NormOver) -> Self {
        let perturbed = chosen(parameters, perturbed);
        let measured = match norm {
            NormOver::Perturbed => perturbed.clone(),
            NormOver::All => Subset::All,
        };
        Self { perturbed, measured }
    }

    /// Whether what is measured is what is perturbed.
    pub fn is_whole(&self) -> bool {
        self.perturbed == self.measured
    }

    /// Parameters whose gradient the first pass must give; `all` where the whole of it is read later.
    pub fn differentiated(&self, all: bool) -> Subset {
        if all { Subset::All } else { self.perturbed.union(&self.measured) }
    }
}

/// The parameters a file chooses.
pub fn chosen(parameters: &[Parameter], perturbed: Perturbed) -> Subset {
    let norm = |parameter: &Parameter| matches!(parameter.role, Role::NormScale | Role::NormShift);
    match perturbed {
        Perturbed::All => Subset::All,
        Perturbed::Norms => Subset::Of(parameters.iter().map(norm).collect()),
        Perturbed::NoNorms => Subset::Of(parameters.iter().map(|parameter| !norm(parameter)).collect()),
    }
}

/// Which steps are perturbed.
pub struct Cadence {
    pub every: Duration,
    pub from: Option<Moment>,
}

impl Cadence {
    pub fn due(&self, clock: &Clock) -> bool {
        self.since(clock).is_some_and(|since| since.is_multiple_of(self.every.steps(clock.steps_per_epoch)))
    }

    /// Steps since perturbation began; `None` before.
    pub fn since(&self, clock: &Clock) -> Option<u64> {
        let first = self.from.map_or(0, |from| from.step(clock));
        clock.step.checked_sub(first)
    }
}
