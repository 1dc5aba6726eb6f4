//! Stages in the words of a file.

use crate::lang::catalog::{Difficulty, Minimizer, Pacing};
use crate::lang::program::{Phase, Variant};

/// `digits, batch 64`
pub fn data(variant: &Variant) -> String {
    let data = &variant.experiment.data;
    format!("{}, batch {}", data.source.name(), data.batch)
}

/// `30 epochs under lesam over sgd, curriculum ssp(adm), against psat`
pub fn phase(phase: &Phase) -> String {
    let duration = format!("{} {}", phase.duration.count, phase.duration.unit.of(phase.duration.count));
    let curriculum = match &phase.curriculum {
        Pacing::Erm(_) => String::new(),
        pacing => format!(", curriculum {}", curriculum(pacing)),
    };
    let against =
        phase.adversary.as_ref().map_or(String::new(), |known| format!(", against {}", known.name()));
    format!("{duration} under {}{curriculum}{against}", minimizer(phase))
}

/// `ssp(adm)`
pub fn curriculum(pacing: &Pacing) -> String {
    let with = |difficulty: &Difficulty| format!("{}({})", pacing.name(), difficulty.name());
    match pacing {
        Pacing::Erm(_) => pacing.name().to_owned(),
        Pacing::Spl(spl) => with(&spl.difficulty),
        Pacing::Ssp(ssp) => with(&ssp.difficulty),
    }
}

fn minimizer(phase: &Phase) -> String {
    let optimizer = phase.optimizer.name();
    match &phase.minimizer {
        Minimizer::Base(_) => optimizer.to_owned(),
        minimizer => format!("{} over {optimizer}", minimizer.name()),
    }
}
