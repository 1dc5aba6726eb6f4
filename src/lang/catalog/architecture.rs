//! Network architectures. Classes and input size come from the data.

use super::declare::{choice, group, kind};
use super::{FRACTION, Range};
use crate::lang::check::model as check;
use crate::lang::value::Normalize;

/// Normalisation that every architecture starts with.
const NORMALIZE: &str = "dataset";
const NORMALIZE_ORIGIN: &str =
    "pixels stay in [0, 1] outside the network, so that an attack radius means pixels";

/// What a stem is chosen by.
const STEM_ORIGIN: &str = "the stem of the papers at that size; `plan` says which";

choice! {
    /// The first layers of a ResNet.
    Stem "a stem" {
        Auto "auto" "`imagenet` for images of 96 pixels or more along the shorter side, else `cifar`"
        Cifar "cifar" "3x3 convolution, no pooling"
        Imagenet "imagenet" "7x7 convolution of stride 2, max-pool 3x3 of stride 2: torchvision's"
    }
}

choice! {
    /// What becomes of the last layer of loaded weights.
    Head "a head" {
        Keep "keep" "as in the file, which must have as many classes as the data"
        New "new" "drawn anew, whatever the file has"
    }
}

group! {
    /// Which parts start from loaded weights, and which of them train. Names are PyTorch's.
    Tuning {
        head: Head => "the last layer after `from`: `new` draws it for the classes of the data",
            default("keep", "a file that fits is taken whole");
        freeze: Vec<String> => "layers that do not train, by the beginning of their names: `[\"conv1\", \"layer1\"]`; a batch normalisation in them normalises by its running statistics, which stay as they are",
            default("[]", "everything trains");
        freeze_bn: bool => "whether all batch normalisations do so, those whose weights train too",
            default("false", "they follow the batches");
    }
}

