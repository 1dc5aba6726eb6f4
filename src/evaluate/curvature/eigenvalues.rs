//! Eigenvalues of largest magnitude: power iteration for one, thick-restart Lanczos for more (Wu and Simon, 2000).

use serde::{Deserialize, Serialize};

use super::krylov::{Krylov, residual};
use super::operator::Operator;
use super::small::eigen;
use super::vector::{Packed, Precision, dot, norm, normal, scale};
use crate::evaluate::{Headway, MeasureError, Session};

/// Where the search begins, as part of a key.
const START: u64 = 1;

/// An eigenvalue below this share of the largest counts as that large in the test for convergence.
const FLOOR: f64 = 1e-3;

/// Lanczos looks for convergence after so many products, each time.
const RHYTHM: usize = 5;

/// What is looked for, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    pub count: usize,
    /// Largest residual over eigenvalue.
    pub tolerance: f64,
    /// Most products.
    pub iterations: usize,
    pub precision: Precision,
    /// Tells searches of one measurement apart.
    pub key: u64,
}

/// Eigenvalues, largest magnitude first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub values: Vec<f64>,
    /// `||H v - value v||` for each.
    pub residuals: Vec<f64>,
    pub products: usize,
    pub converged: bool,
}

impl Found {
    /// Largest residual over eigenvalue.
    pub fn relative_residual(&self) -> f64 {
        let largest = self.values.first().map_or(0.0, |value| value.abs());
        let each = self.values.iter().zip(&self.residuals);
        each.map(|(value, residual)| relative(*residual, *value, largest)).fold(0.0, f64::max)
    }
}

fn relative(residual: f64, value: f64, largest: f64) -> f64 {
    let against = value.abs().max(FLOOR * largest);
    if residual == 0.0 { 0.0 } else { residual / against }
}

/// Searches; `what` is told and names the notes.
///
/// # Errors
/// Those of a product; the session was stopped.
pub fn eigenvalues(
    search: &Search,
    operator: &mut dyn Operator,
    what: &str,
    session: &mut Session<'_, '_>,
) -> Result<Found, MeasureError> {
    let done = format!("{what}-found.json");
    if let Some(found) = session.notes.read(&done) {
        return Ok(found);
    }
    let search = Search { count: search.count.min(operator.dimension()), ..*search };
    let found = match search.count {
        0 | 1 => power(&search, operator, what, session)?,
        _ => lanczos(&search, operator, what, session)?,
    };
    session.notes.write(&done, &found)?;
    Ok(found)
}

/// A power iteration under way; the vector is a note of its own.
#[derive(Default, Serialize, Deserialize)]
struct Iterate {
    products: usize,
    value: f64,
    residual: f64,
}

impl Iterate {
    /// Whether nothing more is to be found.
    fn settled(&self, search: &Search) -> bool {
        let small = self.residual <= search.tolerance * self.value.abs();
        self.products > 0 && (small || !self.value.is_finite())
    }
}

fn power(
    search: &Search,
    operator: &mut dyn Operator,
    what: &str,
    session: &mut Session<'_, '_>,
) -> Result<Found, MeasureError> {
    let (state, length) = (format!("{what}.json"), operator.dimension());
    let name = |products: usize| format!("{what}-{products}.bin");
    let mut at: Iterate = session.notes.read(&state).unwrap_or_default();
    let known = session.notes.bytes(&name(at.products));
    let known = known.and_then(|bytes| Packed::read(&bytes, search.precision, length));
    let mut vector = match known {
        Some(vector) => vector.values(),
        None => {
            at = Iterate::default();
            unit(normal(length, &[START, search.key]), search.precision)
        }
    };
    while !at.settled(search) && at.products < search.iterations {
        let product = operator.apply(&vector)?;
        at.value = dot(&vector, &product);
        at.residual = residual(&product, at.value, &vector);
        at.products += 1;
        if norm(&product) > 0.0 {
            vector = unit(product, search.precision);
        }
        let headway = Headway { what, unit: "products", done: at.products, of: search.iterations };
        session.advance_with(headway, |notes| {
            notes.put(&name(at.products), &Packed::new(&vector, search.precision).bytes())?;
            notes.write(&state, &at)
        })?;
    }
    let converged = at.settled(search);
    let Iterate { products, value, residual } = at;
    Ok(Found { values: vec![value], residuals: vec![residual], products, converged })
}

/// Of length 1, as it would be kept.
fn unit(mut vector: Vec<f64>, precision: Precision) -> Vec<f64> {
    let length = norm(&vector);
    scale(&mut vector, 1.0 / length);
    Packed::new(&vector, precision).values()
}

/// Vectors that are kept while `count` eigenvalues are looked for.
pub fn basis_size(count: usize, dimension: usize) -> usize {
    (count + (count / 2).max(20)).min(dimension)
}

fn lanczos(
    search: &Search,
    operator: &mut dyn Operator,
    what: &str,
    session: &mut Session<'_, '_>,
) -> Result<Found, MeasureError> {
    let dimension = operator.dimension();
    let most = basis_size(search.count, dimension);
    let start = normal(dimension, &[START, search.key]);
    let fresh = Krylov::new(start, search.precision, &[START, search.key]);
    let mut space = Krylov::resume(fresh, session.notes, what);
    loop {
        let limit = search.iterations.max(search.count);
        let (full, spent) = (space.size() == most, space.products() >= limit);
        let ritz = (full || spent || space.size().is_multiple_of(RHYTHM) && space.size() >= search.count)
            .then(|| Ritz::of(&space, search));
        if let Some(ritz) = ritz {
            let exhausted = space.size() == dimension;
            // A space that stopped growing has one copy of each eigenvalue: the next product may add another.
            let settled = ritz.found.converged && (space.added() > 0.0 || exhausted);
            if settled || spent || exhausted {
                return Ok(ritz.found);
            }
            if full {
                ritz.restart(&mut space, search.count + (most - search.count) / 2);
            }
        }
        space.expand(operator)?;
        let headway = Headway { what, unit: "products", done: space.products(), of: limit };
        session.advance_with(headway, |notes| space.note(notes, what))?;
    }
}

