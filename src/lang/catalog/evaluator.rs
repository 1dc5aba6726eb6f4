//! Evaluators: what is measured on the trained weights.

use std::path::PathBuf;

use super::declare::{choice, group, kind};
use super::{AttackLoss, Beginning, FRACTION, Norm, PIXELS, Range};
use crate::lang::check::corruption::check_corruption;
use crate::lang::check::curvature::{check_hessian, check_landscape};
use crate::lang::check::measure::{check_autoattack, check_difficulty, check_estimates, check_pgd};
use crate::lang::value::ProbeLoss;
use crate::lang::words::counted;

/// What is said of everything that looks at the loss around the weights.
const AROUND: &str = "The loss is the mean cross-entropy over training samples at equal distances in the data set, without \
                      augmentation, normalised by running statistics, without weight decay. `loss = pgd(..)` takes it at attacked \
                      points, all steps taken, found at the current weights and held fixed: the attack is not differentiated. Random \
                      directions are the same in every run.";

choice! {
    /// What noise in weight space is measured by.
    Scale "a scale" {
        Filter "filter" "the length of each filter: what noise on filters of length 1 would be"
        None "none" "the same noise on every weight"
    }
}

group! {
    /// The loss that is looked at.
    Probing {
        samples: usize => "training samples in the fixed set", default("1024", "one or two thousand keep the error of a mini-batch small"),
            range(Range::AT_LEAST_ONE), unit("samples");
        loss: ProbeLoss => "cross-entropy at the images, or at points that an attack found", default("clean", "every paper; SAT's figures take pgd");
    }
}

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
            summary: "Loss, GDM and ADM of a fixed set of training samples, and how far apart they are.",
            rule: "the difficulties of `explain loss`, `explain gdm` and `explain adm`, at the current weights;\n\
                   of each the 10th, 50th and 90th percentile, `ratio` = p90 / p10, `variation` = standard deviation / mean",
            passes: "2 forward and 1 backward pass to the inputs over the samples",
            source: "Aizawa and Hayashi, BMVC 2025, figure 1",
            notes: "The value of every sample is in `fields/`, with whether a self-paced curriculum kept it at its last visit.",
            example: "evaluate difficulty every 10 epochs",
        } with {
            samples: usize => "samples in the fixed set", default("512", "choice of this project"),
                range(Range::AT_LEAST_ONE), unit("samples"), first();
            alpha: f64 => "step of ADM's attack", default("8/255", "Aizawa and Hayashi 2025"), range(Range::SHARE), unit(PIXELS);
        } => check_difficulty;

        Hessian(HessianEvaluator) "hessian" {
            summary: "Largest eigenvalues and trace of the Hessian of the mean loss.",
            rule: "eigenvalues of largest magnitude, with their signs: power iteration for one, Lanczos with full\n\
                   re-orthogonalisation and restarts for more, until ||H v - x v|| <= tolerance |x| for each\n\
                   trace: mean of v'H v over random signs v, until its standard error is at most `error` of it",
            passes: "at most iterations + probes products (layers: iterations more for each layer); a product is 3 forward, \
                     2 backward and 1 backward to the inputs over the samples",
            source: "Yao et al., PyHessian, 2020; Wu and Simon 2000; Hutchinson 1989; Aizawa and Hayashi, BMVC 2025, table of flatness; \
                     LE-SAM, figure 3a; Sitawarin et al. 2021, figure 4",
            notes: "Gives `hessian.top`, `.trace`, `.trace.error`, `.residual` (the largest, over its eigenvalue) and `.products`; all \
                    eigenvalues are in `fields/`, with those of the diagonal blocks where `layers = true`. Products are exact and \
                    summed in f64 over batches whose activations fit into 1 GiB. Their memory does not grow with their number; Lanczos \
                    keeps top + max(20, top / 2) vectors as large as the weights. The loss and the random directions are those of \
                    `explain lpf`. Eigenvalues that run out of products are given with a warning.",
            example: "evaluate hessian(top = 50, trace = true)",
        } with {
            top: usize => "number of eigenvalues", default("5", "the language's own example"), range(Range::AT_LEAST_ONE), first();
            trace: bool => "whether the trace is estimated", default("true", "every paper reports both");
            layers: bool => "whether each layer's block gets its own eigenvalue and trace", default("false", "a search for each layer costs as much as one for all");
            tolerance: f64 => "residual over eigenvalue at which the search ends", default("1e-3", "PyHessian's tolerance, there on the change of the value"),
                range(Range::POSITIVE);
            iterations: usize => "most products for the eigenvalues", default("100", "PyHessian"), range(Range::AT_LEAST_ONE), unit("products");
            error: f64 => "standard error over trace at which the draws end", default("5%", "choice of this project"), range(Range::POSITIVE), unit(FRACTION);
            probes: usize => "most draws for the trace", default("100", "PyHessian"), range(Range::AT_LEAST_TWO), unit("draws");
        } + { probe: Probing } => check_hessian;

        Spectrum(SpectrumEvaluator) "spectrum" {
            summary: "Density of the eigenvalues of the Hessian of the mean loss.",
            rule: "stochastic Lanczos quadrature: `steps` products from each of `starts` random sign vectors, fully re-orthogonalised;\n\
                   nodes are the eigenvalues of the tridiagonal matrix, weights the squared first entries of its eigenvectors;\n\
                   Gaussians of variance 1e-5 max(1, range) at the nodes, on a grid that goes 0.01 beyond them",
            passes: "steps x starts products; a product is 3 forward, 2 backward and 1 backward to the inputs over the samples",
            source: "Yao et al., PyHessian, 2020; Golub and Welsch 1969",
            notes: "Gives `spectrum.low`, `.high`, `.negative` (share of eigenvalues below 0) and `.trace`, both with their `.error`; the density \
                    is in `fields/`. The error of the share is mostly the weight of the nodes next to zero: more `steps` make it smaller. That \
                    of the trace falls with the root of `starts`; `hessian` estimates a trace to an error you choose. \
                    Keeps `steps` vectors as large as the weights. The loss is that of `explain lpf`.",
            example: "evaluate spectrum(steps = 100)",
        } with {
            steps: usize => "products from each start", default("100", "PyHessian"), range(Range::PRODUCTS), unit("products"), first();
            starts: usize => "random starts that are averaged", default("1", "PyHessian"), range(Range::PRODUCTS), unit("starts");
            points: usize => "points of the grid", default("10000", "PyHessian"), range(Range::TWO_TO_A_MILLION), unit("points");
        } + { probe: Probing }

        Landscape(LandscapeEvaluator) "landscape" {
            summary: "Loss and accuracy along one or two filter-normalised random directions.",
            rule: "d normal, each filter of it made as long as that of the weights, parameters of one axis 0;\n\
                   L(w + a d1 + b d2) for a, b from -span to span",
            passes: "points^dimensions forward over the samples; with `regenerate` the attack too, at every point",
            source: "Li et al., NeurIPS 2018; Sitawarin et al. 2021, figure 1; LE-SAM, figure 4",
            notes: "Runs that are compared take the same `seed`, `samples` and `span`. Running statistics stay as they are. Adversarial \
                    surfaces look at points that were attacked at the centre; with `regenerate = true` at points attacked anew at \
                    every place. Gives `landscape.centre` and `.rise` (mean loss at the rim less that at the centre); the points are in `fields/`. Directions are drawn independently. The loss is that of `explain lpf`.",
            example: "evaluate landscape(span = 1, points = 51, dimensions = 2)",
        } with {
            span: f64 => "how far the surface goes in each direction", default("1", "Li et al. 2018"), range(Range::POSITIVE), first();
            points: usize => "points along each direction", default("51", "Li et al. 2018"), range(Range::TWO_TO_A_THOUSAND), unit("points");
            dimensions: usize => "directions", default("1", "a surface costs points times as much"), range(Range::ONE_OR_TWO);
            regenerate: bool => "whether images are attacked anew at every point", default("false", "much cheaper; the papers do not say");
            seed: usize => "draws the directions", default("0", "one seed for all runs that are compared");
        } + { probe: Probing } => check_landscape;

        Lpf(LpfEvaluator) "lpf" {
            summary: "Mean loss under normal noise on the weights: the loss under a low-pass filter.",
            rule: "mean of L(w + t) over `draws` of t ~ N(0, sigma^2)\n\
                   scale = filter: t on a filter is multiplied by the filter's length",
            passes: "draws + 1 forward over the samples",
            source: "Bisla, Wang and Choromanska, AISTATS 2022, and its code; LE-SAM, figure 3b",
            notes: AROUND,
            example: "evaluate lpf(sigma = 0.01, draws = 100) every 10 epochs",
        } with {
            sigma: f64 => "standard deviation of the noise", default("0.01", "Bisla et al.'s code"), range(Range::POSITIVE), first();
            draws: usize => "displacements that are averaged", default("100", "Bisla et al.'s code"), range(Range::AT_LEAST_TWO), unit("draws");
            scale: Scale => "what the noise is measured by", default("filter", "their code rescales filters to length 1 first; this is the same without changing the network");
        } + { probe: Probing }

        Sharpness(SharpnessEvaluator) "sharpness" {
            summary: "How much the loss rises at distance rho: along the gradient, and on average over directions.",
            rule: "worst = L(w + rho g / ||g||) - L(w);  average = mean of L(w + rho u) - L(w), u uniform on the unit sphere",
            passes: "1 backward and draws + 3 forward over the samples",
            source: "Foret et al., ICLR 2021; Andriushchenko and Flammarion, ICML 2022",
            notes: "`batch = m` gives m-sharpness: the mean over batches of m samples of the rise of each batch's own loss along its own \
                    gradient; it grows as m falls. Without it all samples share one gradient. The loss is that of `explain lpf`.",
            example: "evaluate sharpness(rho = 0.05)",
        } with {
            rho: f64 => "distance in weight space", default("0.05", "Foret et al. 2021"), range(Range::POSITIVE), first();
            draws: usize => "random directions that are averaged", default("10", "choice of this project"), range(Range::AT_LEAST_TWO), unit("draws");
            batch: Option<usize> => "samples that share a gradient; `none` for all", default("none", "one gradient depends on no batch size"),
                range(Range::AT_LEAST_ONE), unit("samples");
        } + { probe: Probing }

        Gradient(GradientEvaluator) "gradient" {
            summary: "Norm of the gradient of the mean loss in all weights.",
            rule: "||dL/dw||",
            passes: "1 forward and 1 backward over the samples",
            source: "Sitawarin et al. 2021, figure 4c",
            notes: "Gives `gradient.norm`. The loss is that of `explain lpf`.",
            example: "evaluate gradient(loss = pgd(eps = 8/255, steps = 10)) every 1 epochs",
        } with {} + { probe: Probing }

        Gap(GapEvaluator) "gap" {
            summary: "Accuracy on training samples less that on test samples, clean or under attack.",
            rule: "both splits in evaluation mode, without augmentation, `samples` of each at equal distances",
            passes: "1 forward over the samples of both splits, and the attack",
            source: "Sitawarin et al. 2021, section 6.2.3",
            notes: "Gives `gap`, `gap.train` and `gap.test`. Measured `every` so often, the end of the run also has `gap.mean`, the mean \
                    over the last measurements, and `gap.mean.ci95`, half of its 95 % confidence interval.",
            example: "evaluate gap(loss = pgd(eps = 8/255, steps = 10)) every 1 epochs",
        } with {
            last: usize => "measurements that the mean at the end is over", default("20", "Sitawarin et al. 2021: the last 20 epochs"),
                range(Range::AT_LEAST_TWO), unit("measurements");
        } + { probe: Probing }

        Perturbation(PerturbationEvaluator) "perturbation" {
            summary: "Mean norm of the perturbations that the training adversary makes at the moment.",
            rule: "the recipe's own attack at its own lambda, from the clean image, on a fixed set of training samples",
            passes: "the attack over the samples",
            source: "Sitawarin et al. 2021, figure 6",
            notes: "Gives `perturbation` and, where the adversary has a curriculum of its own, `perturbation.lambda`. It must rise with \
                    lambda. `metrics.csv` has the same of the attacks that trained, whose random starts hide the trend.",
            example: "evaluate perturbation every 1 epochs",
        } with {
            samples: usize => "training samples in the fixed set", default("1280", "Sitawarin et al. 2021: 10 batches of 128"),
                range(Range::AT_LEAST_ONE), unit("samples"), first();
        }

        Pgd(PgdEvaluator) "pgd" {
            summary: "Share of the test samples that stay classified correctly under projected gradient ascent.",
            rule: "the attack of `explain at` on the network in evaluation mode, `restarts` times;\n\
                   a sample counts where it is right at the clean image and after every attack",
            passes: "at most restarts x (steps + 1) forward and restarts x steps backward to the inputs over the split, and 1 forward",
            source: "Madry et al., ICLR 2018",
            notes: "A sample leaves the attack once it is misclassified. The number is an upper bound on robustness: a stronger \
                    attack may find more. It is printed with norm, eps, steps and restarts, and with step, loss and start where they are not the defaults. `select best(pgd.accuracy)` \
                    attacks the validation split with the settings of the file's own `pgd`, or these defaults.",
            example: "evaluate accuracy, pgd(eps = 8/255, steps = 20)",
        } with {
            eps: f64 => "radius of the ball; below 1 for `norm = linf`", default("8/255", "CIFAR; MNIST takes 0.3"), range(Range::POSITIVE), unit(PIXELS), first();
            steps: usize => "number of steps", default("20", "PGD-20"), range(Range::AT_LEAST_ONE), unit("steps");
            step: Option<f64> => "length of a step; `none` is 2.5 eps / steps, at most 2 eps",
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
            eps: f64 => "radius of the ball; below 1 for `norm = linf`", default("8/255", "CIFAR; MNIST takes 0.3"), range(Range::POSITIVE), unit(PIXELS), first();
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
            eps: f64 => "radius of the attack; below 1 for `norm = linf`", default("8/255", "CIFAR; MNIST takes 0.3"), range(Range::POSITIVE), unit(PIXELS);
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
                   defocus_blur disk .3 .4 .5 1 1.5, softened; glass_blur sigma .05 .25 .4 .25 .4, neighbours copied 1 1 1 2 2 times\n\
                   motion_blur trail of sigma 1 1.5 2 2 2.5 within 45 degrees of the horizontal; zoom_blur mean of zooms to 1.05 1.10 1.15 1.20 1.25\n\
                   snow noise above a threshold in trails; frost .2 .3 .4 .4 .45 of generated ice; fog .2 .5 .75 1 1.5 of a plasma cloud\n\
                   brightness V + .05 .1 .15 .2 .3; contrast x .75 .5 .4 .3 .15; elastic_transform affine map and smooth displacement\n\
                   pixelate to .95 .9 .85 .75 .65 of the side; jpeg_compression quality 80 65 58 50 40\n\
                   19 kinds, also: speckle_noise .06 .1 .12 .16 .2; gaussian_blur sigma .4 .6 .7 .8 1; spatter water, mud from severity 4; \
                   saturate S x .3 .1 1.5 2 2.5, + 0 0 0 .1 .2",
            passes: "5 x kinds forward over the split",
            source: "Hendrycks and Dietterich, ICLR 2019, with the parameters of its CIFAR script",
            notes: "A plain mean, as is usual for CIFAR: nothing is divided by the errors of another network. Its label says how many kinds; \
                    the error of each kind is its mean over the severities. Images are generated in the style of CIFAR-10-C, of any size, with one \
                    channel or three, and depend on kind, severity and place in the test split alone. They are not those of the published files, \
                    which `root` reads: motion_blur and snow are convolutions with a line where the script calls ImageMagick; the ice \
                    of frost is generated, with the mean colours, the contrast and the correlations of the photographs that the script lays \
                    on top; zoom_blur ends at its printed zoom, where rounding adds 1.06 and 1.11 to the ranges of the script at severities 1 and 2. \
                    glass_blur copies pixels, as the script does, and does not exchange them. Distances in pixels are those of 32 x 32 images. Pixels are cut \
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
        let published = |root: &PathBuf| format!("published arrays in {}", root.display());
        let origin = self.root.as_ref().map_or("CIFAR-10-C style".to_owned(), published);
        self.samples.map_or(origin.clone(), |samples| format!("{origin}, {samples} samples each"))
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

/// The step that is common where a paper states none: 2.5 eps / steps, and never longer than the ball is wide.
pub fn common_step(eps: f64, steps: usize) -> f64 {
    (2.5 * eps / steps as f64).min(2.0 * eps)
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
        let attacks: Vec<String> =
            self.stages().iter().map(|stage| budget(*stage, targets, classes)).collect();
        let bound = if self.profile == Profile::Quick { ", quick, an upper bound" } else { "" };
        format!("autoattack({}, eps={}{bound}: {})", word(self.norm), ratio(self.eps), attacks.join(", "))
    }
}