macro_rules! each {
    ($architecture:expr, $model:ident => $value:expr) => {
        match $architecture {
            Architecture::Mlp($model) => $value,
            Architecture::Cnn($model) => $value,
            Architecture::SatCnn($model) => $value,
            Architecture::Resnet18($model) => $value,
            Architecture::Resnet34($model) => $value,
            Architecture::Resnet50($model) => $value,
            Architecture::Resnet101($model) => $value,
            Architecture::PreactResnet18($model) => $value,
            Architecture::PreactResnet20($model) => $value,
            Architecture::Wrn($model) => $value,
            Architecture::Pyramidnet110($model) => $value,
            Architecture::VitB16($model) => $value,
            Architecture::Vit($model) => $value,
        }
    };
}

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
                range(Range::CHANNELS), first();
            dropout: f64 => "share of the hidden values that a training pass leaves out at random",
                default("0", "none, as in the papers followed here"), range(Range::BELOW_ONE), unit(FRACTION);
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        } + { tuning: Tuning }

        Cnn(Cnn) "cnn" {
            summary: "A small convolutional network with batch normalisation, for inputs of 8x8 to 32x32 pixels.",
            rule: "conv 3x3 to width; conv 3x3, stride 2, to 2 width; conv 3x3, stride 2, to 4 width; \
                   each with batch normalisation and ReLU; global average; dropout; linear",
            source: "this project",
            example: "model cnn(width = 32)",
        } with {
            width: usize => "channels of the first stage", default("32", "choice of this project"),
                range(Range::CHANNELS), unit("channels"), first();
            dropout: f64 => "share of the averaged features that a training pass leaves out at random",
                default("0", "none, as in the papers followed here"), range(Range::BELOW_ONE), unit(FRACTION);
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        } + { tuning: Tuning }

        SatCnn(SatCnn) "sat_cnn" {
            summary: "The MNIST network of the SAT paper: three convolutions, no batch normalisation; 729,418 weights on MNIST.",
            rule: "conv 8x8 to 64, stride 2, pad 3; conv 6x6 to 128, stride 2, pad 3; conv 5x5 to 128; \
                   ReLU after each; flatten; linear",
            source: "Sitawarin et al. 2021, appendix A, and the authors' code",
            example: "model sat_cnn(normalize = none)",
        } with {
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        } + { tuning: Tuning }

        Resnet18(Resnet18) "resnet18" {
            summary: "ResNet-18: 11,173,962 weights for 10 classes with the stem of CIFAR, 11,689,512 for ImageNet.",
            rule: "stem to 64; stages of two basic blocks with 64, 128, 256, 512 channels; global average; linear",
            source: "He et al., CVPR 2016; weights under torchvision's names",
            notes: "With the stem of CIFAR all layers are drawn by PyTorch's defaults, with that of ImageNet convolutions are He normal, as in torchvision.",
            example: "model resnet18",
        } with {
            stem: Stem => "first layers: for small or for large images", default("auto", STEM_ORIGIN), first();
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        } + { tuning: Tuning }

        Resnet34(Resnet34) "resnet34" {
            summary: "ResNet-34: 21,289,802 weights for 10 classes with the stem of ImageNet.",
            rule: "stem to 64; stages of 3, 4, 6, 3 basic blocks with 64, 128, 256, 512 channels; global average; linear",
            source: "He et al., CVPR 2016; weights under torchvision's names",
            notes: "With the stem of CIFAR all layers are drawn by PyTorch's defaults, with that of ImageNet convolutions are He normal, as in torchvision.",
            example: "model resnet34",
        } with {
            stem: Stem => "first layers: for small or for large images", default("auto", STEM_ORIGIN), first();
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        } + { tuning: Tuning }

        Resnet50(Resnet50) "resnet50" {
            summary: "ResNet-50 (v1.5): 25,557,032 weights for ImageNet.",
            rule: "stem to 64; stages of 3, 4, 6, 3 bottleneck blocks with 256, 512, 1024, 2048 channels, stride on the 3x3; global average; linear",
            source: "He et al., CVPR 2016; weights under torchvision's names",
            notes: "With the stem of CIFAR all layers are drawn by PyTorch's defaults, with that of ImageNet convolutions are He normal, as in torchvision.",
            example: "model resnet50",
        } with {
            stem: Stem => "first layers: for small or for large images", default("auto", STEM_ORIGIN), first();
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        } + { tuning: Tuning }

        Resnet101(Resnet101) "resnet101" {
            summary: "ResNet-101 (v1.5): 44,549,160 weights for ImageNet.",
            rule: "stem to 64; stages of 3, 4, 23, 3 bottleneck blocks with 256, 512, 1024, 2048 channels, stride on the 3x3; global average; linear",
            source: "He et al., CVPR 2016; weights under torchvision's names",
            notes: "With the stem of CIFAR all layers are drawn by PyTorch's defaults, with that of ImageNet convolutions are He normal, as in torchvision.",
            example: "model resnet101",
        } with {
            stem: Stem => "first layers: for small or for large images", default("auto", STEM_ORIGIN), first();
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        } + { tuning: Tuning }

        PreactResnet18(PreactResnet18) "preact_resnet18" {
            aliases: &["prn20_sat"],
            summary: "Pre-activation ResNet-18, the PRN-20 of the SAT paper: 11,171,146 weights for 10 classes.",
            rule: "conv 3x3 to 64; four stages of two pre-activation blocks with 64, 128, 256, 512 channels; \
                   global average; linear",
            source: "He et al., ECCV 2016; Sitawarin et al. 2021, appendix A, and the authors' code",
            notes: "The authors' code has no normalisation after the last stage. Wong et al. 2020 and Rice et al. 2020 have: `final_bn = true`, 11,172,170 weights.",
            example: "model preact_resnet18",
        } with {
            final_bn: bool => "batch normalisation and ReLU before the average", default("false", "the SAT authors' code");
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        } + { tuning: Tuning }

        PreactResnet20(PreactResnet20) "preact_resnet20" {
            summary: "The 20-layer pre-activation ResNet of CIFAR (16, 32, 64 channels); about 0.27 million weights.",
            rule: "conv 3x3 to 16; three stages of three pre-activation blocks with 16, 32, 64 channels; \
                   batch normalisation, ReLU; global average; linear",
            source: "He et al., ECCV 2016, Identity mappings in deep residual networks",
            example: "model preact_resnet20",
        } with {
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        } + { tuning: Tuning }

        Wrn(Wrn) "wrn" {
            aliases: &["wide_resnet"],
            summary: "Wide ResNet: WRN-28-10 has 36,479,194 weights for 10 classes, WRN-34-10 46,160,474.",
            rule: "conv 3x3 to 16; three stages of (depth - 4) / 6 pre-activation blocks with 16, 32, 64 times width channels; \
                   batch normalisation, ReLU; global average; linear",
            source: "Zagoruyko and Komodakis, BMVC 2016; weights named as in the code of TRADES and ESAM",
            notes: "No dropout. Convolutions are He normal in the fan-out; the head's bias begins at zero.",
            example: "model wrn(depth = 34, width = 10)",
        } with {
            depth: usize => "layers, 6 n + 4", default("28", "the SAM papers; the adversarial ones have 34"), range(Range::LAYERS);
            width: usize => "how many times wider than a ResNet", default("10", "the papers"), range(Range::CHANNELS);
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        } + { tuning: Tuning } => check::wrn;

        Pyramidnet110(Pyramidnet110) "pyramidnet110" {
            summary: "PyramidNet-110 of basic blocks: 28,485,477 weights for 10 classes.",
            rule: "conv 3x3 to 16; 54 blocks, each alpha / 54 channels wider than the one before, of BN, conv 3x3, BN, ReLU, conv 3x3, BN; \
                   shortcuts averaged 2x2 where the stride is 2 and padded with zero channels; batch normalisation, ReLU; global average; linear",
            source: "Han et al., CVPR 2017; weights named as in the authors' code",
            notes: "The LE-SAM paper builds on ESAM's code, which has alpha = 270 without bottlenecks. The SAM paper's PyramidNet is another one (272 layers, ShakeDrop).",
            example: "model pyramidnet110",
        } with {
            alpha: usize => "channels added over the whole depth", default("270", "ESAM's code"), range(Range::CHANNELS), first();
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        } + { tuning: Tuning }

        VitB16(VitB16) "vit_b16" {
            summary: "ViT-B/16: 85,806,346 weights for 10 classes at 224x224, 86,567,656 for ImageNet.",
            rule: "patches of 16x16 by a convolution to 768; class token, learned positions; 12 pre-norm layers of \
                   12 heads and a perceptron of 3072 with exact GELU; layer normalisation; linear on the class token",
            source: "Dosovitskiy et al., ICLR 2021; weights under torchvision's names",
            notes: "Layer normalisations add 1e-6 to the variance. Positions belong to the image size: weights for 224x224 need images of that size. The head begins at zero.",
            example: "model vit_b16",
        } with {
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        } + { tuning: Tuning }

        Vit(Vit) "vit" {
            summary: "A small vision transformer: 64 patches of a 32x32 image; 2.7 million weights.",
            rule: "as vit_b16, with patches, width, depth and heads as given; the perceptron is four times as wide",
            source: "Dosovitskiy et al., ICLR 2021; weights under torchvision's names",
            notes: "The sizes of DeiT-Ti (Touvron et al. 2021) with half its depth.",
            example: "model vit(patch = 4, depth = 6)",
        } with {
            patch: usize => "side of a patch; divides those of the image", default("4", "64 patches of 32x32"), range(Range::SIDE), unit("pixels");
            width: usize => "channels of a token, a multiple of the heads", default("192", "DeiT-Ti"), range(Range::CHANNELS), unit("channels");
            depth: usize => "layers", default("6", "choice of this project"), range(Range::LAYERS);
            heads: usize => "heads of the attention", default("3", "DeiT-Ti"), range(Range::CHANNELS);
            normalize: Normalize => "constants the input is normalised with, inside the network", default(NORMALIZE, NORMALIZE_ORIGIN);
        } + { tuning: Tuning } => check::vit;
    }
}

