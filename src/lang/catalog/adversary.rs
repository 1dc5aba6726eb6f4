//! Adversaries: what attacks the training inputs. All of them are settings of one kernel.

use super::declare::{choice, kind};
use super::{EPOCHS, FRACTION, PIXELS, Range};
use crate::lang::check::adversary::{
    check_at, check_cat18, check_cat20, check_dat, check_fat, check_hsat, check_iaat, check_mart, check_psat,
    check_psat_single, check_trades,
};
use crate::lang::schedule::Schedule;

choice! {
    /// How the size of a perturbation is measured.
    Norm "a norm" {
        Linf "linf" "the largest change of a pixel"
        L2 "l2" "the root of the sum of squared changes"
    }
}

choice! {
    /// What an attack raises.
    AttackLoss "an attack loss" {
        Ce "ce" "cross-entropy"
        Margin "margin" "the largest other logit less that of the label"
        Dlr "dlr" "the margin over the distance between the first and the third largest logit"
    }
}

choice! {
    /// Where an attack begins.
    Beginning "a start" {
        Uniform "uniform" "anywhere in the ball"
        Gaussian "gaussian" "normal noise of standard deviation 0.001 on every pixel"
        Clean "clean" "at the clean image"
    }
}

choice! {
    /// Whose statistics batch normalisation uses while an attack runs.
    AttackMode "a mode" {
        Eval "eval" "the running ones: the network that will be used"
        Train "train" "those of the batch; the running ones are left alone all the same"
    }
}

choice! {
    /// How H-SAT estimates the largest eigenvalue of a sample's Hessian.
    Estimate "an estimate" {
        Lower "lower" "(2 / a^2) max(q+, q-)"
        Symmetric "symmetric" "(l+ + l- - 2 l) / a^2"
        Upper "upper" "(2 / a^2) (l+ + a |G| - l)"
        Literal "literal" "as printed: (1 / a) max(l+ - a |G|, l- + a |G|) - l"
    }
}

choice! {
    /// The loss of CAT20.
    CustomLoss "a loss" {
        Xent "xent" "cross-entropy against the smoothed label"
        Mix "mix" "the same plus max(margin + kappa, 0), which is never negative"
    }
}

const EPS_ORIGIN: &str = "CIFAR in the SAT paper, appendix A; MNIST takes 0.3";
const STEP_ORIGIN: &str = "CIFAR in the SAT paper, appendix A";
const NORM_ORIGIN: &str = "every paper on adversarial training";

