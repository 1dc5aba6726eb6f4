//! The pre-activation block (He et al. 2016) that several families are made of.

use super::layers::{BatchNorm, Conv2d};
use super::tape::{Tape, Var};
use crate::ops::Ops;

/// Twice normalisation, ReLU and convolution; a convolution on the shortcut starts after the first ReLU.
#[derive(Clone, Debug)]
pub struct PreactBlock {
    pub bn1: BatchNorm,
    pub conv1: Conv2d,
    pub bn2: BatchNorm,
    pub conv2: Conv2d,
    /// Where shapes differ; else the input itself.
    pub shortcut: Option<Conv2d>,
}

impl PreactBlock {
    pub fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let a = tape.batch_norm_relu(&self.bn1, x.clone());
        let shortcut = match &self.shortcut {
            Some(conv) => tape.conv(conv, a.clone()),
            None => x,
        };
        let z = tape.conv(&self.conv1, a);
        let a = tape.batch_norm_relu(&self.bn2, z);
        let branch = tape.conv(&self.conv2, a);
        tape.add(branch, shortcut)
    }
}
