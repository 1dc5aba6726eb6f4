//! Difficulties: a number per sample that says how hard it is for the network as it stands.

use super::declare::{choice, kind};
use super::{PIXELS, Range};
use crate::lang::check::pacing::check_adm;

choice! {
    /// At which weights a difficulty was measured.
    Freshness "a mode" {
        Stale "stale" "at the last visit of the sample, from the input gradient of that step's first pass"
        Fresh "fresh" "at the current weights, with a backward pass to the inputs of its own"
    }
}

kind! {
    /// How hard a sample is.
    Difficulty is Difficulty {
        Loss(Loss) "loss" {
            summary: "The loss of the sample.",
            rule: "xi_i = l_i(w)",
            passes: "none of its own",
            state: "none",
            source: "Kumar et al. 2010",
            example: "curriculum spl(loss)",
        } with {}

        Gdm(Gdm) "gdm" {
            summary: "The norm of the loss gradient at the input.",
            rule: "xi_i = || d l_i / d x_i ||_2, over all pixels and channels",
            passes: "1 backward pass to the inputs",
            state: "none",
            notes: "Batch statistics couple the samples of a batch a little; the gradient is that of the sum of all losses.",
            source: "Zhao et al., AAAI 2024 (gradient-based difficulty measure)",
            example: "curriculum ssp(gdm)",
        } with {}

        Adm(Adm) "adm" {
            summary: "The relative change of the loss under a one-step attack.",
            rule: "x'_i = x_i + alpha sign(d l_i / d x_i)\n\
                   xi_i = |l_i(x'_i) - l_i(x_i)| / (l_i(x_i) + delta)\n\
                   all at unperturbed weights, with the statistics of the batch",
            passes: "stale: 1 forward under `ssp`, 1 forward and 1 backward to the inputs under `spl`;\n\
                     fresh: 1 forward and 1 backward to the inputs",
            state: "stale: the last difficulty of every training sample",
            source: "Aizawa and Hayashi, BMVC 2025 (arXiv 2508.18726)",
            notes: "Under `ssp`, stale takes the input gradient that the weighted loss gives anyway and keeps the old value \
                    of a sample of weight 0. Under batch normalisation the samples are coupled, so the sign at a sample \
                    of small weight is partly the others'; `fresh`, and stale under `spl`, differentiate the unweighted \
                    losses. The paper writes the weights of step t + 1 from the difficulties of step t: `mode = stale`. \
                    It states neither delta nor whether x' is clipped to valid pixels.",
            example: "curriculum ssp(adm(alpha = 8/255))",
        } with {
            alpha: f64 => "step of the attack", default("8/255", "Aizawa and Hayashi 2025"),
                range(Range::SHARE), unit(PIXELS);
            mode: Freshness => "at which weights the difficulty is measured",
                default("stale", "the only reading of the paper's formula in which the input gradient costs nothing");
            delta: f64 => "added to the loss in the denominator",
                default("1e-8", "not stated in the paper; matters where the loss itself is as small"), range(Range::POSITIVE);
            clip: bool => "keep attacked pixels in [0, 1]", default("true", "not stated in the paper; matters for saturated pixels only");
            ema: f64 => "share of the old difficulty that is kept at each visit; 0 replaces it",
                default("0", "the formula as printed"), range(Range::BELOW_ONE), unit(super::FRACTION);
        } => check_adm;
    }
}
