//! What the evaluators of a stage cost.

use serde::Serialize;

use super::facts::{Setup, Timing};
use crate::evaluate::cost::{Cost, Sizes, cost};
use crate::lang::program::{Experiment, Phase};

/// The measurements of a stage, all together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measuring {
    /// Forward passes of one image; a backward pass is two, to the input alone one.
    pub image_passes: u64,
    /// Some may end early: the passes are a bound.
    pub at_most: bool,
    /// Estimated.
    pub seconds: Option<f64>,
}

impl Measuring {
    /// Of the selected weights, at the end.
    pub fn last(experiment: &Experiment, setup: &Setup) -> Self {
        let Some(phase) = experiment.phases.last() else { return Self::of(Cost::default(), setup) };
        let each = experiment.evaluate.iter().map(|m| cost(&m.evaluator, phase, &sizes(setup)));
        Self::of(each.fold(Cost::default(), |sum, cost| sum + cost), setup)
    }

    /// On the way through a phase, the `place`th of the experiment's; `None` where nothing is measured there.
    pub fn on_the_way(experiment: &Experiment, place: usize, setup: &Setup) -> Option<Self> {
        let per_epoch = setup.data.batches_per_epoch as u64;
        let length = |phase: &Phase| phase.duration.steps(per_epoch);
        let before: u64 = experiment.phases[..place].iter().map(length).sum();
        let phase = &experiment.phases[place];
        let after = before + length(phase);
        let mut sum: Option<Cost> = None;
        for measurement in &experiment.evaluate {
            let Some(every) = measurement.every else { continue };
            let every = every.steps(per_epoch).max(1);
            let times = (after / every - before / every) as f64;
            if times > 0.0 {
                let one = cost(&measurement.evaluator, phase, &sizes(setup));
                let all = Cost { passes: one.passes * times, ..one };
                sum = Some(sum.map_or(all, |sum| sum + all));
            }
        }
        sum.map(|sum| Self::of(sum, setup))
    }

    fn of(cost: Cost, setup: &Setup) -> Self {
        let image_passes = cost.passes.cost();
        let seconds = match setup.forward {
            Timing::Measured { seconds_per_image, .. } => Some(seconds_per_image * image_passes),
            Timing::Skipped { .. } => None,
        };
        Self { image_passes: image_passes.round() as u64, at_most: cost.at_most, seconds }
    }
}

fn sizes(setup: &Setup) -> Sizes {
    let (data, model) = (&setup.data, &setup.model);
    Sizes { train: data.train, test: data.test, classes: data.classes, layers: model.layers }
}
