//! Names of well-known things that are not built, so that none of them is taken for a slip of something that is.

use super::elsewhere::plain;
use super::{Kind, of_kind};

/// Known things of one kind that the catalogue does not have.
#[derive(Clone, Copy, Debug)]
pub struct Absent {
    pub kind: Kind,
    names: &'static [&'static str],
    /// What may stand in their place; empty where nothing does.
    pub instead: &'static str,
}

const fn absent_of(kind: Kind, names: &'static [&'static str], instead: &'static str) -> Absent {
    Absent { kind, names, instead }
}

const FOLDER: &str = "images in folders, one per class, are read by `data folder(root = \"..\")`";
const IDX: &str = "its four files are read by `data idx(images = \"..\", labels = \"..\", test_images = \"..\", test_labels = \"..\")`";
const ARRAYS: &str = "`evaluate corruption(root = \"..\")` measures on its arrays";
const DOMAINS: &str = "folders of domains are read by `data domains(root = \"..\", test = \"..\")`";

/// In plain letters: no capitals, no `_`.
#[rustfmt::skip]
const ABSENT: &[Absent] = &[
    absent_of(Kind::Optimizer, &[
        "adabelief", "adabound", "adadelta", "adafactor", "adagrad", "adahessian", "adai", "adalite", "adam8bit", "adamax", "adamp",
        "adan", "adapnm", "ademamix", "adopt", "amsgrad", "apollo", "asgd", "came", "diffgrad", "ftrl", "galore", "grams", "kfac",
        "lamb", "lars", "lbfgs", "lion", "lookahead", "madgrad", "mars", "muon", "nadam", "nadamw", "novograd", "padam", "pid",
        "prodigy", "qhadam", "radam", "ranger", "ranger21", "rmsprop", "rprop", "schedulefree", "sgdp", "sgdw", "shampoo", "signsgd",
        "soap", "sophia", "sparseadam", "stableadamw", "swats", "tiger", "yogi",
    ], ""),
    absent_of(Kind::Model, &[
        "alexnet", "beit", "cct", "coatnet", "convmixer", "convnext", "convnextb", "convnextbase", "convnextl", "convnextlarge",
        "convnexts", "convnextsmall", "convnextt", "convnexttiny", "convnextv2", "deit", "deitb", "deitbase", "deits", "deitsmall", "deitt",
        "deitti", "deittiny", "densenet", "densenet100", "densenet121", "densenet161", "densenet169", "densenet190", "densenet201",
        "densenetbc100", "dla", "dpn92", "efficientnet", "efficientnetb0", "efficientnetb1", "efficientnetb2", "efficientnetb3",
        "efficientnetb4", "efficientnetb5", "efficientnetb6", "efficientnetb7", "efficientnetv2", "efficientnetv2s", "googlenet",
        "inception", "inceptionv3", "inceptionv4", "lenet", "lenet5", "maxvit", "mixer", "mlpmixer", "mlpmixerb16", "mnasnet", "mobilenet",
        "mobilenetv2", "mobilenetv3", "mobilenetv3large", "mobilenetv3small", "mobilevit", "nfnet", "pyramidnet", "pyramidnet164",
        "pyramidnet200", "pyramidnet272", "preactresnet101", "preactresnet110", "preactresnet152", "preactresnet32", "preactresnet34",
        "preactresnet44", "preactresnet50", "preactresnet56", "prn34", "prn50", "regnet", "regnety16gf", "repvgg", "resnest50",
        "resnet", "resnet10", "resnet1001", "resnet110", "resnet1202", "resnet12", "resnet14", "resnet152", "resnet164", "resnet20",
        "resnet200", "resnet26", "resnet32", "resnet44", "resnet56", "resnet8", "resnet9", "resnext", "resnext101", "resnext10132x8d",
        "resnext29", "resnext50", "resnext5032x4d", "senet", "senet18", "seresnet18", "seresnet50", "shakeshake", "shufflenet",
        "shufflenetv2", "squeezenet", "swin", "swinb", "swins", "swint", "swinv2", "vgg", "vgg11", "vgg11bn", "vgg13", "vgg13bn", "vgg16",
        "vgg16bn", "vgg19", "vgg19bn", "vitb32", "vitb8", "vitbase", "vitg14", "vith14", "vith16", "vitl14", "vitl16", "vitl32", "vitlarge",
        "vits14", "vits16", "vits32", "vits8", "vitsmall", "vitt16", "vitti16", "vittiny", "wideresnet1012", "wideresnet502", "xception",
    ], ""),
    absent_of(Kind::Source, &["emnist", "kmnist", "qmnist", "medmnist", "binarizedmnist", "notmnist", "kuzushijimnist"], IDX),
    absent_of(Kind::Source, &["cifar10c", "cifar100c", "imagenetc", "mnistc", "tinyimagenetc", "cifar10p"], ARRAYS),
    absent_of(Kind::Source, &["domainnet", "officehome", "pacs", "terraincognita", "vlcs", "coloredmnist", "rotatedmnist"], DOMAINS),
    absent_of(Kind::Source, &[
        "aircraft", "caltech101", "caltech256", "cars", "celeba", "cifar", "cifar101", "cifar102", "cifar20", "cinic10", "coco", "cub",
        "cub200", "dtd", "eurosat", "fer2013", "fgvcaircraft", "flowers", "flowers102", "food101", "gtsrb", "imagenet", "imagenet1k",
        "imagenet21k", "imagenet32", "imagenet100", "imageneta", "imagenetr", "imagenetv2", "imagenette", "imagewoof", "inaturalist",
        "ilsvrc2012", "lsun", "miniimagenet", "omniglot", "oxfordpets", "oxfordiiitpet", "patchcamelyon", "pcam", "pets", "places365",
        "stanfordcars", "stl10", "sun397", "svhn", "tinyimagenet", "tinyimagenet200", "usps", "voc", "waterbirds",
    ], FOLDER),
    absent_of(Kind::Minimizer, &[
        "aesam", "bsam", "crsam", "desam", "dsam", "entropysgd", "ema", "fedsam", "focalsam", "gam", "gcsam", "gnp", "imbsam", "ksam",
        "lookbehindsam", "lpfsgd", "mesa", "nosam", "pgn", "resam", "rsam", "rst", "rwp", "saf", "salsa", "sassha", "ssamd", "ssamf",
        "swa", "swad", "tsam", "usam", "vasso", "vassosam", "vsam", "wasam",
    ], ""),
    absent_of(Kind::Minimizer, &["samon", "onsam"], "SAM on normalisation layers alone is `sam(perturb = norms)`"),
    absent_of(Kind::Adversary, &[
        "awp", "ccat", "clp", "alp", "dajat", "fast", "fastat", "fbf", "fgsm", "fgsmrs", "free", "freeat", "gairat", "gat", "ghostat", "hat",
        "helperat", "ibp", "ifgsm", "kl", "llr", "lasat", "mail", "mifgsm", "nfgsm", "score", "subat", "tat", "vat", "wideat", "yopo",
    ], "the attack of most papers is `at(eps = 8/255, step = 2/255, steps = 10)`"),
    absent_of(Kind::Adversary, &["cat"], "two methods have this name: `cat18` (Cai et al. 2018) and `cat20` (Cheng et al. 2020)"),
    absent_of(Kind::Evaluator, &[
        "apgd", "apgdce", "apgddlr", "apgdt", "auc", "auroc", "bim", "boundary", "brier", "calibration", "confusion", "confusionmatrix", "cw",
        "deepfool", "eot", "ece", "ead", "f1", "f1score", "fab", "fabt", "fgsm", "fid", "hopskipjump", "jsma", "kappa", "mce", "mifgsm", "nattack",
        "nll", "onepixel", "pgdl2", "pgdlinf", "precision", "recall", "spsa", "square", "tifgsm", "top5", "topk", "vmifgsm", "vnifgsm",
    ], "attacks are `pgd` and `autoattack`, which runs APGD, FAB and Square"),
    absent_of(Kind::Augmentation, &[
        "augmix", "autoaugment", "autocontrast", "cutmix", "cropmix", "elastic", "elastictransform", "equalize", "erasing", "fmix", "gaussianblur",
        "gaussiannoise", "invert", "manifoldmixup", "mosaic", "pixmix", "posterize", "puzzlemix", "randaugment", "randaug", "randomerasing",
        "randomperspective", "sharpen", "solarize", "styleaugment", "threeaugment", "trivialaugment", "trivialaugmentwide", "verticalflip",
        "vflip", "randomverticalflip", "blur", "noise", "channelshuffle",
    ], ""),
    absent_of(Kind::Schedule, &[
        "cyclic", "cycliclr", "onecycle", "onecyclelr", "plateau", "reducelronplateau", "sgdr", "warmrestarts",
        "cosineannealingwarmrestarts", "wsd",
    ], ""),
    absent_of(Kind::Pacing, &["focal", "ohem", "superloss", "dcl", "screenernet", "mentornet", "babystep", "anticurriculum"], ""),
];