/// The projected matrix, solved.
struct Ritz {
    found: Found,
    /// Value and coordinates of all, largest magnitude first.
    pairs: Vec<(f64, Vec<f64>)>,
}

impl Ritz {
    fn of(space: &Krylov, search: &Search) -> Self {
        let Some(solved) = eigen(space.projected()) else {
            let nothing = vec![f64::NAN; search.count];
            let found = Found {
                values: nothing.clone(),
                residuals: nothing,
                products: space.products(),
                converged: true,
            };
            return Self { found, pairs: Vec::new() };
        };
        let places = solved.by_magnitude();
        let pairs: Vec<_> =
            places.iter().map(|&place| (solved.values[place], solved.vectors[place].clone())).collect();
        let wanted = &pairs[..search.count.min(pairs.len())];
        let residual = |(_, vector): &(f64, Vec<f64>)| space.added() * vector.last().map_or(0.0, |x| x.abs());
        let mut found = Found {
            values: wanted.iter().map(|(value, _)| *value).collect(),
            residuals: wanted.iter().map(residual).collect(),
            products: space.products(),
            converged: false,
        };
        found.converged = wanted.len() == search.count && found.relative_residual() <= search.tolerance;
        Self { found, pairs }
    }

    fn restart(&self, space: &mut Krylov, kept: usize) {
        let kept: Vec<_> = self.pairs.iter().take(kept).map(|(value, at)| (*value, at.as_slice())).collect();
        space.restart(&kept);
    }
}

#[cfg(test)]
mod tests {
    use super::super::operator::dense::Dense;
    use super::*;
    use crate::evaluate::Notes;

    fn search(count: usize, tolerance: f64, iterations: usize) -> Search {
        Search { count, tolerance, iterations, precision: Precision::Double, key: 0 }
    }

    fn found(search: &Search, matrix: &mut Dense) -> Found {
        let notes = &mut Notes::none();
        eigenvalues(search, matrix, "test", &mut Session { watch: &mut |_| true, notes }).unwrap()
    }

    fn close(found: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance);
        assert!(near, "{found:?} {expected:?}");
    }

    #[test]
    fn one_eigenvalue_by_power_iteration_with_its_sign() {
        let found = found(&search(1, 1e-10, 500), &mut Dense::rotated(&[1.0, -3.0, 2.0, 0.5, 0.0]));
        close(&found.values, &[-3.0], 1e-12);
        assert!(found.converged && found.products < 100, "{found:?}");
    }

    #[test]
    fn many_eigenvalues_by_restarted_lanczos() {
        let values: Vec<f64> =
            (0..120).map(|k| 0.9f64.powi(k) * if k % 7 == 3 { -1.0 } else { 1.0 }).collect();
        let found = found(&search(5, 1e-9, 400), &mut Dense::rotated(&values));
        close(&found.values, &values[..5], 1e-12);
        assert!(found.converged && found.relative_residual() <= 1e-9, "{found:?}");
    }

    #[test]
    fn equal_eigenvalues_are_all_found() {
        let mut values = vec![0.0; 40];
        values[..6].copy_from_slice(&[5.0, 5.0, 5.0, 2.0, 2.0, 1.0]);
        let found = found(&search(6, 1e-8, 100), &mut Dense::rotated(&values));
        close(&found.values, &values[..6], 1e-9);
    }

    #[test]
    fn a_matrix_smaller_than_the_basis_is_solved_whole() {
        let found = found(&search(9, 1e-6, 100), &mut Dense::rotated(&[3.0, 1.0, 2.0]));
        close(&found.values, &[3.0, 2.0, 1.0], 1e-12);
        assert!(found.converged);
    }

    #[test]
    fn a_search_that_runs_out_of_products_says_so() {
        let values: Vec<f64> = (0..200).map(|k| 1.0 + f64::from(k) * 1e-3).collect();
        let short = found(&search(2, 1e-12, 6), &mut Dense::diagonal(&values));
        assert!(!short.converged && short.products == 6 && short.relative_residual() > 1e-12);
    }

    #[test]
    fn an_interrupted_search_ends_with_the_same_bits() {
        let values: Vec<f64> = (0..80).map(|k| 0.93f64.powi(k)).collect();
        for (count, stop) in [(1, 7), (1, 1), (4, 7), (4, 1)] {
            let search = Search { precision: Precision::Single, ..search(count, 1e-5, 300) };
            let expected = found(&search, &mut Dense::rotated(&values));
            let folder = tempfile::tempdir().unwrap();
            let mut matrix = Dense::rotated(&values);
            let found = loop {
                let mut told = 0;
                let watch = &mut |_: &Headway<'_>| {
                    told += 1;
                    told < stop
                };
                let notes = &mut Notes::at(folder.path().join("notes"));
                match eigenvalues(&search, &mut matrix, "test", &mut Session { watch, notes }) {
                    Ok(found) => break found,
                    Err(MeasureError::Stopped) => {}
                    Err(error) => panic!("{error}"),
                }
            };
            assert_eq!(found, expected);
            assert_eq!(matrix.products, expected.products, "no product is made twice");
        }
    }
}
