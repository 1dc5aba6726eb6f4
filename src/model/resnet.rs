//! ResNet of basic or bottleneck blocks (v1.5: the stride is on the 3×3), torchvision's names.

use super::layers::{BatchNorm, Builder, Conv2d, Linear, Start};
use super::stem::Stem;
use super::tape::{Tape, Var};
use crate::ops::{Conv, Ops};

/// Output channels of a bottleneck, per channel of its 3×3.
const EXPANSION: usize = 4;

/// What a stage is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    Basic,
    Bottleneck,
}

/// A member of the family.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    pub block: Block,
    /// Width and number of blocks of each stage; the stem is as wide as the first.
    pub stages: &'a [[usize; 2]],
    pub stem: Stem,
}

#[derive(Clone, Debug)]
pub struct Resnet {
    stem: Stem,
    conv1: Conv2d,
    bn1: BatchNorm,
    blocks: Vec<Residual>,
    fc: Linear,
}

/// Convolutions with their normalisations, ReLU between them, and a shortcut.
#[derive(Clone, Debug)]
struct Residual {
    layers: Vec<(Conv2d, BatchNorm)>,
    downsample: Option<(Conv2d, BatchNorm)>,
}

impl Resnet {
    pub fn new(b: &mut Builder, channels: usize, shape: Shape<'_>, classes: usize) -> Self {
        // The CIFAR codes keep PyTorch's default, torchvision draws He normal.
        let start = match shape.stem {
            Stem::Cifar => Start::Default,
            Stem::Imagenet => Start::HeFanOut,
        };
        let mut width = shape.stages.first().map_or(0, |[width, _]| *width);
        let conv1 = shape.stem.conv(b, start, [channels, width]);
        let bn1 = b.batch_norm("bn1", width);
        let mut blocks = Vec::new();
        for (stage, &[inner, depth]) in shape.stages.iter().enumerate() {
            for index in 0..depth {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let name = format!("layer{}.{index}", stage + 1);
                blocks.push(Residual::new(b, shape.block, start, &name, [width, inner], stride));
                width = shape.block.output(inner);
            }
        }
        Self { stem: shape.stem, conv1, bn1, blocks, fc: b.classifier("fc", width, classes) }
    }

    pub fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let mut x = self.stem.forward(&self.conv1, &self.bn1, tape, x);
        for block in &self.blocks {
            x = block.forward(tape, x);
        }
        let pooled = tape.global_average(x);
        tape.linear(&self.fc, pooled)
    }
}

impl Block {
    /// Channels after a block whose 3×3 has `inner`.
    fn output(self, inner: usize) -> usize {
        match self {
            Block::Basic => inner,
            Block::Bottleneck => EXPANSION * inner,
        }
    }

    /// Channels, kernel and stride of each convolution.
    fn convs(self, [input, inner]: [usize; 2], stride: usize) -> Vec<([usize; 2], usize, usize)> {
        match self {
            Block::Basic => vec![([input, inner], 3, stride), ([inner, inner], 3, 1)],
            Block::Bottleneck => {
                vec![([input, inner], 1, 1), ([inner, inner], 3, stride), ([inner, self.output(inner)], 1, 1)]
            }
        }
    }
}

impl Residual {
    fn new(
        b: &mut Builder,
        block: Block,
        start: Start,
        name: &str,
        [input, inner]: [usize; 2],
        stride: usize,
    ) -> Self {
        let mut layer = |conv: &str, norm: &str, channels: [usize; 2], kernel: usize, stride: usize| {
            let conv_spec = Conv { stride, padding: kernel / 2 };
            let conv = b.conv_from(start, &format!("{name}.{conv}"), channels, kernel, conv_spec);
            (conv, b.batch_norm(&format!("{name}.{norm}"), channels[1]))
        };
        let convs = block.convs([input, inner], stride).into_iter().enumerate();
        let layers = convs.map(|(index, (channels, kernel, stride))| {
            layer(&format!("conv{}", index + 1), &format!("bn{}", index + 1), channels, kernel, stride)
        });
        let layers = layers.collect();
        let output = block.output(inner);
        let downsample = (stride != 1 || input != output)
            .then(|| layer("downsample.0", "downsample.1", [input, output], 1, stride));
        Self { layers, downsample }
    }

    fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let mut branch = x.clone();
        for (index, (conv, bn)) in self.layers.iter().enumerate() {
            let z = tape.conv(conv, branch);
            let last = index + 1 == self.layers.len();
            branch = if last { tape.batch_norm(bn, z) } else { tape.batch_norm_relu(bn, z) };
        }
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn::tensor::{Tensor, TensorData};
    use burn_flex::{Flex, FlexDevice};
    use safetensors::SafeTensors;

    use super::*;
    use crate::lang::program::Precision;
    use crate::model::{Mode, Normalization, StateDict, Trace, load};

    fn close(what: &str, found: Vec<f32>, expected: &[f32], tolerance: f32) {
        assert_eq!(found.len(), expected.len(), "{what}");
        let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= tolerance, "{what}: {worst:.1e}");
    }

    /// A small ResNet written by torchvision's code gives torchvision's logits and batch statistics.
    #[test]
    fn weights_of_torchvision_give_its_numbers() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/parity");
        let Ok(bytes) = std::fs::read(folder.join("io.safetensors")) else {
            println!("skipped: {} is not there", folder.display());
            return;
        };
        let io = SafeTensors::deserialize(&bytes).unwrap();
        let stored = |name: &str| -> Vec<f32> {
            io.tensor(name)
                .unwrap()
                .data()
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect()
        };
        let mut builder = Builder::default();
        let net = Resnet::new(
            &mut builder,
            3,
            Shape { block: Block::Basic, stages: &[[8, 2], [16, 2]], stem: Stem::Cifar },
            10,
        );
        let layout = builder.layout;
        let path = folder.join("tiny_tv_resnet.safetensors");
        let state: StateDict<Flex> = load(&path, &layout, &FlexDevice).unwrap();
        let pass = |normalization| -> Trace<Flex> {
            let pixels = TensorData::new(stored("input"), [4, 3, 16, 16]);
            let x = Tensor::<Flex, 4>::from_data(pixels, &FlexDevice).permute([0, 2, 3, 1]);
            let mode = Mode { normalization, record: false, noise: None, precision: Precision::F32 };
            let mut tape = Tape::new(&layout, &state.weights, &state.statistics, mode);
            let input = tape.input(x);
            let logits = net.forward(&mut tape, input);
            tape.finish(logits)
        };
        let values = |tensor: Tensor<Flex, 1>| tensor.into_data().to_vec::<f32>().unwrap();
        let logits = |trace: &Trace<Flex>| values(trace.logits.clone().reshape([40]));
        close("eval", logits(&pass(Normalization::Running)), &stored("eval_logits"), 1e-5);
        let train = pass(Normalization::Batch);
        close("train", logits(&train), &stored("train_logits"), 1e-5);
        let [mean, variance] = state.statistics.running[0].clone();
        let moved = |old: Tensor<Flex, 1>, new: Tensor<Flex, 1>| values(old * 0.9 + new * 0.1);
        let batch = train.moments[0].as_ref().unwrap();
        close("mean", moved(mean, batch.mean.clone()), &stored("bn1_running_mean_after"), 1e-6);
        let count = batch.count as f64;
        let unbiased = batch.variance.clone() * (count / (count - 1.0));
        let biased = batch.variance.clone();
        close("biased", moved(variance.clone(), biased), &stored("bn1_running_var_after_biased"), 1e-6);
        close("unbiased", moved(variance, unbiased), &stored("bn1_running_var_after_torch"), 1e-6);
    }
}
