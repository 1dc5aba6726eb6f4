//! PyramidNet of basic blocks for CIFAR (Han et al. 2017), named as in the authors' code.
//!
//! conv 3×3 to 16, batch normalisation; three stages of blocks whose width grows by the same amount each time;
//! batch normalisation, ReLU; global average; linear. A shortcut has no weights: it is averaged where the stride is
//! two, and its missing channels are zero.

use super::layers::{BatchNorm, Builder, Conv2d, Linear, Start};
use super::tape::{Tape, Var};
use crate::ops::{Conv, Ops};

/// Stages of a network.
const STAGES: usize = 3;
/// Channels of the stem.
const STEM: usize = 16;

#[derive(Clone, Debug)]
pub struct Pyramidnet {
    conv1: Conv2d,
    bn1: BatchNorm,
    blocks: Vec<PyramidBlock>,
    bn_final: BatchNorm,
    fc: Linear,
}

#[derive(Clone, Debug)]
struct PyramidBlock {
    bn1: BatchNorm,
    conv1: Conv2d,
    bn2: BatchNorm,
    conv2: Conv2d,
    bn3: BatchNorm,
    halves: bool,
}

impl Pyramidnet {
    /// `depth` is 6 n + 2; the last block is `alpha` channels wider than the stem.
    pub fn new(b: &mut Builder, channels: usize, depth: usize, alpha: usize, classes: usize) -> Self {
        let blocks_of_stage = depth.saturating_sub(2) / (2 * STAGES);
        let conv1 = conv(b, "conv1", [channels, STEM], 1);
        let bn1 = b.batch_norm("bn1", STEM);
        let growth = alpha as f64 / (STAGES * blocks_of_stage) as f64;
        let (mut exact, mut input) = (STEM as f64, STEM);
        let mut blocks = Vec::new();
        for stage in 0..STAGES {
            for index in 0..blocks_of_stage {
                // The authors add up in floating point and round each width, ties to even.
                exact += growth;
                let output = exact.round_ties_even() as usize;
                let name = format!("layer{}.{index}", stage + 1);
                blocks.push(PyramidBlock::new(b, &name, [input, output], stage > 0 && index == 0));
                input = output;
            }
        }
        let bn_final = b.batch_norm("bn_final", input);
        Self { conv1, bn1, blocks, bn_final, fc: b.classifier("fc", input, classes) }
    }

    pub fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let z = tape.conv(&self.conv1, x);
        let mut x = tape.batch_norm(&self.bn1, z);
        for block in &self.blocks {
            x = block.forward(tape, x);
        }
        let a = tape.batch_norm_relu(&self.bn_final, x);
        let pooled = tape.global_average(a);
        tape.linear(&self.fc, pooled)
    }
}

fn conv(b: &mut Builder, name: &str, channels: [usize; 2], stride: usize) -> Conv2d {
    b.conv_from(Start::HeFanOut, name, channels, 3, Conv { stride, padding: 1 })
}

impl PyramidBlock {
    fn new(b: &mut Builder, name: &str, [input, output]: [usize; 2], halves: bool) -> Self {
        let bn1 = b.batch_norm(&format!("{name}.bn1"), input);
        let conv1 = conv(b, &format!("{name}.conv1"), [input, output], if halves { 2 } else { 1 });
        let bn2 = b.batch_norm(&format!("{name}.bn2"), output);
        let conv2 = conv(b, &format!("{name}.conv2"), [output, output], 1);
        let bn3 = b.batch_norm(&format!("{name}.bn3"), output);
        Self { bn1, conv1, bn2, conv2, bn3, halves }
    }

    fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let a = tape.batch_norm(&self.bn1, x.clone());
        let z = tape.conv(&self.conv1, a);
        let a = tape.batch_norm_relu(&self.bn2, z);
        let z = tape.conv(&self.conv2, a);
        let branch = tape.batch_norm(&self.bn3, z);
        let shortcut = if self.halves { tape.halve(x) } else { x };
        let shortcut = tape.widen(shortcut, branch.channels());
        tape.add(branch, shortcut)
    }
}
