//! From values to shares of an axis.

/// Values wider apart than this factor may get a logarithmic axis.
const DECADES: f64 = 100.0;

/// So far must the largest value be above the median, as a factor, or a logarithm would only stretch the end of a
/// fall to zero.
const SKEW: f64 = 8.0;

/// Beyond it differences of values overflow.
const HUGE: f64 = 1e300;

/// The range of an axis, and how it is divided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    pub log: bool,
}

impl Scale {
    /// Holds every finite value; logarithmic where the values need it.
    pub fn covering(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values = finite(values);
        values.sort_by(f64::total_cmp);
        if needs_log(&values) { Self::log_over(&values) } else { Self::linear_over(&values) }
    }

    /// Holds every finite value at equal distances.
    pub fn linear(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values = finite(values);
        values.sort_by(f64::total_cmp);
        Self::linear_over(&values)
    }

    /// Holds every positive value.
    pub fn log(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values = finite(values);
        values.retain(|&value| value > 0.0);
        values.sort_by(f64::total_cmp);
        Self::log_over(&values)
    }

    /// From the first to the last value, without a margin.
    pub fn tight(values: impl IntoIterator<Item = f64>) -> Self {
        let values = finite(values);
        let (low, high) = range(&values);
        if low < high { Self { low, high, log: false } } else { Self::linear(values) }
    }

    /// No margin beyond what the values can be.
    pub fn within(self, low: f64, high: f64) -> Self {
        let (inner_low, inner_high) = (self.low.max(low), self.high.min(high));
        if inner_low < inner_high { Self { low: inner_low, high: inner_high, ..self } } else { self }
    }

    /// Place of a value on the axis, 0 at its low end and 1 at its high end; NaN where it has none.
    pub fn share(&self, value: f64) -> f64 {
        let place = |value: f64| if self.log { value.ln() } else { value };
        let share = (place(value) - place(self.low)) / (place(self.high) - place(self.low));
        if share.is_finite() { share } else { f64::NAN }
    }

    fn linear_over(sorted: &[f64]) -> Self {
        let (low, high) = range(sorted);
        let width = high - low;
        let flat = width <= 1e-12 * low.abs().max(high.abs());
        let margin = if flat { 0.1 * low.abs().max(high.abs()) } else { 0.04 * width };
        let margin = if margin > 0.0 { margin } else { 1.0 };
        let below = if low >= 0.0 && low < margin { 0.0 } else { low - margin };
        Self { low: below, high: high + margin, log: false }
    }

    fn log_over(sorted: &[f64]) -> Self {
        let (low, high) = if sorted.is_empty() { (0.1, 1.0) } else { range(sorted) };
        let margin = (0.04 * (high.ln() - low.ln())).exp().max(1.05);
        Self { low: (low / margin).max(f64::MIN_POSITIVE), high: (high * margin).min(f64::MAX), log: true }
    }
}

fn finite(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    values.into_iter().filter(|value| value.is_finite()).map(|value| value.clamp(-HUGE, HUGE)).collect()
}

fn range(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

fn needs_log(sorted: &[f64]) -> bool {
    let (Some(&low), Some(&high)) = (sorted.first(), sorted.last()) else { return false };
    let median = sorted[sorted.len() / 2];
    low > 0.0 && high / low > DECADES && high / median > SKEW
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_choose_the_division() {
        assert!(Scale::covering([1e-4, 1e-3, 1.0]).log);
        assert!(!Scale::covering([0.0, 1e-3, 1.0]).log);
        // A cosine that falls to nearly nothing.
        assert!(!Scale::covering([0.1, 0.09, 0.06, 0.03, 1e-6]).log);
    }

    #[test]
    fn nothing_and_one_value_have_a_width() {
        for scale in [Scale::covering([]), Scale::linear([f64::NAN]), Scale::tight([3.0]), Scale::log([-1.0])]
        {
            assert!(scale.low < scale.high, "{scale:?}");
        }
        let scale = Scale::linear([3.0]);
        assert!(scale.low < 3.0 && 3.0 < scale.high);
    }

    proptest! {
        #[test]
        fn every_finite_value_is_on_the_axis(values in prop::collection::vec(any::<f64>(), 0..20)) {
            let scale = Scale::covering(values.iter().copied());
            prop_assert!(scale.low < scale.high && scale.low.is_finite() && scale.high.is_finite());
            let ordinary = |value: &f64| *value == 0.0 || value.is_normal() && value.abs() < HUGE;
            for value in values.into_iter().filter(ordinary) {
                let share = scale.share(value);
                prop_assert!((-1e-9..=1.0 + 1e-9).contains(&share), "{value} at {share} of {scale:?}");
            }
        }
    }
}
