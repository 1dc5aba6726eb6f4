//! An orthonormal basis of the space that products of one vector span, and the matrix projected to it.
//!
//! Full re-orthogonalisation, twice: every vector against all before it. What is kept is in the precision of the
//! weights, what is computed in f64.

use serde::{Deserialize, Serialize};

use super::operator::Operator;
use super::vector::{Packed, Precision, add_scaled, combine, norm, normal, scale};
use crate::evaluate::{MeasureError, Notes};

/// Streams of directions that are drawn because products gave no new one.
const FRESH: u64 = 1 << 32;

/// The basis and its projection.
pub struct Krylov {
    basis: Vec<Packed>,
    precision: Precision,
    key: Vec<u64>,
    /// Vectors of the basis that are noted.
    noted: usize,
    record: Record,
}

/// What is noted besides the basis.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Record {
    /// Grows with every restart: notes of another generation belong to another basis.
    generation: usize,
    vectors: usize,
    /// Upper triangle of the projected matrix, by columns.
    projected: Vec<Vec<f64>>,
    /// Length of what the last product added.
    added: f64,
    products: usize,
}

impl Krylov {
    /// The space of `start`; `key` names the streams of whatever else is drawn.
    pub fn new(mut start: Vec<f64>, precision: Precision, key: &[u64]) -> Self {
        let length = norm(&start);
        scale(&mut start, 1.0 / length);
        let basis = vec![Packed::new(&start, precision)];
        Self { basis, precision, key: key.to_vec(), noted: 0, record: Record::default() }
    }

    /// What `name` notes; a fresh space where there is nothing.
    pub fn resume(fresh: Self, notes: &Notes, name: &str) -> Self {
        let read = |record: &Record| -> Option<Vec<Packed>> {
            let vector = |index: usize| {
                let bytes = notes.bytes(&vector_name(name, record.generation, index))?;
                Packed::read(&bytes, fresh.precision, fresh.basis[0].len())
            };
            (0..record.vectors).map(vector).collect()
        };
        let known = notes.read::<Record>(&format!("{name}.json"));
        match known.and_then(|record| Some((read(&record)?, record))) {
            Some((basis, record)) => Self { noted: basis.len(), basis, record, ..fresh },
            None => fresh,
        }
    }

    /// Notes what is not noted yet.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn note(&mut self, notes: &Notes, name: &str) -> Result<(), MeasureError> {
        let generation = self.record.generation;
        for (index, vector) in self.basis.iter().enumerate().skip(self.noted) {
            notes.put(&vector_name(name, generation, index), &vector.bytes())?;
        }
        self.noted = self.basis.len();
        self.record.vectors = self.basis.len();
        notes.write(&format!("{name}.json"), &self.record)?;
        let Some(before) = generation.checked_sub(1) else { return Ok(()) };
        (0..)
            .map(|index| vector_name(name, before, index))
            .take_while(|name| notes.remove(name))
            .for_each(drop);
        Ok(())
    }

    /// Columns of the projected matrix.
    pub fn projected(&self) -> &[Vec<f64>] {
        &self.record.projected
    }

    pub fn size(&self) -> usize {
        self.record.projected.len()
    }

    pub fn products(&self) -> usize {
        self.record.products
    }

    /// Length of what the last product added to the space; 0 where nothing is left to add.
    pub fn added(&self) -> f64 {
        self.record.added
    }

    /// One product, and the next vector of the basis.
    ///
    /// # Errors
    /// Those of the product.
    pub fn expand(&mut self, operator: &mut dyn Operator) -> Result<(), MeasureError> {
        let Some(last) = self.basis.last() else { return Ok(()) };
        let mut product = operator.apply(&last.values())?;
        self.record.products += 1;
        let before = norm(&product);
        let column = self.orthogonalize(&mut product);
        self.record.projected.push(column);
        let length = norm(&product);
        // What is left is rounding.
        let exhausted = length <= 10.0 * self.precision.epsilon() * before.max(f64::MIN_POSITIVE);
        self.record.added = if exhausted { 0.0 } else { length };
        if self.basis.len() == operator.dimension() {
            self.record.added = 0.0;
            return Ok(());
        }
        if exhausted {
            product = self.fresh();
        }
        let length = norm(&product);
        scale(&mut product, 1.0 / length);
        self.basis.push(Packed::new(&product, self.precision));
        Ok(())
    }

    /// Takes away what lies in the space; gives the coordinates.
    fn orthogonalize(&self, vector: &mut [f64]) -> Vec<f64> {
        let mut coordinates = vec![0.0; self.basis.len()];
        for _ in 0..2 {
            for (known, coordinate) in self.basis.iter().zip(&mut coordinates) {
                let along = known.dot(vector);
                known.add_to(vector, -along);
                *coordinate += along;
            }
        }
        coordinates
    }

    /// A direction outside the space.
    fn fresh(&self) -> Vec<f64> {
        let key: Vec<u64> = self.key.iter().copied().chain([FRESH + self.record.products as u64]).collect();
        let mut vector = normal(self.basis[0].len(), &key);
        self.orthogonalize(&mut vector);
        vector
    }

    /// Shrinks the space to Ritz vectors, given by value and coordinates, and the vector that comes next.
    pub fn restart(&mut self, kept: &[(f64, &[f64])]) {
        let Some(next) = self.basis.pop() else { return };
        let coordinates: Vec<Vec<f64>> = kept.iter().map(|(_, vector)| vector.to_vec()).collect();
        combine(&mut self.basis, &coordinates);
        let diagonal = |(place, (value, _)): (usize, &(f64, &[f64]))| {
            let mut column = vec![0.0; place];
            column.push(*value);
            column
        };
        self.record.projected = kept.iter().enumerate().map(diagonal).collect();
        self.basis.push(next);
        self.record.generation += 1;
        self.noted = 0;
    }
}

fn vector_name(name: &str, generation: usize, index: usize) -> String {
    format!("{name}-{generation}-{index}.bin")
}

/// Distance of `product` from `value * vector`.
pub fn residual(product: &[f64], value: f64, vector: &[f64]) -> f64 {
    let mut rest = product.to_vec();
    add_scaled(&mut rest, -value, vector);
    norm(&rest)
}
