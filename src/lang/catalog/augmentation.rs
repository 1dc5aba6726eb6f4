//! Augmentations: what is done to a sample whenever training sees it.

use super::declare::{choice, kind};
use super::{FRACTION, Range};
use crate::lang::check::images::check_jitter;
use crate::lang::value::Interval;

choice! {
    /// What `resize` makes as long as its size.
    Fit "a way to fit" {
        Shorter "shorter" "the shorter side; the other keeps the ratio of the sides"
        Exact "exact" "both sides, whatever the ratio was"
    }
}

kind! {
    /// What is done to a training sample; a draw depends on seed, epoch and sample index alone.
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

        RandomResizedCrop(RandomResizedCrop) "random_resized_crop" {
            summary: "A random part of the image with a random ratio of its sides, resized to a square.",
            rule: "area = u * height * width, u uniform in `scale`; ratio = exp(v), v uniform in ln `ratio`; a window that does \
                   not fit is drawn again, ten times at most, then the largest central one is taken;\n\
                   resize to size x size, bilinear with antialiasing",
            source: "Szegedy et al., CVPR 2015, section 6; torchvision's RandomResizedCrop",
            notes: "A test image sees no draw: where `data` has no `test` list, its shorter side is resized to 8/7 of `size` and \
                    the centre of `size` x `size` is cut out (256 and 224, as on ImageNet).",
            example: "augment [random_resized_crop(224), flip]",
        } with {
            size: usize => "both sides of the result", range(Range::SIDE), unit("pixels"), first();
            scale: Interval => "least and greatest share of the area", default("[0.08, 1]", "Szegedy et al. 2015"), range(Range::SHARE);
            ratio: Interval => "least and greatest ratio of width to height", default("[3/4, 4/3]", "Szegedy et al. 2015"),
                range(Range::POSITIVE);
        }

        CenterCrop(CenterCrop) "center_crop" {
            summary: "The middle of the image: no draw, so it holds for test images too.",
            rule: "cut the central size x size window; a smaller image is padded with zeros first",
            source: "torchvision's CenterCrop",
            example: "augment [resize(256), center_crop(224), flip]",
        } with {
            size: usize => "both sides of the result", range(Range::SIDE), unit("pixels"), first();
        }

        Resize(Resize) "resize" {
            summary: "The image at another size: no draw, so it holds for test images too.",
            rule: "bilinear, widened to the scale where the image shrinks (antialiasing), as Pillow does",
            source: "torchvision's Resize",
            example: "augment [resize(32, fit = exact), crop, flip]",
        } with {
            size: usize => "length of the side that `fit` names", range(Range::SIDE), unit("pixels"), first();
            fit: Fit => "what becomes `size` long", default("shorter", "torchvision, given one number");
        }

        Jitter(Jitter) "jitter" {
            summary: "Random brightness, contrast, saturation and hue, in random order.",
            rule: "each factor is uniform in [1 - a, 1 + a], at least 0: brightness x <- f x; contrast x <- f x + (1 - f) mean(grey);\n\
                   saturation x <- f x + (1 - f) grey; hue is turned by a share of the circle uniform in [-hue, hue];\n\
                   clipped to [0, 1] after each",
            source: "torchvision's ColorJitter",
            notes: "Grey is 0.299 R + 0.587 G + 0.114 B; saturation and hue leave an image of one channel as it is.",
            example: "augment [jitter(brightness = 0.3, contrast = 0.3, saturation = 0.3, hue = 0.3)]",
        } with {
            brightness: f64 => "greatest change of the factor", default("0", "torchvision"), range(Range::NOT_NEGATIVE), unit(FRACTION);
            contrast: f64 => "greatest change of the factor", default("0", "torchvision"), range(Range::NOT_NEGATIVE), unit(FRACTION);
            saturation: f64 => "greatest change of the factor", default("0", "torchvision"), range(Range::NOT_NEGATIVE), unit(FRACTION);
            hue: f64 => "greatest turn, as a share of the circle", default("0", "torchvision"), range(Range::HALF), unit(FRACTION);
        } => check_jitter;

        Grayscale(Grayscale) "grayscale" {
            summary: "The image in grey, with a probability.",
            rule: "with probability p every channel becomes 0.299 R + 0.587 G + 0.114 B",
            source: "torchvision's RandomGrayscale; Gulrajani and Lopez-Paz, ICLR 2021",
            example: "augment [grayscale(0.1)]",
        } with {
            p: f64 => "probability", default("0.1", "Gulrajani and Lopez-Paz 2021"), range(Range::UNIT), unit(FRACTION), first();
        }

        Affine(Affine) "affine" {
            summary: "A random rotation, shift, scaling and shear about the centre.",
            rule: "angle uniform in [-degrees, degrees]; shift of each axis uniform in +-translate of the side, in whole pixels; \
                   factor uniform in `scale`; shear along x uniform in [-shear, shear] degrees;\n\
                   nearest pixel, zeros outside",
            source: "Sitawarin et al. 2021, the authors' code; torchvision's RandomAffine",
            example: "augment [crop, flip, affine, brightness]",
        } with {
            degrees: f64 => "greatest angle", default("5", "Sitawarin et al. 2021, code"), range(Range::HALF_TURN), unit("degrees"), first();
            translate: f64 => "greatest shift, as a share of the side", default("0.1", "Sitawarin et al. 2021, code"),
                range(Range::UNIT), unit(FRACTION);
            scale: Interval => "least and greatest factor", default("[0.9, 1.1]", "Sitawarin et al. 2021, code"), range(Range::POSITIVE);
            shear: f64 => "greatest angle of the shear", default("5", "Sitawarin et al. 2021, code"), range(Range::BELOW_QUARTER_TURN),
                unit("degrees");
        }

        Brightness(Brightness) "brightness" {
            summary: "The image times a random factor.",
            rule: "x <- clip(f x, 0, 1), f uniform in [max(0, 1 - amount), 1 + amount]",
            source: "Sitawarin et al. 2021, the authors' code; torchvision's ColorJitter",
            example: "augment [brightness(0.1)]",
        } with {
            amount: f64 => "greatest change of the factor", default("0.1", "Sitawarin et al. 2021, code"),
                range(Range::POSITIVE), unit(FRACTION), first();
        }

        Cutout(Cutout) "cutout" {
            summary: "A square of the image is blacked out, with a probability.",
            rule: "with probability p: the square of side `size` about a uniform pixel becomes 0; what lies outside the image is cut off",
            source: "DeVries and Taylor 2017; size and probability as in ESAM's code",
            notes: "ESAM's code puts zeros after normalisation, which is the mean colour; here images are not normalised yet and zero is black.",
            example: "augment [crop, flip, cutout]",
        } with {
            size: usize => "side of the square", default("16", "DeVries and Taylor 2017, on CIFAR-10"), range(Range::AT_LEAST_ONE),
                unit("pixels"), first();
            p: f64 => "probability", default("0.5", "Du et al. 2022, code"), range(Range::UNIT), unit(FRACTION);
        }

        Mixup(Mixup) "mixup" {
            summary: "A weighted mean of two training samples, and of their labels.",
            rule: "x <- l x + (1 - l) x', y <- l y + (1 - l) y'; l = max(b, 1 - b), b drawn from Beta(alpha, alpha)",
            source: "Zhang et al., ICLR 2018",
            notes: "The partner is a training sample drawn at random and augmented like any other, not one of the same batch, so that a \
                    sample's draw does not depend on its batch. The greater share counts as its label where a single one is asked for, \
                    as in the training accuracy; that exchanges the two names of a pair and changes no mean.",
            example: "augment [crop, flip, mixup(0.2)]",
        } with {
            alpha: f64 => "both parameters of the Beta distribution", default("0.2", "Zhang et al. 2018, on ImageNet"),
                range(Range::POSITIVE), first();
        }

        LabelSmoothing(LabelSmoothing) "label_smoothing" {
            summary: "Training labels that leave a little probability to every class.",
            rule: "y <- (1 - epsilon) y + epsilon / classes",
            source: "Szegedy et al., CVPR 2016, section 7",
            notes: "It changes the label of a training sample as the others change its image; evaluation sees the labels as they are.",
            example: "augment [crop, flip, label_smoothing(0.1)]",
        } with {
            epsilon: f64 => "probability shared among all classes", default("0.1", "Szegedy et al. 2016"), range(Range::INSIDE_UNIT),
                unit(FRACTION), first();
        }
    }
}
