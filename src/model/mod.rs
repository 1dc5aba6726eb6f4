//! Architectures: functions of explicit weights.
//!
//! A [`Model`] owns no tensors. Weights and running statistics are values handed to [`Model::forward`], so a
//! perturbed pass is a call at other weights, nothing is restored, and a pass that must not move running
//! statistics cannot.

mod cnn;
pub(crate) mod known;
mod layers;
mod layout;
mod mlp;
mod noise;
mod preact_block;
mod preact_resnet;
mod pyramidnet;
mod resnet;
mod sat_cnn;
mod stem;
mod tape;
mod tuning;
mod verify;
mod vit;
mod weights;
mod wide_resnet;

use burn::tensor::Tensor;

use crate::lang::catalog::{Architecture, Normalize, Stem as StemChoice};
use crate::lang::program::Precision;
use crate::lang::world::DatasetInfo;
use crate::ops::{Ops, Vector};

use layers::Builder;
pub use layout::{Init, Layout, Norm, Parameter, Role, Slot};
pub use noise::Noise;
use resnet::Block;
use stem::Stem;
pub use tape::{Cost, Gradients, Mode, Moments, Normalization, Tape, Trace, Var, Wants};
use tuning::Tuning;
pub use verify::verify;
pub use weights::{
    Entry, Meant, Partial, Pretrained, StateDict, Stored, Table, Tensors, WeightsError, WeightsFile, entries,
    float_entry, load, may_export, read_tensor, save, save_with, state_from, to_bytes,
};

/// What a pass reads besides the weights that train, in layout order.
#[derive(Clone, Debug)]
pub struct Statistics<B: Ops> {
    /// Running mean and variance of every batch normalisation; each `[channels]`.
    pub running: Vec<[Tensor<B, 1>; 2]>,
    /// Weights that `freeze` names.
    pub frozen: Vec<Tensor<B, 1>>,
}

/// A network for one data set: its parameters' layout and its function.
#[derive(Clone, Debug)]
pub struct Model {
    pub layout: Layout,
    /// Channels, height, width of an input image.
    pub input: [usize; 3],
    pub classes: usize,
    /// Per-channel mean and standard deviation subtracted and divided inside the network.
    normalize: Option<[Vec<f64>; 2]>,
    body: Body,
    /// What its passes store and multiply activations in.
    pub precision: Precision,
    /// What the size of the images decided.
    pub note: Option<&'static str>,
}

#[derive(Clone, Debug)]
enum Body {
    Mlp(mlp::Mlp),
    Cnn(cnn::Cnn),
    SatCnn(sat_cnn::SatCnn),
    Resnet(resnet::Resnet),
    PreactResnet(preact_resnet::PreactResnet),
    WideResnet(wide_resnet::WideResnet),
    Pyramidnet(pyramidnet::Pyramidnet),
    Vit(vit::Vit),
}

/// Eight gigabytes of f32, and as much again for every buffer of the optimizer.
pub const MOST_PARAMETERS: usize = 2_000_000_000;

