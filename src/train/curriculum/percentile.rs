//! Percentiles of difficulty, by one rule for the log and for measurements.

/// Percentile of sorted values at `share` in [0, 1], by linear interpolation between order statistics (NumPy's default,
/// type 7 of Hyndman and Fan, 1996). `None` of nothing.
pub fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share * last as f64;
    let (low, between) = (place.floor() as usize, place.fract());
    let at = |index: usize| sorted[index.min(last)];
    Some(at(low) * (1.0 - between) + at(low + 1) * between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate() {
        let sorted = [0.0, 1.0, 2.0, 3.0, 4.0];
        let found = [0.0, 0.1, 0.5, 0.9, 1.0].map(|share| percentile(&sorted, share));
        assert_eq!(found, [0.0, 0.4, 2.0, 3.6, 4.0].map(Some));
        assert_eq!(percentile(&[], 0.5), None);
    }
}
