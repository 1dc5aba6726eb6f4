//! Wide ResNet (Zagoruyko and Komodakis 2016), named and drawn as in the code that TRADES and ESAM share.
//!
//! conv 3×3 to 16; three stages of `(depth - 4) / 6` pre-activation blocks with 16, 32, 64 times `width` channels;
//! batch normalisation, ReLU; global average; linear. No dropout.

use super::layers::{BatchNorm, Builder, Conv2d, Linear, Start};
use super::layout::Init;
use super::tape::{Tape, Var};
use crate::ops::{Conv, Ops};

#[derive(Clone, Debug)]
pub struct WideResnet {
    conv1: Conv2d,
    blocks: Vec<WideBlock>,
    bn1: BatchNorm,
    fc: Linear,
}

#[derive(Clone, Debug)]
struct WideBlock {
    bn1: BatchNorm,
    conv1: Conv2d,
    bn2: BatchNorm,
    conv2: Conv2d,
    shortcut: Option<Conv2d>,
}

impl WideResnet {
    /// `depth` is 6 n + 4.
    pub fn new(b: &mut Builder, channels: usize, depth: usize, width: usize, classes: usize) -> Self {
        let mut input = 16;
        let stem = Conv { stride: 1, padding: 1 };
        let conv1 = b.conv_from(Start::HeFanOut, "conv1", [channels, input], 3, stem);
        let mut blocks = Vec::new();
        for stage in 0..3 {
            let output = (16 << stage) * width;
            for index in 0..depth.saturating_sub(4) / 6 {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let name = format!("block{}.layer.{index}", stage + 1);
                blocks.push(WideBlock::new(b, &name, [input, output], stride));
                input = output;
            }
        }
        let bn1 = b.batch_norm("bn1", input);
        let fc = b.linear_from(Start::Default, Init::Constant(0.0), "fc.", input, classes);
        Self { conv1, blocks, bn1, fc: b.head(fc) }
    }

    pub fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let mut x = tape.conv(&self.conv1, x);
        for block in &self.blocks {
            x = block.forward(tape, x);
        }
        let a = tape.batch_norm_relu(&self.bn1, x);
        let pooled = tape.global_average(a);
        tape.linear(&self.fc, pooled)
    }
}

impl WideBlock {
    fn new(b: &mut Builder, name: &str, [input, output]: [usize; 2], stride: usize) -> Self {
        let bn1 = b.batch_norm(&format!("{name}.bn1"), input);
        let conv = |b: &mut Builder, part: &str, channels, kernel, conv| {
            b.conv_from(Start::HeFanOut, &format!("{name}.{part}"), channels, kernel, conv)
        };
        let conv1 = conv(b, "conv1", [input, output], 3, Conv { stride, padding: 1 });
        let bn2 = b.batch_norm(&format!("{name}.bn2"), output);
        let conv2 = conv(b, "conv2", [output, output], 3, Conv { stride: 1, padding: 1 });
        let shortcut = (input != output)
            .then(|| conv(b, "convShortcut", [input, output], 1, Conv { stride, padding: 0 }));
        Self { bn1, conv1, bn2, conv2, shortcut }
    }

    fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let a = tape.batch_norm_relu(&self.bn1, x.clone());
        let shortcut = match &self.shortcut {
            Some(conv) => tape.conv(conv, a.clone()),
            None => x,
        };
        let z = tape.conv(&self.conv1, a);
        let a = tape.batch_norm_relu(&self.bn2, z);
        let branch = tape.conv(&self.conv2, a);
        tape.add(branch, shortcut)
    }
}
