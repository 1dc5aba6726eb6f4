//! Architectures: functions of explicit weights.
//!
//! A [`Model`] owns no tensors. Weights and running statistics are values handed to [`Model::forward`], so a
//! perturbed pass is a call at other weights, nothing is restored, and a pass that must not move running
//! statistics cannot.

mod cnn;
mod layers;
mod layout;
mod mlp;
mod noise;
mod preact_resnet;
mod resnet;
mod sat_cnn;
mod tape;
mod weights_file;

use burn::tensor::Tensor;

use crate::lang::catalog::{Architecture, Normalize};
use crate::lang::world::DatasetInfo;
use crate::ops::{Ops, Vector};

use layers::Builder;
pub use layout::{Init, Layout, Norm, Parameter, Role};
pub use noise::Noise;
pub use tape::{Cost, Gradients, Mode, Moments, Normalization, Tape, Trace, Var, Wants};
pub use weights_file::{
    Entry, StateDict, WeightsError, entries, float_entry, load, read_tensor, save, state_from, to_bytes,
};

/// Running mean and variance of every batch normalisation, in layout order; each `[channels]`.
#[derive(Clone, Debug)]
pub struct Statistics<B: Ops>(pub Vec<[Tensor<B, 1>; 2]>);

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
}

#[derive(Clone, Debug)]
enum Body {
    Mlp(mlp::Mlp),
    Cnn(cnn::Cnn),
    SatCnn(sat_cnn::SatCnn),
    Resnet(resnet::Resnet),
    PreactResnet(preact_resnet::PreactResnet),
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
        let mut builder = Builder::default();
        let b = &mut builder;
        let body = match architecture {
            Architecture::Mlp(spec) => Body::Mlp(mlp::Mlp::new(b, input, spec, info.classes)),
            Architecture::Cnn(spec) => Body::Cnn(cnn::Cnn::new(b, input[0], spec, info.classes)),
            Architecture::SatCnn(_) => Body::SatCnn(sat_cnn::SatCnn::new(b, input, info.classes)),
            Architecture::Resnet18(_) => Body::Resnet(resnet::Resnet::new(
                b,
                input[0],
                &[[64, 2], [128, 2], [256, 2], [512, 2]],
                info.classes,
            )),
            Architecture::PreactResnet20(_) => {
                Body::PreactResnet(preact_resnet::PreactResnet::new(b, input[0], 3, info.classes))
            }
        };
        let parameters = builder.layout.parameter_count();
        if parameters > MOST_PARAMETERS {
            return Err(ModelError::TooLarge { parameters });
        }
        Ok(Model { layout: builder.layout, input, classes: info.classes, normalize, body })
    }

    /// Whether a pass in training mode may differ from one in evaluation mode: by batch normalisation, or by dropout.
    pub fn changes_in_training(&self) -> bool {
        !self.layout.norms.is_empty() || self.body.drops()
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
        self.forward_with(weights, statistics, x, Mode { normalization, record, noise: None })
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
    fn drops(&self) -> bool {
        match self {
            Body::Mlp(net) => net.drops(),
            Body::Cnn(net) => net.drops(),
            Body::SatCnn(_) | Body::Resnet(_) | Body::PreactResnet(_) => false,
        }
    }

    fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        match self {
            Body::Mlp(net) => net.forward(tape, x),
            Body::Cnn(net) => net.forward(tape, x),
            Body::SatCnn(net) => net.forward(tape, x),
            Body::Resnet(net) => net.forward(tape, x),
            Body::PreactResnet(net) => net.forward(tape, x),
        }
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
    let (model, need) = match architecture {
        Architecture::SatCnn(_) => ("sat_cnn", sat_cnn::MINIMUM_SIZE),
        _ => return Ok(()),
    };
    let (height, width) = (info.height, info.width);
    if height.min(width) < need {
        return Err(ModelError::TooSmall { model, need, height, width });
    }
    Ok(())
}
