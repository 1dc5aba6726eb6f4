//! Pacings: how much each sample of a batch counts, and how that changes over a phase.

use super::declare::{choice, kind};
use super::{Difficulty, Range};
use crate::lang::check::pacing::{FRACTION_DEFAULT, check_spl, check_ssp};
use crate::lang::schedule::Schedule;

choice! {
    /// How a kept sample is weighted, given its difficulty `l` and the threshold `lambda`.
    Weighting "a weighting" {
        Hard "hard" "1 where l <= lambda, else 0"
        Linear "linear" "max(0, 1 - l / lambda)"
        Log "log" "ln(l + z) / ln(z) with z = 1 - lambda, where l < lambda < 1"
        Mixture "mixture" "1 up to a second threshold lambda2 = mixture * lambda, then falling to 0 at lambda"
        Logistic "logistic" "(1 + exp(-lambda)) / (1 + exp(l - lambda))"
        Poly "poly" "(1 - l / lambda)^(1 / (power - 1)) where l < lambda"
    }
}

choice! {
    /// How the weighted losses of a batch become one.
    Reduction "a reduction" {
        Mean "mean" "sum_i v_i l_i / max(1, sum_i v_i)"
        Sum "sum" "sum_i v_i l_i, as printed in the papers; the gradient then grows with the batch"
    }
}

choice! {
    /// Among which samples a difficulty is compared.
    Scope "a scope" {
        Batch "batch" "the samples of the current batch"
        Dataset "dataset" "every sample of the training set, by its last known difficulty"
    }
}

kind! {
    /// How much each sample counts.
    Pacing is Pacing {
        Erm(Erm) "erm" {
            summary: "Every sample counts the same.",
            rule: "v_i = 1\nL = (1 / B) sum_i l_i",
            passes: "none of its own",
            state: "none",
            source: "empirical risk minimisation",
            example: "curriculum erm",
        } with {}

        Spl(Spl) "spl" {
            summary: "Self-paced learning: easy samples first, the rest as the threshold rises.",
            rule: "hard      v = 1 where xi <= lambda, else 0\n\
                   linear    v = max(0, 1 - xi / lambda)\n\
                   log       v = ln(xi + z) / ln z, z = 1 - lambda, where xi < lambda < 1\n\
                   mixture   v = 1 up to mixture lambda, then falling to 0 at lambda as 1 / xi\n\
                   logistic  v = (1 + e^-lambda) / (1 + e^(xi - lambda))\n\
                   poly      v = (1 - xi / lambda)^(1 / (power - 1)) where xi < lambda\n\
                   L = sum_i v_i l_i / max(1, sum_i v_i), or the sum alone with `reduction = sum`\n\
                   with `fraction`, lambda is that quantile of the difficulties",
            passes: "those of its difficulty",
            state: "the last difficulty of every training sample (scope = dataset, or a stale difficulty)",
            source: "Kumar et al. 2010, Self-paced learning for latent variable models; ADM: Aizawa and Hayashi 2025",
            notes: "`fraction` and `lambda` are two ways to say how much is kept; a file gives one of them. \
                    `fraction` does not depend on the scale of the difficulty, `lambda` does. With `fraction`, `log` \
                    measures difficulties in units of twice the threshold, and at least one sample is kept: where a \
                    soft weight would be 0 for all that are kept, they count fully. `scope = dataset` compares \
                    difficulties of each sample's last visit with the quantile over all of them, so it keeps every \
                    sample of the first epoch; it is set anew at the start of every epoch.",
            example: "curriculum spl(adm, fraction = linear(0.1 -> 1))",
        } with {
            difficulty: Difficulty => "what makes a sample hard",
                default("loss", "Kumar et al. 2010 order samples by their loss"), first();
            fraction: Option<Schedule> => "share of the samples that is kept",
                default(FRACTION_DEFAULT, "the ladder of the SSPL authors' own SPL baseline, smoothed; not used where `lambda` is given"),
                range(Range::SHARE), unit(super::FRACTION), rises();
            lambda: Option<Schedule> => "threshold on the difficulty itself",
                default("none", "`fraction` sets the threshold unless this is given"), range(Range::POSITIVE), rises();
            weight: Weighting => "weight of a sample below the threshold", default("hard", "Kumar et al. 2010");
            scope: Scope => "samples among which difficulties are compared", default("batch", "needs no pass of its own");
            reduction: Reduction => "how the weighted losses of a batch become one",
                default("mean", "learning rates then mean what they mean without a curriculum");
            mixture: f64 => "second threshold of `weight = mixture`, as a share of lambda",
                default("0.5", "choice of this project"), range(Range::INSIDE_UNIT), unit(super::FRACTION);
            power: f64 => "degree of `weight = poly`",
                default("2", "the linear weighting is its special case at 2"), range(Range::above(1.0));
        } => check_spl;

        Ssp(Ssp) "ssp" {
            aliases: &["sspl"],
            summary: "Symmetric self-paced learning: easy samples weigh more at first, hard ones at the end.",
            rule: "s(t) = 1 - 2 t, with t from 0 to 1 over the phase's epochs\n\
                   r_i = rank of sample i in its batch, easiest 0\n\
                   v_i = 1 + s(t) (1 - 2 r_i / (B - 1));  a batch of one: v = 1\n\
                   L = (1 / B) sum_i v_i l_i, so that the weights of a batch sum to B",
            passes: "those of its difficulty",
            state: "the last difficulty of every training sample with a stale difficulty, else none",
            source: "Zhao et al., AAAI 2024, Symmetric self-paced learning for domain generalization",
            example: "curriculum ssp(adm)",
        } with {
            difficulty: Difficulty => "what makes a sample hard",
                default("gdm", "Zhao et al. 2024 rank by the norm of the input gradient"), first();
        } => check_ssp;
    }
}
