//! Points and directions in weight space on the host: f64 to compute with, the weights' own precision to keep.

use rayon::prelude::*;

use crate::data::{Generator, Purpose};

/// Values per partial sum. Sums are over the same parts on any number of threads.
const PART: usize = 1 << 15;

/// Inner product.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    summed(a.par_chunks(PART).zip(b.par_chunks(PART)).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum()))
}

pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

pub fn scale(a: &mut [f64], factor: f64) {
    a.par_iter_mut().for_each(|a| *a *= factor);
}

/// `y + factor * x`, into `y`.
pub fn add_scaled(y: &mut [f64], factor: f64, x: &[f64]) {
    y.par_iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}

fn summed(parts: impl IndexedParallelIterator<Item = f64>) -> f64 {
    parts.collect::<Vec<f64>>().into_iter().sum()
}

/// Standard normal values of the stream `key`.
pub fn normal(length: usize, key: &[u64]) -> Vec<f64> {
    drawn(length, key, Generator::normal)
}

/// Signs of the stream `key`, each 1 or -1.
pub fn signs(length: usize, key: &[u64]) -> Vec<f64> {
    drawn(length, key, |generator| if generator.bits() >> 63 == 0 { 1.0 } else { -1.0 })
}

fn drawn(length: usize, key: &[u64], draw: impl Fn(&mut Generator) -> f64 + Sync) -> Vec<f64> {
    let mut values = vec![0.0; length];
    values.par_chunks_mut(PART).enumerate().for_each(|(part, values)| {
        let key: Vec<u64> = key.iter().copied().chain([part as u64]).collect();
        let mut generator = Generator::keyed(Purpose::Measurement, &key);
        values.iter_mut().for_each(|value| *value = draw(&mut generator));
    });
    values
}

/// The precision in which vectors are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    Single,
    Double,
}

impl Precision {
    /// Distance of 1 to the next number.
    pub fn epsilon(self) -> f64 {
        match self {
            Precision::Single => f64::from(f32::EPSILON),
            Precision::Double => f64::EPSILON,
        }
    }
}

/// A vector that is kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Packed {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Packed {
    pub fn new(values: &[f64], precision: Precision) -> Self {
        match precision {
            Precision::Single => Packed::Single(values.par_iter().map(|&value| value as f32).collect()),
            Precision::Double => Packed::Double(values.to_vec()),
        }
    }

    pub fn values(&self) -> Vec<f64> {
        match self {
            Packed::Single(values) => values.par_iter().map(|&value| f64::from(value)).collect(),
            Packed::Double(values) => values.clone(),
        }
    }

    pub fn dot(&self, other: &[f64]) -> f64 {
        match self {
            Packed::Double(values) => dot(values, other),
            Packed::Single(values) => {
                let parts = values.par_chunks(PART).zip(other.par_chunks(PART));
                summed(parts.map(|(a, b)| a.iter().zip(b).map(|(a, b)| f64::from(*a) * b).sum()))
            }
        }
    }

    /// Adds `factor` times the vector to `sum`.
    pub fn add_to(&self, sum: &mut [f64], factor: f64) {
        match self {
            Packed::Double(values) => add_scaled(sum, factor, values),
            Packed::Single(values) => {
                sum.par_iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * f64::from(*value));
            }
        }
    }

    fn get(&self, index: usize) -> f64 {
        match self {
            Packed::Single(values) => f64::from(values[index]),
            Packed::Double(values) => values[index],
        }
    }

    fn set(&mut self, index: usize, value: f64) {
        match self {
            Packed::Single(values) => values[index] = value as f32,
            Packed::Double(values) => values[index] = value,
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Packed::Single(values) => values.len(),
            Packed::Double(values) => values.len(),
        }
    }

    /// Little-endian.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Packed::Single(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Packed::Double(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    /// What [`Packed::bytes`] gave; `None` for another length.
    pub fn read(bytes: &[u8], precision: Precision, length: usize) -> Option<Self> {
        let packed = match precision {
            Precision::Single => Packed::Single(
                bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            ),
            Precision::Double => Packed::Double(
                bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect(),
            ),
        };
        (packed.len() == length).then_some(packed)
    }
}

/// Replaces the vectors by the combinations whose coefficients are the columns of `into`, without a copy of them.
pub fn combine(basis: &mut Vec<Packed>, into: &[Vec<f64>]) {
    let length = basis.first().map_or(0, Packed::len);
    let mut row = vec![0.0; basis.len()];
    for index in 0..length {
        row.iter_mut().zip(basis.iter()).for_each(|(value, vector)| *value = vector.get(index));
        for (vector, column) in basis.iter_mut().zip(into) {
            vector.set(index, row.iter().zip(column).map(|(value, factor)| value * factor).sum());
        }
    }
    basis.truncate(into.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_vectors_come_back_and_combine() {
        for precision in [Precision::Single, Precision::Double] {
            let a = Packed::new(&[1.0, 2.0, 3.0], precision);
            let b = Packed::new(&[0.5, -1.0, 0.25], precision);
            assert_eq!(Packed::read(&a.bytes(), precision, 3), Some(a.clone()));
            assert_eq!(Packed::read(&a.bytes(), precision, 4), None);
            assert_eq!(a.dot(&b.values()), 1.0 * 0.5 - 2.0 + 0.75);
            let mut basis = vec![a, b];
            combine(&mut basis, &[vec![2.0, 4.0]]);
            assert_eq!(basis, [Packed::new(&[4.0, 0.0, 7.0], precision)]);
        }
    }

    #[test]
    fn draws_are_functions_of_their_key() {
        let long = normal(100_000, &[1, 2]);
        assert_eq!(normal(50, &[1, 2]), long[..50]);
        assert_ne!(normal(50, &[1, 3]), long[..50]);
        let variance = dot(&long, &long) / 1e5;
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
        let signs = signs(100_000, &[1]);
        assert!(signs.iter().all(|sign| sign.abs() == 1.0) && signs.iter().sum::<f64>().abs() < 1200.0);
    }
}
