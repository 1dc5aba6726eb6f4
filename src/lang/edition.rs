//! Every default of an edition that is not a component's own. A file that pins its edition keeps these for ever.

use super::catalog::Source;

/// The newest edition, and the only one so far.
pub const EDITION: u32 = 2026;

pub(crate) const SOURCE: &str = "digits";
pub(crate) const SHUFFLE: &str = "true";
pub(crate) const MODEL: &str = "cnn";
pub(crate) const OPTIMIZER: &str = "sgd";
pub(crate) const PACING: &str = "erm";
pub(crate) const EVALUATOR: &str = "accuracy";
/// The attacks of `select best(pgd.accuracy)` and the like in a file that has them not.
pub(crate) const ATTACKS: [&str; 2] = ["pgd", "autoattack"];
pub(crate) const SELECT: &str = "last";
pub(crate) const SEEDS: &str = "[0]";
pub(crate) const DEVICE: &str = "cpu";
pub(crate) const PRECISION: &str = "f32";

/// Samples per batch, as a file would write it.
pub(crate) fn batch(source: &Source) -> &'static str {
    match source {
        Source::Digits(_) => "64",
        Source::Domains(_) => "96",
        Source::Longtail(tail) => batch(&tail.source),
        _ => "128",
    }
}

/// Duration of a recipe that states none, as a file would write it.
pub(crate) fn duration(source: &Source) -> &'static str {
    match source {
        Source::Digits(_) => "30 epochs",
        Source::Mnist(_) | Source::FashionMnist(_) | Source::Idx(_) => "10 epochs",
        Source::Cifar10(_) | Source::Cifar100(_) => "100 epochs",
        Source::Folder(_) => "90 epochs",
        Source::Domains(_) => "5001 steps",
        Source::Longtail(tail) => duration(&tail.source),
    }
}

/// Every text above.
pub(crate) const DEFAULTS: &[&str] = &[
    SOURCE,
    SHUFFLE,
    MODEL,
    OPTIMIZER,
    PACING,
    EVALUATOR,
    ATTACKS[0],
    ATTACKS[1],
    SELECT,
    SEEDS,
    DEVICE,
    PRECISION,
    "64",
    "96",
    "128",
    "30 epochs",
    "10 epochs",
    "100 epochs",
    "90 epochs",
    "5001 steps",
];
