//! What other programs call things that have another name or another place here.

use super::{Entry, Kind};

/// What a name of another program is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Here {
    /// A parameter of the same component, with the same meaning.
    Parameter(&'static str),
    /// Something that stands elsewhere or is written in another way.
    Said(&'static str),
}

struct Foreign {
    /// In plain letters: no capitals, no `_`.
    words: &'static [&'static str],
    /// The kinds of component it is a parameter of elsewhere; every kind where none is named.
    kinds: &'static [Kind],
    here: Here,
}

const fn same(words: &'static [&'static str], kinds: &'static [Kind], parameter: &'static str) -> Foreign {
    Foreign { words, kinds, here: Here::Parameter(parameter) }
}

const fn said(words: &'static [&'static str], kinds: &'static [Kind], text: &'static str) -> Foreign {
    Foreign { words, kinds, here: Here::Said(text) }
}

const ATTACKS: &[Kind] = &[Kind::Adversary, Kind::Evaluator];
const PROBES: &[Kind] = &[Kind::Evaluator];
const OPTIMIZERS: &[Kind] = &[Kind::Optimizer];
const MINIMIZERS: &[Kind] = &[Kind::Minimizer];
const IMAGES: &[Kind] = &[Kind::Augmentation];
const NETWORKS: &[Kind] = &[Kind::Model];
const SOURCES: &[Kind] = &[Kind::Source];
const ANY: &[Kind] = &[];

const NO_SIZE: &str = "`crop` keeps the size of the image: write `crop(pad = 4)`";