/// `apgd-t 100 x 9 targets`.
fn budget(stage: Stage, targets: usize, classes: usize) -> String {
    let name = stage.name();
    match stage {
        Stage::ApgdCe => format!("{name} {STEPS} steps x 1 restart"),
        Stage::ApgdT if classes < TARGETED_DLR_CLASSES => {
            format!("{name} on the margin {STEPS} x {}", counted(targets, "target"))
        }
        Stage::ApgdT | Stage::FabT => format!("{name} {STEPS} x {}", counted(targets, "target")),
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
        self.step.unwrap_or_else(|| common_step(self.eps, self.steps))
    }

    /// How the number is labelled: norm, eps, steps, restarts; the length of a step, the loss and the start where
    /// they are not the defaults.
    pub fn label(&self) -> String {
        let norm = word(self.norm);
        let step = self.step.map_or(String::new(), |step| format!(", step={}", ratio(step)));
        let loss = match self.loss {
            AttackLoss::Ce => "",
            AttackLoss::Margin => ", loss=margin",
            AttackLoss::Dlr => ", loss=dlr",
        };
        let start = match self.start {
            Beginning::Uniform => "",
            Beginning::Gaussian => ", start=gaussian",
            Beginning::Clean => ", start=clean",
        };
        let (eps, steps, restarts) = (ratio(self.eps), self.steps, self.restarts);
        format!("pgd({norm}, eps={eps}, steps={steps}, restarts={restarts}{step}{loss}{start})")
    }
}

