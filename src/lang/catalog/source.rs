//! Data sources.

use std::path::PathBuf;

use super::declare::{choice, kind};
use super::{FRACTION, Range};
use crate::lang::check::sources::{check_domains, check_folder, check_longtail};
use crate::lang::value::Names;

choice! {
    /// What an image becomes.
    Color "a form of colour" {
        Rgb "rgb" "three channels; a grey image has the same in each"
        Grey "grey" "one channel, 0.299 R + 0.587 G + 0.114 B"
    }
}

choice! {
    /// Whether the camera's orientation turns an image.
    Orientation "a rule for the orientation" {
        Stored "stored" "pixels as they are stored"
        Exif "exif" "turned and mirrored as the camera noted"
    }
}

choice! {
    /// What an image that cannot be read does.
    OnError "a rule for errors" {
        Error "error" "it ends the run; the message names it"
        Skip "skip" "it is left out, counted and listed"
    }
}

choice! {
    /// The order of axes of images with channels.
    Layout "an order of axes" {
        Nhwc "nhwc" "images, rows, columns, channels: the channels of a pixel together"
        Nchw "nchw" "images, channels, rows, columns: one plane per channel, as PyTorch stores images"
    }
}

choice! {
    /// How weights are chosen where domains differ; the names are DomainBed's.
    Selection "a selection rule" {
        TrainingDomain "training_domain" "by the out splits of the training domains"
        Oracle "oracle" "the last weights; runs are chosen by the out split of the test domain"
        LeaveOneOut "leave_one_out" "by a whole training domain that is not trained on"
    }
}

choice! {
    /// The part of a test domain that numbers are of.
    Reported "a part of a domain" {
        InSplit "in_split" "all but the out split"
        Full "full" "all of it"
    }
}

choice! {
    /// How class sizes fall.
    Imbalance "a kind of imbalance" {
        Exponential "exponential" "by the same factor from class to class"
        Step "step" "once, after half of the classes"
    }
}

