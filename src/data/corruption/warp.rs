//! Elastic transform: a random affine map, then a smooth field of displacements (Simard et al., 2003).

use super::picture::{Border, Picture};
use crate::data::corpus::Shape;
use crate::data::random::Generator;

/// Amplitude and smoothness of the field, and reach of the affine map, in sides of the image.
const ELASTIC: [(f64, f64, f64); 5] =
    [(0.0, 0.0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)];

/// Standard deviations after which the field's Gaussian is cut off.
const TRUNCATE: f64 = 3.0;

pub fn elastic(x: &Picture, level: usize, random: &mut Generator) -> Picture {
    let side = x.shape.height.min(x.shape.width) as f64;
    let (amplitude, sigma, reach) = ELASTIC[level];
    let bent = affine(x, reach * side, random);
    if amplitude == 0.0 {
        return bent;
    }
    let mut field = || {
        let noise = Picture::plane(x.shape, || 2.0 * random.unit() - 1.0);
        noise.gaussian(sigma * side, TRUNCATE, Border::Reflect).map(|value| value * amplitude * side)
    };
    let (columns, rows) = (field(), field());
    bent.map_places(|row, column, channel| {
        let (down, right) = (rows.at(row, column, 0), columns.at(row, column, 0));
        bent.between(row as f64 + down, column as f64 + right, channel, Border::Reflect)
    })
}

/// Three corners of a square in the middle of the image move by up to `reach` in each direction.
fn affine(x: &Picture, reach: f64, random: &mut Generator) -> Picture {
    let Shape { height, width, .. } = x.shape;
    let (middle, half) = ([(width / 2) as f64, (height / 2) as f64], (height.min(width) / 3) as f64);
    let corners = [[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]
        .map(|[right, down]| [middle[0] + right * half, middle[1] + down * half]);
    let moved = corners.map(|corner| corner.map(|place| place + reach * (2.0 * random.unit() - 1.0)));
    let Some(back) = Affine::between(&moved, &corners) else { return x.clone() };
    x.map_places(|row, column, channel| {
        let [right, down] = back.apply([column as f64, row as f64]);
        x.between(down, right, channel, Border::Mirror)
    })
}

/// `p -> m p + t`, in columns and rows.
struct Affine {
    matrix: [[f64; 2]; 2],
    shift: [f64; 2],
}

impl Affine {
    /// The map that takes three points to three others; none where the first lie on a line.
    fn between(from: &[[f64; 2]; 3], to: &[[f64; 2]; 3]) -> Option<Self> {
        let edge = |points: &[[f64; 2]; 3], end: usize, axis: usize| points[end][axis] - points[0][axis];
        let (a, b) = (edge(from, 1, 0), edge(from, 2, 0));
        let (c, d) = (edge(from, 1, 1), edge(from, 2, 1));
        let determinant = a * d - b * c;
        if determinant.abs() < 1e-9 {
            return None;
        }
        let row = |axis: usize| {
            let (first, second) = (edge(to, 1, axis), edge(to, 2, axis));
            [(first * d - second * c) / determinant, (second * a - first * b) / determinant]
        };
        let matrix = [row(0), row(1)];
        let shift =
            [0, 1].map(|axis| to[0][axis] - matrix[axis][0] * from[0][0] - matrix[axis][1] * from[0][1]);
        Some(Self { matrix, shift })
    }

    fn apply(&self, [right, down]: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|axis| self.matrix[axis][0] * right + self.matrix[axis][1] * down + self.shift[axis])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_between_triangles_takes_corners_to_corners() {
        let from = [[0.0, 0.0], [3.0, 1.0], [1.0, 4.0]];
        let to = [[5.0, 1.0], [2.0, 2.0], [0.0, -7.0]];
        let map = Affine::between(&from, &to).unwrap();
        for (from, to) in from.into_iter().zip(to) {
            let found = map.apply(from);
            assert!((found[0] - to[0]).abs() < 1e-12 && (found[1] - to[1]).abs() < 1e-12);
        }
        assert!(Affine::between(&[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], &to).is_none());
    }
}
