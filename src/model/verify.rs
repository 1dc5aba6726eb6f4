//! What can be said of a network before a run: by its layout, and by the header of the file its weights are in.

use std::io::ErrorKind;
use std::path::Path;

use super::{MOST_PARAMETERS, Model, ModelError, Pretrained, WeightsError};
use crate::diagnostic::Code;
use crate::lang::program;
use crate::lang::world::{DatasetInfo, WorldError};

/// Bytes of weights whose values are looked at in a check; those of larger networks are looked at when a run begins.
const LOOKED_AT: u64 = 64 << 20;

/// Whether the network can be built for such images and starts from weights that are its own. Names and shapes are
/// compared; values are read where they have at most 64 MiB.
///
/// # Errors
/// The first thing that stops it.
pub fn verify(model: &program::Model, images: &DatasetInfo) -> Result<(), WorldError> {
    // Constants of a data set change no layout.
    let constants = [vec![0.0; images.channels], vec![1.0; images.channels]];
    let network = Model::build(&model.architecture, images, &constants)?;
    if let Some(path) = &model.from {
        let mut weights = Pretrained::of(&model.architecture, path, &network.layout, images)?;
        if weights.bytes(&network.layout) <= LOOKED_AT {
            weights.look(&network.layout)?;
        }
    }
    Ok(())
}

impl ModelError {
    /// The finding that the checker makes of it.
    pub fn code(&self) -> Code {
        match self {
            Self::TooSmall { .. } => Code::ImageTooSmall,
            Self::TooLarge { .. } => Code::NetworkTooLarge,
            Self::Sizes { .. } => Code::UnfittingSizes,
            Self::UnknownLayers { .. } => Code::UnknownLayer,
            Self::NothingTrains { .. } => Code::NothingTrains,
            Self::Channels { .. } => Code::UnequalLengths,
        }
    }

    fn help(&self) -> Vec<String> {
        let help = match self {
            Self::TooLarge { .. } => format!("a network has at most {MOST_PARAMETERS} parameters"),
            Self::UnknownLayers { known, .. } => format!("its layers are {}", known.join(", ")),
            Self::NothingTrains { .. } => "leave one layer out of `freeze`".to_owned(),
            _ => return Vec::new(),
        };
        vec![help]
    }
}

impl From<ModelError> for WorldError {
    fn from(error: ModelError) -> Self {
        let message = match &error {
            ModelError::UnknownLayers { model, layers, .. } => {
                format!("`{model}` has no layer `{}`", layers.join("`, `"))
            }
            other => other.to_string(),
        };
        Self { code: error.code(), path: None, message, help: error.help() }
    }
}

impl WeightsError {
    /// The finding that the checker makes of it.
    pub fn code(&self) -> Code {
        match self {
            Self::Read { source, .. } if source.kind() == ErrorKind::NotFound => Code::MissingFile,
            Self::Read { .. } | Self::Write { .. } | Self::Format { .. } => Code::UnusableWeights,
            Self::Mismatch { .. } | Self::Classes { .. } => Code::UnfittingWeights,
            Self::Ambiguous { .. } => Code::AmbiguousWeights,
            Self::Values { .. } => Code::UnsoundWeights,
        }
    }
}

impl From<WeightsError> for WorldError {
    fn from(error: WeightsError) -> Self {
        let code = error.code();
        let unread = ["`from` takes a file of safetensors, or what `torch.save` writes of a `state_dict`"];
        let (path, message, help) = match error {
            WeightsError::Mismatch { path, problems, partial, fits } => {
                let message = format!("the weights in `{}` are not those of this network", path.display());
                let problems = problems.into_iter().map(|problem| problem.trim().to_owned());
                let prefix = partial.map(|partial| partial.to_string());
                let fits = fits.map(|fits| fits.to_string());
                (path, message, prefix.into_iter().chain(problems).chain(fits).collect())
            }
            WeightsError::Ambiguous { ref path, ref keys } => {
                (path.clone(), error.to_string(), vec![alone(path, keys)])
            }
            WeightsError::Values { ref path, .. } => {
                let help = "no training recovers from such values: take an earlier checkpoint".to_owned();
                (path.clone(), error.to_string(), vec![help])
            }
            WeightsError::Classes { path, file, data } => {
                let message =
                    format!("`{}` has weights for {file} classes, the data have {data}", path.display());
                (
                    path,
                    message,
                    vec!["write `head = new` behind the model's name to draw the last layer anew".to_owned()],
                )
            }
            WeightsError::Read { ref path, .. }
            | WeightsError::Write { ref path, .. }
            | WeightsError::Format { ref path, .. } => {
                (path.clone(), error.to_string(), unread.map(str::to_owned).to_vec())
            }
        };
        Self { code, path: Some(path), message, help }
    }
}

/// How to keep one of several weights in a file.
fn alone(path: &Path, keys: &[String]) -> String {
    let key = keys.iter().find(|key| !key.is_empty()).map_or("", String::as_str);
    let places: String = key.split('.').map(|part| format!("[\"{part}\"]")).collect();
    let path = path.display();
    format!("save the ones that you mean alone: `torch.save(torch.load(\"{path}\"){places}, \"one.pth\")`")
}