/// Why an architecture cannot be built for a data set.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    #[error("`{model}` needs images of at least {need}x{need} pixels, the data set's are {height}x{width}")]
    TooSmall { model: &'static str, need: usize, height: usize, width: usize },
    #[error("the network would have {parameters} parameters, more than {MOST_PARAMETERS}")]
    TooLarge { parameters: usize },
    #[error("`{model}`: {problem}")]
    Sizes { model: &'static str, problem: String },
    #[error("no part of `{model}` is called {}; its layers are {}", layers.join(", "), known.join(", "))]
    UnknownLayers { model: &'static str, layers: Vec<String>, known: Vec<String> },
    #[error("`freeze` leaves nothing of `{model}` to train")]
    NothingTrains { model: &'static str },
    #[error("`normalize` gives {given} channels, the data set's images have {channels}")]
    Channels { given: usize, channels: usize },
}

impl Model {
    /// Builds `architecture` for images of `info`; `constants` are the data set's per-channel mean and std.
    pub fn build(
        architecture: &Architecture,
        info: &DatasetInfo,
        constants: &[Vec<f64>; 2],
    ) -> Result<Model, ModelError> {
        let input = [info.channels, info.height, info.width];
        let normalize = normalization(architecture.normalize(), constants, info.channels)?;
        require_size(architecture, info)?;
        let mut builder = Builder::new(Tuning::new(architecture.tuning()));
        let (body, note) = Body::new(&mut builder, architecture, input, info.classes);
        let (layout, tuning) = builder.finish();
        require_trainable(architecture.name(), &layout, &tuning)?;
        let parameters = layout.parameter_count().saturating_add(layout.frozen_count());
        if parameters > MOST_PARAMETERS {
            return Err(ModelError::TooLarge { parameters });
        }
        Ok(Model { layout, input, classes: info.classes, normalize, body, precision: Precision::F32, note })
    }

    /// The same network, whose passes store and multiply activations in `precision`.
    pub fn in_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Whether a pass in training mode may differ from one in evaluation mode: by batch normalisation, or by dropout.
    pub fn changes_in_training(&self) -> bool {
        self.layout.norms.iter().any(|norm| !norm.fixed) || self.body.drops()
    }

    /// One pass over `x` (`[n, h, w, c]`, pixels in [0, 1]) at `weights`.
    ///
    /// With `record`, the returned trace can be differentiated; without, activations are dropped on the way.
    pub fn forward<B: Ops>(
        &self,
        weights: &Vector<B>,
        statistics: &Statistics<B>,
        x: Tensor<B, 4>,
        normalization: Normalization,
        record: bool,
    ) -> Trace<B> {
        let mode = Mode { normalization, record, noise: None, precision: self.precision };
        self.forward_with(weights, statistics, x, mode)
    }

    /// Mean and deviation of each channel that a pixel in [0, 1] is normalised with inside the network.
    pub fn normalize(&self) -> Option<&[Vec<f64>; 2]> {
        self.normalize.as_ref()
    }

    /// As [`Model::forward`], with dropout where the mode has noise for it.
    pub fn forward_with<B: Ops>(
        &self,
        weights: &Vector<B>,
        statistics: &Statistics<B>,
        x: Tensor<B, 4>,
        mode: Mode<B>,
    ) -> Trace<B> {
        let mut tape = Tape::new(&self.layout, weights, statistics, mode);
        let mut input = tape.input(x);
        if let Some([mean, std]) = &self.normalize {
            input = tape.standardize(input, mean, std);
        }
        let logits = self.body.forward(&mut tape, input);
        tape.finish(logits)
    }
}

impl Body {
    /// The network, and what the size of the images decided about it.
    fn new(
        b: &mut Builder,
        architecture: &Architecture,
        input @ [channels, height, width]: [usize; 3],
        classes: usize,
    ) -> (Self, Option<&'static str>) {
        let mut resnet = |block, depths: [usize; 4], choice: StemChoice| {
            let stem = Stem::of(choice, [height, width]);
            let stages: [[usize; 2]; 4] = std::array::from_fn(|stage| [64 << stage, depths[stage]]);
            let shape = resnet::Shape { block, stages: &stages, stem };
            (Body::Resnet(resnet::Resnet::new(b, channels, shape, classes)), Some(stem.note()))
        };
        let body = match architecture {
            Architecture::Resnet18(net) => return resnet(Block::Basic, [2, 2, 2, 2], net.stem),
            Architecture::Resnet34(net) => return resnet(Block::Basic, [3, 4, 6, 3], net.stem),
            Architecture::Resnet50(net) => return resnet(Block::Bottleneck, [3, 4, 6, 3], net.stem),
            Architecture::Resnet101(net) => return resnet(Block::Bottleneck, [3, 4, 23, 3], net.stem),
            Architecture::Mlp(spec) => Body::Mlp(mlp::Mlp::new(b, input, spec, classes)),
            Architecture::Cnn(spec) => Body::Cnn(cnn::Cnn::new(b, channels, spec, classes)),
            Architecture::SatCnn(_) => Body::SatCnn(sat_cnn::SatCnn::new(b, input, classes)),
            Architecture::PreactResnet18(net) => {
                let stages = [[64, 2], [128, 2], [256, 2], [512, 2]];
                preact(b, channels, &stages, net.final_bn, classes)
            }
            Architecture::PreactResnet20(_) => {
                preact(b, channels, &[[16, 3], [32, 3], [64, 3]], true, classes)
            }
            Architecture::Wrn(net) => {
                Body::WideResnet(wide_resnet::WideResnet::new(b, channels, net.depth, net.width, classes))
            }
            Architecture::Pyramidnet110(net) => {
                Body::Pyramidnet(pyramidnet::Pyramidnet::new(b, channels, 110, net.alpha, classes))
            }
            Architecture::Vit(net) => {
                let shape =
                    vit::Shape { patch: net.patch, width: net.width, depth: net.depth, heads: net.heads };
                Body::Vit(vit::Vit::new(b, input, shape, classes))
            }
            Architecture::VitB16(_) => {
                let shape = vit::Shape { patch: 16, width: 768, depth: 12, heads: 12 };
                Body::Vit(vit::Vit::new(b, input, shape, classes))
            }
        };
        (body, None)
    }

    fn drops(&self) -> bool {
        match self {
            Body::Mlp(net) => net.drops(),
            Body::Cnn(net) => net.drops(),
            Body::SatCnn(_)
            | Body::Resnet(_)
            | Body::PreactResnet(_)
            | Body::WideResnet(_)
            | Body::Pyramidnet(_)
            | Body::Vit(_) => false,
        }
    }

    fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        match self {
            Body::Mlp(net) => net.forward(tape, x),
            Body::Cnn(net) => net.forward(tape, x),
            Body::SatCnn(net) => net.forward(tape, x),
            Body::Resnet(net) => net.forward(tape, x),
            Body::PreactResnet(net) => net.forward(tape, x),
            Body::WideResnet(net) => net.forward(tape, x),
            Body::Pyramidnet(net) => net.forward(tape, x),
            Body::Vit(net) => net.forward(tape, x),
        }
    }
}

fn preact(b: &mut Builder, channels: usize, stages: &[[usize; 2]], final_bn: bool, classes: usize) -> Body {
    Body::PreactResnet(preact_resnet::PreactResnet::new(b, channels, stages, final_bn, classes))
}

/// Every name that `freeze` gives must be there, and something must be left.
fn require_trainable(model: &'static str, layout: &Layout, tuning: &Tuning) -> Result<(), ModelError> {
    let all = layout.all();
    let names: Vec<&str> = all.iter().map(|(parameter, _)| parameter.name.as_str()).collect();
    let unknown = tuning.unknown(&names);
    if !unknown.is_empty() {
        let layers = unknown.into_iter().map(str::to_owned).collect();
        return Err(ModelError::UnknownLayers { model, layers, known: layout.top_layers() });
    }
    match layout.parameters.is_empty() {
        true => Err(ModelError::NothingTrains { model }),
        false => Ok(()),
    }
}

fn normalization(
    choice: &Normalize,
    constants: &[Vec<f64>; 2],
    channels: usize,
) -> Result<Option<[Vec<f64>; 2]>, ModelError> {
    let per_channel = |v: &[f64]| match v {
        [one] => Ok(vec![*one; channels]),
        many if many.len() == channels => Ok(many.to_vec()),
        other => Err(ModelError::Channels { given: other.len(), channels }),
    };
    match choice {
        Normalize::None => Ok(None),
        Normalize::Dataset => Ok(Some(constants.clone())),
        Normalize::Constants { mean, std } => Ok(Some([per_channel(mean)?, per_channel(std)?])),
    }
}

fn require_size(architecture: &Architecture, info: &DatasetInfo) -> Result<(), ModelError> {
    let (model, need) = (architecture.name(), architecture.smallest_side());
    let (height, width) = (info.height, info.width);
    if height.min(width) < need {
        return Err(ModelError::TooSmall { model, need, height, width });
    }
    match architecture.misfit([height, width]) {
        Some(problem) => Err(ModelError::Sizes { model, problem }),
        None => Ok(()),
    }
}
