//! Eigenvalues of the small matrices that products are projected to: Jacobi's method, cyclic by rows, which finds
//! them to the last digits of the largest and keeps the vectors orthonormal.

/// A finite matrix is done after about ten.
const SWEEPS: usize = 60;

/// Eigenvalues and unit eigenvectors.
pub struct Eigen {
    pub values: Vec<f64>,
    /// One per value.
    pub vectors: Vec<Vec<f64>>,
}

/// A symmetric matrix on its way to a diagonal one, and the product of the rotations, by rows.
struct Jacobi {
    a: Vec<Vec<f64>>,
    vectors: Vec<Vec<f64>>,
}

/// Of the symmetric matrix whose upper triangle's column `j` is `columns[j]`; `None` where it is not finite.
pub fn eigen(columns: &[Vec<f64>]) -> Option<Eigen> {
    let n = columns.len();
    if columns.iter().flatten().any(|value| !value.is_finite()) {
        return None;
    }
    let row = |i: usize| (0..n).map(|j| columns[i.max(j)][i.min(j)]).collect();
    let unit = |i: usize| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect();
    let mut jacobi = Jacobi { a: (0..n).map(row).collect(), vectors: (0..n).map(unit).collect() };
    let size: f64 = jacobi.a.iter().flatten().map(|value| value * value).sum();
    for _ in 0..SWEEPS {
        if jacobi.off_diagonal() <= f64::EPSILON.powi(2) * size {
            break;
        }
        jacobi.sweep();
    }
    let values = (0..n).map(|i| jacobi.a[i][i]).collect();
    Some(Eigen { values, vectors: jacobi.vectors })
}

impl Jacobi {
    /// Sum of squares above the diagonal.
    fn off_diagonal(&self) -> f64 {
        let above = self.a.iter().enumerate().map(|(i, row)| row[i + 1..].iter().map(|x| x * x).sum::<f64>());
        above.sum()
    }

    fn sweep(&mut self) {
        for p in 0..self.a.len() {
            for q in p + 1..self.a.len() {
                if self.a[p][q] != 0.0 {
                    self.rotate(p, q);
                }
            }
        }
    }

    /// Makes the entry at `p`, `q` zero (Golub and Van Loan, algorithm 8.5.1).
    fn rotate(&mut self, p: usize, q: usize) {
        let slope = (self.a[q][q] - self.a[p][p]) / (2.0 * self.a[p][q]);
        let tangent = slope.signum() / (slope.abs() + slope.hypot(1.0));
        let cosine = 1.0 / tangent.hypot(1.0);
        let sine = tangent * cosine;
        for row in &mut self.a {
            (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
        }
        mix(&mut self.a, p, q, cosine, sine);
        mix(&mut self.vectors, p, q, cosine, sine);
        (self.a[p][q], self.a[q][p]) = (0.0, 0.0);
    }
}

/// Rotates two rows, the first of which stands above the other.
fn mix(rows: &mut [Vec<f64>], p: usize, q: usize, cosine: f64, sine: f64) {
    let (above, below) = rows.split_at_mut(q);
    for (x, y) in above[p].iter_mut().zip(&mut below[0]) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
}

impl Eigen {
    /// Places of the values, largest magnitude first.
    pub fn by_magnitude(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.values.len()).collect();
        places.sort_by(|&a, &b| self.values[b].abs().total_cmp(&self.values[a].abs()));
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2 on the diagonal, -1 beside it.
    fn second_difference(n: usize) -> Vec<Vec<f64>> {
        let entry = |i: usize, j: usize| match j - i {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        };
        (0..n).map(|j| (0..=j).map(|i| entry(i, j)).collect()).collect()
    }

    #[test]
    fn a_tridiagonal_matrix_has_its_known_eigenvalues() {
        let n = 40;
        let mut values = eigen(&second_difference(n)).unwrap().values;
        values.sort_by(f64::total_cmp);
        for (k, value) in values.iter().enumerate() {
            let expected = 2.0 - 2.0 * (std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64).cos();
            assert!((value - expected).abs() < 1e-13, "{value} {expected}");
        }
    }

    #[test]
    fn vectors_are_orthonormal_and_belong_to_their_values() {
        let columns = second_difference(12);
        let found = eigen(&columns).unwrap();
        let entry = |i: usize, j: usize| columns[i.max(j)][i.min(j)];
        for (value, vector) in found.values.iter().zip(&found.vectors) {
            for i in 0..12 {
                let product: f64 = (0..12).map(|j| entry(i, j) * vector[j]).sum();
                assert!((product - value * vector[i]).abs() < 1e-14);
            }
            let products =
                found.vectors.iter().map(|other| other.iter().zip(vector).map(|(a, b)| a * b).sum());
            let sizes: f64 = products.map(|product: f64| product.abs()).sum();
            assert!((sizes - 1.0).abs() < 1e-13, "{sizes}");
        }
    }

    #[test]
    fn what_is_diagonal_stays_and_what_is_not_finite_has_none() {
        assert_eq!(eigen(&[vec![3.0], vec![0.0, -1.0]]).unwrap().values, [3.0, -1.0]);
        assert!(eigen(&[vec![f64::NAN]]).is_none());
    }
}