/// Words that a parameter takes elsewhere and not here, by the name of the parameter.
const ABSENT_WORDS: &[(&str, &[&str])] = &[
    ("norm", &["l1", "l0", "lp", "l3", "l4", "frobenius", "fro", "nuclear", "spectral", "lpips"]),
    (
        "loss",
        &[
            "cw",
            "dlr",
            "dlrt",
            "mse",
            "l1",
            "l2",
            "kl",
            "nll",
            "bce",
            "hinge",
            "focal",
            "logits",
            "trades",
            "mart",
            "bicelogits",
            "poly",
            "huber",
            "mae",
            "mm",
            "ods",
            "gama",
        ],
    ),
    (
        "precision",
        &[
            "f16", "fp16", "float16", "half", "amp", "mixed", "f64", "fp64", "float64", "double", "tf32",
            "fp8", "int8",
        ],
    ),
    ("device", &["tpu", "mps", "metal", "rocm", "hip", "xpu", "npu", "vulkan", "wgpu", "auto"]),
];

/// The group of missing things that a name belongs to, one of the wanted kinds first.
pub fn absent(name: &str, wanted: &[Kind]) -> Option<&'static Absent> {
    let name = plain(name);
    let known = || ABSENT.iter().filter(|group| group.names.contains(&name.as_str()));
    known().find(|group| wanted.contains(&group.kind)).or_else(|| known().next())
}

