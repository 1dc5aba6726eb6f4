//! Augmentations: what is drawn anew for a training sample at every visit.

use super::declare::kind;
use super::{FRACTION, Range};

kind! {
    /// A random change of a training image; the draw depends on seed, epoch and sample index alone.
    Augmentation is Augmentation {
        Crop(Crop) "crop" {
            summary: "A random window of the image's own size, after padding with zeros.",
            rule: "pad every side by `pad` zero pixels, cut a window of the original size at a uniform offset",
            source: "He et al., CVPR 2016, section 4.2",
            example: "augment [crop(pad = 4)]",
        } with {
            pad: usize => "zero pixels added on every side", default("4", "He et al. 2016, on CIFAR"),
                range(Range::AT_LEAST_ONE), unit("pixels"), first();
        }

        Flip(Flip) "flip" {
            summary: "A horizontal mirror image, with a probability.",
            rule: "with probability p: x[.., j] <- x[.., width - 1 - j]",
            source: "He et al., CVPR 2016, section 4.2",
            example: "augment [flip]",
        } with {
            p: f64 => "probability", default("0.5", "He et al. 2016, on CIFAR"), range(Range::UNIT), unit(FRACTION), first();
        }
    }
}
