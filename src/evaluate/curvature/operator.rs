//! A symmetric matrix that is known by its products.

use std::ops::Range;

use crate::evaluate::MeasureError;

pub trait Operator {
    fn dimension(&self) -> usize;

    /// The matrix times `vector`.
    ///
    /// # Errors
    /// Those of what stands behind the matrix.
    fn apply(&mut self, vector: &[f64]) -> Result<Vec<f64>, MeasureError>;
}

/// A block on the diagonal.
pub struct Block<'o> {
    pub whole: &'o mut dyn Operator,
    pub range: Range<usize>,
}

impl Operator for Block<'_> {
    fn dimension(&self) -> usize {
        self.range.len()
    }

    fn apply(&mut self, vector: &[f64]) -> Result<Vec<f64>, MeasureError> {
        let mut padded = vec![0.0; self.whole.dimension()];
        padded[self.range.clone()].copy_from_slice(vector);
        Ok(self.whole.apply(&padded)?[self.range.clone()].to_vec())
    }
}

#[cfg(test)]
pub mod dense {
    use super::*;

    /// A matrix by its rows, which counts its products.
    pub struct Dense {
        pub rows: Vec<Vec<f64>>,
        pub products: usize,
    }

    impl Dense {
        pub fn diagonal(values: &[f64]) -> Self {
            let row = |i: usize| (0..values.len()).map(|j| if i == j { values[i] } else { 0.0 }).collect();
            Self { rows: (0..values.len()).map(row).collect(), products: 0 }
        }

        /// `sum_k values[k] q_k q_k'` for orthonormal `q` from Gram and Schmidt on hashed numbers.
        pub fn rotated(values: &[f64]) -> Self {
            let n = values.len();
            let mut basis: Vec<Vec<f64>> = Vec::new();
            for k in 0..n as u64 {
                let mut q = crate::evaluate::curvature::vector::normal(n, &[99, k]);
                for _ in 0..2 {
                    for known in &basis {
                        let along = known.iter().zip(&q).map(|(a, b)| a * b).sum::<f64>();
                        q.iter_mut().zip(known).for_each(|(q, known)| *q -= along * known);
                    }
                }
                let norm = q.iter().map(|q| q * q).sum::<f64>().sqrt();
                basis.push(q.into_iter().map(|q| q / norm).collect());
            }
            let entry = |i: usize, j: usize| (0..n).map(|k| values[k] * basis[k][i] * basis[k][j]).sum();
            Self { rows: (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect(), products: 0 }
        }
    }

    impl Operator for Dense {
        fn dimension(&self) -> usize {
            self.rows.len()
        }

        fn apply(&mut self, vector: &[f64]) -> Result<Vec<f64>, MeasureError> {
            self.products += 1;
            Ok(self.rows.iter().map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect())
        }
    }
}
