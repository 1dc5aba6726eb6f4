//! Which weights a perturbation moves.

use crate::lang::catalog::{NormOver, Perturbed};
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
        Self::of(chosen(parameters, perturbed), norm)
    }

    /// Perturbs `perturbed`.
    pub fn of(perturbed: Subset, norm: NormOver) -> Self {
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
