//! The MNIST network of the SAT paper (appendix A), named as a `torch.nn.Sequential`.
//!
//! conv 8×8 stride 2 padding 3 to 64; conv 6×6 stride 2 padding 3 to 128; conv 5×5 to 128; ReLU after each;
//! linear. Biases everywhere, no normalisation layers; 729,418 parameters for 28×28 images.

use super::layers::{Builder, Conv2d, Linear, Start};
use super::tape::{Tape, Var};
use crate::ops::{Conv, Ops};

const FIRST: Conv = Conv { stride: 2, padding: 3 };
const SECOND: Conv = Conv { stride: 2, padding: 3 };
const THIRD: Conv = Conv { stride: 1, padding: 0 };

#[derive(Clone, Debug)]
pub struct SatCnn {
    convs: [Conv2d; 3],
    fc: Linear,
}

impl SatCnn {
    /// `input` is channels, height, width; both sides at least 16.
    pub fn new(b: &mut Builder, [channels, height, width]: [usize; 3], classes: usize) -> Self {
        let mut conv = |name, channels, kernel, conv| {
            b.conv_bias([Start::HeFanOut, Start::Default], name, channels, kernel, conv)
        };
        let convs = [
            conv("0", [channels, 64], 8, FIRST),
            conv("2", [64, 128], 6, SECOND),
            conv("4", [128, 128], 5, THIRD),
        ];
        let features = 128 * side(height) * side(width);
        Self { convs, fc: b.classifier("7", features, classes) }
    }

    pub fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, mut x: Var<B>) -> Var<B> {
        for conv in &self.convs {
            let z = tape.conv(conv, x);
            x = tape.relu(z);
        }
        let flat = tape.flatten(x);
        tape.linear(&self.fc, flat)
    }
}

fn side(size: usize) -> usize {
    let through = |size: usize, conv: Conv, kernel| conv.output(size, kernel).unwrap_or(0);
    through(through(through(size, FIRST, 8), SECOND, 6), THIRD, 5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{Settings, check};

    #[test]
    fn minimum_size_is_the_least_that_fits() {
        let text = "edition 2026\ndata digits\nmodel sat_cnn\n";
        let found = check(text, &Settings::default(), &crate::data::Disk).diagnostics;
        assert!(found.iter().any(|finding| finding.message.contains("at least 16x16")), "{found:?}");
        assert_eq!(side(28), 4);
        assert!(side(16) >= 1);
        assert_eq!(side(14), 0);
    }
}
