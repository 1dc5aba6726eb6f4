//! One axis of a minimal filtering F(m, 3): `m` outputs of three taps from `m + 2` inputs by as many products.
//!
//! The outputs are `Aᵀ [(G g) ⊙ (Bᵀ d)]`, by Cook and Toom's interpolation at `m + 1` points and infinity.

use pulp::{Simd, WithSimd};

use super::lanes::dispatch;

/// The transforms along one axis, and the transposes of those that backward passes need.
pub trait Filtering<const OUT: usize, const IN: usize> {
    /// `Bᵀ d`.
    fn input<S: Simd>(simd: S, d: [S::f32s; IN]) -> [S::f32s; IN];
    /// `Aᵀ m`.
    fn output<S: Simd>(simd: S, m: [S::f32s; IN]) -> [S::f32s; OUT];
    /// `B m`, for the input's gradient.
    fn input_grad<S: Simd>(simd: S, m: [S::f32s; IN]) -> [S::f32s; IN];
    /// `A g`, of the output's gradient.
    fn gradient<S: Simd>(simd: S, g: [S::f32s; OUT]) -> [S::f32s; IN];
    /// `G g`.
    fn weight<S: Simd>(simd: S, g: [S::f32s; 3]) -> [S::f32s; IN];
    /// `Gᵀ u`.
    fn weight_grad<S: Simd>(simd: S, u: [S::f32s; IN]) -> [S::f32s; 3];
}

/// What is done in one of the two filterings.
pub trait Tiled {
    fn with_filtering<S: Simd, F: Filtering<OUT, IN>, const OUT: usize, const IN: usize>(self, simd: S);
}

/// Runs `task` with tiles of two or four outputs a side, compiled for this machine's instruction set.
pub fn dispatch_tiled(tile: usize, task: impl Tiled) {
    struct Task<T>(usize, T);
    impl<T: Tiled> WithSimd for Task<T> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            match self.0 {
                2 => self.1.with_filtering::<S, Two, 2, 4>(simd),
                _ => self.1.with_filtering::<S, Four, 4, 6>(simd),
            }
        }
    }
    dispatch(Task(tile, task));
}

/// F(2, 3) at 0, 1 and -1: additions and halves, whose rounding error is that of a plain sum.
pub struct Two;

impl Filtering<2, 4> for Two {
    #[inline(always)]
    fn input<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
        [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
    }

    #[inline(always)]
    fn output<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 2] {
        [simd.add_f32s(simd.add_f32s(a, b), c), simd.sub_f32s(simd.sub_f32s(b, c), d)]
    }

    #[inline(always)]
    fn input_grad<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
        let (sum, difference) = (simd.add_f32s(b, c), simd.sub_f32s(b, c));
        [a, simd.add_f32s(difference, d), simd.sub_f32s(sum, a), simd.neg_f32s(d)]
    }

    #[inline(always)]
    fn gradient<S: Simd>(simd: S, [a, b]: [S::f32s; 2]) -> [S::f32s; 4] {
        [a, simd.add_f32s(a, b), simd.sub_f32s(a, b), simd.neg_f32s(b)]
    }

    #[inline(always)]
    fn weight<S: Simd>(simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; 4] {
        let (ends, middle) = (times(simd, simd.add_f32s(a, c), 0.5), times(simd, b, 0.5));
        [a, simd.add_f32s(ends, middle), simd.sub_f32s(ends, middle), c]
    }

    #[inline(always)]
    fn weight_grad<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 3] {
        let sum = times(simd, simd.add_f32s(b, c), 0.5);
        [simd.add_f32s(a, sum), times(simd, simd.sub_f32s(b, c), 0.5), simd.add_f32s(sum, d)]
    }
}

/// F(4, 3) at 0, ±3/4 and ±3/2, which keep the rounding error within twice that of a plain sum; at the usual 0, ±1 and
/// ±2 it is four to seven times that.
pub struct Four;

const P: f32 = 0.75;
const Q: f32 = 1.5;
const PP: f32 = P * P;
const QQ: f32 = Q * Q;
/// Reciprocals of the products of differences between a point and the others.
const AT_ZERO: f32 = 1.0 / (PP * QQ);
const AT_P: f32 = 1.0 / (2.0 * PP * (PP - QQ));
const AT_Q: f32 = 1.0 / (2.0 * QQ * (QQ - PP));

/// `x factor + y`.
#[inline(always)]
fn scaled<S: Simd>(simd: S, x: S::f32s, factor: f32, y: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(x, simd.splat_f32s(factor), y)
}

