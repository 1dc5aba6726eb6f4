//! Noise: each value of each pixel on its own.

use super::picture::Picture;
use crate::data::random::Generator;

const GAUSSIAN: [f64; 5] = [0.04, 0.06, 0.08, 0.09, 0.10];
const SHOT: [f64; 5] = [500.0, 250.0, 100.0, 75.0, 50.0];
const IMPULSE: [f64; 5] = [0.01, 0.02, 0.03, 0.05, 0.07];
const SPECKLE: [f64; 5] = [0.06, 0.1, 0.12, 0.16, 0.2];

/// `x + c n`, n standard normal.
pub fn gaussian(x: Picture, level: usize, random: &mut Generator) -> Picture {
    x.map(|value| value + GAUSSIAN[level] * random.normal())
}

/// `Poisson(c x) / c`: photons that are counted.
pub fn shot(x: Picture, level: usize, random: &mut Generator) -> Picture {
    x.map(|value| poisson(value * SHOT[level], random) / SHOT[level])
}

/// Salt and pepper, in equal parts, on a share c of the values.
pub fn impulse(x: Picture, level: usize, random: &mut Generator) -> Picture {
    x.map(|value| {
        let drawn = random.unit() / IMPULSE[level];
        match drawn {
            drawn if drawn >= 1.0 => value,
            drawn if drawn >= 0.5 => 1.0,
            _ => 0.0,
        }
    })
}

/// `x + c x n`, n standard normal.
pub fn speckle(x: Picture, level: usize, random: &mut Generator) -> Picture {
    x.map(|value| value + value * SPECKLE[level] * random.normal())
}

/// From this mean on, rejection is faster than multiplying uniforms.
const LARGE: f64 = 10.0;

/// A Poisson number: by products of uniforms (Knuth), or by transformed rejection with squeeze (PTRS; Hörmann,
/// Insurance: Mathematics and Economics, 1993).
pub fn poisson(mean: f64, random: &mut Generator) -> f64 {
    if mean < LARGE {
        let limit = (-mean).exp();
        let (mut count, mut product) = (0.0, random.unit());
        while product > limit {
            count += 1.0;
            product *= random.unit();
        }
        return count;
    }
    let b = 0.931 + 2.53 * mean.sqrt();
    let a = 0.02483 * b - 0.059;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let squeeze = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let (u, v) = (random.unit() - 0.5, random.unit());
        let us = 0.5 - u.abs();
        let count = ((2.0 * a / us + b) * u + mean + 0.43).floor();
        if us >= 0.07 && v <= squeeze {
            return count;
        }
        if count < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let density = count * mean.ln() - mean - ln_factorial(count);
        if (v * inverse_alpha / (a / (us * us) + b)).ln() <= density {
            return count;
        }
    }
}

/// Stirling's series, to 1e-9 from 10 on; the sum of logarithms below.
fn ln_factorial(n: f64) -> f64 {
    if n < LARGE {
        return (2..=n as u32).map(|k| f64::from(k).ln()).sum();
    }
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3)) + 1.0 / (1260.0 * n.powi(5));
    (n + 0.5) * n.ln() - n + 0.5 * std::f64::consts::TAU.ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::random::Purpose;

    #[test]
    fn factorials() {
        for n in [0, 1, 2, 5, 9, 10, 11, 20, 100] {
            let exact: f64 = (2..=n).map(|k| f64::from(k).ln()).sum();
            assert!((ln_factorial(f64::from(n)) - exact).abs() < 1e-8, "{n}");
        }
    }

    /// Pearson's statistic of 40,000 draws against the probabilities, about as large as its degrees of freedom.
    #[test]
    fn poisson_numbers_are_as_likely_as_they_should_be() {
        for mean in [0.3, 4.0, 9.9, 10.1, 60.0, 500.0] {
            let mut random = Generator::keyed(Purpose::Corruption, &[1, 2, 3]);
            let draws = 40_000;
            let mut counts = vec![0.0; 2000];
            (0..draws).for_each(|_| counts[poisson(mean, &mut random) as usize] += 1.0);
            let (mut statistic, mut cells, mut probability) = (0.0, 0.0, (-mean).exp());
            for (k, &count) in counts.iter().enumerate() {
                let expected = probability * f64::from(draws);
                if expected > 5.0 {
                    statistic += (count - expected) * (count - expected) / expected;
                    cells += 1.0;
                }
                probability *= mean / (k as f64 + 1.0);
            }
            let spread = 4.0 * f64::sqrt(2.0 * cells);
            assert!((statistic - cells).abs() < spread, "{mean}: {statistic} of {cells}");
        }
    }
}
