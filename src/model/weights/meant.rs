//! Which network a file of weights is meant for, where it does not fit the one that was written.

use std::collections::BTreeSet;
use std::fmt;

use super::WeightsFile;
use super::problems::fits;
use super::view::{View, views};
use crate::lang::catalog::{Architecture, Head};
use crate::lang::world::DatasetInfo;
use crate::model::{Model, known};

/// Sizes that a file could name and no network has are not tried.
const LARGEST: usize = 1_000_000;

/// A network that a file fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant {
    /// A model of this version, as a file names it.
    Model(String),
    /// The one that was written, with other sizes: `width = 32`.
    Sizes { model: &'static str, sizes: Vec<String> },
}

impl fmt::Display for Meant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Meant::Model(model) => write!(formatter, "These are weights of `model {model}`"),
            Meant::Sizes { model, sizes } => {
                write!(formatter, "These are weights of `{model}` with `{}`", sizes.join("`, `"))
            }
        }
    }
}

/// The written network in other sizes, or another that this version knows.
pub(super) fn meant(file: &WeightsFile, written: &Architecture, images: &DatasetInfo) -> Option<Meant> {
    let all = || file.tables().iter().flat_map(views);
    all().find_map(|view| resized(&view, written, images)).or_else(|| {
        let known = known::layouts(images);
        let of = |view: View| known.iter().find(|(_, layout)| fits(&view, layout, Head::New));
        let (model, _) = all().find_map(of)?;
        Some(Meant::Model((*model).to_owned()))
    })
}

fn resized(view: &View, written: &Architecture, images: &DatasetInfo) -> Option<Meant> {
    let mut architecture = written.clone();
    let sizes = resize(&mut architecture, view)?;
    let constants = [vec![0.0; images.channels], vec![1.0; images.channels]];
    let network = Model::build(&architecture, images, &constants).ok()?;
    (architecture != *written && fits(view, &network.layout, Head::New))
        .then(|| Meant::Sizes { model: architecture.name(), sizes })
}

/// Gives an architecture the sizes that shapes in the file tell, and says which changed.
fn resize(architecture: &mut Architecture, view: &View) -> Option<Vec<String>> {
    let sound = |size: &usize| (1..=LARGEST).contains(size);
    let side = |name: &str, axis: usize| view.shape(name)?.get(axis).copied().filter(sound);
    let layers = |before: &str| {
        let number = |name: &str| name.strip_prefix(before)?.split('.').next().map(str::to_owned);
        Some(view.names().filter_map(number).collect::<BTreeSet<_>>().len()).filter(sound)
    };
    let mut changed = Vec::new();
    let mut set = |name: &str, place: &mut usize, found: usize| {
        if *place != found {
            *place = found;
            changed.push(format!("{name} = {found}"));
        }
    };
    match architecture {
        Architecture::Cnn(net) => set("width", &mut net.width, side("conv1.weight", 0)?),
        Architecture::Wrn(net) => {
            set("depth", &mut net.depth, 6 * layers("block1.layer.")? + 4);
            set("width", &mut net.width, Some(side("fc.weight", 1)? / 64).filter(sound)?);
        }
        Architecture::Pyramidnet110(net) => {
            set("alpha", &mut net.alpha, side("fc.weight", 1)?.checked_sub(16)?);
        }
        Architecture::Vit(net) => {
            set("patch", &mut net.patch, side("conv_proj.weight", 2)?);
            set("width", &mut net.width, side("class_token", 2)?);
            set("depth", &mut net.depth, layers("encoder.layers.encoder_layer_")?);
        }
        Architecture::Mlp(net) => {
            let widths = |index: usize| side(&format!("{}.weight", 2 * index + 1), 0);
            let mut hidden: Vec<usize> = (0..).map_while(widths).collect();
            hidden.pop()?;
            if hidden != net.hidden {
                changed.push(format!("hidden = {hidden:?}"));
                net.hidden = hidden;
            }
        }
        _ => return None,
    }
    Some(changed)
}
