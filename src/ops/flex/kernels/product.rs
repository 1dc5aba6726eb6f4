//! Products of matrices.

use gemm::{Parallelism, gemm};

use super::parallel::{Shared, for_each};

/// How often a large product is halved, whatever the number of threads: the order of sums may follow from the sizes of a part.
const HALVINGS: usize = 4;

/// Fewest multiplications of a part.
const PART: usize = 1 << 16;

/// Rows and columns of a register tile.
const TILE: [usize; 2] = [6, 64];

/// Rows from which multiplying takes much longer than packing columns that lie transposed.
const ROWS: usize = 256;

/// Multiplications of a part that is worth halving all the same, where there are fewer than [`PARTS`].
const LARGE: usize = 1 << 22;

/// Parts from which a few threads have enough to do.
const PARTS: usize = 4;

/// A matrix in a slice.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    values: &'a [f32],
    /// Distances between neighbours in a column and in a row.
    steps: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// Rows `apart` values from each other.
    pub fn new(values: &'a [f32], apart: usize) -> Self {
        Self { values, steps: [apart, 1] }
    }

    pub fn transposed(self) -> Self {
        let [down, right] = self.steps;
        Self { values: self.values, steps: [right, down] }
    }

    /// Without its first rows and columns.
    fn beyond(self, rows: usize, columns: usize) -> Self {
        Self { values: &self.values[rows * self.steps[0] + columns * self.steps[1]..], steps: self.steps }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        (rows - 1) * self.steps[0] + (columns - 1) * self.steps[1] < self.values.len()
    }
}

/// `out = factor a b`, of `rows` by `depth` and `depth` by `columns`, by one thread; rows of `out` lie `apart` values
/// from each other.
pub fn product(
    (out, apart): (&mut [f32], usize),
    sizes @ [rows, columns, _]: [usize; 3],
    factor: f32,
    pair: [Matrix<'_>; 2],
) {
    assert!((rows - 1) * apart + columns <= out.len());
    // SAFETY: all rows lie in `out`, asserted above, which is borrowed alone.
    unsafe { multiply((out.as_mut_ptr(), apart), sizes, factor, pair, None) }
}

/// # Safety
/// All rows of the result can be written at `out`, and nobody else uses them.
unsafe fn multiply(
    (out, apart): (*mut f32, usize),
    [rows, columns, depth]: [usize; 3],
    factor: f32,
    [a, b]: [Matrix<'_>; 2],
    start: Option<&[f32]>,
) {
    assert!(rows > 0 && columns > 0 && depth > 0 && a.holds(rows, depth) && b.holds(depth, columns));
    if let Some(start) = start {
        assert!(start.len() >= columns);
        for row in 0..rows {
            // SAFETY: `columns` values of `start`, asserted above, to a row of the result.
            unsafe { std::ptr::copy_nonoverlapping(start.as_ptr(), out.add(row * apart), columns) };
        }
    }
    let [[a_down, a_right], [b_down, b_right]] = [a, b].map(|x| x.steps.map(|step| step as isize));
    // SAFETY: both factors lie in their slices, asserted above; the result by the caller's promise.
    unsafe {
        gemm(
            rows,
            columns,
            depth,
            out,
            1,
            apart as isize,
            start.is_some(),
            a.values.as_ptr(),
            a_right,
            a_down,
            b.values.as_ptr(),
            b_right,
            b_down,
            1.0,
            factor,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// `out = start + a b`, rows of `out` one after the other, by all threads.
pub fn spread(
    out: &mut [f32],
    [rows, columns, depth]: [usize; 3],
    [a, b]: [Matrix<'_>; 2],
    start: Option<&[f32]>,
) {
    assert_eq!(out.len(), rows * columns);
    let [height, width] = part([rows, columns], depth, b);
    let across = columns.div_ceil(width);
    let out = Shared::new(out);
    for_each(rows.div_ceil(height) * across, |index| {
        let (top, left) = (index / across * height, index % across * width);
        let (height, width) = (height.min(rows - top), width.min(columns - left));
        let at = out.at(top * columns + left, (height - 1) * columns + width);
        let start = start.map(|start| &start[left..left + width]);
        // SAFETY: parts do not overlap.
        unsafe {
            multiply((at, columns), [height, width, depth], 1.0, [a.beyond(top, 0), b.beyond(0, left)], start)
        }
    });
}

/// Rows and columns of the parts of a product: of few that are nearly square, little is read twice. Where `b` lies
/// transposed, each part that has some of its columns packs them value by value: rows are halved last, and below
/// [`ROWS`] only where a large product has too few parts.
fn part([all_rows, all_columns]: [usize; 2], depth: usize, b: Matrix<'_>) -> [usize; 2] {
    let transposed = b.steps[1] != 1;
    let [mut rows, mut columns] = [all_rows, all_columns];
    for _ in 0..HALVINGS {
        let products = rows * columns * depth;
        let narrow = transposed && columns <= TILE[1];
        let enough = all_rows.div_ceil(rows) * all_columns.div_ceil(columns) >= PARTS || products < LARGE;
        if products < 2 * PART || narrow && rows < 2 * ROWS && enough {
            break;
        }
        if narrow || !transposed && rows >= columns {
            rows = rows.div_ceil(2).next_multiple_of(TILE[0]);
        } else {
            columns = columns.div_ceil(2).next_multiple_of(TILE[1]);
        }
    }
    [rows, columns]
}