/// Names of parameters. The first row that fits counts; a row whose parameter the component does not have fits nothing.
#[rustfmt::skip]
const PARAMETERS: &[Foreign] = &[
    same(&["epsilon", "epsilons", "maxeps", "linfeps"], ANY, "eps"),
    same(&["learningrate", "lrate", "initiallr", "initlr", "baselr", "rate"], OPTIMIZERS, "lr"),
    same(&["wd", "l2penalty", "weightdecayrate"], OPTIMIZERS, "weight_decay"),
    same(&["mom", "mu"], OPTIMIZERS, "momentum"),
    same(&["b1"], OPTIMIZERS, "beta1"),
    same(&["b2"], OPTIMIZERS, "beta2"),
    same(&["usenesterov"], OPTIMIZERS, "nesterov"),
    same(&["clipnorm", "maxnorm", "maxgradnorm", "gradclip", "gradclipnorm", "gradientclip", "clipgradnorm", "gradientclipval"], OPTIMIZERS, "clip"),
    said(&["betas"], OPTIMIZERS, "each has a parameter of its own: `beta1 = 0.9, beta2 = 0.999`"),
    said(&["dampening", "amsgrad", "maximize", "foreach", "fused", "capturable", "differentiable", "centered", "trustcoefficient"],
        OPTIMIZERS, "this is not built; leave it out"),
    said(&["scheduler", "schedule", "lrschedule", "lrscheduler", "decay", "lrdecay", "gamma", "milestones", "stepsize"], OPTIMIZERS,
        "a schedule is the value of `lr`: `lr = cosine(0.05 -> 0)`, `lr = steps(0.1, factor = 0.1, at = [40, 60] epochs)`"),
    said(&["warmup", "warmupepochs", "warmupsteps"], OPTIMIZERS,
        "a warm-up is part of the value of `lr`: `lr = warmup(5 epochs) then cosine(0.05 -> 0)`"),

    same(&["iterations", "iters", "iter", "niter", "niters", "nbiter", "numiter", "numiters", "numsteps", "nsteps", "maxiter", "maxiters", "maxiterations",
        "numiterations", "attacksteps", "attackiters", "pgdsteps"], ATTACKS, "steps"),
    same(&["alpha", "stepsize", "epsiter", "epsstep", "attacklr", "attackstep", "absstepsize"], ATTACKS, "step"),
    same(&["radius"], ATTACKS, "eps"),
    same(&["nrestarts", "numrestarts", "nbrestarts", "restart", "numrandominit"], ATTACKS, "restarts"),
    same(&["lossfn", "lossfunc", "criterion", "attackloss"], ATTACKS, "loss"),
    said(&["randomstart", "randinit", "randominit", "rand"], ATTACKS, "write `start = uniform`, or `start = clean` for none"),
    said(&["ord", "order", "p", "lp", "distance"], ATTACKS, "write `norm = linf` or `norm = l2`"),
    said(&["targeted", "targetlabel"], ATTACKS, "targets are not chosen: attacks of `pgd` have none, `autoattack` has its own"),
    said(&["clipmin", "clipmax", "bounds"], ATTACKS, "pixels always stay in [0, 1]; leave it out"),
    said(&["version"], PROBES, "write `profile = standard` or `profile = quick`"),
    same(&["tradesbeta"], &[Kind::Adversary], "beta"),

    same(&["radius", "perturbationradius", "neighborhood", "neighbourhood"], MINIMIZERS, "rho"),
    said(&["interval", "frequency", "perturbevery"], MINIMIZERS, "one step in so many is perturbed with `every = 5 steps`"),
    said(&["start", "startepoch", "begin"], MINIMIZERS, "perturbation begins later with `from = epoch 160`"),
    said(&["adaptive"], MINIMIZERS, "the adaptive ball is a metric: `metric = adaptive`, or the minimizer `asam`"),
    said(&["baseoptimizer", "optimizer", "base"], MINIMIZERS, "the base optimizer stands in `optimize sgd(..)`, or after `over` for one phase"),
    said(&["lr", "learningrate", "momentum", "weightdecay", "wd", "nesterov", "betas"], MINIMIZERS,
        "this belongs to the base optimizer: `optimize sgd(lr = 0.1, momentum = 0.9)`"),

    same(&["padding"], IMAGES, "pad"),
    same(&["prob", "probability", "proba"], IMAGES, "p"),
    same(&["length", "holesize", "side"], IMAGES, "size"),
    same(&["degree", "angle", "rotation"], IMAGES, "degrees"),
    same(&["translation"], IMAGES, "translate"),
    same(&["smoothing", "labelsmoothing", "eps"], IMAGES, "epsilon"),
    same(&["ratios", "aspectratio"], IMAGES, "ratio"),
    said(&["nholes", "holes"], IMAGES, "one square is cut; leave it out"),
    said(&["paddingmode", "fill", "interpolation", "antialias"], IMAGES, "this cannot be chosen; leave it out"),
    said(&["height", "width", "h", "w"], IMAGES, "one number stands for both sides: `size = 224`"),

    same(&["widenfactor", "wideningfactor", "dim", "embeddim", "hiddensize", "hiddendim"], NETWORKS, "width"),
    same(&["layers", "numlayers", "nlayers"], NETWORKS, "depth"),
    same(&["numheads", "nheads", "nhead"], NETWORKS, "heads"),
    same(&["patchsize"], NETWORKS, "patch"),
    same(&["droprate", "dropoutrate", "pdrop"], NETWORKS, "dropout"),
    same(&["frozen", "freezelayers"], NETWORKS, "freeze"),
    same(&["freezebatchnorm", "bneval"], NETWORKS, "freeze_bn"),
    said(&["hiddensizes", "hiddenlayersizes", "units", "layersizes"], NETWORKS, "sizes of hidden layers are a list: `hidden = [64, 64]`"),
    said(&["numclasses", "nclasses", "classes", "outputdim", "outputsize", "outfeatures"], NETWORKS,
        "the number of classes is taken from the data; leave it out"),
    said(&["inchannels", "inchans", "inputsize", "imagesize", "imgsize", "inputshape", "inputdim", "infeatures"], NETWORKS,
        "the size of the images is taken from the data; leave it out"),
    said(&["pretrained", "weights", "checkpoint", "ckpt", "from"], NETWORKS,
        "weights to start from stand in a clause: `model resnet18 from \"weights.pth\"`"),
    said(&["activation", "act", "bias", "normlayer", "batchnorm"], NETWORKS, "this cannot be chosen; leave it out"),
    said(&["mean", "std"], NETWORKS, "constants are a value of `normalize`: `normalize = constants(mean = [0.5], std = [0.25])`"),

    same(&["path", "dir", "directory", "datadir", "rootdir", "datapath", "dataroot", "folder"], SOURCES, "root"),
    same(&["colour"], SOURCES, "color"),
    said(&["imbalancefactor", "imbfactor", "imbalance", "imbalanceratio"], SOURCES,
        "`factor` is the size of the largest class over that of the smallest: `factor = 100`"),
    same(&["imbtype", "imbalancetype"], SOURCES, "kind"),
    said(&["shuffle"], SOURCES, "this is a clause: `data digits shuffle false`"),
    said(&["val", "valsplit", "validation", "validationsplit", "valsize", "testsplit", "testsize"], SOURCES,
        "a part is held out by a clause: `data digits validation 10%`"),
    said(&["augment", "transform", "transforms", "augmentations"], SOURCES, "changes of images stand in a clause: `data digits augment [crop(pad = 1)]`"),
    said(&["download"], SOURCES, "nothing is downloaded: the files lie in the folder `root`"),
    said(&["workers", "numworkers", "pinmemory"], SOURCES, "threads are chosen by the program; leave it out"),
    said(&["split", "trainsplit"], SOURCES, "both parts are read: one trains, the other is measured on; leave it out"),

    said(&["epochs", "epoch", "nepochs", "numepochs", "maxepochs", "trainepochs", "totalepochs"], ANY,
        "how long it trains is said by `train`, as in `train 5 epochs`"),
    said(&["batchsize", "bs", "batch", "minibatch"], ANY, "the batch is a clause of `data`: `data digits batch 128`"),
    said(&["seed", "seeds", "randomseed", "randomstate"], ANY, "seeds are a statement: `seeds 0..3`"),
    said(&["device", "gpu", "gpus", "cuda"], ANY, "the device is a statement: `device cpu`, or `device cuda(0)`"),
];

