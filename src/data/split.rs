//! Training and validation samples, taken from the training part of a data set.

use crate::lang::program::Validation;

use super::error::DataError;
use super::random::{Generator, Purpose};

/// Part of the key of the draw. It is fixed, so that all seeds of a run validate on the same samples.
const SPLIT: u64 = 1;

/// Indices into the training corpus, each ascending, together every index once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    pub train: Vec<u32>,
    pub validation: Vec<u32>,
}

impl Split {
    /// Splits samples with these labels, stratified by class; without `validation` all of them train.
    ///
    /// A fraction of n samples means `fraction × n` of them, rounded to nearest. Of these, a class gets its
    /// share `validation × class size / n`, rounded down; what rounding left over goes one by one to the
    /// classes with the largest remainders, lower labels first. Which samples of a class are taken is drawn
    /// from a generator of the label alone: neither the seed of a run nor the other classes matter.
    ///
    /// # Errors
    /// A split that leaves no sample for training or none for validation.
    pub fn new(labels: &[u16], validation: Option<Validation>) -> Result<Self, DataError> {
        match validation {
            None => Ok(Self { train: (0..labels.len() as u32).collect(), validation: Vec::new() }),
            Some(validation) => Self::drawn(labels, validation, &[SPLIT]),
        }
    }

    /// As [`Split::new`], with draws that depend on `key` too.
    ///
    /// # Errors
    /// As [`Split::new`].
    pub fn drawn(labels: &[u16], validation: Validation, key: &[u64]) -> Result<Self, DataError> {
        let members = members(labels);
        let sizes: Vec<usize> = members.iter().map(Vec::len).collect();
        let mut chosen = vec![false; labels.len()];
        for (label, quota) in quotas(&sizes, validation)?.into_iter().enumerate() {
            let mut drawn = members[label].clone();
            Generator::keyed(Purpose::Split, &[key, &[label as u64]].concat()).shuffle(&mut drawn);
            drawn.iter().take(quota).for_each(|&index| chosen[index as usize] = true);
        }
        let (validation, train) = (0..labels.len() as u32).partition(|&index| chosen[index as usize]);
        Ok(Self { train, validation })
    }
}

fn size(validation: Validation, available: usize) -> Result<usize, DataError> {
    let wanted = match validation {
        Validation::Fraction(fraction) => (fraction * available as f64).round() as usize,
        Validation::Count(count) => count,
    };
    match wanted {
        0 => Err(DataError::Split { wanted, available }),
        _ if wanted >= available => Err(DataError::Split { wanted, available }),
        _ => Ok(wanted),
    }
}

/// The indices of each class, ascending.
fn members(labels: &[u16]) -> Vec<Vec<u32>> {
    let classes = labels.iter().max().map_or(0, |&label| usize::from(label) + 1);
    let mut members = vec![Vec::new(); classes];
    for (index, &label) in labels.iter().enumerate() {
        members[usize::from(label)].push(index as u32);
    }
    members
}

/// How many samples classes of these sizes give to a validation split.
///
/// # Errors
/// As [`Split::new`].
pub(super) fn quotas(sizes: &[usize], validation: Validation) -> Result<Vec<usize>, DataError> {
    let available = sizes.iter().sum();
    let wanted = size(validation, available)?;
    let share = |class: usize| sizes[class] as u128 * wanted as u128;
    let total = available as u128;
    let mut quotas: Vec<usize> = (0..sizes.len()).map(|class| (share(class) / total) as usize).collect();
    let left_over = wanted - quotas.iter().sum::<usize>();
    let mut classes: Vec<usize> = (0..sizes.len()).collect();
    classes.sort_by_key(|&class| std::cmp::Reverse(share(class) % total));
    for &class in classes.iter().take(left_over) {
        quotas[class] += 1;
    }
    Ok(quotas)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn validation_counts(labels: &[u16], split: &Split, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for &index in &split.validation {
            counts[usize::from(labels[index as usize])] += 1;
        }
        counts
    }

    proptest! {
        #[test]
        fn parts_are_disjoint_exact_and_stratified(
            labels in prop::collection::vec(0u16..7, 2..400),
            share in 0.0f64..1.0,
        ) {
            let wanted = (share * labels.len() as f64) as usize;
            prop_assume!(wanted > 0);
            let split = Split::new(&labels, Some(Validation::Count(wanted))).unwrap();
            prop_assert_eq!(split.validation.len(), wanted);
            let mut all = [split.train.clone(), split.validation.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len() as u32).collect::<Vec<_>>());
            for (label, count) in validation_counts(&labels, &split, 7).into_iter().enumerate() {
                let size = labels.iter().filter(|&&other| usize::from(other) == label).count();
                let exact = size as f64 * wanted as f64 / labels.len() as f64;
                prop_assert!((count as f64 - exact).abs() < 1.0);
            }
        }
    }

    #[test]
    fn left_over_goes_to_the_largest_remainders_and_lower_labels() {
        // Shares of 4 among classes of 5, 3 and 2: 2.0, 1.2, 0.8.
        let labels = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2];
        let split = Split::new(&labels, Some(Validation::Fraction(0.4))).unwrap();
        assert_eq!(validation_counts(&labels, &split, 3), [2, 1, 1]);
        // Shares of 1 among three equal classes: the first gets it.
        let labels = [2, 1, 0];
        let split = Split::new(&labels, Some(Validation::Count(1))).unwrap();
        assert_eq!(split.validation, [2]);
    }

    #[test]
    fn is_the_same_every_time_and_not_simply_the_first_samples() {
        let labels: Vec<u16> = (0..100).map(|index| index % 2).collect();
        let split = Split::new(&labels, Some(Validation::Fraction(0.1))).unwrap();
        assert_eq!(split.validation, [1, 15, 20, 37, 42, 55, 59, 60, 68, 88]);
    }

    #[test]
    fn without_validation_everything_trains() {
        let split = Split::new(&[0, 1, 0], None).unwrap();
        assert_eq!((split.train, split.validation), (vec![0, 1, 2], vec![]));
    }

    #[test]
    fn a_part_without_samples_is_an_error() {
        let message = |validation| {
            let outcome = Split::new(&[0, 1, 0, 1], Some(validation));
            outcome.unwrap_err().to_string()
        };
        assert_eq!(
            message(Validation::Count(4)),
            "a validation split of 4 out of 4 samples: expected 1 to 3"
        );
        assert_eq!(
            message(Validation::Fraction(0.1)),
            "a validation split of 0 out of 4 samples: expected 1 to 3"
        );
    }
}
