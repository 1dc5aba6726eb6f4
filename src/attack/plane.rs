//! The nearest point of a hyperplane inside the pixel range.

use crate::lang::catalog::Norm;

/// The shortest move `d` from `x` with `w . d = offset` and every pixel of `x + d` in [0, 1]; where no such move is
/// long enough, the farthest one towards the plane.
///
/// Every pixel moves by `min(r |w|^(p - 1), room)` with p = 1 for l-infinity and 2 for l2, so `w . d` is a piecewise
/// linear function of `r` and its root lies between two of the sorted breakpoints, where pixels run out of room.
pub fn move_to_plane(norm: Norm, x: &[f64], w: &[f64], offset: f64) -> Vec<f64> {
    let towards = offset.signum();
    let pull = |weight: f64| if norm == Norm::Linf { 1.0 } else { weight.abs() };
    let room = |x: f64, w: f64| if w * towards > 0.0 { 1.0 - x } else { x };
    let mut knots: Vec<Knot> = x
        .iter()
        .zip(w)
        .filter(|(_, w)| **w != 0.0)
        .map(|(&x, &w)| Knot { at: room(x, w) / pull(w), slope: w.abs() * pull(w) })
        .collect();
    knots.sort_by(|one, other| one.at.total_cmp(&other.at));
    let reach = root(&knots, offset.abs());
    let moved = |(&x, &w): (&f64, &f64)| {
        if w == 0.0 { 0.0 } else { (w * towards).signum() * (reach * pull(w)).min(room(x, w)) }
    };
    x.iter().zip(w).map(moved).collect()
}

/// A pixel that moves by `r` times its pull until `r` is `at`.
struct Knot {
    at: f64,
    /// What it adds to `w . d` per unit of `r`.
    slope: f64,
}

/// `r` where the sum of `slope * min(r, at)` is `wanted`; infinite where it never gets there.
fn root(knots: &[Knot], wanted: f64) -> f64 {
    let mut slope: f64 = knots.iter().map(|knot| knot.slope).sum();
    let mut exhausted = 0.0;
    for knot in knots {
        if exhausted + slope * knot.at >= wanted {
            return (wanted - exhausted) / slope;
        }
        exhausted += knot.slope * knot.at;
        slope -= knot.slope;
    }
    f64::INFINITY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_move_is_closed_form_where_there_is_room() {
        let (x, w) = ([0.5, 0.5, 0.5], [1.0, -2.0, 0.0]);
        assert_eq!(move_to_plane(Norm::Linf, &x, &w, 0.3), [0.3 / 3.0, -0.3 / 3.0, 0.0]);
        assert_eq!(move_to_plane(Norm::L2, &x, &w, -0.5), [-0.1, 0.2, 0.0]);
    }

    #[test]
    fn a_pixel_without_room_leaves_its_share_to_the_others() {
        assert_eq!(move_to_plane(Norm::Linf, &[1.0, 0.5], &[1.0, 1.0], 0.25), [0.0, 0.25]);
        assert_eq!(move_to_plane(Norm::L2, &[0.875, 0.5], &[1.0, 1.0], 0.5), [0.125, 0.375]);
    }

    #[test]
    fn a_plane_out_of_reach_is_approached_and_no_gradient_moves_nothing() {
        assert_eq!(move_to_plane(Norm::L2, &[0.75, 0.5], &[1.0, -1.0], 9.0), [0.25, -0.5]);
        assert_eq!(move_to_plane(Norm::Linf, &[0.5], &[0.0], 1.0), [0.0]);
    }
}