#[inline(always)]
fn times<S: Simd>(simd: S, x: S::f32s, factor: f32) -> S::f32s {
    simd.mul_f32s(x, simd.splat_f32s(factor))
}

impl Filtering<4, 6> for Four {
    #[inline(always)]
    fn input<S: Simd>(simd: S, d: [S::f32s; 6]) -> [S::f32s; 6] {
        let end = |a, b, c| scaled(simd, a, PP * QQ, scaled(simd, b, -(PP + QQ), c));
        let pair = |point: f32, other: f32| {
            let even = scaled(simd, d[2], -other, d[4]);
            let odd = times(simd, scaled(simd, d[1], -other, d[3]), point);
            [simd.add_f32s(even, odd), simd.sub_f32s(even, odd)]
        };
        let ([a, b], [c, e]) = (pair(P, QQ), pair(Q, PP));
        [end(d[0], d[2], d[4]), a, b, c, e, end(d[1], d[3], d[5])]
    }

    #[inline(always)]
    fn output<S: Simd>(simd: S, m: [S::f32s; 6]) -> [S::f32s; 4] {
        let (p, q) = (simd.add_f32s(m[1], m[2]), simd.add_f32s(m[3], m[4]));
        let (r, s) = (simd.sub_f32s(m[1], m[2]), simd.sub_f32s(m[3], m[4]));
        [
            simd.add_f32s(simd.add_f32s(m[0], p), q),
            scaled(simd, r, P, times(simd, s, Q)),
            scaled(simd, p, PP, times(simd, q, QQ)),
            scaled(simd, r, P * PP, scaled(simd, s, Q * QQ, m[5])),
        ]
    }

    #[inline(always)]
    fn input_grad<S: Simd>(simd: S, m: [S::f32s; 6]) -> [S::f32s; 6] {
        let (p, q) = (simd.add_f32s(m[1], m[2]), simd.add_f32s(m[3], m[4]));
        let r = times(simd, simd.sub_f32s(m[1], m[2]), P);
        let s = times(simd, simd.sub_f32s(m[3], m[4]), Q);
        let inner = |a, b, end| scaled(simd, a, -QQ, scaled(simd, b, -PP, end));
        [
            times(simd, m[0], PP * QQ),
            inner(r, s, times(simd, m[5], PP * QQ)),
            inner(p, q, times(simd, m[0], -(PP + QQ))),
            scaled(simd, m[5], -(PP + QQ), simd.add_f32s(r, s)),
            simd.add_f32s(simd.add_f32s(m[0], p), q),
            m[5],
        ]
    }

    #[inline(always)]
    fn gradient<S: Simd>(simd: S, g: [S::f32s; 4]) -> [S::f32s; 6] {
        let pair = |point: f32, square: f32| {
            let even = scaled(simd, g[2], square, g[0]);
            let odd = times(simd, scaled(simd, g[3], square, g[1]), point);
            [simd.add_f32s(even, odd), simd.sub_f32s(even, odd)]
        };
        let ([a, b], [c, e]) = (pair(P, PP), pair(Q, QQ));
        [g[0], a, b, c, e, g[3]]
    }

    #[inline(always)]
    fn weight<S: Simd>(simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; 6] {
        let pair = |point: f32, square: f32, factor: f32| {
            let even = times(simd, scaled(simd, c, square, a), factor);
            let odd = times(simd, b, factor * point);
            [simd.add_f32s(even, odd), simd.sub_f32s(even, odd)]
        };
        let ([p, r], [q, s]) = (pair(P, PP, AT_P), pair(Q, QQ, AT_Q));
        [times(simd, a, AT_ZERO), p, r, q, s, c]
    }

    #[inline(always)]
    fn weight_grad<S: Simd>(simd: S, u: [S::f32s; 6]) -> [S::f32s; 3] {
        let [p, q] =
            [(1, AT_P), (3, AT_Q)].map(|(at, factor)| times(simd, simd.add_f32s(u[at], u[at + 1]), factor));
        let [r, s] = [(1, AT_P * P), (3, AT_Q * Q)]
            .map(|(at, factor)| times(simd, simd.sub_f32s(u[at], u[at + 1]), factor));
        [
            scaled(simd, u[0], AT_ZERO, simd.add_f32s(p, q)),
            simd.add_f32s(r, s),
            scaled(simd, p, PP, scaled(simd, q, QQ, u[5])),
        ]
    }
}