kind! {
    /// What attacks the training inputs.
    Adversary is Adversary {
        At(At) "at" {
            summary: "Adversarial training: every sample is replaced by the worst one that PGD finds around it.",
            rule: "x' = x + start\n\
                   repeat: x' = Pi(x' + step sign(grad_x l(x')))   (l2: step g / ||g||)\n\
                   Pi: into the ball of radius eps around x, then into [0, 1]\n\
                   the training loss of the sample is l(x')",
            passes: "`steps` forward and `steps` backward to the inputs for each attack, and 1 forward for each of several",
            state: "none",
            source: "Madry et al., ICLR 2018; robust_overfitting for the settings",
            notes: "The network is attacked as it will be used, with running statistics (`mode = eval`), as TRADES, MART \
                    and the SAT authors do; Madry's and Rice's code attack it with those of the batch (`mode = train`). \
                    Running statistics move in the training pass alone either way.",
            example: "against at(eps = 8/255, step = 2/255, steps = 10)",
        } with {
            eps: f64 => "radius of the ball; below 1 for `norm = linf`", default("8/255", EPS_ORIGIN), range(Range::POSITIVE), unit(PIXELS), first();
            step: f64 => "length of a step", default("2/255", STEP_ORIGIN), range(Range::POSITIVE), unit(PIXELS);
            steps: usize => "number of steps", default("10", STEP_ORIGIN), range(Range::AT_LEAST_ONE), unit("steps");
            norm: Norm => "norm of the ball", default("linf", NORM_ORIGIN);
            start: Beginning => "where the attack begins", default("uniform", "Madry et al. 2018");
            restarts: usize => "attacks per sample; the worst counts: misclassified first, then by loss", default("1", "Madry et al. 2018"),
                range(Range::AT_LEAST_ONE), unit("restarts");
            loss: AttackLoss => "what the attack raises", default("ce", "Madry et al. 2018");
            mode: AttackMode => "how the network is attacked", default("eval", "the network that will be used");
        } => check_at;

        Psat(Psat) "psat" {
            summary: "Probability-constrained smoothed training: a sample's attack ends once it is misclassified by more than lambda.",
            rule: "gap(x') = max_{k != y} f_k(x') - f_y(x'), in [-1, 1]\n\
                   the attack of `at`, where a sample takes a step only while gap(x') <= lambda",
            passes: "at most those of `at`; samples that are done leave the batch",
            state: "none",
            source: "Sitawarin, Chakraborty and Wagner 2021, SAT: Improving adversarial training via curriculum-based \
                     loss smoothing, algorithm 1, in the reading of the authors' code",
            notes: "Algorithm 1 as printed never adds the start to the sample, projects around the moving point, takes the \
                    plain gradient and does not clip; the authors' code does what stands above. The gap is measured before \
                    each step, so the last step may pass lambda. At lambda = 1 this is `at`. The authors move lambda once \
                    per epoch; here it moves with every step. Where lambda is not written it rises from 0 to 1 between \
                    30 % and 70 % of the phase, the paper's 30..70 of 100 epochs.",
            example: "against psat(eps = 8/255, step = 2/255, steps = 10, lambda = linear(0 -> 1, 3..7 epochs))",
        } with {
            eps: f64 => "radius of the ball; below 1 for `norm = linf`", default("8/255", EPS_ORIGIN), range(Range::POSITIVE), unit(PIXELS), first();
            step: f64 => "length of a step", default("2/255", STEP_ORIGIN), range(Range::POSITIVE), unit(PIXELS);
            steps: usize => "largest number of steps", default("10", STEP_ORIGIN), range(Range::AT_LEAST_ONE), unit("steps");
            norm: Norm => "norm of the ball", default("linf", NORM_ORIGIN);
            lambda: Option<Schedule> => "gap up to which a sample is attacked further",
                default("none", "`none` is the paper's linear rise, scaled to the phase"), range(Range::SIGNED_UNIT);
        } => check_psat;

        PsatSingle(PsatSingle) "psat_single" {
            summary: "P-SAT in one step: as far along the gap's gradient as its linearisation needs to reach lambda.",
            rule: "x' = x + uniform start\n\
                   length = clip((lambda - gap(x')) / ||grad gap(x')||_1, 0, overshoot eps)\n\
                   x' = Pi(x' + length sign(grad gap(x')))",
            passes: "1 forward and 1 backward to the inputs",
            state: "none",
            source: "code of the SAT authors; not in the paper",
            notes: "A component of its own and not `psat(steps = 1)`: the gradient is that of the gap, and the step has no \
                    length of its own. l-infinity only.",
            example: "against psat_single(eps = 8/255)",
        } with {
            eps: f64 => "radius of the ball", default("8/255", EPS_ORIGIN), range(Range::INSIDE_UNIT), unit(PIXELS), first();
            lambda: Option<Schedule> => "gap that the step aims at",
                default("none", "as for `psat`"), range(Range::SIGNED_UNIT);
            overshoot: f64 => "longest step, in units of eps",
                default("1.25", "the authors' code, after Wong et al. 2020"), range(Range::POSITIVE);
        } => check_psat_single;

        Hsat(Hsat) "hsat" {
            summary: "Hessian-constrained smoothed training: only the share lambda of a batch whose loss is flattest takes a step.",
            rule: "G = grad_w L of a mini-batch of adversarial points, g = G / |G|, a = 0.01 |G|\n\
                   l+ = l(w + a g), l- = l(w - a g), q+ = l+ - a |G| - l, q- = l- + a |G| - l\n\
                   in each step of the attack of `at`, the ceil(lambda B) samples with the smallest estimate move",
            passes: "those of `at`, and for every estimate 1 forward and 1 backward, and 1 forward (upper) or 2",
            state: "none",
            source: "Sitawarin, Chakraborty and Wagner 2021, equations 19 and 20, section B.3",
            notes: "As printed, the estimates have -l(w) outside the bracket and 1 / a for 2 / a^2: they rank by loss, not \
                    by curvature. `lower` is the corrected form; `literal` is the printed one. The paper estimates in \
                    mini-batches of 32 that share g, and states a cost of half of AT on top, which an estimate before \
                    every step exceeds; hence `every`. Ties go to the earlier sample. At lambda = 1 this is `at`.",
            example: "against hsat(eps = 8/255, lambda = linear(0.8 -> 1, 0..3 epochs))",
        } with {
            eps: f64 => "radius of the ball; below 1 for `norm = linf`", default("8/255", EPS_ORIGIN), range(Range::POSITIVE), unit(PIXELS), first();
            step: f64 => "length of a step", default("2/255", STEP_ORIGIN), range(Range::POSITIVE), unit(PIXELS);
            steps: usize => "number of steps", default("10", STEP_ORIGIN), range(Range::AT_LEAST_ONE), unit("steps");
            norm: Norm => "norm of the ball", default("linf", NORM_ORIGIN);
            lambda: Option<Schedule> => "share of the batch that is attacked",
                default("none", "`none` rises from 0.8 to 1 over the first 30 % of the phase: the paper's first 30 of 100 epochs"),
                range(Range::UNIT), unit(FRACTION);
            estimate: Estimate => "how curvature is estimated", default("lower", "equation 20, corrected");
            group: usize => "samples that share a direction g", default("32", "section C.2"), range(Range::AT_LEAST_ONE), unit("samples");
            every: usize => "steps between two estimates", default("5", "two estimates of ten steps keep the cost near the paper's; 1 is its algorithm"),
                range(Range::AT_LEAST_ONE), unit("steps");
        } => check_hsat;

        Trades(Trades) "trades" {
            summary: "Clean cross-entropy plus the divergence between the predictions for the clean and the attacked image.",
            rule: "x' = the worst of KL(f(x) || f(x')) from x + 0.001 N(0, 1)\n\
                   l = CE(x, y) + beta KL(f(x) || f(x')), summed over the classes",
            passes: "those of `at` and 1 forward for f(x); the training loss takes 2 forward and 2 backward, 1 forward less where the \
                     network has neither batch normalisation nor dropout",
            state: "none",
            source: "Zhang et al., ICML 2019, and the authors' code",
            notes: "The gradient flows through both predictions, as in the authors' code. The divergence of a sample is a sum \
                    over classes; code that takes the mean over the classes too weakens beta by their number. Running \
                    statistics follow the clean pass, then the attacked one. GDM and ADM look at the attacked image.\n\
                    The authors use eps = 0.031, a little below 8/255.",
            example: "against trades(beta = 6)",
        } with {
            eps: f64 => "radius of the ball; below 1 for `norm = linf`", default("8/255", "the usual radius; the authors write 0.031"), range(Range::POSITIVE), unit(PIXELS), first();
            step: f64 => "length of a step", default("0.007", "Zhang et al. 2019"), range(Range::POSITIVE), unit(PIXELS);
            steps: usize => "number of steps", default("10", "Zhang et al. 2019"), range(Range::AT_LEAST_ONE), unit("steps");
            norm: Norm => "norm of the ball", default("linf", NORM_ORIGIN);
            beta: Schedule => "weight of the divergence", default("6", "Zhang et al. 2019, CIFAR-10"), range(Range::NOT_NEGATIVE);
        } => check_trades;

        Mart(Mart) "mart" {
            summary: "Boosted cross-entropy at the attacked image, and a divergence that counts most where the clean one is misclassified.",
            rule: "x' = the attack of `at` from x + 0.001 N(0, 1)\n\
                   BCE = CE(x', y) - ln(1.0001 - max_{k != y} f_k(x') + 1e-12)\n\
                   l = BCE + beta KL(f(x) || f(x')) (1.0000001 - f_y(x))",
            passes: "those of `at`; the training loss takes 2 forward and 2 backward",
            state: "none",
            source: "Wang et al., ICLR 2020, and the authors' code",
            notes: "As in the authors' code the weight 1 - f_y(x) is differentiated too.",
            example: "against mart(beta = 5)",
        } with {
            eps: f64 => "radius of the ball; below 1 for `norm = linf`", default("8/255", "the usual radius; the authors write 0.031"), range(Range::POSITIVE), unit(PIXELS), first();
            step: f64 => "length of a step", default("0.007", "Wang et al. 2020"), range(Range::POSITIVE), unit(PIXELS);
            steps: usize => "number of steps", default("10", "Wang et al. 2020"), range(Range::AT_LEAST_ONE), unit("steps");
            norm: Norm => "norm of the ball", default("linf", NORM_ORIGIN);
            beta: Schedule => "weight of the divergence", default("5", "ResNet-18 in the authors' code; 6 for WRN"), range(Range::NOT_NEGATIVE);
        } => check_mart;

        Fat(Fat) "fat" {
            summary: "Friendly adversarial training: the attack of a sample ends `tau` steps after it is misclassified.",
            rule: "the attack of `at`, where a misclassified sample takes `tau` more steps and is then left alone;\n\
                   normal noise is added with every step",
            passes: "at most those of `at`; samples that are done leave the batch",
            state: "none",
            source: "Zhang et al., ICML 2020, and the authors' code",
            notes: "Where tau is not written it is 0, 1 and 2 from 0, 5/12 and 3/4 of the phase on: the authors' epochs 50 \
                    and 90 of 120. A fractional tau counts as the whole number below.",
            example: "against fat(tau = steps(0 -> 2, at = [4, 8] epochs))",
        } with {
            eps: f64 => "radius of the ball; below 1 for `norm = linf`", default("8/255", EPS_ORIGIN), range(Range::POSITIVE), unit(PIXELS), first();
            step: f64 => "length of a step", default("2/255", STEP_ORIGIN), range(Range::POSITIVE), unit(PIXELS);
            steps: usize => "largest number of steps", default("10", STEP_ORIGIN), range(Range::AT_LEAST_ONE), unit("steps");
            norm: Norm => "norm of the ball", default("linf", NORM_ORIGIN);
            tau: Option<Schedule> => "steps after the first misclassification",
                default("none", "`none` is the authors' ladder, scaled to the phase"), range(Range::NOT_NEGATIVE), unit("steps");
            noise: f64 => "standard deviation of the noise added with every step", default("0.001", "the authors' code"),
                range(Range::NOT_NEGATIVE), unit(PIXELS);
        } => check_fat;

        Dat(Dat) "dat" {
            summary: "Dynamic adversarial training: a sample's attack ends once it has converged as far as the threshold asks.",
            rule: "c(x') = eps ||g||_1 - <x' - x, g>, g = grad_x l(x')   (l2: eps ||g||_2)\n\
                   the attack of `at`, where a sample takes a step only while c(x') > threshold",
            passes: "at most those of `at`; samples that are done leave the batch",
            state: "none",
            source: "Wang et al., ICML 2019, in the reading of the SAT authors",
            notes: "c is 0 at a stationary point of the ball, so the attack grows stronger as the threshold falls. The \
                    authors' code differs in three points: it measures from the random start, not from x; its first step \
                    is unconditional; and from the second epoch on it weights each sample by the value of its own loss \
                    (`loss_weighted`). Where the threshold is not written it falls from 0.5 to 0 over the first 80 % of the \
                    phase (80 of 100 epochs in the SAT paper).",
            example: "against dat(threshold = linear(0.5 -> 0, 0..8 epochs))",
        } with {
            eps: f64 => "radius of the ball; below 1 for `norm = linf`", default("8/255", EPS_ORIGIN), range(Range::POSITIVE), unit(PIXELS), first();
            step: f64 => "length of a step", default("2/255", STEP_ORIGIN), range(Range::POSITIVE), unit(PIXELS);
            steps: usize => "largest number of steps", default("10", STEP_ORIGIN), range(Range::AT_LEAST_ONE), unit("steps");
            norm: Norm => "norm of the ball", default("linf", NORM_ORIGIN);
            threshold: Option<Schedule> => "convergence at which a sample is left alone",
                default("none", "`none` is the SAT paper's line, scaled to the phase"), range(Range::NOT_NEGATIVE), unit("loss");
            loss_weighted: bool => "multiply each sample's loss by its own value from the second epoch on",
                default("false", "in the authors' code, not in the paper");
        } => check_dat;

        Cat18(Cat18) "cat18" {
            summary: "Curriculum adversarial training: the number of attack steps rises with training accuracy.",
            rule: "k = 0, 1, .. steps; a batch is cut into k + 1 equal parts, the last takes the remainder\n\
                   part j is attacked with j steps of 2 eps / k from a random start; part 0 stays clean\n\
                   k rises by 1 after an epoch whose training accuracy is above `advance`",
            passes: "k / 2 steps of `at` on the average",
            state: "k, and the epoch's correct and seen samples",
            source: "Cai, Liu and Song, IJCAI 2018, and the authors' code",
            notes: "This is the code's rule without a validation split; its other rule waits ten epochs on the best validation \
                    accuracy and reloads weights. The code draws one factor from U(1, 10 / k) for the step of each batch \
                    (`random_step`). Its 16-level quantisation masks gradients (SAT paper, footnote); `quantize` rounds \
                    the training inputs alone.",
            example: "against cat18(steps = 7)",
        } with {
            eps: f64 => "radius of the ball; below 1 for `norm = linf`", default("8/255", EPS_ORIGIN), range(Range::POSITIVE), unit(PIXELS), first();
            steps: usize => "largest number of steps", default("7", "Cai et al. 2018, CIFAR; 40 on MNIST"), range(Range::AT_LEAST_ONE), unit("steps");
            norm: Norm => "norm of the ball", default("linf", NORM_ORIGIN);
            advance: f64 => "training accuracy above which k rises", default("0.95", "the authors' code, without validation"),
                range(Range::UNIT), unit(FRACTION);
            random_step: bool => "multiply the step by a draw from U(1, 10 / k)", default("false", "in the authors' code, not in the paper");
            quantize: bool => "round training inputs to 16 levels", default("false", "masks gradients");
        } => check_cat18;

        Cat20(Cat20) "cat20" {
            summary: "Customised adversarial training: every sample has its own radius, which grows until the sample is misclassified.",
            rule: "eps_i starts at 0; at each visit eps_i grows by eta, at most to eps\n\
                   y~ = (1 - c eps_i) onehot(y) + c eps_i Dirichlet(1)\n\
                   x' = the attack of `at` in the ball of radius eps_i on the loss against y~\n\
                   where x' is misclassified, eps_i goes back; the training loss is that of x' against y~",
            passes: "those of `at` and 1 forward",
            state: "the radius of every training sample",
            source: "Cheng et al. 2020, CAT: Customized adversarial training; a re-implementation, as the authors' code was not found",
            notes: "The re-implementation applies kappa to probabilities, where the hinge is constant; here it applies to logits. \
                    It also restarts from the clean image in every step, which is one step in effect; here the steps add up.\n\
                    Smoothing grows with the radius: with c = 10 a third of a label is noise at 8/255, and all of it from a radius of \
                    0.1 on, where the share stays at 1. The paper's c belongs to CIFAR; radii of MNIST (0.3) need a smaller one, such as \
                    `smoothing = 1`.",
            example: "against cat20(eps = 8/255)",
        } with {
            eps: f64 => "largest radius; below 1 for `norm = linf`", default("8/255", EPS_ORIGIN), range(Range::POSITIVE), unit(PIXELS), first();
            step: f64 => "length of a step", default("2/255", STEP_ORIGIN), range(Range::POSITIVE), unit(PIXELS);
            steps: usize => "number of steps", default("10", STEP_ORIGIN), range(Range::AT_LEAST_ONE), unit("steps");
            norm: Norm => "norm of the ball", default("linf", NORM_ORIGIN);
            eta: f64 => "growth of a radius per visit", default("0.005", "Cheng et al. 2020"), range(Range::POSITIVE), unit(PIXELS);
            smoothing: f64 => "c: label smoothing per unit of radius", default("10", "Cheng et al. 2020"), range(Range::NOT_NEGATIVE);
            loss: CustomLoss => "what is attacked and trained", default("xent", "Cheng et al. 2020");
            kappa: f64 => "margin at which `loss = mix` is satisfied, in logits", default("10", "Cheng et al. 2020"), range(Range::NOT_NEGATIVE);
        } => check_cat20;

        Iaat(Iaat) "iaat" {
            summary: "Instance-adaptive adversarial training: every sample has its own radius, which follows whether attacks succeed.",
            rule: "warm-up: eps_i = eps where the clean sample is classified correctly, else 0\n\
                   then: attack at eps_i + gamma fails: e = eps_i + gamma; only that at eps_i fails: e = eps_i;\n\
                   \u{20}     else e = eps_i - gamma; e = 0 where the clean sample is misclassified; e in [0, most]\n\
                   eps_i = beta e + (1 - beta) eps_i; x' = the attack of `at` in the ball of radius eps_i\n\
                   a step is max(step, eps_i / (steps / 2))",
            passes: "warm-up: those of `at` and 1 forward; then three attacks and 3 forward",
            state: "the radius of every training sample",
            source: "Balaji, Goldstein and Hoffman 2019, Instance adaptive adversarial training, and the authors' code",
            notes: "The authors attack with the statistics of the batch (`mode = train`) and have no largest radius; `most` adds one.",
            example: "against iaat(warmup = 2 epochs)",
        } with {
            eps: f64 => "radius while warming up; below 1 for `norm = linf`", default("8/255", "Balaji et al. 2019"), range(Range::POSITIVE), unit(PIXELS), first();
            step: f64 => "shortest step", default("2/255", "Balaji et al. 2019"), range(Range::POSITIVE), unit(PIXELS);
            steps: usize => "number of steps", default("10", "Balaji et al. 2019"), range(Range::AT_LEAST_ONE), unit("steps");
            norm: Norm => "norm of the ball", default("linf", NORM_ORIGIN);
            gamma: f64 => "how much larger the second attack is", default("1.9/255", "Balaji et al. 2019"), range(Range::POSITIVE), unit(PIXELS);
            beta: f64 => "share of the new radius", default("0.1", "Balaji et al. 2019"), range(Range::SHARE), unit(FRACTION);
            warmup: f64 => "part of the phase before radii adapt", default("10 epochs", "Balaji et al. 2019"), range(Range::NOT_NEGATIVE), unit(EPOCHS);
            most: f64 => "largest radius", default("16/255", "choice of this project"), range(Range::POSITIVE), unit(PIXELS);
            mode: AttackMode => "how the network is attacked", default("eval", "the network that will be used; the authors' code is `train`");
        } => check_iaat;
    }
}

