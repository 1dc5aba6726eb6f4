//! How a ResNet begins: for small or for large images.

use super::layers::{BatchNorm, Builder, Conv2d};
use super::tape::{Pool, Tape, Var};
use crate::lang::catalog::Stem as Choice;
use crate::ops::{Conv, Ops};

/// Images with this many pixels along their shorter side get the stem of ImageNet.
pub const LARGE: usize = 96;

/// Both stems end with batch normalisation and ReLU; that of ImageNet is 7×7 with stride 2, and max-pooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stem {
    Cifar,
    Imagenet,
}

const POOL: Pool = Pool { kernel: 3, stride: 2, padding: 1 };

impl Stem {
    /// What `choice` means for images of this size.
    pub fn of(choice: Choice, [height, width]: [usize; 2]) -> Self {
        match choice {
            Choice::Cifar => Stem::Cifar,
            Choice::Imagenet => Stem::Imagenet,
            Choice::Auto if height.min(width) < LARGE => Stem::Cifar,
            Choice::Auto => Stem::Imagenet,
        }
    }

    /// For the plan.
    pub fn note(self) -> &'static str {
        match self {
            Stem::Cifar => "stem cifar: 3x3, stride 1, no pooling",
            Stem::Imagenet => "stem imagenet: 7x7, stride 2, max-pool 3x3, stride 2",
        }
    }

    pub fn conv(self, b: &mut Builder, start: super::layers::Start, channels: [usize; 2]) -> Conv2d {
        let (kernel, conv) = match self {
            Stem::Cifar => (3, Conv { stride: 1, padding: 1 }),
            Stem::Imagenet => (7, Conv { stride: 2, padding: 3 }),
        };
        b.conv_from(start, "conv1", channels, kernel, conv)
    }

    pub fn forward<B: Ops>(self, conv: &Conv2d, bn: &BatchNorm, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let z = tape.conv(conv, x);
        let a = tape.batch_norm_relu(bn, z);
        match self {
            Stem::Cifar => a,
            Stem::Imagenet => tape.max_pool(POOL, a),
        }
    }
}