/// Names of components elsewhere, in plain letters, and what they are here.
#[rustfmt::skip]
const COMPONENTS: &[(Kind, &[&str], &str)] = &[
    (Kind::Augmentation, &["randomcrop", "pad", "zeropad", "padding"], "crop(pad = 4)"),
    (Kind::Augmentation, &["hflip", "horizontalflip", "randomhorizontalflip", "randomflip", "fliplr"], "flip"),
    (Kind::Augmentation, &["colorjitter", "colourjitter"], "jitter(brightness = 0.3, contrast = 0.3)"),
    (Kind::Augmentation, &["rotate", "rotation", "randomrotation", "randomrotate", "randomaffine"], "affine(degrees = 5)"),
    (Kind::Augmentation, &["randomgrayscale", "greyscale", "gray", "grey"], "grayscale"),
    (Kind::Augmentation, &["randomcutout"], "cutout"),
    (Kind::Augmentation, &["labelsmooth", "smoothing"], "label_smoothing(0.1)"),
    (Kind::Augmentation, &["centrecrop"], "center_crop(224)"),
    (Kind::Model, &["wideresnet", "wrn2810", "wideresnet2810"], "wrn(depth = 28, width = 10)"),
    (Kind::Model, &["wrn3410", "wideresnet3410"], "wrn(depth = 34, width = 10)"),
    (Kind::Model, &["wrn162", "wideresnet162"], "wrn(depth = 16, width = 2)"),
    (Kind::Model, &["wrn164", "wideresnet164"], "wrn(depth = 16, width = 4)"),
    (Kind::Model, &["wrn402", "wideresnet402"], "wrn(depth = 40, width = 2)"),
    (Kind::Model, &["convnet", "smallcnn", "simplecnn"], "cnn"),
    (Kind::Model, &["linear", "fc", "fcn", "dense"], "mlp(hidden = [64])"),
    (Kind::Source, &["imagefolder", "images"], "folder(root = \"..\")"),
    (Kind::Source, &["fmnist", "fashion"], "fashion_mnist"),
    (Kind::Evaluator, &["acc", "testacc", "testaccuracy", "top1", "error", "errorrate"], "accuracy"),
    (Kind::Evaluator, &["crossentropy", "testloss", "ce"], "loss"),
    (Kind::Evaluator, &["aa", "autopgd"], "autoattack"),
    (Kind::Evaluator, &["eigenvalues", "eigenvalue", "lambdamax", "topeigenvalue", "trace"], "hessian(top = 5)"),
    (Kind::Evaluator, &["esd", "density"], "spectrum"),
    (Kind::Evaluator, &["losslandscape", "surface"], "landscape"),
    (Kind::Adversary, &["pgd", "pgdat", "adversarialtraining", "madry"], "at(eps = 8/255, step = 2/255, steps = 10)"),
    (Kind::Minimizer, &["adaptivesam"], "asam"),
    (Kind::Minimizer, &["samsgd", "sgdsam", "sharpnessaware"], "sam(rho = 0.05)"),
    (Kind::Schedule, &["cosineannealing", "cosineannealinglr", "cosinedecay", "cosinelr"], "cosine(0.05 -> 0)"),
    (Kind::Schedule, &["multistep", "multisteplr", "steplr", "piecewise"], "steps(0.1, factor = 0.1, at = [40, 60] epochs)"),
    (Kind::Schedule, &["exponential", "exponentiallr", "expdecay"], "exp(0.1 -> 1e-4)"),
    (Kind::Schedule, &["polynomial", "poly", "linearlr", "lineardecay"], "linear(0.1 -> 0)"),
];

