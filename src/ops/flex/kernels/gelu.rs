//! `x Φ(x)` and its derivative, without a branch, so that loops over them become vectors.

use std::f32::consts::FRAC_1_SQRT_2;

use super::exponential::exp_negative;

/// `1 / sqrt(2 π)`.
const DENSITY: f32 = 0.398_942_3;
/// Beyond this the error function is ±1 in f32.
const FLAT: f32 = 4.0;

/// The error function: a rational approximation of minimal error on [-4, 4], a few units in the last place.
#[inline(always)]
fn erf(x: f32) -> f32 {
    const ODD: [f32; 7] = [
        -2.726_142e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_4e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const EVEN: [f32; 5] =
        [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329_2e-3, -1.426_473_9e-2];
    let inside = x.clamp(-FLAT, FLAT);
    let square = inside * inside;
    let horner = |terms: &[f32]| terms.iter().fold(0.0, |sum, term| sum * square + term);
    if x.abs() >= FLAT { x.signum() } else { inside * horner(&ODD) / horner(&EVEN) }
}

#[inline(always)]
fn distribution(x: f32) -> f32 {
    0.5 * (1.0 + erf(x * FRAC_1_SQRT_2))
}

#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    x * distribution(x)
}

/// `Φ(x) + x φ(x)`.
#[inline(always)]
pub fn slope(x: f32) -> f32 {
    distribution(x) + x * DENSITY * exp_negative(-0.5 * x * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_exact_to_rounding() {
        for step in -8000..8000 {
            let x = step as f32 / 1000.0;
            let wide = f64::from(x);
            let phi = (-0.5 * wide * wide).exp() * f64::from(DENSITY);
            let exact = exp_negative(-0.5 * x * x);
            assert!((f64::from(exact * DENSITY) - phi).abs() < 2e-7, "{x}");
        }
        // Φ at known points (Abramowitz and Stegun, table 26.1).
        for (x, expected) in [(0.0, 0.5), (1.0, 0.841_344_8), (2.0, 0.977_249_86), (-1.5, 0.066_807_2)] {
            assert!((distribution(x) - expected).abs() < 1e-6, "{x}: {}", distribution(x));
        }
        assert!(gelu(f32::NAN).is_nan() && slope(f32::NAN).is_nan());
        assert_eq!((gelu(-100.0).abs(), gelu(100.0)), (0.0, 100.0));
        // The smallest normal number times the argument is left of the density.
        assert!(slope(-100.0).abs() < 1e-35 && slope(100.0) == 1.0);
    }
}
