//! ResNet with basic blocks and the CIFAR stem (3×3, no pooling), torchvision's names.

use super::layers::{BatchNorm, Builder, Conv2d, Linear};
use super::tape::{Tape, Var};
use crate::ops::{Conv, Ops};

#[derive(Clone, Debug)]
pub struct Resnet {
    conv1: Conv2d,
    bn1: BatchNorm,
    blocks: Vec<BasicBlock>,
    fc: Linear,
}

#[derive(Clone, Debug)]
struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    downsample: Option<(Conv2d, BatchNorm)>,
}

impl Resnet {
    /// `depths`: blocks per stage, of widths 64, 128, 256, 512.
    pub fn new(b: &mut Builder, channels: usize, depths: [usize; 4], classes: usize) -> Self {
        let conv1 = b.conv("conv1", [channels, 64], 3, Conv { stride: 1, padding: 1 });
        let bn1 = b.batch_norm("bn1", 64);
        let mut blocks = Vec::new();
        let mut width = 64;
        for (stage, depth) in depths.into_iter().enumerate() {
            for index in 0..depth {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let name = format!("layer{}.{index}", stage + 1);
                blocks.push(BasicBlock::new(b, &name, [width, 64 << stage], stride));
                width = 64 << stage;
            }
        }
        Self { conv1, bn1, blocks, fc: b.linear("fc", width, classes) }
    }

    pub fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let z = tape.conv(&self.conv1, x);
        let mut x = tape.batch_norm_relu(&self.bn1, z);
        for block in &self.blocks {
            x = block.forward(tape, x);
        }
        let pooled = tape.global_average(x);
        tape.linear(&self.fc, pooled)
    }
}

impl BasicBlock {
    fn new(b: &mut Builder, name: &str, [input, output]: [usize; 2], stride: usize) -> Self {
        let conv1 = b.conv(&format!("{name}.conv1"), [input, output], 3, Conv { stride, padding: 1 });
        let bn1 = b.batch_norm(&format!("{name}.bn1"), output);
        let conv2 = b.conv(&format!("{name}.conv2"), [output, output], 3, Conv { stride: 1, padding: 1 });
        let bn2 = b.batch_norm(&format!("{name}.bn2"), output);
        let downsample = (stride != 1 || input != output).then(|| {
            let conv =
                b.conv(&format!("{name}.downsample.0"), [input, output], 1, Conv { stride, padding: 0 });
            (conv, b.batch_norm(&format!("{name}.downsample.1"), output))
        });
        Self { conv1, bn1, conv2, bn2, downsample }
    }

    fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let z = tape.conv(&self.conv1, x.clone());
        let a = tape.batch_norm_relu(&self.bn1, z);
        let z = tape.conv(&self.conv2, a);
        let branch = tape.batch_norm(&self.bn2, z);
        let shortcut = match &self.downsample {
            Some((conv, bn)) => {
                let z = tape.conv(conv, x);
                tape.batch_norm(bn, z)
            }
            None => x,
        };
        tape.add_relu(branch, shortcut)
    }
}