/// Words for a value elsewhere, in plain letters, by the parameter that takes them, and what they are here.
const WORDS_ELSEWHERE: &[(&str, &[&str], &str)] = &[
    ("norm", &["inf", "infinity", "max", "linfinity", "chebyshev"], "linf"),
    ("norm", &["euclidean"], "l2"),
    ("loss", &["crossentropy", "xent", "cel"], "ce"),
    ("loss", &["crossentropy", "ce"], "xent"),
    ("color", &["gray", "greyscale", "grayscale"], "grey"),
    ("start", &["random", "rand"], "uniform"),
    ("precision", &["fp32", "float32", "float", "single"], "f32"),
    ("precision", &["bfloat16", "bfloat"], "bf16"),
    ("scope", &["global"], "dataset"),
    ("kind", &["exp"], "exponential"),
];

/// A name without what differs between ways to write it: capitals, `_`, `-`.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

/// What a parameter of another program is for a component, if that is known.
pub fn parameter_elsewhere(entry: &Entry, word: &str) -> Option<Here> {
    let word = plain(word);
    if entry.name == "crop" && word == "size" {
        return Some(Here::Said(NO_SIZE));
    }
    let fits = |foreign: &&Foreign| {
        foreign.words.contains(&word.as_str())
            && (foreign.kinds.is_empty() || foreign.kinds.contains(&entry.kind))
            && match foreign.here {
                Here::Parameter(name) => entry.parameter(name).is_some(),
                Here::Said(_) => true,
            }
    };
    PARAMETERS.iter().find(fits).map(|foreign| foreign.here)
}

/// How a component of another program is written here, of the first kind that has it.
pub fn component_elsewhere(name: &str, kinds: &[Kind]) -> Option<&'static str> {
    let name = plain(name);
    let known = |kind: &Kind| {
        let fits = |(of, words, _): &&(Kind, &[&str], &str)| of == kind && words.contains(&name.as_str());
        COMPONENTS.iter().find(fits).map(|(.., here)| *here)
    };
    kinds.iter().find_map(known)
}

/// What a word for a value is here, among those that the parameter takes.
pub fn word_elsewhere(parameter: &str, word: &str, choices: &[&str]) -> Option<&'static str> {
    let word = plain(word);
    let fits = |(name, words, here): &&(&str, &[&str], &str)| {
        *name == parameter && words.contains(&word.as_str()) && choices.contains(here)
    };
    WORDS_ELSEWHERE.iter().find(fits).map(|(.., here)| *here)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::catalog::{entries, find_in};

    #[test]
    fn every_row_leads_somewhere() {
        for foreign in PARAMETERS {
            let Here::Parameter(name) = foreign.here else { continue };
            let of_kind = |entry: &&&Entry| foreign.kinds.is_empty() || foreign.kinds.contains(&entry.kind);
            assert!(entries().iter().filter(of_kind).any(|entry| entry.parameter(name).is_some()), "{name}");
            assert!(foreign.words.iter().all(|word| *word == plain(word)), "{:?}", foreign.words);
        }
        for (kind, words, here) in COMPONENTS {
            let name = here.split('(').next().unwrap_or_default();
            assert!(find_in(*kind, name).is_some(), "{here}");
            assert!(words.iter().all(|word| find_in(*kind, word).is_none()), "{words:?} are built");
        }
    }

    #[test]
    fn a_parameter_is_known_by_its_other_names() {
        let here = |kind, name, word| parameter_elsewhere(find_in(kind, name).unwrap(), word);
        assert_eq!(here(Kind::Evaluator, "pgd", "epsilon"), Some(Here::Parameter("eps")));
        assert_eq!(here(Kind::Evaluator, "pgd", "iterations"), Some(Here::Parameter("steps")));
        assert_eq!(here(Kind::Evaluator, "pgd", "alpha"), Some(Here::Parameter("step")));
        assert_eq!(here(Kind::Adversary, "at", "num_steps"), Some(Here::Parameter("steps")));
        assert_eq!(here(Kind::Optimizer, "adam", "Learning_Rate"), Some(Here::Parameter("lr")));
        assert_eq!(here(Kind::Minimizer, "sam", "radius"), Some(Here::Parameter("rho")));
        assert_eq!(here(Kind::Model, "mlp", "widen_factor"), None);
        assert!(matches!(here(Kind::Model, "cnn", "num_classes"), Some(Here::Said(_))));
        assert!(matches!(here(Kind::Optimizer, "sgd", "epochs"), Some(Here::Said(_))));
    }
}