impl Architecture {
    /// The constants the input is normalised with.
    pub fn normalize(&self) -> &Normalize {
        each!(self, model => &model.normalize)
    }

    /// What starts from loaded weights, and what trains.
    pub fn tuning(&self) -> &Tuning {
        each!(self, model => &model.tuning)
    }

    /// Whether any layer keeps running statistics.
    pub fn has_batch_norm(&self) -> bool {
        !matches!(
            self,
            Architecture::Mlp(_) | Architecture::SatCnn(_) | Architecture::Vit(_) | Architecture::VitB16(_)
        )
    }

    /// Whether any layer is normalised by the mean of its batch in training.
    pub fn trains_batch_norm(&self) -> bool {
        let tuning = self.tuning();
        !tuning.freeze_bn && self.norm_layers().iter().any(|layer| !tuning.freeze.contains(layer))
    }

    /// Those of [`Architecture::layers`] that hold batch normalisations.
    pub fn norm_layers(&self) -> Vec<String> {
        let holds = |layer: &String| !layer.starts_with("conv") && layer != "fc";
        if self.has_batch_norm() { self.layers().into_iter().filter(holds).collect() } else { Vec::new() }
    }

    /// The first parts of its weights' names, in PyTorch's order.
    pub fn layers(&self) -> Vec<String> {
        let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        match self {
            Architecture::Mlp(mlp) => {
                (0..=mlp.hidden.len()).map(|layer| (2 * layer + 1).to_string()).collect()
            }
            Architecture::Cnn(_) => named(&["conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "fc"]),
            Architecture::SatCnn(_) => named(&["0", "2", "4", "7"]),
            Architecture::Resnet18(_)
            | Architecture::Resnet34(_)
            | Architecture::Resnet50(_)
            | Architecture::Resnet101(_) => {
                named(&["conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc"])
            }
            Architecture::PreactResnet18(net) if net.final_bn => {
                named(&["conv1", "layer1", "layer2", "layer3", "layer4", "bn", "fc"])
            }
            Architecture::PreactResnet18(_) => {
                named(&["conv1", "layer1", "layer2", "layer3", "layer4", "fc"])
            }
            Architecture::PreactResnet20(_) => named(&["conv1", "layer1", "layer2", "layer3", "bn", "fc"]),
            Architecture::Wrn(_) => named(&["conv1", "block1", "block2", "block3", "bn1", "fc"]),
            Architecture::Pyramidnet110(_) => {
                named(&["conv1", "bn1", "layer1", "layer2", "layer3", "bn_final", "fc"])
            }
            Architecture::VitB16(_) | Architecture::Vit(_) => {
                named(&["class_token", "conv_proj", "encoder", "heads"])
            }
        }
    }

    /// The smallest side of an image that strides, kernels and patches leave something of.
    pub fn smallest_side(&self) -> usize {
        match self {
            Architecture::SatCnn(_) | Architecture::VitB16(_) => 16,
            Architecture::Vit(vit) => vit.patch,
            _ => 1,
        }
    }

    /// What is wrong with images of this size, given that they are large enough.
    pub fn misfit(&self, [height, width]: [usize; 2]) -> Option<String> {
        let patch = match self {
            Architecture::VitB16(_) => 16,
            Architecture::Vit(vit) => vit.patch,
            _ => return None,
        };
        let whole = height.is_multiple_of(patch) && width.is_multiple_of(patch);
        (!whole)
            .then(|| format!("images of {height}x{width} pixels are not made of patches of {patch}x{patch}"))
    }
}