/// `8/255` where the radius is a whole number of grey levels.
pub(super) fn ratio(eps: f64) -> String {
    let levels = eps * 255.0;
    if (0.5..255.0).contains(&levels) && (levels - levels.round()).abs() < 1e-9 {
        format!("{}/255", levels.round())
    } else {
        format!("{eps}")
    }
}

impl Evaluator {
    /// The loss that an evaluator looks at around the weights.
    pub fn probing(&self) -> Option<&Probing> {
        match self {
            Evaluator::Hessian(spec) => Some(&spec.probe),
            Evaluator::Spectrum(spec) => Some(&spec.probe),
            Evaluator::Landscape(spec) => Some(&spec.probe),
            Evaluator::Lpf(spec) => Some(&spec.probe),
            Evaluator::Sharpness(spec) => Some(&spec.probe),
            Evaluator::Gradient(spec) => Some(&spec.probe),
            Evaluator::Gap(spec) => Some(&spec.probe),
            Evaluator::Accuracy(_)
            | Evaluator::Loss(_)
            | Evaluator::Difficulty(_)
            | Evaluator::Perturbation(_)
            | Evaluator::Estimates(_)
            | Evaluator::Corruption(_)
            | Evaluator::Pgd(_)
            | Evaluator::Autoattack(_) => None,
        }
    }
}
