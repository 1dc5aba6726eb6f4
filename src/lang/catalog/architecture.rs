//! Network architectures. Classes and input size come from the data.

use super::declare::kind;
use super::{FRACTION, Range};
use crate::lang::value::Normalize;

/// Normalisation that every architecture starts with.
const NORMALIZE: &str = "dataset";
const NORMALIZE_ORIGIN: &str =
    "pixels stay in [0, 1] outside the network, so that an attack radius means pixels";

kind! {
    /// A network.
    Architecture is Model {
        Mlp(Mlp) "mlp" {
            summary: "Fully connected layers with ReLU between them.",
            rule: "flatten; for each width: linear, ReLU, dropout; linear to the classes",
            source: "weights are named as in torch.nn.Sequential(Flatten, Linear, ReLU, ...)",
            example: "model mlp(hidden = [256, 128])",
        } with {
            hidden: Vec<usize> => "width of each hidden layer", default("[128]", "choice of this project"),
                range(Range::AT_LEAST_ONE), first();
            dropout: f64 => "share of the hidden values that a training pass leaves out at random",
                default("0", "none, as in the papers followed here"), range(Range::BELOW_ONE), unit(FRACTION);
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        }

        Cnn(Cnn) "cnn" {
            summary: "A small convolutional network with batch normalisation, for inputs of 8x8 to 32x32 pixels.",
            rule: "conv 3x3 to width; conv 3x3, stride 2, to 2 width; conv 3x3, stride 2, to 4 width; \
                   each with batch normalisation and ReLU; global average; dropout; linear",
            source: "this project",
            example: "model cnn(width = 32)",
        } with {
            width: usize => "channels of the first stage", default("32", "choice of this project"),
                range(Range::AT_LEAST_ONE), unit("channels"), first();
            dropout: f64 => "share of the averaged features that a training pass leaves out at random",
                default("0", "none, as in the papers followed here"), range(Range::BELOW_ONE), unit(FRACTION);
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        }

        SatCnn(SatCnn) "sat_cnn" {
            summary: "The MNIST network of the SAT paper: three convolutions, no batch normalisation; 729,418 weights on MNIST.",
            rule: "conv 8x8 to 64, stride 2, pad 3; conv 6x6 to 128, stride 2, pad 3; conv 5x5 to 128; \
                   ReLU after each; flatten; linear",
            source: "Sitawarin et al. 2021, appendix A, and the authors' code",
            example: "model sat_cnn(normalize = none)",
        } with {
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        }

        Resnet18(Resnet18) "resnet18" {
            summary: "ResNet-18 with the CIFAR stem (3x3, no pooling); 11,173,962 weights for 10 classes.",
            rule: "conv 3x3 to 64; stages of two basic blocks with 64, 128, 256, 512 channels; global average; linear",
            source: "He et al., CVPR 2016; weights under torchvision's names",
            example: "model resnet18",
        } with {
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        }

        PreactResnet20(PreactResnet20) "preact_resnet20" {
            summary: "The 20-layer pre-activation ResNet of CIFAR (16, 32, 64 channels); about 0.27 million weights.",
            rule: "conv 3x3 to 16; three stages of three pre-activation blocks with 16, 32, 64 channels; \
                   batch normalisation, ReLU; global average; linear",
            source: "He et al., ECCV 2016, Identity mappings in deep residual networks",
            example: "model preact_resnet20",
        } with {
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        }
    }
}

impl Architecture {
    /// The constants the input is normalised with.
    pub fn normalize(&self) -> &Normalize {
        match self {
            Architecture::Mlp(model) => &model.normalize,
            Architecture::Cnn(model) => &model.normalize,
            Architecture::SatCnn(model) => &model.normalize,
            Architecture::Resnet18(model) => &model.normalize,
            Architecture::PreactResnet20(model) => &model.normalize,
        }
    }
}
