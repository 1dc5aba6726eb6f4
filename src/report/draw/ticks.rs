//! Where an axis has marks, and what stands there.

use super::Scale;

/// A mark of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub value: f64,
    pub label: String,
}

impl Scale {
    /// About `wanted` round values in the range, at least two.
    pub fn ticks(&self, wanted: usize) -> Vec<Tick> {
        let decades = if self.log { self.decades(wanted) } else { Vec::new() };
        if decades.len() < 2 { even_labels(self.even(wanted)) } else { decade_labels(decades) }
    }

    /// Multiples of 1, 2 or 5 times a power of ten: those whose number is closest to what is wanted.
    fn even(&self, wanted: usize) -> Vec<f64> {
        let power = 10f64.powf(((self.high - self.low) / wanted.max(2) as f64).log10().floor());
        let choices = [1.0, 2.0, 5.0, 10.0].map(|lead| multiples(self.low, self.high, lead * power));
        let distance = |values: &Vec<f64>| values.len().abs_diff(wanted);
        let enough = choices.into_iter().filter(|values| values.len() >= 2);
        enough.min_by_key(distance).unwrap_or_else(|| vec![self.low, self.high])
    }

    /// Powers of ten; with their doubles and halves where there are few.
    fn decades(&self, wanted: usize) -> Vec<f64> {
        let (low, high) = (self.low.log10().ceil() as i32, self.high.log10().floor() as i32);
        let decades = (high - low + 1).max(0) as usize;
        let parts: &[f64] =
            if decades <= 2 && self.high / self.low < 1e3 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let stride = decades.div_ceil(wanted.max(2)).max(1);
        let powers = (low - 1..=high).filter(|power| parts.len() > 1 || power.rem_euclid(stride as i32) == 0);
        let values = powers.flat_map(|power| parts.iter().map(move |part| part * 10f64.powi(power)));
        values.filter(|value| (self.low..=self.high).contains(value)).collect()
    }
}

fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let first = (low / step - 1e-9).ceil();
    let count = ((high / step + 1e-9).floor() - first).clamp(-1.0, 50.0) as i64 + 1;
    // Zero is exactly zero, whatever the step rounds to.
    (0..count).map(|k| (first + k as f64) * step).map(|value| value.clamp(low, high) + 0.0).collect()
}

/// Evenly divided axes have the same decimals everywhere.
fn even_labels(values: Vec<f64>) -> Vec<Tick> {
    let step = values.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let decimals = (-step.log10() - 1e-6).ceil().clamp(0.0, 6.0) as usize;
    let digits = ((largest / step).log10() + 1e-6).ceil().clamp(0.0, 12.0) as usize;
    let label = |value: f64| match largest < 1e5 && step > 0.99e-4 {
        true => minus(format!("{value:.decimals$}")),
        false => scientific(value, digits),
    };
    values.into_iter().map(|value| Tick { value, label: label(value) }).collect()
}

/// Each has its own digits, or all are powers.
fn decade_labels(values: Vec<f64>) -> Vec<Tick> {
    let plain = values.iter().all(|&value| is_plain(value));
    let label = |value: f64| if plain { short(value) } else { scientific(value, 1) };
    values.into_iter().map(|value| Tick { value, label: label(value) }).collect()
}

fn is_plain(value: f64) -> bool {
    value == 0.0 || (1e-3..1e5).contains(&value.abs())
}

/// Two digits at most, with a power of ten where the value is small or large.
pub fn short(value: f64) -> String {
    let rounded: f64 = format!("{value:.1e}").parse().unwrap_or(value);
    match is_plain(rounded) {
        true => minus(rounded.to_string()),
        false => scientific(value, 1),
    }
}

/// `2×10⁻⁵`, with at most `digits` digits after the point.
fn scientific(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
        false => mantissa,
    };
    let power: String = exponent.chars().map(raised).collect();
    match mantissa {
        "0" | "-0" => "0".into(),
        "1" => format!("10{power}"),
        "-1" => format!("−10{power}"),
        mantissa => minus(format!("{mantissa}×10{power}")),
    }
}

fn raised(digit: char) -> char {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    digit.to_digit(10).map_or('⁻', |digit| DIGITS[digit as usize])
}

fn minus(text: String) -> String {
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|digit| "0.".contains(digit)) => digits.into(),
        Some(digits) => format!("−{digits}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(low: f64, high: f64, log: bool) -> Vec<String> {
        Scale { low, high, log }.ticks(5).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn labels_are_round_and_no_longer_than_needed() {
        assert_eq!(labels(0.0, 1.0, false), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(91.2, 98.4, false), ["92", "94", "96", "98"]);
        assert_eq!(labels(-1.0, 1.0, false), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(labels(0.0, 3e-6, false), ["0", "10⁻⁶", "2×10⁻⁶", "3×10⁻⁶"]);
        assert_eq!(labels(0.009, 2.3, true), ["0.01", "0.1", "1"]);
        assert_eq!(labels(0.15, 2.3, true), ["0.2", "0.5", "1", "2"]);
        assert_eq!(labels(1e-9, 1e3, true), ["10⁻⁹", "10⁻⁶", "10⁻³", "10⁰", "10³"]);
    }

    proptest! {
        #[test]
        fn ticks_cover_the_range(low in -1e6..1e6f64, width in 1e-6..1e6f64, wanted in 2usize..10) {
            let scale = Scale { low, high: low + width, log: false };
            let ticks = scale.ticks(wanted);
            prop_assert!((2..=2 * wanted + 6).contains(&ticks.len()), "{ticks:?}");
            let step = ticks[1].value - ticks[0].value;
            prop_assert!(ticks[0].value >= low && ticks[0].value - low <= step * 1.001);
            let last = ticks[ticks.len() - 1].value;
            prop_assert!(last <= scale.high && scale.high - last <= step * 1.001);
        }

        #[test]
        fn logarithmic_ticks_cover_the_range(low in -12.0..6.0f64, decades in 0.01..12.0f64, wanted in 3usize..8) {
            let scale = Scale { low: 10f64.powf(low), high: 10f64.powf(low + decades), log: true };
            let ticks = scale.ticks(wanted);
            prop_assert!((2..=2 * wanted + 6).contains(&ticks.len()), "{ticks:?}");
            prop_assert!(ticks.windows(2).all(|pair| pair[0].value < pair[1].value));
            prop_assert!(ticks.iter().all(|tick| (scale.low..=scale.high).contains(&tick.value)));
        }
    }
}
