//! Every component of the language, declared once.
//!
//! A declaration gives the struct that the interpreter matches, the `Entry` that documentation and editors read, and
//! the conversion from written arguments. A component that is listed here and not interpreted fails to compile.

mod absent;
mod adversary;
mod architecture;
mod augmentation;
mod declare;
mod describe;
mod difficulty;
mod elsewhere;
mod entry;
mod evaluator;
mod label;
mod minimizer;
mod optimizer;
mod pacing;
mod perturbation;
mod range;
mod reference;
mod schedules;
mod source;
mod statements;
mod words;

use std::sync::LazyLock;

pub use absent::{Absent, absent, is_absent_word};
pub use adversary::{
    Adversary, At, AttackLoss, AttackMode, Beginning, Cat18, Cat20, CustomLoss, Dat, Estimate, Fat, Hsat,
    Iaat, Mart, Norm, Psat, PsatSingle, Strength, Trades,
};
pub use architecture::{
    Architecture, Cnn, Head, Mlp, PreactResnet18, PreactResnet20, Pyramidnet110, Resnet18, Resnet34,
    Resnet50, Resnet101, SatCnn, Stem, Tuning, Vit, VitB16, Wrn,
};
pub use augmentation::{
    Affine, Augmentation, Brightness, CenterCrop, Crop, Cutout, Fit, Flip, Grayscale, Jitter, LabelSmoothing,
    Mixup, RandomResizedCrop, Resize,
};
pub use describe::{describe, describe_word};
pub use difficulty::{Adm, Difficulty, Freshness, Gdm, Loss};
pub use elsewhere::{Here, component_elsewhere, parameter_elsewhere, word_elsewhere};
pub use entry::{EPOCHS, Entry, FRACTION, Facts, Form, Kind, PIXELS, Parameter};
pub use evaluator::{
    Accuracy, AutoattackEvaluator, CorruptionEvaluator, DifficultyEvaluator, EstimatesEvaluator, Evaluator,
    GapEvaluator, GradientEvaluator, HessianEvaluator, KINDS, LandscapeEvaluator, LossEvaluator,
    LpfEvaluator, PerturbationEvaluator, PgdEvaluator, Probing, Profile, QUERIES, STEPS, Scale,
    SharpnessEvaluator, SpectrumEvaluator, Stage, TARGETED_DLR_CLASSES, common_step,
};
pub use minimizer::{
    Anneal, Asam, Base, Eigensam, Esam, Fishersam, Fsam, Gsam, Lesam, LesamPlus, Looksam, Minimizer, Msam,
    Order, S2sam, Sagm, Sam, Ssam, Wsam,
};
pub use optimizer::{Adam, Adamw, Optimizer, Sgd};
pub use pacing::{Erm, Pacing, Reduction, Scope, Spl, Ssp, Weighting};
pub use perturbation::{
    Accumulation, Adaptive, Average, Combiner, Decay, Fisher, Gap, Masks, Metric, Minimized, NormOver,
    Perturbed, Perturbing, Scaling, Stable, Weighted,
};
pub use range::{Bound, Range};
pub use reference::reference;
pub use source::{
    Cifar10, Cifar100, Color, Digits, Domains, FashionMnist, Folder, Idx, Imbalance, Layout, Longtail, Mnist,
    OnError, Orientation, Reported, Selection, Source,
};
pub use statements::{ClauseEntry, STATEMENTS, StatementEntry, clause, statement};
pub use words::{WORDS, WordEntry};

use super::value::Member;
pub use super::value::{Interval, Names, Normalize, ProbeLoss};

static ENTRIES: LazyLock<Vec<&'static Entry>> = LazyLock::new(|| {
    [
        Pacing::entries(),
        Difficulty::entries(),
        Adversary::entries(),
        Minimizer::entries(),
        Metric::entries(),
        Combiner::entries(),
        Optimizer::entries(),
        Source::entries(),
        Augmentation::entries(),
        Architecture::entries(),
        Evaluator::entries(),
        schedules::entries(),
    ]
    .concat()
});

/// Every component, by kind.
pub fn entries() -> &'static [&'static Entry] {
    &ENTRIES
}

/// The components of one kind.
pub fn of_kind(kind: Kind) -> impl Iterator<Item = &'static Entry> {
    entries().iter().copied().filter(move |entry| entry.kind == kind)
}

/// The component of a kind that a name or an alias stands for.
pub fn find_in(kind: Kind, name: &str) -> Option<&'static Entry> {
    of_kind(kind).find(|entry| entry.answers_to(name))
}

/// Every component that a name or an alias stands for; `loss` is a difficulty and an evaluator.
pub fn find(name: &str) -> Vec<&'static Entry> {
    entries().iter().copied().filter(|entry| entry.answers_to(name)).collect()
}
