//! Evaluators: what is measured on the trained weights.

use std::path::PathBuf;

use super::declare::{choice, kind};
use super::{AttackLoss, Beginning, Norm, PIXELS, Range};
use crate::lang::check::corruption::check_corruption;
use crate::lang::check::measure::{check_autoattack, check_difficulty, check_estimates, check_pgd};

choice! {
    /// How much of AutoAttack is run.
    Profile "a profile" {
        Standard "standard" "all four attacks with the published budgets"
        Quick "quick" "apgd-ce and apgd-t alone: an upper bound, not AutoAttack"
    }
}

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

        Autoattack(AutoattackEvaluator) "autoattack" {
            summary: "Share of the test samples that stay classified correctly under AutoAttack, four attacks without settings.",
            rule: "clean, then on the samples that are still robust, each from the clean image:\n\
                   apgd-ce: momentum, step 2 eps halved where cross-entropy stalls; 100 steps, 1 start on the boundary\n\
                   apgd-t: the same on the targeted DLR, towards the 2nd to 10th likeliest class; 100 steps each\n\
                   fab-t: the smallest perturbation across the linearised boundary to each of these classes; 100 steps each\n\
                   square: random search on the margin, 5000 queries",
            passes: "over the samples that are left: 101 forward and backward to the inputs, 9 x as many, \
                     900 backward and 1800 forward, 5001 forward",
            source: "Croce and Hein, ICML 2020 (version standard); Andriushchenko et al., ECCV 2020",
            notes: "A sample leaves once it is misclassified. `profile = quick` leaves out fab-t and square; its number is labelled an \
                    upper bound. Data of fewer than ten classes have as many targets as other classes; fewer than four have no targeted \
                    DLR and apgd-t raises the difference of logits, which a warning says. Windows of square belong to samples, not to \
                    batches. Warnings tell of a network that answers at random, of missing gradients, of more than 0.2 points won \
                    by square, and of a `pgd` in the same evaluation and ball that is more than 5 points higher. `select best(autoattack.accuracy)` \
                    attacks the validation split with the settings of the file's own `autoattack`, or these defaults.",
            example: "evaluate accuracy, pgd, autoattack(eps = 8/255)",
        } with {
            eps: f64 => "radius of the ball", default("8/255", "CIFAR; MNIST takes 0.3"), range(Range::POSITIVE), unit(PIXELS), first();
            norm: Norm => "norm of the ball", default("linf", "every paper on adversarial training");
            profile: Profile => "how much is run", default("standard", "Croce and Hein 2020");
        } => check_autoattack;

        Estimates(EstimatesEvaluator) "estimates" {
            summary: "How well the estimates of `hsat` rank training samples by the curvature of their loss at attacked images.",
            rule: "x' = the attack of `explain at`, network in evaluation mode\n\
                   exact = largest |eigenvalue| of the Hessian of a sample's cross-entropy at x', by power iteration\n\
                   spearman = rank correlation of exact with each estimate of `explain hsat`; ratio = median of lower / exact",
            passes: "over the samples: those of `at`, 3 forward and 1 backward; for each sample alone 1 forward and `iterations` Hessian products",
            source: "Sitawarin, Chakraborty and Wagner 2021, section C.2 and figure 7",
            notes: "The paper reports 0.64, 0.61 and 0.65 for AT, H-SAT and P-SAT, and a lower bound within 15 %. Samples that share a \
                    direction share `group`, as in training. The values of all samples are a field of the run.",
            example: "evaluate estimates(samples = 128)",
        } with {
            samples: usize => "training samples, evenly spread", default("128", "section C.2, one batch"),
                range(Range::above(1.0)), unit("samples"), first();
            eps: f64 => "radius of the attack", default("8/255", "CIFAR; MNIST takes 0.3"), range(Range::POSITIVE), unit(PIXELS);
            step: f64 => "length of a step", default("2/255", "as `hsat`"), range(Range::POSITIVE), unit(PIXELS);
            steps: usize => "number of steps", default("10", "as `hsat`"), range(Range::AT_LEAST_ONE), unit("steps");
            norm: Norm => "norm of the ball", default("linf", "every paper on adversarial training");
            group: usize => "samples that share a direction", default("32", "section C.2"), range(Range::AT_LEAST_ONE), unit("samples");
            iterations: usize => "power iterations of each sample", default("20", "choice of this project"), range(Range::AT_LEAST_ONE), unit("iterations");
        } => check_estimates;

        Corruption(CorruptionEvaluator) "corruption" {
            summary: "Mean error on corrupted test images: noise, blur, weather, colours and compression at five severities.",
            rule: "error = mean over kinds and severities 1 to 5 of the share of images that are misclassified\n\
                   gaussian_noise sigma .04 .06 .08 .09 .10; shot_noise Poisson(c x) / c, c 500 250 100 75 50; impulse_noise share .01 .02 .03 .05 .07\n\
                   defocus_blur disk .3 .4 .5 1 1.5, softened; glass_blur sigma .05 .25 .4 .25 .4, pixels exchanged 1 1 1 2 2 times\n\
                   motion_blur trail of sigma 1 1.5 2 2 2.5 within 45 degrees of the horizontal; zoom_blur mean of zooms to 1.05 1.10 1.15 1.20 1.25\n\
                   snow noise above a threshold in trails; frost .2 .3 .4 .4 .45 of an ice texture; fog .2 .5 .75 1 1.5 of a plasma cloud\n\
                   brightness V + .05 .1 .15 .2 .3; contrast x .75 .5 .4 .3 .15; elastic_transform affine map and smooth displacement\n\
                   pixelate to .95 .9 .85 .75 .65 of the side; jpeg_compression quality 80 65 58 50 40\n\
                   19 kinds, also: speckle_noise .06 .1 .12 .16 .2; gaussian_blur sigma .4 .6 .7 .8 1; spatter water, mud from severity 4; \
                   saturate S x .3 .1 1.5 2 2.5",
            passes: "5 x kinds forward over the split",
            source: "Hendrycks and Dietterich, ICLR 2019, with the parameters of its CIFAR script",
            notes: "A plain mean, as is usual for CIFAR: nothing is divided by the errors of another network. Its label says how many kinds; \
                    the error of each kind is its mean over the severities. Images are generated in the style of CIFAR-10-C, of any size, with one \
                    channel or three, and depend on kind, severity and place in the test split alone. They are not those of the published files, \
                    which `root` reads: motion_blur and snow are convolutions with a line where the script calls ImageMagick, and the ice \
                    of frost is generated where it lays photographs on top. Distances in pixels are those of 32 x 32 images. Pixels are cut \
                    off to 256 levels, not rounded.",
            example: "evaluate accuracy, corruption(root = \"data/CIFAR-10-C\")",
        } with {
            kinds: usize => "15, the core set, or 19", default("15", "the core set, which papers report"), first();
            root: Option<PathBuf> => "folder of the published arrays, `labels.npy` and a `.npy` per kind; `none` generates images",
                default("none", "choice of this project");
            samples: Option<usize> => "test images of each kind and severity, evenly spread; `none` takes all",
                default("none", "the whole split"), range(Range::AT_LEAST_ONE), unit("samples");
        } => check_corruption;
    }
}

