//! The networks that a file of weights may be meant for.

use std::path::Path;

use super::{Layout, Model};
use crate::lang::catalog::Source;
use crate::lang::world::{DatasetInfo, Size, SourceInfo, World, WorldError};
use crate::lang::{Settings, check};

/// Those that papers and libraries publish weights of, as a file of the language names them.
const NAMES: [&str; 18] = [
    "resnet18(stem = cifar)",
    "resnet18(stem = imagenet)",
    "resnet34(stem = cifar)",
    "resnet34(stem = imagenet)",
    "resnet50(stem = cifar)",
    "resnet50(stem = imagenet)",
    "resnet101(stem = cifar)",
    "resnet101(stem = imagenet)",
    "preact_resnet18(final_bn = false)",
    "preact_resnet18(final_bn = true)",
    "preact_resnet20",
    "wrn(depth = 16, width = 8)",
    "wrn(depth = 28, width = 10)",
    "wrn(depth = 34, width = 10)",
    "pyramidnet110",
    "vit_b16",
    "cnn",
    "sat_cnn",
];

/// Images of one shape, whatever the data set.
struct Images<'a>(&'a DatasetInfo);

impl World for Images<'_> {
    fn dataset(&self, _: &Source) -> Result<SourceInfo, WorldError> {
        let DatasetInfo { train, test, classes, channels, height, width } = *self.0;
        let size = Some(Size { height, width });
        Ok(SourceInfo { train, test, classes, channels, size, domains: 1, held_out: None, per_epoch: None })
    }

    fn corruptions(&self, _: &Path, _: usize, _: &Source, _: &DatasetInfo) -> Result<(), WorldError> {
        Ok(())
    }

    fn exists(&self, _: &Path) -> bool {
        true
    }
}

/// The layouts of all that take such images.
pub(super) fn layouts(images: &DatasetInfo) -> Vec<(&'static str, Layout)> {
    NAMES.into_iter().filter_map(|name| Some((name, model(name, images)?.layout))).collect()
}

/// A network as a file names it, without constants of a data set; `None` where it does not take such images.
pub(crate) fn model(name: &str, images: &DatasetInfo) -> Option<Model> {
    let text = format!("edition 2026\nmodel {name}\n");
    let program = check(&text, &Settings::default(), &Images(images)).program?;
    let architecture = &program.variants.first()?.experiment.model.architecture;
    let constants = [vec![0.0; images.channels], vec![1.0; images.channels]];
    Model::build(architecture, images, &constants).ok()
}
