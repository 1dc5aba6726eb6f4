//! Data sets with fewer images from class to class (Cao et al., NeurIPS 2019).

use std::path::Path;

use super::corpus::{Corpus, Dataset, Groups};
use super::error::DataError;
use super::random::{Generator, Purpose};
use crate::diagnostic::Code;
use crate::lang::catalog::{Imbalance, Longtail};
use crate::lang::words::counted;

/// Part of the key of the draw. It is fixed, so that all seeds of a run train on the same samples.
const TAIL: u64 = 2;

/// Names of the groups of classes that are measured apart.
const GROUPS: [&str; 3] = ["many", "medium", "few"];

/// Keeps some training images of each class of `whole`; the test part stays as it is, grouped by the size of the classes.
///
/// # Errors
/// A factor that leaves a class without an image.
pub fn thinned(source: &Longtail, whole: Dataset) -> Result<Dataset, DataError> {
    let sizes = class_sizes(source, &whole.train.class_sizes())?;
    let train = whole.train.subset(&kept(&whole.train, &sizes));
    let groups = grouped(&whole.test, &sizes);
    let mut protocol = whole.protocol;
    protocol.push(described(source, &sizes));
    Ok(Dataset { train, test: Corpus { groups: Some(groups), ..whole.test }, held_out: None, protocol })
}

/// Training images of each class, never more than there are.
///
/// The authors write `int(n_max * mu ** (c / (C - 1)))` with `mu = 1 / factor`; in f32 some floors would differ.
///
/// # Errors
/// As [`thinned`].
pub fn class_sizes(source: &Longtail, available: &[usize]) -> Result<Vec<usize>, DataError> {
    let classes = available.len();
    let largest = available.iter().max().copied().unwrap_or(0) as f64;
    let mu = 1.0 / source.factor;
    let wanted = |class: usize| match source.kind {
        Imbalance::Exponential if classes > 1 => largest * mu.powf(class as f64 / (classes - 1) as f64),
        Imbalance::Step if class >= classes / 2 => largest * mu,
        _ => largest,
    };
    let sizes: Vec<usize> = available
        .iter()
        .enumerate()
        .map(|(class, &most)| (wanted(class).floor() as usize).min(most))
        .collect();
    match sizes.iter().position(|size| *size == 0) {
        None => Ok(sizes),
        Some(class) => {
            let message = format!(
                "a factor of {} leaves class {class} without an image: the largest class has {largest}",
                source.factor
            );
            Err(DataError::images(Code::EmptyClass, Path::new("longtail"), message))
        }
    }
}

/// Indices of what is kept, ascending.
fn kept(corpus: &Corpus, sizes: &[usize]) -> Vec<u32> {
    let mut members = vec![Vec::new(); sizes.len()];
    for (index, &label) in corpus.labels.iter().enumerate() {
        members[usize::from(label)].push(index as u32);
    }
    let mut kept = Vec::with_capacity(sizes.iter().sum());
    for (label, (mut members, &size)) in members.into_iter().zip(sizes).enumerate() {
        Generator::keyed(Purpose::Split, &[TAIL, label as u64]).shuffle(&mut members);
        kept.extend(members.into_iter().take(size));
    }
    kept.sort_unstable();
    kept
}

/// More than 100 training images, 20 to 100, fewer.
fn group(size: usize) -> u16 {
    match size {
        101.. => 0,
        20..=100 => 1,
        _ => 2,
    }
}

fn grouped(test: &Corpus, sizes: &[usize]) -> Groups {
    let of = test.labels.iter().map(|&label| group(sizes.get(usize::from(label)).copied().unwrap_or(0)));
    Groups { names: GROUPS.map(str::to_owned).into(), of: of.collect(), equal: false }
}

fn described(source: &Longtail, sizes: &[usize]) -> String {
    let kind = match source.kind {
        Imbalance::Exponential => "exponential",
        Imbalance::Step => "step",
    };
    let (most, least) = (sizes.iter().max().unwrap_or(&0), sizes.iter().min().unwrap_or(&0));
    let in_group = |wanted: u16| sizes.iter().filter(|size| group(**size) == wanted).count();
    format!(
        "longtail: factor {}, {kind}: {most} to {least} training images per class, {} in all; \
         many > 100: {}, medium 20 to 100: {}, few < 20: {}",
        source.factor,
        sizes.iter().sum::<usize>(),
        counted(in_group(0), "class"),
        in_group(1),
        in_group(2),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;
    use crate::lang::catalog::{Digits, Source};

    fn tail(factor: f64, kind: Imbalance) -> Longtail {
        Longtail { source: Box::new(Source::Digits(Digits {})), factor, kind }
    }

    fn sizes(classes: usize, largest: usize, factor: f64, kind: Imbalance) -> Vec<usize> {
        class_sizes(&tail(factor, kind), &vec![largest; classes]).unwrap()
    }

    #[test]
    fn sizes_are_those_of_the_authors_code() {
        use Imbalance::{Exponential, Step};
        assert_eq!(sizes(10, 5000, 100.0, Exponential), [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]);
        let total =
            |classes, largest, factor| sizes(classes, largest, factor, Exponential).iter().sum::<usize>();
        assert_eq!(
            [100.0, 50.0, 20.0, 10.0].map(|factor| total(10, 5000, factor)),
            [12_406, 13_996, 17_023, 20_431]
        );
        assert_eq!([100.0, 50.0, 10.0].map(|factor| total(100, 500, factor)), [10_847, 12_608, 19_573]);
        let hundred = sizes(100, 500, 100.0, Exponential);
        assert_eq!((hundred[0], hundred[99]), (500, 5));
        assert_eq!(sizes(10, 5000, 100.0, Step), [5000, 5000, 5000, 5000, 5000, 50, 50, 50, 50, 50]);
    }

    #[test]
    fn no_class_gives_more_than_it_has_and_none_is_emptied() {
        let uneven = class_sizes(&tail(2.0, Imbalance::Exponential), &[10, 3, 10]).unwrap();
        assert_eq!(uneven, [10, 3, 5]);
        let error = class_sizes(&tail(11.0, Imbalance::Step), &[10, 10]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`longtail`: a factor of 11 leaves class 1 without an image: the largest class has 10"
        );
    }

    #[test]
    fn what_is_kept_is_a_fixed_random_part_of_each_class() {
        let whole = digits::open().unwrap();
        let tail = tail(10.0, Imbalance::Exponential);
        let thin = thinned(&tail, whole.clone()).unwrap();
        let sizes = class_sizes(&tail, &whole.train.class_sizes()).unwrap();
        assert_eq!(thin.train.class_sizes(), sizes);
        assert_eq!(thin.test.len(), whole.test.len());
        let nines = kept(&whole.train, &sizes);
        let first: Vec<u32> =
            nines.iter().copied().filter(|&index| whole.train.labels[index as usize] == 9).collect();
        let plain: Vec<u32> =
            (0..1437).filter(|&index| whole.train.labels[index as usize] == 9).take(first.len()).collect();
        assert_ne!(first, plain);
        assert_eq!(nines, kept(&whole.train, &sizes));
        let groups = thin.test.groups.unwrap();
        let of = |label: u16| groups.of[thin.test.labels.iter().position(|l| *l == label).unwrap()];
        assert_eq!([of(0), of(1), of(2), of(9)], [0, 0, 1, 2]);
    }
}
