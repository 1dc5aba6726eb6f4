//! Evaluators: what is measured on the trained weights.

use super::declare::kind;
use super::{PIXELS, Range};
use crate::lang::check::measure::check_difficulty;

kind! {
    /// A measurement.
    Evaluator is Evaluator {
        Accuracy(Accuracy) "accuracy" {
            summary: "Share of the test samples whose class is predicted.",
            passes: "1 forward over the split",
            source: "top-1 accuracy",
            example: "evaluate accuracy",
        } with {}

        Loss(LossEvaluator) "loss" {
            summary: "Mean cross-entropy on the test samples.",
            passes: "1 forward over the split",
            source: "cross-entropy, in nats",
            example: "evaluate accuracy, loss",
        } with {}

        Difficulty(DifficultyEvaluator) "difficulty" {
            summary: "Quantiles of loss, GDM and ADM over a fixed set of training samples.",
            rule: "the difficulties of `explain loss`, `explain gdm` and `explain adm`, at the current weights",
            passes: "2 forward and 1 backward pass to the inputs over the samples",
            source: "Aizawa and Hayashi, BMVC 2025, figure 1",
            example: "evaluate difficulty every 10 epochs",
        } with {
            samples: usize => "samples in the fixed set", default("512", "choice of this project"),
                range(Range::AT_LEAST_ONE), unit("samples"), first();
            alpha: f64 => "step of ADM's attack", default("8/255", "Aizawa and Hayashi 2025"), range(Range::SHARE), unit(PIXELS);
        } => check_difficulty;
    }
}
