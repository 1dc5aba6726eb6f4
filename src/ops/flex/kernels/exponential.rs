//! The exponential function without a branch, so that loops over it become vectors.

use std::f32::consts::{LN_2, LOG2_E};

/// `3 * 2^22`.
const SHIFT: f32 = 12_582_912.0;

/// `exp(x)` for `x <= 0`; NaN stays NaN.
#[inline(always)]
pub fn exp_negative(x: f32) -> f32 {
    // Below, the result is not a normal number.
    let x = if x < -87.0 { -87.0 } else { x };
    // Added to a number of this size, a fraction is rounded away, and the whole number stands in the lowest bits: a
    // conversion to an integer, which has to saturate, would be no vector.
    let shifted = x * LOG2_E + SHIFT;
    let power = shifted - SHIFT;
    let rest = x - power * LN_2;
    let series = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let series = series.iter().fold(0.0, |sum, term| sum * rest + term);
    series * f32::from_bits((shifted.to_bits() << 23).wrapping_add(1f32.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_exact_to_rounding() {
        for step in 0..87_000 {
            let x = -(step as f32) / 1000.0;
            let exact = f64::from(x).exp();
            // The reduced argument carries the rounding of `power * LN_2`.
            let bound = 2e-7 + 6e-8 * f64::from(x.abs());
            assert!((f64::from(exp_negative(x)) / exact - 1.0).abs() < bound, "{x}: {}", exp_negative(x));
        }
        assert_eq!(exp_negative(0.0), 1.0);
        assert!(exp_negative(f32::NAN).is_nan());
        assert!(exp_negative(f32::NEG_INFINITY) < 2e-38);
    }
}
