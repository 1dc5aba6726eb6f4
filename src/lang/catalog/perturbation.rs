//! What members of the SAM family share: metrics, combiners, and the options of a perturbed step.

use super::Range;
use super::declare::{choice, group, kind};
use crate::lang::schedule::{Duration, Moment, Schedule};

choice! {
    /// What the weights are scaled by in the adaptive metric.
    Scaling "a scaling" {
        Weights "weights" "|w| + eta for tensors named `weight`, norm scales among them; 1 for biases and norm shifts"
        All "all" "|w| + eta for every tensor, as in the common ports, which have no eta: `eta = 0`"
        Filters "filters" "the norm of its filter + eta for a convolution, |w| + eta for other tensors named `weight`, 1 elsewhere"
    }
}

choice! {
    /// Which weights a perturbation moves.
    Perturbed "a choice of weights" {
        All "all" "every trainable weight"
        Norms "norms" "scales and shifts of normalisations alone (SAM-ON)"
        NoNorms "no_norms" "everything but scales and shifts of normalisations"
    }
}

choice! {
    /// Over which weights the norm of the gradient is taken.
    NormOver "a choice of weights" {
        Perturbed "perturbed" "the weights that are perturbed"
        All "all" "every trainable weight"
    }
}

choice! {
    /// Whether weight decay is part of what is perturbed.
    Decay "a place for weight decay" {
        Outside "outside" "the base optimizer alone decays, at the unperturbed weights"
        Inside "inside" "the penalty is part of the loss in every pass: it enters the perturbation and is taken at the perturbed weights"
    }
}

choice! {
    /// What a batch in micro-batches is perturbed by.
    Accumulation "a way to accumulate" {
        Exact "exact" "one perturbation, by the gradient of the whole batch"
        PerMicroBatch "per_micro_batch" "every micro-batch is a step of its own but for the move: a perturbation (m-sharpness), its part of what is kept; the directions are averaged"
    }
}

choice! {
    /// Which values dropout leaves out in the second pass.
    Masks "a choice of masks" {
        Same "same" "those of the first pass, so that both losses are of one network"
        Fresh "fresh" "others, as where nobody takes care of it"
    }
}

choice! {
    /// What GSAM minimizes besides the gap.
    Minimized "a loss" {
        Perturbed "perturbed" "the loss at the perturbed weights: d = g_p - alpha (part of g orthogonal to g_p)"
        Clean "clean" "the loss at the weights: d = g + alpha (part of g_p orthogonal to g)"
    }
}

group! {
    /// Options of every member that perturbs along a gradient of the same step.
    Perturbing {
        every: Duration => "one step in so many is perturbed, the others are the base optimizer's",
            default("1 step", "every step is perturbed");
        from: Option<Moment> => "when perturbation begins: `epoch 160`; before it the base optimizer moves alone",
            default("none", "from the first step");
        perturb: Perturbed => "which weights are perturbed", default("all", "Foret et al. 2021");
        norm: NormOver => "weights over which the norm of the gradient is taken",
            default("perturbed", "the authors of SAM-ON: the radius is that of what is perturbed");
        decay: Decay => "whether weight decay enters the perturbation",
            default("outside", "the PyTorch convention; the authors' JAX code of SAM has it inside the loss");
        accumulate: Accumulation => "what a batch in micro-batches is perturbed by",
            default("exact", "a batch in parts is then the same batch, but for batch normalisation, which sees its part alone; SAM on several devices is `per_micro_batch`");
        masks: Masks => "which values dropout leaves out in the second pass",
            default("same", "the authors' JAX code of SAM; the PyTorch ports draw others");
    }
}

kind! {
    /// How far a weight may move, relative to the others.
    Metric is Metric {
        Adaptive(Adaptive) "adaptive" {
            summary: "ASAM's metric: a weight moves in proportion to its size.",
            rule: "T = |w| + eta\n\
                   e = radius T^2 g / ||T g||",
            source: "Kwon et al., ICML 2021, and the authors' code",
            notes: "A radius under this metric is about ten times one of SAM's.",
            example: "under lesam(metric = adaptive(eta = 0.01), clip = none)",
        } with {
            eta: f64 => "added to the size of a weight", default("0.01", "the authors' class"), range(Range::NOT_NEGATIVE);
            scaling: Scaling => "which tensors are scaled, and by what",
                default("weights", "the authors' code; the paper also has `filters`");
        }

        Fisher(Fisher) "fisher" {
            summary: "Fisher-SAM's metric: a weight moves less where the gradient is large.",
            rule: "F = 1 + eta g^2\n\
                   e = radius F^-1 g / sqrt(g' F^-1 g)",
            source: "Kim et al., ICML 2022 (arXiv 2206.04920)",
            notes: "g is the gradient of the mean loss of the batch.",
            example: "under lesam(metric = fisher(eta = 1))",
        } with {
            eta: f64 => "weight of the squared gradient", default("1", "third-party ports; the paper's value is not known"),
                range(Range::POSITIVE), first();
        }
    }
}

kind! {
    /// What the base optimizer follows, from the gradient g at the weights and g_p at the perturbed ones.
    Combiner is Combiner {
        Gap(Gap) "gap" {
            summary: "GSAM's direction: the perturbed gradient without what would widen the gap between both losses.",
            rule: "g_perp = g - (<g, g_p> / ||g_p||^2) g_p\n\
                   d      = g_p - alpha g_perp",
            source: "Zhuang et al., ICLR 2022, algorithm 1",
            example: "under asam(combiner = gap(alpha = 0.4))",
        } with {
            alpha: Schedule => "weight of the gap", default("0.4", "the first author's port"), range(Range::NOT_NEGATIVE), first();
            minimize: Minimized => "which loss is followed besides the gap", default("perturbed", "the paper's algorithm");
        }

        Stable(Stable) "stable" {
            summary: "Stable-SAM's direction: the perturbed gradient with the length of the other.",
            rule: "d = (||g|| / ||g_p||) g_p",
            source: "Tan et al., ICML 2024 (arXiv 2401.07250)",
            example: "under lesam(combiner = stable)",
        } with {}

        Average(Average) "average" {
            summary: "SAGM's direction: the mean of both gradients.",
            rule: "d = (g + g_p) / 2",
            source: "Wang et al., CVPR 2023, and the authors' code",
            example: "under lesam(combiner = average)",
        } with {}

        Weighted(Weighted) "weighted" {
            summary: "WSAM's and LE-SAM+'s direction: the gradient and a multiple of what the perturbation changed.",
            rule: "d = g + factor (g_p - g)",
            source: "Yue et al., KDD 2023: factor = gamma / (1 - gamma); LE-SAM+: factor = 1 + lambda",
            example: "under asam(combiner = weighted(factor = 1.5))",
        } with {
            factor: Schedule => "weight of the change; 1 is SAM, 0 the base optimizer", default("1.5", "LE-SAM+ on ResNet-18"),
                range(Range::NOT_NEGATIVE), first();
        }
    }
}
