//! Labels that are shared among classes: mixtures of samples and smoothing.

use super::augment::Draw;
use crate::lang::catalog::Augmentation;

/// Training labels of a batch that are no single classes.
#[derive(Clone, Debug, PartialEq)]
pub struct SoftLabels {
    /// Probability of every class for every sample, N×classes.
    pub targets: Vec<f32>,
    pub classes: usize,
}

impl SoftLabels {
    /// `(1 - smoothing) (share e_label + (1 - share) e_other) + smoothing / classes`, for the class of each sample and of its
    /// partner, and the share of the sample.
    pub fn new(samples: impl Iterator<Item = (i64, i64, f32)>, classes: usize, smoothing: f64) -> Self {
        let (kept, spread) = ((1.0 - smoothing) as f32, (smoothing / classes as f64) as f32);
        let mut targets = Vec::new();
        for (label, other, share) in samples {
            let first = targets.len();
            targets.resize(first + classes, spread);
            targets[first + label as usize] += kept * share;
            targets[first + other as usize] += kept * (1.0 - share);
        }
        Self { targets, classes }
    }
}

/// A sample that is mixed in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Partner {
    pub index: u32,
    /// Of the sample it is mixed into.
    pub share: f32,
}

/// What a list of augmentations does to labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softening {
    /// Place in the list and parameter.
    mixup: Option<(usize, f64)>,
    pub smoothing: f64,
}

impl Softening {
    /// `None` where labels stay single classes. Smoothing twice leaves the product of what each leaves.
    pub fn of(augmentations: &[Augmentation]) -> Option<Self> {
        let mut softening = Self { mixup: None, smoothing: 0.0 };
        for (position, augmentation) in augmentations.iter().enumerate() {
            match augmentation {
                Augmentation::Mixup(mixup) => softening.mixup = Some((position, mixup.alpha)),
                Augmentation::LabelSmoothing(smoothing) => {
                    softening.smoothing = 1.0 - (1.0 - softening.smoothing) * (1.0 - smoothing.epsilon);
                }
                _ => {}
            }
        }
        (softening.mixup.is_some() || softening.smoothing > 0.0).then_some(softening)
    }

    /// The sample among `indices` that is mixed into the one of `draw`.
    pub fn partner(&self, indices: &[u32], draw: Draw) -> Option<Partner> {
        let (position, alpha) = self.mixup?;
        let mut random = draw.generator(position);
        let share = random.beta(alpha);
        let index = *indices.get(random.below(indices.len() as u64) as usize)?;
        Some(Partner { index, share: share.max(1.0 - share) as f32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::catalog::{LabelSmoothing, Mixup};

    #[test]
    fn targets_are_shared_among_the_pair_and_all_classes() {
        let soft = SoftLabels::new([(0, 1, 0.75), (2, 2, 1.0)].into_iter(), 4, 0.2);
        let expected = [0.65, 0.25, 0.05, 0.05, 0.05, 0.05, 0.85, 0.05];
        assert!(
            soft.targets.iter().zip(expected).all(|(one, other): (&f32, f32)| (one - other).abs() < 1e-6),
            "{soft:?}"
        );
    }

    #[test]
    fn labels_stay_single_without_a_mixture_or_smoothing() {
        assert_eq!(Softening::of(&[]), None);
        let twice = [0.1, 0.2].map(|epsilon| Augmentation::LabelSmoothing(LabelSmoothing { epsilon }));
        assert!((Softening::of(&twice).unwrap().smoothing - 0.28).abs() < 1e-12);
    }

    #[test]
    fn partners_depend_on_the_sample_alone_and_are_spread() {
        let softening = Softening::of(&[Augmentation::Mixup(Mixup { alpha: 0.2 })]).unwrap();
        let indices: Vec<u32> = (100..110).collect();
        let draw = |index| Draw { seed: 3, epoch: 1, index };
        let partners: Vec<Partner> =
            (0..4000).filter_map(|index| softening.partner(&indices, draw(index))).collect();
        assert_eq!(softening.partner(&indices, draw(7)), Some(partners[7]));
        for index in indices {
            let count = partners.iter().filter(|partner| partner.index == index).count();
            assert!(count.abs_diff(400) < 90, "{index}: {count}");
        }
        assert!(partners.iter().all(|partner| (0.5..=1.0).contains(&partner.share)));
    }
}
