//! One variant: the experiment that the file and the choices made describe.

use super::Checker;
use super::outline::Outline;
use crate::lang::program::Experiment;

impl<'a> Checker<'a> {
    /// Reads everything that a variant is made of; one mistake does not hide the others.
    pub(super) fn experiment(&mut self, outline: &Outline<'a>) -> Option<Experiment> {
        let data = self.at("data", |checker| checker.data(outline));
        let model = self.at("model", |checker| checker.model(outline));
        let steps_per_epoch = data.as_ref().and_then(|data| self.steps_per_epoch(data));
        let source = data.as_ref().map(|data| &data.source);
        let phases = self.phases(outline, source, steps_per_epoch);
        let evaluate = self.evaluate(outline);
        let select = self.select(outline, evaluate.as_deref().unwrap_or_default());
        let device = self.device(outline);
        let precision = self.precision(outline);
        let export = self.export(outline);
        if let Some(model) = &model {
            self.model_fits(outline, model);
        }
        let experiment = Experiment {
            data: data?,
            model: model?,
            phases: phases?,
            evaluate: evaluate?,
            select: select?,
            device: device?,
            precision: precision?,
            export: export?,
        };
        self.soft_labels_fit(outline, &experiment);
        self.lint_augmentations(outline, &experiment);
        self.domains_fit(outline, &experiment);
        self.lint_crops(outline, &experiment.data.augment);
        self.lint_experiment(outline, &experiment);
        self.require_adversary(outline, &experiment)?;
        Some(experiment)
    }
}
