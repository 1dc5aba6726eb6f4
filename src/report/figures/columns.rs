//! The columns of `metrics.csv`, as readers see them.

const TRAINING: usize = 0;
const SCHEDULES: usize = 1;
pub const STEPS: usize = 2;

/// Title and note of each section.
pub const SECTIONS: [(&str, &str); 3] = [
    (
        "Training",
        "Means of each epoch, from the first pass of its steps; validation after each epoch. Dashed: a phase ends.",
    ),
    (
        "Schedules as they ran",
        "What the steps used, at the end of each epoch or as its mean; not what the file asked for.",
    ),
    ("Steps", "Means of each epoch over the steps where the value applies."),
];

/// How a column of `metrics.csv` is shown.
pub struct Shown {
    /// Index into [`SECTIONS`].
    pub section: usize,
    pub column: &'static str,
    pub title: &'static str,
    /// Label of the axis, with the unit.
    pub axis: &'static str,
    pub caption: &'static str,
}

const fn shown(
    section: usize,
    column: &'static str,
    title: &'static str,
    axis: &'static str,
    caption: &'static str,
) -> Shown {
    Shown { section, column, title, axis, caption }
}

/// Columns that are drawn elsewhere, or place a row.
pub const ELSEWHERE: [&str; 6] =
    ["phase", "epoch", "step", "difficulty_p10", "difficulty_p50", "difficulty_p90"];

pub const COLUMNS: [Shown; 26] = [
    shown(
        TRAINING,
        "train_loss",
        "Training loss",
        "cross-entropy (nats)",
        "Mean loss of the training inputs.",
    ),
    shown(
        TRAINING,
        "validation_loss",
        "Validation loss",
        "cross-entropy (nats)",
        "Mean loss of the clean validation samples.",
    ),
    shown(
        TRAINING,
        "train_accuracy",
        "Training accuracy",
        "accuracy (%)",
        "Share of training inputs classified correctly.",
    ),
    shown(
        TRAINING,
        "validation_accuracy",
        "Validation accuracy",
        "accuracy (%)",
        "Share of clean validation samples classified correctly.",
    ),
    shown(
        TRAINING,
        "clean_loss",
        "Clean training loss",
        "cross-entropy (nats)",
        "Mean loss of clean training images: where training passes see attacked ones alone, of every 20th batch.",
    ),
    shown(
        TRAINING,
        "clean_accuracy",
        "Clean training accuracy",
        "accuracy (%)",
        "Share of clean training images classified correctly: where training passes see attacked ones alone, of every 20th batch.",
    ),
    shown(
        TRAINING,
        "adversarial_loss",
        "Adversarial training loss",
        "cross-entropy (nats)",
        "Mean loss of the attacked training images.",
    ),
    shown(
        TRAINING,
        "adversarial_accuracy",
        "Adversarial training accuracy",
        "accuracy (%)",
        "Share of attacked training images classified correctly.",
    ),
    shown(
        TRAINING,
        "validation_adversarial_accuracy",
        "Adversarial validation accuracy",
        "accuracy (%)",
        "Share of attacked validation images classified correctly.",
    ),
    shown(
        TRAINING,
        "adversarial_gap",
        "Adversarial generalisation gap",
        "gap (%)",
        "Adversarial accuracy in training less that of validation.",
    ),
    shown(
        SCHEDULES,
        "learning_rate",
        "Learning rate",
        "learning rate",
        "Learning rate of the last step of the epoch.",
    ),
    shown(
        SCHEDULES,
        "radius",
        "Radius of the perturbation",
        "length of the perturbation",
        "Mean length by which the minimizer moves the weights before its second pass.",
    ),
    shown(
        SCHEDULES,
        "clipped",
        "Clipped steps",
        "share of steps",
        "Share of steps whose radius the clip of the minimizer cut.",
    ),
    shown(
        SCHEDULES,
        "kept",
        "Samples kept",
        "share of samples",
        "Share of samples with a weight above zero.",
    ),
    shown(
        SCHEDULES,
        "weight_easiest",
        "Weight of easy samples",
        "weight",
        "Mean weight of the easiest sample of a batch.",
    ),
    shown(
        SCHEDULES,
        "weight_hardest",
        "Weight of hard samples",
        "weight",
        "Mean weight of the hardest sample of a batch.",
    ),
    shown(
        SCHEDULES,
        "lambda",
        "Curriculum of the adversary",
        "lambda",
        "Where the adversary's own curriculum stands: lambda, threshold, steps, or the mean radius.",
    ),
    shown(
        SCHEDULES,
        "attack_active",
        "Samples under attack",
        "share of samples",
        "Share of samples that took a step, over all attack steps.",
    ),
    shown(
        SCHEDULES,
        "perturbation",
        "Length of attacks",
        "norm of the perturbation",
        "Mean norm of the perturbations of images.",
    ),
    shown(
        SCHEDULES,
        "passes",
        "Cost of a step",
        "forward passes",
        "Passes per step in units of one forward pass.",
    ),
    shown(
        STEPS,
        "gradient_norm",
        "Norm of the gradient",
        "norm of the gradient",
        "Norm of the gradient of the first pass.",
    ),
    shown(
        STEPS,
        "rise",
        "Rise under perturbation",
        "rise of the loss (nats)",
        "Loss at the perturbed weights less that at the weights.",
    ),
    shown(
        STEPS,
        "curvature",
        "Curvature along the gradient",
        "curvature",
        "Rayleigh quotient of the Hessian, where the minimizer measures it.",
    ),
    shown(
        STEPS,
        "fell",
        "Attacks that lowered the loss",
        "share of samples",
        "Share of samples whose loss fell under the attack of ADM.",
    ),
    shown(
        STEPS,
        "skipped",
        "Skipped steps",
        "steps",
        "Steps of the epoch that changed nothing, because loss or gradient were not finite.",
    ),
    shown(
        STEPS,
        "empty",
        "Empty steps",
        "steps",
        "Steps of the epoch that changed nothing, because all sample weights were zero.",
    ),
];

/// Counts are drawn where there is something to count.
pub const COUNTS: [&str; 2] = ["skipped", "empty"];
