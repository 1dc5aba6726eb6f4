//! Pre-activation ResNets of basic blocks for CIFAR (He et al. 2016), 1×1 convolution shortcuts.
//!
//! Widths 16, 32, 64 with three blocks each are `preact_resnet20`: 272,282 parameters for 10 classes. Widths 64 to
//! 512 with two blocks each are `preact_resnet18`; the SAT paper's has no normalisation after the last stage.

use super::layers::{BatchNorm, Builder, Conv2d, Linear};
use super::tape::{Tape, Var};
use crate::ops::{Conv, Ops};

#[derive(Clone, Debug)]
pub struct PreactResnet {
    conv1: Conv2d,
    blocks: Vec<PreactBlock>,
    bn: Option<BatchNorm>,
    fc: Linear,
}

#[derive(Clone, Debug)]
struct PreactBlock {
    bn1: BatchNorm,
    conv1: Conv2d,
    bn2: BatchNorm,
    conv2: Conv2d,
    downsample: Option<Conv2d>,
}

impl PreactResnet {
    /// `stages`: width and number of blocks of each; `final_bn` puts normalisation and ReLU before the average.
    pub fn new(
        b: &mut Builder,
        channels: usize,
        stages: &[[usize; 2]],
        final_bn: bool,
        classes: usize,
    ) -> Self {
        let mut width = stages.first().map_or(0, |[width, _]| *width);
        let conv1 = b.conv("conv1", [channels, width], 3, Conv { stride: 1, padding: 1 });
        let mut blocks = Vec::new();
        for (stage, &[output, depth]) in stages.iter().enumerate() {
            for index in 0..depth {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let name = format!("layer{}.{index}", stage + 1);
                blocks.push(PreactBlock::new(b, &name, [width, output], stride));
                width = output;
            }
        }
        let bn = final_bn.then(|| b.batch_norm("bn", width));
        Self { conv1, blocks, bn, fc: b.classifier("fc", width, classes) }
    }

    pub fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let mut x = tape.conv(&self.conv1, x);
        for block in &self.blocks {
            x = block.forward(tape, x);
        }
        if let Some(bn) = &self.bn {
            x = tape.batch_norm_relu(bn, x);
        }
        let pooled = tape.global_average(x);
        tape.linear(&self.fc, pooled)
    }
}

impl PreactBlock {
    fn new(b: &mut Builder, name: &str, [input, output]: [usize; 2], stride: usize) -> Self {
        let bn1 = b.batch_norm(&format!("{name}.bn1"), input);
        let conv1 = b.conv(&format!("{name}.conv1"), [input, output], 3, Conv { stride, padding: 1 });
        let bn2 = b.batch_norm(&format!("{name}.bn2"), output);
        let conv2 = b.conv(&format!("{name}.conv2"), [output, output], 3, Conv { stride: 1, padding: 1 });
        let downsample = (stride != 1 || input != output).then(|| {
            b.conv(&format!("{name}.downsample.0"), [input, output], 1, Conv { stride, padding: 0 })
        });
        Self { bn1, conv1, bn2, conv2, downsample }
    }

    fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let a = tape.batch_norm_relu(&self.bn1, x.clone());
        let shortcut = match &self.downsample {
            Some(conv) => tape.conv(conv, a.clone()),
            None => x,
        };
        let z = tape.conv(&self.conv1, a);
        let a = tape.batch_norm_relu(&self.bn2, z);
        let branch = tape.conv(&self.conv2, a);
        tape.add(branch, shortcut)
    }
}