impl EstimatesEvaluator {
    /// The attack whose images are looked at.
    pub fn attack(&self) -> PgdEvaluator {
        PgdEvaluator {
            eps: self.eps,
            steps: self.steps,
            step: Some(self.step),
            restarts: 1,
            norm: self.norm,
            loss: AttackLoss::Ce,
            start: Beginning::Uniform,
        }
    }

    /// How its field is labelled.
    pub fn label(&self) -> String {
        let (group, iterations) = (self.group, self.iterations);
        format!(
            "estimates of H-SAT at {}, groups of {group}, {iterations} power iterations",
            self.attack().label()
        )
    }
}

/// How many kinds of corruption a mean may be taken over.
pub const KINDS: [usize; 2] = [15, 19];

impl CorruptionEvaluator {
    /// Where the images come from, and how many of them.
    fn images(&self) -> String {
        let origin = if self.root.is_some() { "published arrays" } else { "CIFAR-10-C style" };
        self.samples.map_or(origin.to_owned(), |samples| format!("{origin}, {samples} samples each"))
    }

    /// How the mean is labelled: what the images are, and what it is a mean of.
    pub fn label(&self) -> String {
        format!("corruption({}, mean of {} kinds x 5 severities).error", self.images(), self.kinds)
    }

    /// How the error of a kind is labelled.
    pub fn kind_label(&self, kind: &str) -> String {
        format!("corruption({}).{kind}.error", self.images())
    }
}

/// One attack of AutoAttack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    ApgdCe,
    ApgdT,
    FabT,
    Square,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Stage::ApgdCe => "apgd-ce",
            Stage::ApgdT => "apgd-t",
            Stage::FabT => "fab-t",
            Stage::Square => "square",
        }
    }
}

/// Steps of each start of a gradient attack.
pub const STEPS: usize = 100;

/// Most classes a targeted attack drives a sample to.
const TARGETS: usize = 9;

/// Queries of Square Attack.
pub const QUERIES: usize = 5000;

/// The targeted DLR looks at the fourth largest logit.
pub const TARGETED_DLR_CLASSES: usize = 4;

impl AutoattackEvaluator {
    pub fn stages(&self) -> &'static [Stage] {
        match self.profile {
            Profile::Standard => &[Stage::ApgdCe, Stage::ApgdT, Stage::FabT, Stage::Square],
            Profile::Quick => &[Stage::ApgdCe, Stage::ApgdT],
        }
    }

    /// Classes a targeted attack drives each sample to.
    pub fn targets(classes: usize) -> usize {
        TARGETS.min(classes.saturating_sub(1))
    }

    /// How the number is labelled: norm, eps, and of each attack steps and starts.
    pub fn label(&self, classes: usize) -> String {
        let targets = Self::targets(classes);
        let attacks: Vec<String> = self.stages().iter().map(|stage| budget(*stage, targets)).collect();
        let bound = if self.profile == Profile::Quick { ", quick, an upper bound" } else { "" };
        format!("autoattack({}, eps={}{bound}: {})", word(self.norm), ratio(self.eps), attacks.join(", "))
    }
}

/// `apgd-t 100 steps x 9`.
fn budget(stage: Stage, targets: usize) -> String {
    let name = stage.name();
    match stage {
        Stage::ApgdCe => format!("{name} {STEPS} steps x 1 restart"),
        Stage::ApgdT | Stage::FabT => format!("{name} {STEPS} x {targets} targets"),
        Stage::Square => format!("{name} {QUERIES} queries"),
    }
}

fn word(norm: Norm) -> &'static str {
    match norm {
        Norm::Linf => "linf",
        Norm::L2 => "l2",
    }
}

impl PgdEvaluator {
    /// Length of a step.
    pub fn step(&self) -> f64 {
        self.step.unwrap_or(2.5 * self.eps / self.steps as f64)
    }

    /// How the number is labelled: norm, eps, steps, restarts, and the loss where it is not cross-entropy.
    pub fn label(&self) -> String {
        let norm = word(self.norm);
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
