//! What `resolved.json` says of the program that a seed's folder is of.

use std::fs;
use std::path::Path;

use serde::Deserialize;

pub use super::history::Setting;

/// A program's settings in one variant, and how much it was to run.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Outline {
    /// Of flatrun.
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub variant: String,
    #[serde(default)]
    pub settings: Vec<Setting>,
    /// Variants times seeds; folders of older versions do not say.
    pub runs: Option<usize>,
}

impl Outline {
    /// `None` where it cannot be read.
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join("resolved.json")).ok()?).ok()
    }
}
