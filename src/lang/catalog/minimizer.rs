//! Minimizers: at which weights the gradient is taken that the base optimizer then follows.

use super::declare::{choice, kind};
use super::perturbation::{Decay, Minimized, Perturbed, Perturbing, Scaling};
use super::{Combiner, FRACTION, Metric, Range};
use crate::lang::check::minimizer as check;
use crate::lang::schedule::{Duration, Schedule, Window};

/// How the budget of LE-SAM ends.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Anneal {
    /// Multiplies the budget by a cosine from 1 to 0 over the window.
    Window(Window),
    /// Multiplies the budget by this schedule, which ends at zero.
    Factor(Schedule),
}

choice! {
    /// When F-SAM's average takes in the gradient of a step.
    Order "an order" {
        After "after" "after the perturbation of the step, as in the authors' code"
        Before "before" "before it, as in the paper"
    }
}

kind! {
    /// How weights are perturbed while they move. `Base` is the base optimizer alone.
    Minimizer is Minimizer {
        Base(Base) "none" {
            summary: "No perturbation: the base optimizer alone, the one that `optimize` or `over` names.",
            rule: "g = grad L(w)\n\
                   the base optimizer moves w by g",
            passes: "1 forward, 1 backward",
            state: "none",
            notes: "The same as a recipe without `under`; written out, it stands among others: `under each [none, sam]`. The name of the base \
                    optimizer means it too, `under sgd`, unless `optimize` names another one.",
            example: "under each [none, sam(rho = 0.05)]",
        } with {}

        Sam(Sam) "sam" {
            summary: "Sharpness-aware minimization: the gradient at the worst point of a ball of fixed radius.",
            rule: "g   = grad L(w)\n\
                   e   = rho g / ||g||\n\
                   g_p = grad L(w + e), on the same batch\n\
                   the base optimizer moves w by g_p; a zero gradient gives e = 0",
            passes: "2 forward, 2 backward",
            state: "none",
            source: "Foret et al., ICLR 2021, equation 2 and algorithm 1",
            notes: "Running statistics of batch normalisation move in the first pass alone, in every member of this family. \
                    The authors' JAX code has weight decay inside the loss (`decay = inside`).",
            example: "under sam(rho = 0.05)",
        } with {
            rho: Schedule => "radius of the perturbation: its L2 norm over the perturbed weights",
                default("0.05", "Foret et al. 2021, and every published port"), range(Range::POSITIVE), first();
            metric: Option<Metric> => "how far each weight may move; `none` is the Euclidean ball",
                default("none", "the ball of the paper"), shared();
            combiner: Option<Combiner> => "what the base optimizer follows; `none` is g_p",
                default("none", "the gradient at the perturbed weights"), shared();
        } + { perturbing: Perturbing } => check::family;

        Asam(Asam) "asam" {
            summary: "Adaptive SAM: a ball in units of each weight's own size, so that rescaling a layer changes nothing.",
            rule: "T   = |w| + eta for tensors named `weight`, 1 for the others\n\
                   e   = rho T^2 g / ||T g||\n\
                   g_p = grad L(w + e)\n\
                   the base optimizer moves w by g_p",
            passes: "2 forward, 2 backward",
            state: "none",
            source: "Kwon et al., ICML 2021, algorithm 1, and the authors' code",
            notes: "Norms are over all weights together. `scaling = all` with `eta = 0` is the variant of the common ports, whose radii are \
                    about four times larger (2.0 for 0.5). The paper also scales convolutions by filter: `scaling = filters`. The authors' \
                    radii are 0.5 on CIFAR-10 and 1.0 on CIFAR-100, ten times SAM's.",
            example: "under asam(rho = 0.5)",
        } with {
            rho: Schedule => "radius of the perturbation in the adaptive metric",
                default("0.5", "the authors' code and their runs on CIFAR-10"), range(Range::POSITIVE), first();
            eta: f64 => "added to the size of a weight", default("0.01", "the authors' class; their example script has 0"),
                range(Range::NOT_NEGATIVE);
            scaling: Scaling => "which tensors are scaled, and by what",
                default("weights", "the authors' code; the paper also has `filters`");
            combiner: Option<Combiner> => "what the base optimizer follows; `none` is g_p",
                default("none", "the gradient at the perturbed weights"), shared();
        } + { perturbing: Perturbing } => check::family;

        Esam(Esam) "esam" {
            summary: "Efficient SAM: perturbs a random part of the weights, and descends on the samples whose loss rose most.",
            rule: "S   = parameter tensors, each with probability beta\n\
                   e   = (rho / beta) g_S / ||g_S||\n\
                   s_i = l_i(w + e) - l_i(w)\n\
                   g_p = gradient at w + e of the mean loss over the gamma B samples of largest s_i\n\
                   the base optimizer moves w by g_p",
            passes: "2 forward, 1 backward to the weights of S, then forward and backward on gamma of the batch",
            state: "none: what is drawn is a function of seed, phase and step",
            source: "Du et al., ICLR 2022, algorithms 1 and 2, and the authors' code",
            notes: "At least one tensor and one sample are kept, and of a batch in micro-batches the share is taken of each. With gamma = 1 there is no extra forward pass, with beta = gamma = 1 this is \
                    SAM. The authors' code takes the norm over S; the paper's mask on the full gradient is `norm = all`. Algorithm 1 of the \
                    paper has beta and 1 - beta exchanged; the authors confirmed the code.",
            example: "under esam(beta = 0.6, gamma = 0.5)",
        } with {
            rho: Schedule => "radius of the perturbation: its L2 norm over the perturbed weights",
                default("0.05", "the authors' class and their runs on ResNet-18"), range(Range::POSITIVE), first();
            beta: Schedule => "share of the parameter tensors that is perturbed",
                default("0.6", "the authors' runs on ResNet-18"), range(Range::SHARE), unit(FRACTION), strict();
            gamma: Schedule => "share of the samples that is descended on",
                default("0.5", "the authors' runs on ResNet-18"), range(Range::SHARE), unit(FRACTION);
            metric: Option<Metric> => "how far each weight may move; `none` is the Euclidean ball",
                default("none", "the ball of the paper"), shared();
        } + { perturbing: Perturbing } => check::family;

        Fsam(Fsam) "fsam" {
            summary: "Friendly SAM: perturbs along what is noise in the gradient of the batch.",
            rule: "a   = g - sigma m;  in the first step a = g\n\
                   m  <- lambda m + (1 - lambda) g;  in the first step m = g\n\
                   e   = rho a / ||a||\n\
                   g_p = grad L(w + e)\n\
                   the base optimizer moves w by g_p",
            passes: "2 forward, 2 backward",
            state: "m, as large as the weights",
            source: "Li et al., CVPR 2024, algorithm 1, and the authors' code",
            notes: "At sigma = 1 the code's order and the paper's (`order = before`) give the same direction; elsewhere they differ. m follows \
                    the gradients at the unperturbed weights. The authors' run on CIFAR-100 has rho = 0.2 and lambda = 0.6. With sigma = 0 this is SAM.",
            example: "under fsam(rho = 0.2, sigma = 1, lambda = 0.6)",
        } with {
            rho: Schedule => "radius of the perturbation: its L2 norm over the perturbed weights",
                default("0.05", "the authors' class"), range(Range::POSITIVE), first();
            sigma: Schedule => "share of the average that is taken out of the gradient",
                default("1", "the authors' class and all their runs"), range(Range::NOT_NEGATIVE);
            lambda: Schedule => "share of the old average that is kept", default("0.9", "the authors' class"),
                range(Range::BELOW_ONE), unit(FRACTION), strict();
            order: Order => "when the average takes in the gradient of the step",
                default("after", "the authors' code");
            metric: Option<Metric> => "how far each weight may move; `none` is the Euclidean ball",
                default("none", "the ball of the paper"), shared();
            combiner: Option<Combiner> => "what the base optimizer follows; `none` is g_p",
                default("none", "the gradient at the perturbed weights"), shared();
        } + { perturbing: Perturbing } => check::family;

        Eigensam(Eigensam) "eigensam" {
            summary: "Eigen-SAM: leans the perturbation toward the top eigenvector of the Hessian.",
            rule: "every `refresh`: v <- H v / ||H v||, `iterations` times, from the last v\n\
                   a   = g / ||g|| + alpha sign(<g, v>) (v without its part along g)\n\
                   e   = rho a\n\
                   g_p = grad L(w + e)\n\
                   the base optimizer moves w by g_p",
            passes: "2 forward, 2 backward; every `refresh` as many exact Hessian-vector products as `iterations`, about 3 gradients each",
            state: "v, as large as the weights",
            source: "Luo et al., NeurIPS 2024 (arXiv 2501.12666), and the authors' code",
            notes: "H is the Hessian of the mean loss of the step's batch with running statistics. Until v exists, steps are those of SAM (the authors' \
                    code leaves its gradient unnormalised there, and counts steps anew every epoch; here they are counted over the phase). e is longer than rho \
                    by sqrt(1 + alpha^2 ||v_perp||^2). Power iteration finds the eigenvalue of largest size, which may be negative; `curvature` in the metrics is its Rayleigh quotient. Under an adversary, H is that of the cross-entropy at the attacked images.",
            example: "under eigensam(rho = 0.05, alpha = 0.2)",
        } with {
            rho: Schedule => "length of the part along the gradient",
                default("0.05", "the authors' code; their README runs 0.1"), range(Range::POSITIVE), first();
            alpha: Schedule => "weight of the eigenvector", default("0.2", "the authors' code"), range(Range::NOT_NEGATIVE);
            refresh: Duration => "how often the eigenvector is computed", default("100 steps", "the authors' code");
            iterations: usize => "power iterations at each refresh", default("5", "the authors' code"),
                range(Range::AT_LEAST_ONE);
            combiner: Option<Combiner> => "what the base optimizer follows; `none` is g_p",
                default("none", "the gradient at the perturbed weights"), shared();
        } + { perturbing: Perturbing } => check::eigensam;

        Fishersam(Fishersam) "fishersam" {
            summary: "Fisher-SAM: a ball in the metric of the Fisher information, with its diagonal estimated by the squared gradient.",
            rule: "F   = 1 + eta g^2\n\
                   e   = rho F^-1 g / sqrt(g' F^-1 g)\n\
                   g_p = grad L(w + e)\n\
                   the base optimizer moves w by g_p",
            passes: "2 forward, 2 backward",
            state: "none",
            source: "Kim et al., ICML 2022 (arXiv 2206.04920)",
            notes: "Experimental: no code of the authors is known, and neither are their eta and how they estimate F; this follows two \
                    independent ports. g is the gradient of the mean loss: where its values are below 0.01, eta = 1 leaves SAM unchanged to four digits. Not invariant to the scale of the loss.",
            example: "under fishersam(rho = 0.1, eta = 1)",
        } with {
            rho: Schedule => "radius of the perturbation in the metric",
                default("0.1", "third-party ports"), range(Range::POSITIVE), first();
            eta: f64 => "weight of the squared gradient", default("1", "third-party ports"), range(Range::POSITIVE);
            combiner: Option<Combiner> => "what the base optimizer follows; `none` is g_p",
                default("none", "the gradient at the perturbed weights"), shared();
        } + { perturbing: Perturbing } => check::family;

        Gsam(Gsam) "gsam" {
            summary: "Surrogate gap guided SAM: descends on the perturbed loss and on its gap to the loss.",
            rule: "g_p    = grad L(w + rho g / ||g||)\n\
                   g_perp = g - (<g, g_p> / ||g_p||^2) g_p\n\
                   d      = g_p - alpha g_perp\n\
                   the base optimizer moves w by d",
            passes: "2 forward, 2 backward",
            state: "none",
            source: "Zhuang et al., ICLR 2022, algorithm 1; official code in big_vision",
            notes: "The paper ties rho to the learning rate: `rho = follow(lr, low = 0.1, high = 0.6)`, with alpha = 0.6 for ViT-B/32 on ImageNet. The \
                    first author's PyTorch port has alpha = 0.4. `minimize = clean` is the official code's other mode.",
            example: "under gsam(rho = follow(lr, low = 0.02, high = 0.05), alpha = 0.4)",
        } with {
            rho: Schedule => "radius of the perturbation: its L2 norm over the perturbed weights",
                default("0.05", "SAM's; the paper ties it to the learning rate"), range(Range::POSITIVE), first();
            alpha: Schedule => "weight of the gap", default("0.4", "the first author's port"), range(Range::NOT_NEGATIVE);
            minimize: Minimized => "which loss is followed besides the gap", default("perturbed", "the paper's algorithm");
            metric: Option<Metric> => "how far each weight may move; `none` is the Euclidean ball",
                default("none", "the ball of the paper"), shared();
        } + { perturbing: Perturbing } => check::family;

        Ssam(Ssam) "ssam" {
            summary: "Stable SAM: SAM's direction with the length of the plain gradient.",
            rule: "g_p = grad L(w + rho g / ||g||)\n\
                   d   = (||g|| / ||g_p||) g_p\n\
                   the base optimizer moves w by d",
            passes: "2 forward, 2 backward",
            state: "none",
            source: "Tan et al., ICML 2024 (arXiv 2401.07250), and the authors' code",
            notes: "`normalize = false` is USAM, e = rho g, the example of the authors' README; it depends on the scale of the loss. The names \
                    SSAM of Sparse SAM and of S2-SAM's repository are other methods.",
            example: "under ssam(rho = 0.05)",
        } with {
            rho: Schedule => "radius of the perturbation: its L2 norm over the perturbed weights",
                default("0.05", "the authors' code"), range(Range::POSITIVE), first();
            normalize: bool => "perturb by rho g / ||g||, not by rho g", default("true", "the authors' class");
            metric: Option<Metric> => "how far each weight may move; `none` is the Euclidean ball",
                default("none", "the ball of the paper"), shared();
        } + { perturbing: Perturbing } => check::family;

        Msam(Msam) "msam" {
            summary: "Momentum SAM: the gradient where the momentum leads; no second pass.",
            rule: "v   = the base optimizer's momentum (Adam's first moment)\n\
                   g_p = grad L(w - rho v / ||v||)\n\
                   the base optimizer moves w by g_p",
            passes: "1 forward, 1 backward",
            state: "none of its own",
            source: "Becker et al., ICLR 2025, and the authors' code",
            notes: "The perturbation is minus the momentum, a look ahead along the next update: the opposite sign of SAM. Running statistics are \
                    collected at the perturbed weights; the authors estimate them again after training. Weight decay is taken at the perturbed weights \
                    (`decay = inside`), as the authors' SGD does; with a decoupled decay it is at the weights. The authors' README runs rho = 3 on CIFAR, their classes have 0.3 (SGD) and 1 (AdamW).",
            example: "under msam(rho = 0.3)",
        } with {
            rho: Schedule => "radius of the perturbation: its L2 norm over the perturbed weights",
                default("0.3", "the authors' class for SGD"), range(Range::POSITIVE), first();
            perturb: Perturbed => "which weights are perturbed", default("all", "the authors' code");
            decay: Decay => "whether weight decay is taken at the perturbed weights", default("inside", "the authors' code for SGD");
        } => check::msam;

        S2sam(S2sam) "s2sam" {
            summary: "Single-step SAM: perturbs along the gradient of the step before; no second pass.",
            rule: "q   = the last step's gradient, at its perturbed weights\n\
                   g_p = grad L(w + rho q / ||q||);  the first step is not perturbed\n\
                   the base optimizer moves w by g_p",
            passes: "1 forward, 1 backward",
            state: "q, as large as the weights",
            source: "Ji et al., NeurIPS 2024 (S2-SAM), and the authors' code",
            notes: "The authors' code never perturbs under PyTorch 2, which sets gradients to none between steps; this is what it was meant to do. \
                    Their training script has rho = 0.5 with the method switched off, their README 0.05. Running statistics are collected at the perturbed weights.",
            example: "under s2sam(rho = 0.05)",
        } with {
            rho: Schedule => "radius of the perturbation: its L2 norm over the perturbed weights",
                default("0.05", "the authors' class and README"), range(Range::POSITIVE), first();
            perturb: Perturbed => "which weights are perturbed", default("all", "the authors' code");
        } => check::family;

        Sagm(Sagm) "sagm" {
            summary: "Sharpness-aware gradient matching: follows the loss and the loss ahead of a descent step.",
            rule: "e   = (rho / ||g|| - alpha) g\n\
                   g_p = grad L(w + e)\n\
                   d   = (g + g_p) / 2\n\
                   the base optimizer moves w by d",
            passes: "2 forward, 2 backward",
            state: "none",
            source: "Wang et al., CVPR 2023, equation 8, and the authors' code",
            notes: "The paper minimizes the sum of both losses, the authors' code halves it: `average = false` is the sum. alpha g depends on the scale of the loss. \
                    The authors have alpha = 0.0005 on OfficeHome and DomainNet, and rho = 0.05 everywhere.",
            example: "under sagm(rho = 0.05, alpha = 0.001)",
        } with {
            rho: Schedule => "radius of the perturbation: its L2 norm over the perturbed weights",
                default("0.05", "the authors' code"), range(Range::POSITIVE), first();
            alpha: Schedule => "step that the matching looks ahead", default("0.001", "the authors' runs on PACS, VLCS and TerraIncognita"),
                range(Range::NOT_NEGATIVE);
            average: bool => "follow the mean of both gradients, not their sum", default("true", "the authors' code");
            metric: Option<Metric> => "how far each weight may move; `none` is the Euclidean ball",
                default("none", "the ball of the paper"), shared();
        } + { perturbing: Perturbing } => check::family;

        Wsam(Wsam) "wsam" {
            summary: "Weighted SAM: sharpness as a regularisation term with a weight of its own.",
            rule: "g_p = grad L(w + rho g / ||g||)\n\
                   a   = gamma / (1 - gamma)\n\
                   decoupled: the base optimizer moves w by g, then w <- w - lr a (g_p - g)\n\
                   coupled:   the base optimizer moves w by g + a (g_p - g)",
            passes: "2 forward, 2 backward",
            state: "none",
            source: "Yue et al., KDD 2023, algorithms 1 to 3, and the authors' code",
            notes: "gamma = 0.5 is SAM where coupled. The sharpness is decoupled as weight decay is in AdamW; with plain SGD both are the same. The optimizer's `clip` acts on what it follows, so on g alone where decoupled.",
            example: "under wsam(rho = 0.05, gamma = 0.9)",
        } with {
            rho: Schedule => "radius of the perturbation: its L2 norm over the perturbed weights",
                default("0.05", "the authors' code"), range(Range::POSITIVE), first();
            gamma: Schedule => "weight of the sharpness", default("0.9", "the authors' code"), range(Range::BELOW_ONE), unit(FRACTION), strict();
            decoupled: bool => "keep the sharpness out of the base optimizer's momentum", default("true", "the authors' code");
            metric: Option<Metric> => "how far each weight may move; `none` is the Euclidean ball",
                default("none", "the ball of the paper"), shared();
        } + { perturbing: Perturbing } => check::family;

        Looksam(Looksam) "looksam" {
            summary: "LookSAM: a SAM step every k, whose sharpness-aware part is used again in between.",
            rule: "every k steps: g_p = grad L(w + rho g / ||g||),  g_v = g_p - (<g, g_p> / ||g||^2) g,  d = g_p\n\
                   else:          d = g + alpha (||g|| / ||g_v||) g_v\n\
                   the base optimizer moves w by d",
            passes: "1 + 1/k forward, 1 + 1/k backward",
            state: "g_v, as large as the weights",
            source: "Liu et al., CVPR 2022, algorithm 1",
            notes: "Steps are counted over the phase, from `from`. k = 1 is SAM. Where g_v vanishes, d = g.",
            example: "under looksam(k = 5)",
        } with {
            rho: Schedule => "radius of the perturbation: its L2 norm over the perturbed weights",
                default("0.1", "third-party ports; no code of the authors is known"), range(Range::POSITIVE), first();
            k: usize => "steps from one SAM step to the next", default("5", "the paper's LookSAM-5"), range(Range::AT_LEAST_ONE);
            alpha: Schedule => "weight of the reused part", default("0.7", "third-party ports"), range(Range::NOT_NEGATIVE);
            metric: Option<Metric> => "how far each weight may move; `none` is the Euclidean ball",
                default("none", "the ball of the paper"), shared();
        } + { perturbing: Perturbing } => check::looksam;

        Lesam(Lesam) "lesam" {
            summary: "Loss-equated SAM: the smallest perturbation that is expected to raise the loss by a fixed budget.",
            rule: "g     = grad L(w)\n\
                   rho_t = min(budget_t / ||g||, clip)\n\
                   e     = rho_t g / ||g||\n\
                   g_p   = grad L(w + e), on the same batch\n\
                   the base optimizer moves w by g_p; a zero gradient gives e = 0",
            passes: "2 forward, 2 backward",
            state: "none",
            source: "Wang, Liu, Xie and Gao, ICML 2026 (arXiv 2605.10183), equation 12 and algorithm 1",
            notes: "The radius is clipped where ||g|| < budget / clip; there LE-SAM is SAM with rho = clip. The budget is in \
                    units of the loss: it means something else under another reduction or with label smoothing.\n\
                    The row labels of the paper's hyper-parameter table are not certain, and it has two readings. \
                    First reading: budget = 0.35 and clip = 0.4 for ResNet-18, budget = 0.3 without clip for the wider \
                    networks, budget = 0.3 and clip = 0.2 on ImageNet; it gives every network a budget. Second reading: \
                    budget = 0.4 and clip = 0.35 for ResNet-18, budget = 0.2 and clip = 0.3 on ImageNet; it agrees with \
                    the sensitivity study, which centres on 0.4. The defaults here follow the second. On CIFAR \
                    the two are close; on ImageNet write both values. Under a metric M the radius is min(budget / sqrt(g' M g), clip), so that g . e is the budget still.",
            example: "under lesam(budget = 0.4, clip = 0.35, anneal = last 40 epochs)",
        } with {
            budget: Schedule => "rise of the loss to first order that the perturbation aims at",
                default("0.4", "ResNet-18 on CIFAR, second reading of the paper's table; the first gives 0.35"),
                range(Range::POSITIVE), unit("loss"), first();
            clip: Option<Schedule> => "largest radius; `none` lets the budget alone decide",
                default("0.35", "ResNet-18 on CIFAR, second reading of the paper's table; the first gives 0.4"), range(Range::POSITIVE);
            anneal: Option<Anneal> => "window over which the budget falls to zero along a cosine, or a schedule that multiplies it",
                default("none", "the paper anneals over the last 40 of 200 epochs on CIFAR, 30 of 90 on ImageNet"),
                range(Range::UNIT);
            metric: Option<Metric> => "how far each weight may move; `none` is the Euclidean ball",
                default("none", "the ball of the paper"), shared();
            combiner: Option<Combiner> => "what the base optimizer follows; `none` is g_p",
                default("none", "the gradient at the perturbed weights"), shared();
        } + { perturbing: Perturbing } => check::family;

        LesamPlus(LesamPlus) "lesam_plus" {
            summary: "LE-SAM with the curvature term amplified: what the perturbation changes in the gradient counts more than once.",
            rule: "rho_t, e, g_p as in `lesam`\n\
                   d = (1 + lambda) g_p - lambda g\n\
                   the base optimizer moves w by d",
            passes: "2 forward, 2 backward",
            state: "none",
            source: "Wang, Liu, Xie and Gao, ICML 2026 (arXiv 2605.10183), equation 15",
            notes: "A reconstruction: the paper adds a term to the objective that amplifies L(w + e) - L(w) - budget, whose gradient this is. Its coefficients \
                    0.5, 0.55 and 0.6 with 0.15, 0.2 and 0.25 for its three networks are read as lambda and budget. Whether it clips or anneals is not stated; `clip = none` does without.",
            example: "under lesam_plus(budget = 0.15, lambda = 0.5)",
        } with {
            budget: Schedule => "rise of the loss to first order that the perturbation aims at",
                default("0.15", "ResNet-18 on CIFAR, as the paper's pairs are read here"),
                range(Range::POSITIVE), unit("loss"), first();
            clip: Option<Schedule> => "largest radius; `none` lets the budget alone decide",
                default("0.35", "as `lesam`; not stated for LE-SAM+"), range(Range::POSITIVE);
            anneal: Option<Anneal> => "window over which the budget falls to zero along a cosine, or a schedule that multiplies it",
                default("none", "not stated for LE-SAM+; LE-SAM anneals over the last 40 of 200 epochs on CIFAR"),
                range(Range::UNIT);
            lambda: Schedule => "how much more the change counts", default("0.5", "ResNet-18 on CIFAR, as the paper's pairs are read here"),
                range(Range::NOT_NEGATIVE);
            metric: Option<Metric> => "how far each weight may move; `none` is the Euclidean ball",
                default("none", "the ball of the paper"), shared();
        } + { perturbing: Perturbing } => check::family;
    }
}