kind! {
    /// Where samples come from. Paths are relative to the working directory.
    Source is Source {
        Digits(Digits) "digits" {
            summary: "1,797 handwritten digits of 8x8 pixels, part of the program: needs no file.",
            source: "Alpaydin and Kaynak, Optical recognition of handwritten digits, UCI 1998",
            notes: "The split into training and test samples is fixed.",
            example: "data digits",
        } with {}

        Mnist(Mnist) "mnist" {
            summary: "60,000 + 10,000 handwritten digits, 1x28x28.",
            source: "LeCun et al. 1998",
            notes: "Four idx files under their published names, plain or with `.gz`: `train-images-idx3-ubyte`, \
                    `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`.",
            example: "data mnist(root = \"data/mnist\")",
        } with {
            root: PathBuf => "folder of the four files", default("\"data/mnist\"", "choice of this project"), first();
        }

        FashionMnist(FashionMnist) "fashion_mnist" {
            summary: "60,000 + 10,000 images of clothing, 1x28x28.",
            source: "Xiao et al. 2017",
            notes: "Four idx files under the same names as those of `mnist`, plain or with `.gz`.",
            example: "data fashion_mnist(root = \"data/fashion_mnist\")",
        } with {
            root: PathBuf => "folder of the four files", default("\"data/fashion_mnist\"", "choice of this project"), first();
        }

        Cifar10(Cifar10) "cifar10" {
            summary: "50,000 + 10,000 images in 10 classes, 3x32x32.",
            source: "Krizhevsky 2009",
            notes: "Binary records: `data_batch_1.bin` to `data_batch_5.bin` (those that are there) and `test_batch.bin`; \
                    any whole number of records.",
            example: "data cifar10(root = \"data/cifar10\") augment [crop(pad = 4), flip]",
        } with {
            root: PathBuf => "folder of the binary files", default("\"data/cifar10\"", "choice of this project"), first();
        }

        Cifar100(Cifar100) "cifar100" {
            summary: "50,000 + 10,000 images in 100 classes, 3x32x32.",
            source: "Krizhevsky 2009",
            notes: "Binary records: `train.bin` and `test.bin`; the fine labels are the classes.",
            example: "data cifar100(root = \"data/cifar100\") augment [crop(pad = 4), flip]",
        } with {
            root: PathBuf => "folder of the binary files", default("\"data/cifar100\"", "choice of this project"), first();
        }

        Idx(Idx) "idx" {
            summary: "Images and labels in idx files, the format of MNIST, plain or gz.",
            source: "the file format described with MNIST, LeCun et al. 1998",
            notes: "Grey images have three axes: images, rows, columns. Images with channels have four: images, rows, columns, channels, \
                    or, with `layout = nchw`, images, channels, rows, columns. There is one class more than the highest training label.",
            example: "data idx(images = \"train.idx3\", labels = \"train.idx1\", test_images = \"test.idx3\", test_labels = \"test.idx1\")",
        } with {
            images: PathBuf => "training images: unsigned bytes, 3 or 4 dimensions";
            labels: PathBuf => "training labels: unsigned bytes";
            test_images: PathBuf => "test images, of the same size";
            test_labels: PathBuf => "test labels";
            layout: Layout => "order of the axes of files with four", default("nhwc", "the order of pixels in most image files");
        }

        Folder(Folder) "folder" {
            summary: "JPEG, PNG and WebP images in one folder per class, decoded when they are needed.",
            source: "the layout of ImageNet and of torchvision's ImageFolder",
            notes: "`root/train/CLASS/..` trains; `root/val/CLASS/..` tests, else `root/test/CLASS/..`. Classes are in the order of their \
                    names, or in that of their numbers (1, 2, 10) where all names are whole numbers; torchvision has 1, 10, 2. `plan` and the \
                    records of a run list them. Names that read the same are the same, whichever code points they are made of. Images of any size need `resize`, `center_crop` or `random_resized_crop`. Of 16 bits the upper 8 count, an alpha channel is \
                    left out, CMYK becomes RGB; an image has at most 67,108,864 pixels. `color = grey` is 0.299 R + 0.587 G + 0.114 B in \
                    Pillow's whole numbers, as `grayscale` and `jitter` take it. `orientation = exif` holds for all three formats. \
                    JPEGs with halved chroma differ from libjpeg's pixels by rounding: red and blue are 0.4 of 255 brighter on average, \
                    green 0.3 darker. Hidden files, and files and folders \
                    that systems make (`Thumbs.db`, `@eaDir`, `__MACOSX`, `lost+found`, ..), are no part of a data set. \
                    Networks normalise by ImageNet's constants (0.449 and 0.226 for grey images). \
                    `on_error = skip` decodes every image once before the first run, and lists those that cannot be read. \
                    The list of files is kept in the user's cache folder and made anew when a folder changes.",
            example: "data folder(\"data/imagenet\") augment [random_resized_crop(224), flip]",
        } with {
            root: PathBuf => "folder with the parts", first();
            train: String => "folder of the training images, below `root`", default("\"train\"", "ImageNet");
            test: Option<String> => "folder of the test images, below `root`; `none` takes `val`, else `test`",
                default("none", "ImageNet, and most fine-grained sets");
            color: Color => "what an image becomes", default("rgb", "torchvision's ImageFolder");
            orientation: Orientation => "whether the camera's orientation (EXIF) turns an image", default("stored", "torchvision's ImageFolder");
            on_error: OnError => "what an image that cannot be read does", default("error", "choice of this project");
        } => check_folder;

        Domains(Domains) "domains" {
            summary: "Images in one folder per domain, with one per class in each: PACS, VLCS, OfficeHome, TerraIncognita.",
            rule: "each domain is split once, stratified by class: `holdout` of it is its out split, the rest its in split;\n\
                   training sees the in splits of the training domains, the same number of samples of each in every batch;\n\
                   an epoch ends when the smallest training domain was seen once",
            source: "Gulrajani and Lopez-Paz, ICLR 2021; DomainBed, commit b93c22a",
            notes: "`test = NAME` leaves one domain out and trains on all others; `train = NAME` trains on a single one and tests on all \
                    others. `batch` counts the samples of all training domains together: DomainBed's 32 per domain are `batch 96` for three. \
                    `select best(accuracy)` compares, after every epoch, what `selection` names: with `training_domain` the mean accuracy \
                    on the out splits of the training domains, with `leave_one_out` the accuracy on the in split of the training domain that \
                    `validate` names, which is not trained on; `oracle` keeps the last weights. `accuracy` gives the mean over test domains of \
                    the part that `report` names, then each domain's (`sketch.accuracy`), what selects weights (`selection.accuracy`) and \
                    the out split of the test domains, which the oracle chooses among runs by (`oracle.accuracy`). \
                    DomainBed draws with replacement, here an epoch has no repetition; its random generator is another one. \
                    What is said of images under `folder` holds here too.",
            example: "data domains(\"data/PACS\", test = \"sketch\") augment [random_resized_crop(224, scale = [0.7, 1]), flip] test [resize(224, fit = exact)] batch 96",
        } with {
            root: PathBuf => "folder with one folder per domain", first();
            test: Option<Names> => "domain or domains to test on; `none` takes all that are not trained on", default("none", "DomainBed");
            train: Option<Names> => "domain or domains to train on; `none` takes all that are not tested on", default("none", "DomainBed");
            selection: Selection => "how weights are chosen", default("training_domain", "DomainBed's first rule");
            validate: Option<String> => "with `selection = leave_one_out`: the training domain that is kept for validation", default("none", "DomainBed");
            holdout: f64 => "share of each domain in its out split", default("0.2", "DomainBed"), range(Range::INSIDE_UNIT), unit(FRACTION);
            trial: usize => "number of the split: another one splits otherwise", default("0", "DomainBed");
            report: Reported => "part of a test domain that numbers are of", default("in_split", "DomainBed");
            color: Color => "what an image becomes", default("rgb", "DomainBed");
            orientation: Orientation => "whether the camera's orientation (EXIF) turns an image", default("stored", "DomainBed");
            on_error: OnError => "what an image that cannot be read does", default("error", "choice of this project");
        } => check_domains;

        Longtail(Longtail) "longtail" {
            summary: "Another data set with fewer training images from class to class.",
            rule: "exponential: n_c = floor(n (1/factor)^(c / (C - 1))); step: n in the first half of the classes, floor(n / factor) in the \
                   other; n is the size of the largest class",
            source: "Cao et al., NeurIPS 2019, and the authors' code; Cui et al., CVPR 2019",
            notes: "The images kept of a class are drawn once, whatever the seed of a run; the authors' code draws with another generator. \
                    The test images stay as they are. `accuracy` also gives the accuracy over the test images of classes with more than 100 \
                    training images (`many.accuracy`), with 20 to 100 (`medium.accuracy`) and with fewer (`few.accuracy`).",
            example: "data longtail(cifar100(root = \"data/cifar100\"), factor = 100) augment [crop, flip]",
        } with {
            source: Box<Source> => "the data set that is thinned out", first();
            factor: f64 => "size of the largest class over that of the smallest", range(Range::above(1.0));
            kind: Imbalance => "how the sizes fall", default("exponential", "Cao et al. 2019");
        } => check_longtail;
    }
}

impl Source {
    /// The domains that the samples come from, where they come from any.
    pub fn domains(&self) -> Option<&Domains> {
        match self {
            Source::Domains(domains) => Some(domains),
            Source::Longtail(tail) => tail.source.domains(),
            _ => None,
        }
    }
}
