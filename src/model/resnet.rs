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
    /// `stages`: width and number of blocks of each; the stem is as wide as the first stage.
    pub fn new(b: &mut Builder, channels: usize, stages: &[[usize; 2]], classes: usize) -> Self {
        let mut width = stages.first().map_or(0, |[width, _]| *width);
        let conv1 = b.conv("conv1", [channels, width], 3, Conv { stride: 1, padding: 1 });
        let bn1 = b.batch_norm("bn1", width);
        let mut blocks = Vec::new();
        for (stage, &[output, depth]) in stages.iter().enumerate() {
            for index in 0..depth {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let name = format!("layer{}.{index}", stage + 1);
                blocks.push(BasicBlock::new(b, &name, [width, output], stride));
                width = output;
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn::tensor::{Tensor, TensorData};
    use burn_flex::{Flex, FlexDevice};
    use safetensors::SafeTensors;

    use super::*;
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
        let net = Resnet::new(&mut builder, 3, &[[8, 2], [16, 2]], 10);
        let layout = builder.layout;
        let path = folder.join("tiny_tv_resnet.safetensors");
        let state: StateDict<Flex> = load(&path, &layout, &FlexDevice).unwrap();
        let pass = |normalization| -> Trace<Flex> {
            let pixels = TensorData::new(stored("input"), [4, 3, 16, 16]);
            let x = Tensor::<Flex, 4>::from_data(pixels, &FlexDevice).permute([0, 2, 3, 1]);
            let mode = Mode { normalization, record: false, noise: None };
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
        let [mean, variance] = state.statistics.0[0].clone();
        let moved = |old: Tensor<Flex, 1>, new: Tensor<Flex, 1>| values(old * 0.9 + new * 0.1);
        let batch = &train.moments[0];
        close("mean", moved(mean, batch.mean.clone()), &stored("bn1_running_mean_after"), 1e-6);
        let count = batch.count as f64;
        let unbiased = batch.variance.clone() * (count / (count - 1.0));
        let biased = batch.variance.clone();
        close("biased", moved(variance.clone(), biased), &stored("bn1_running_var_after_biased"), 1e-6);
        close("unbiased", moved(variance, unbiased), &stored("bn1_running_var_after_torch"), 1e-6);
    }
}
