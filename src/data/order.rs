//! The order in which an epoch visits the training samples.

use super::corpus::Groups;
use super::random::{Generator, Purpose};

/// A permutation of `0..n` that depends on `(n, seed, epoch)` alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order(Vec<u32>);

impl Order {
    /// The order of `n` samples in `epoch` (counted from 0); without `shuffle` it is `0, 1, …, n - 1`.
    pub fn new(n: u32, seed: u64, epoch: u64, shuffle: bool) -> Self {
        let mut positions: Vec<u32> = (0..n).collect();
        if shuffle {
            Generator::keyed(Purpose::Order, &[seed, epoch]).shuffle(&mut positions);
        }
        Self(positions)
    }

    /// `items` in this order; positions beyond the end of `items` are left out.
    pub fn apply<T: Copy>(&self, items: &[T]) -> Vec<T> {
        let item = |&position: &u32| items.get(position as usize).copied();
        self.0.iter().filter_map(item).collect()
    }
}

/// Batches that groups of samples share evenly: an epoch ends with the smallest group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balanced {
    /// The samples of each group that has some.
    members: Vec<Vec<u32>>,
    /// Samples of a group in a batch.
    each: usize,
}

impl Balanced {
    /// The samples at `indices`, in batches of at most `batch`; a group smaller than its share sets the share.
    pub fn new(indices: &[u32], groups: &Groups, batch: usize) -> Self {
        let mut members = vec![Vec::new(); groups.names.len()];
        for &index in indices {
            if let Some(group) = groups.of.get(index as usize) {
                members[usize::from(*group)].push(index);
            }
        }
        members.retain(|members| !members.is_empty());
        let smallest = members.iter().map(Vec::len).min().unwrap_or(0);
        let each = (batch / members.len().max(1)).clamp(1, smallest.max(1));
        Self { members, each }
    }

    /// Samples of a batch.
    pub fn batch(&self) -> usize {
        self.each * self.members.len()
    }

    /// Batches in an epoch.
    pub fn batches(&self) -> usize {
        self.members.iter().map(|members| members.len() / self.each).min().unwrap_or(0)
    }

    /// The samples of an epoch, batch after batch, within a batch group after group; a function of seed and epoch.
    pub fn order(&self, seed: u64, epoch: u64) -> Vec<u32> {
        let shuffled = |(group, members): (usize, &Vec<u32>)| {
            let mut members = members.clone();
            Generator::keyed(Purpose::Order, &[seed, epoch, group as u64]).shuffle(&mut members);
            members
        };
        let groups: Vec<Vec<u32>> = self.members.iter().enumerate().map(shuffled).collect();
        let part = |batch: usize| {
            groups.iter().flat_map(move |group| &group[batch * self.each..(batch + 1) * self.each])
        };
        (0..self.batches()).flat_map(part).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_a_permutation(n in 0u32..2000, seed: u64, epoch: u64, shuffle: bool) {
            let mut positions = Order::new(n, seed, epoch, shuffle).0;
            positions.sort_unstable();
            prop_assert_eq!(positions, (0..n).collect::<Vec<_>>());
        }

        #[test]
        fn depends_on_seed_and_epoch(seed in 0u64..1000, epoch in 0u64..1000) {
            let order = Order::new(100, seed, epoch, true);
            prop_assert_eq!(&order, &Order::new(100, seed, epoch, true));
            prop_assert_ne!(&order, &Order::new(100, seed + 1, epoch, true));
            prop_assert_ne!(&order, &Order::new(100, seed, epoch + 1, true));
        }
    }

    #[test]
    fn is_fixed_for_all_versions() {
        let order = Order::new(10, 0, 0, true);
        assert_eq!(order.0, [7, 3, 2, 6, 4, 5, 0, 1, 9, 8]);
    }

    #[test]
    fn every_order_of_three_is_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for epoch in 0..12_000 {
            *counts.entry(Order::new(3, 1, epoch, true).0).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| count.abs_diff(2000) < 200), "{counts:?}");
    }

    #[test]
    fn without_shuffle_keeps_the_given_order() {
        assert_eq!(Order::new(3, 5, 9, false).apply(&[30, 10, 20]), [30, 10, 20]);
    }

    #[test]
    fn every_batch_has_as_many_of_each_group() {
        let of: Vec<u16> = (0..100).map(|index| u16::from(index >= 20) + u16::from(index >= 50)).collect();
        let names = ["a", "b", "c"].map(str::to_owned);
        let groups = Groups { names: names.into(), of: of.clone().into(), equal: true };
        // 18, 27 and 45 samples of which a batch of 12 takes 4 each: four batches, and two of `a` are left over.
        let indices: Vec<u32> = (0..100).filter(|index| index % 10 != 0).collect();
        let balanced = Balanced::new(&indices, &groups, 12);
        assert_eq!((balanced.batch(), balanced.batches()), (12, 4));
        let order = balanced.order(0, 0);
        for batch in order.chunks(12) {
            let groups: Vec<u16> = batch.iter().map(|&index| of[index as usize]).collect();
            assert_eq!(groups, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
        }
        let mut unique = order.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!((unique.len(), order.len()), (48, 48));
        assert_ne!(order, balanced.order(0, 1));
        assert_eq!(order, balanced.order(0, 0));
        assert_eq!(Balanced::new(&[0, 1, 60], &groups, 12).batches(), 1);
    }
}
