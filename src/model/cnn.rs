//! `cnn`: three convolutions with batch normalisation, for inputs from 8×8 to 32×32 pixels.
//!
//! conv 3×3 to `width`; conv 3×3 stride 2 to `2·width`; conv 3×3 stride 2 to `4·width`; each followed by batch
//! normalisation and ReLU; global average; dropout; linear.

use super::layers::{BatchNorm, Builder, Conv2d, Linear};
use super::tape::{Tape, Var};
use crate::lang::catalog::Cnn as Spec;
use crate::ops::{Conv, Ops};

#[derive(Clone, Debug)]
pub struct Cnn {
    stages: Vec<(Conv2d, BatchNorm)>,
    dropout: f64,
    fc: Linear,
}

impl Cnn {
    pub fn new(b: &mut Builder, channels: usize, spec: &Spec, classes: usize) -> Self {
        let width = spec.width;
        let widths = [channels, width, 2 * width, 4 * width];
        let mut stage = |index: usize| {
            let stride = if index == 0 { 1 } else { 2 };
            let conv = Conv { stride, padding: 1 };
            let conv = b.conv(&format!("conv{}", index + 1), [widths[index], widths[index + 1]], 3, conv);
            (conv, b.batch_norm(&format!("bn{}", index + 1), widths[index + 1]))
        };
        let stages = (0..3).map(&mut stage).collect();
        Self { stages, dropout: spec.dropout, fc: b.classifier("fc", 4 * width, classes) }
    }

    pub fn drops(&self) -> bool {
        self.dropout > 0.0
    }

    pub fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, mut x: Var<B>) -> Var<B> {
        for (conv, bn) in &self.stages {
            let z = tape.conv(conv, x);
            x = tape.batch_norm_relu(bn, z);
        }
        let pooled = tape.global_average(x);
        let kept = tape.dropout(self.dropout, pooled);
        tape.linear(&self.fc, kept)
    }
}