/// Whether a word is a known value of such a parameter that is not built.
pub fn is_absent_word(parameter: &str, word: &str) -> bool {
    let word = plain(word);
    ABSENT_WORDS.iter().any(|(name, words)| *name == parameter && words.contains(&word.as_str()))
}

impl Absent {
    /// `` optimizers are `sgd`, `adam`, `adamw` ``
    pub fn present(kind: Kind) -> String {
        let names: Vec<String> = of_kind(kind).map(|entry| format!("`{}`", entry.name)).collect();
        format!("{} are {}", kind.plural(), names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::catalog::{entries, find};

    #[test]
    fn what_is_missing_is_not_there() {
        for group in ABSENT {
            for name in group.names {
                assert_eq!(*name, plain(name), "written in plain letters");
                assert!(find(name).iter().all(|entry| entry.kind != group.kind), "{name} is built");
                let built = entries().iter().filter(|entry| entry.kind == group.kind);
                assert!(built.map(|entry| plain(entry.name)).all(|built| built != *name), "{name} is built");
            }
        }
    }

    #[test]
    fn names_are_known_however_they_are_written() {
        for name in ["resnet152", "ResNet-152", "resnet_152"] {
            assert_eq!(absent(name, &[Kind::Model]).map(|group| group.kind), Some(Kind::Model), "{name}");
        }
        assert_eq!(absent("fgsm", &[Kind::Evaluator]).map(|group| group.kind), Some(Kind::Evaluator));
        assert_eq!(absent("fgsm", &[Kind::Adversary]).map(|group| group.kind), Some(Kind::Adversary));
        assert!(absent("resnet18", &[Kind::Model]).is_none());
        assert!(is_absent_word("norm", "L1") && !is_absent_word("norm", "l2"));
    }
}
