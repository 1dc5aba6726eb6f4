//! Evaluators: what is measured on the trained weights.

use super::declare::kind;
use super::{AttackLoss, Beginning, Norm, PIXELS, Range};
use crate::lang::check::measure::{check_difficulty, check_pgd};

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

        Pgd(PgdEvaluator) "pgd" {
            summary: "Share of the test samples that stay classified correctly under projected gradient ascent.",
            rule: "the attack of `explain at` on the network in evaluation mode, `restarts` times;\n\
                   a sample counts where it is right at the clean image and after every attack",
            passes: "at most restarts x (steps + 1) forward and restarts x steps backward to the inputs over the split, and 1 forward",
            source: "Madry et al., ICLR 2018",
            notes: "A sample leaves the attack once it is misclassified. The number is an upper bound on robustness: a stronger \
                    attack may find more. It is printed with norm, eps, steps, restarts and loss. `select best(pgd.accuracy)` \
                    attacks the validation split with the settings of the file's own `pgd`, or these defaults.",
            example: "evaluate accuracy, pgd(eps = 8/255, steps = 20)",
        } with {
            eps: f64 => "radius of the ball", default("8/255", "CIFAR; MNIST takes 0.3"), range(Range::POSITIVE), unit(PIXELS), first();
            steps: usize => "number of steps", default("20", "PGD-20"), range(Range::AT_LEAST_ONE), unit("steps");
            step: Option<f64> => "length of a step; `none` is 2.5 eps / steps",
                default("none", "the common rule where a paper states none"), range(Range::POSITIVE), unit(PIXELS);
            restarts: usize => "attacks per sample, each from its own start", default("1", "PGD-20"), range(Range::AT_LEAST_ONE), unit("restarts");
            norm: Norm => "norm of the ball", default("linf", "every paper on adversarial training");
            loss: AttackLoss => "what the attack raises", default("ce", "Madry et al. 2018");
            start: Beginning => "where the attack begins", default("uniform", "Madry et al. 2018");
        } => check_pgd;
    }
}

impl PgdEvaluator {
    /// Length of a step.
    pub fn step(&self) -> f64 {
        self.step.unwrap_or(2.5 * self.eps / self.steps as f64)
    }

    /// How the number is labelled: norm, eps, steps, restarts, and the loss where it is not cross-entropy.
    pub fn label(&self) -> String {
        let norm = match self.norm {
            Norm::Linf => "linf",
            Norm::L2 => "l2",
        };
        let loss = match self.loss {
            AttackLoss::Ce => "",
            AttackLoss::Margin => ", loss=margin",
            AttackLoss::Dlr => ", loss=dlr",
        };
        let (eps, steps, restarts) = (ratio(self.eps), self.steps, self.restarts);
        format!("pgd({norm}, eps={eps}, steps={steps}, restarts={restarts}{loss})")
    }
}

/// `8/255` where the radius is a whole number of grey levels.
fn ratio(eps: f64) -> String {
    let levels = eps * 255.0;
    if levels >= 0.5 && (levels - levels.round()).abs() < 1e-9 {
        format!("{}/255", levels.round())
    } else {
        format!("{eps}")
    }
}