/// What an attack can do at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    pub norm: Norm,
    pub eps: f64,
    pub steps: usize,
    pub restarts: usize,
}

impl Strength {
    /// Over all restarts.
    pub fn all_steps(&self) -> usize {
        self.steps.saturating_mul(self.restarts)
    }
}

impl Adversary {
    /// The strongest attack that the adversary trains with.
    pub fn strength(&self) -> Strength {
        let of = |norm, eps, steps| Strength { norm, eps, steps, restarts: 1 };
        match self {
            Adversary::At(s) => Strength { restarts: s.restarts, ..of(s.norm, s.eps, s.steps) },
            Adversary::Psat(s) => of(s.norm, s.eps, s.steps),
            Adversary::PsatSingle(s) => of(Norm::Linf, s.eps, 1),
            Adversary::Hsat(s) => of(s.norm, s.eps, s.steps),
            Adversary::Trades(s) => of(s.norm, s.eps, s.steps),
            Adversary::Mart(s) => of(s.norm, s.eps, s.steps),
            Adversary::Fat(s) => of(s.norm, s.eps, s.steps),
            Adversary::Dat(s) => of(s.norm, s.eps, s.steps),
            Adversary::Cat18(s) => of(s.norm, s.eps, s.steps),
            Adversary::Cat20(s) => of(s.norm, s.eps, s.steps),
            Adversary::Iaat(s) => of(s.norm, s.eps, s.steps),
        }
    }
}
