//! Random numbers that are a function of a key: the same on every platform, thread and version.

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a generator is for; the first word of its key, so that no two uses share a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Order = 1,
    Augmentation = 2,
    Split = 3,
    Weights = 4,
    Perturbation = 5,
    Eigenvector = 6,
    Dropout = 7,
    Attack = 8,
    Corruption = 9,
    Measurement = 10,
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014):
/// a counter that grows by a constant, each value scrambled by a bijection.
#[derive(Clone, Debug)]
pub struct Generator {
    state: u64,
}

impl Generator {
    /// The generator of `purpose` and `key`; keys that differ in any word give unrelated streams.
    pub fn keyed(purpose: Purpose, key: &[u64]) -> Self {
        let absorb = |state: u64, word: &u64| scramble(state.wrapping_add(GAMMA) ^ word);
        let state = key.iter().fold(scramble(purpose as u64), absorb);
        Self { state }
    }

    /// 64 uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        scramble(self.state)
    }

    /// Uniform in `0..bound`, without bias (Lemire: "Fast random integer generation in an interval",
    /// 2019); 0 for an empty range.
    pub fn below(&mut self, bound: u64) -> u64 {
        let threshold = bound.wrapping_neg().checked_rem(bound).unwrap_or(0);
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }

    /// Standard normal (Box and Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Uniform in `[0, 1)`, a multiple of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `[low, high)`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Gamma distributed with this shape and scale 1 (Marsaglia and Tsang: "A simple method for generating gamma
    /// variables", 2000).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * (1.0 - self.unit()).powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let normal = self.normal();
            let cube = (1.0 + c * normal).powi(3);
            if cube > 0.0 && (1.0 - self.unit()).ln() < 0.5 * normal * normal + d - d * cube + d * cube.ln() {
                return d * cube;
            }
        }
    }

    /// Beta distributed with both parameters `alpha`; 1 where both gamma variables vanish.
    pub fn beta(&mut self, alpha: f64) -> f64 {
        let (one, other) = (self.gamma(alpha), self.gamma(alpha));
        if one + other > 0.0 { one / (one + other) } else { 1.0 }
    }

    /// Fisher–Yates: every order of `items` is equally likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let chosen = self.below(last as u64 + 1) as usize;
            items.swap(last, chosen);
        }
    }
}

fn scramble(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_splitmix64() {
        // First outputs of the published algorithm from the state 1234567.
        let mut generator = Generator { state: 1234567 };
        let drawn: Vec<u64> = (0..3).map(|_| generator.bits()).collect();
        assert_eq!(drawn, [6457827717110365317, 3203168211198807973, 9817491932198370423]);
    }

    #[test]
    fn keys_that_differ_in_one_word_give_other_streams() {
        let first = |purpose, key: &[u64]| Generator::keyed(purpose, key).bits();
        let reference = first(Purpose::Order, &[0, 0]);
        assert_ne!(reference, first(Purpose::Split, &[0, 0]));
        assert_ne!(reference, first(Purpose::Order, &[0, 1]));
        assert_ne!(reference, first(Purpose::Order, &[1, 0]));
        assert_ne!(reference, first(Purpose::Order, &[0]));
    }

    #[test]
    fn below_is_uniform_and_bounded() {
        let mut generator = Generator::keyed(Purpose::Order, &[7]);
        let mut counts = [0u32; 5];
        for _ in 0..50_000 {
            counts[generator.below(5) as usize] += 1;
        }
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 400), "{counts:?}");
        assert_eq!(generator.below(0), 0);
        assert_eq!(generator.below(1), 0);
    }

    #[test]
    fn beta_has_its_moments() {
        for alpha in [0.2, 1.0, 3.0] {
            let mut generator = Generator::keyed(Purpose::Augmentation, &[9]);
            let drawn: Vec<f64> = (0..40_000).map(|_| generator.beta(alpha)).collect();
            let mean = drawn.iter().sum::<f64>() / 40_000.0;
            let variance = drawn.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 40_000.0;
            let expected = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            assert!(
                (mean - 0.5).abs() < 0.01 && (variance / expected - 1.0).abs() < 0.03,
                "{alpha}: {variance}"
            );
        }
        assert!((0.0..=1.0).contains(&Generator::keyed(Purpose::Order, &[]).beta(1e-6)));
    }

    #[test]
    fn unit_has_the_mean_and_range_of_the_unit_interval() {
        let mut generator = Generator::keyed(Purpose::Order, &[8]);
        let drawn: Vec<f64> = (0..50_000).map(|_| generator.unit()).collect();
        assert!(drawn.iter().all(|value| (0.0..1.0).contains(value)));
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        assert!((mean - 0.5).abs() < 0.006, "{mean}");
    }
}
