//! This machine as the checker sees it: its data sets, its files, and the networks that can be built on it.

use std::path::{Path, PathBuf};

use super::device;
use crate::data::Disk;
use crate::lang::catalog::Source;
use crate::lang::program::{Model, Validation};
use crate::lang::world::{DatasetInfo, ImageSizes, Parts, SourceInfo, World, WorldError};
use crate::model::{may_export, verify};

/// What [`Disk`] knows, and the networks of this version.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl World for Machine {
    fn dataset(&self, source: &Source) -> Result<SourceInfo, WorldError> {
        Disk.dataset(source)
    }

    fn image_sizes(&self, source: &Source) -> Result<ImageSizes, WorldError> {
        Disk.image_sizes(source)
    }

    fn parts(&self, source: &Source, validation: Option<Validation>) -> Parts {
        Disk.parts(source, validation)
    }

    fn corruptions(
        &self,
        root: &Path,
        kinds: usize,
        source: &Source,
        info: &DatasetInfo,
    ) -> Result<(), WorldError> {
        Disk.corruptions(root, kinds, source, info)
    }

    fn network(&self, model: &Model, images: &DatasetInfo) -> Result<(), WorldError> {
        verify(model, images)
    }

    fn output(&self, path: &Path, read: &[&Path]) -> Result<(), WorldError> {
        may_export(path, read)
    }

    fn card(&self, index: usize) -> Result<(), WorldError> {
        device::card(index)
    }

    fn exists(&self, path: &Path) -> bool {
        Disk.exists(path)
    }

    fn link(&self, path: &Path) -> Option<PathBuf> {
        Disk.link(path)
    }

    fn nearest_sibling(&self, path: &Path) -> Option<PathBuf> {
        Disk.nearest_sibling(path)
    }
}
