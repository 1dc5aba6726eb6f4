//! Symmetric self-paced weights (Zhao et al., AAAI 2024): easy samples first, hard ones last.

use burn::tensor::Tensor;

use crate::lang::schedule::Clock;
use crate::ops::Ops;

/// `s(e) = 1 - 2 e / (E - 1)` of the running epoch: from 1 in the first of the phase to -1 in the last.
pub fn emphasis(clock: &Clock) -> f64 {
    let epochs = clock.steps.div_ceil(clock.steps_per_epoch.max(1));
    if epochs < 2 {
        return 0.0;
    }
    let epoch = clock.step / clock.steps_per_epoch;
    1.0 - 2.0 * epoch as f64 / (epochs - 1) as f64
}

/// `v = 1 + s (1 - 2 r / (n - 1))` for ranks `r`, `[n]`: the mean is 1 at every emphasis.
pub fn ssp_weights<B: Ops>(rank: Tensor<B, 1>, emphasis: f64) -> Tensor<B, 1> {
    let n = rank.dims()[0];
    if n < 2 {
        return rank.ones_like();
    }
    rank * (-2.0 * emphasis / (n - 1) as f64) + (1.0 + emphasis)
}
