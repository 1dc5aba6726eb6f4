//! The order in which an epoch visits the training samples.

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
}
