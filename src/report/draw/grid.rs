//! Values over a rectangle, and the levels that divide them.

use super::Scale;

/// At most so many levels.
const LEVELS: usize = 11;

/// Values at the crossings of `xs` and `ys`, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    pub xs: Vec<f64>,
    pub ys: Vec<f64>,
    pub values: Vec<f64>,
}

impl Grid {
    /// `None` where the numbers do not make a rectangle of at least 2 × 2 with one finite value.
    pub fn new(xs: Vec<f64>, ys: Vec<f64>, values: Vec<f64>) -> Option<Self> {
        let rectangle = xs.len() >= 2 && ys.len() >= 2 && values.len() == xs.len() * ys.len();
        let rising = |axis: &[f64]| axis.windows(2).all(|pair| pair[0] < pair[1]);
        let usable = rectangle && rising(&xs) && rising(&ys) && values.iter().any(|value| value.is_finite());
        usable.then_some(Self { xs, ys, values })
    }

    pub fn at(&self, column: usize, row: usize) -> f64 {
        self.values[row * self.xs.len() + column]
    }

    /// At most `most` lines each way, the outer ones among them.
    pub fn thinned(&self, most: usize) -> Self {
        let (columns, rows) = (picked(self.xs.len(), most), picked(self.ys.len(), most));
        let values =
            rows.iter().flat_map(|&row| columns.iter().map(move |&column| self.at(column, row))).collect();
        let of = |axis: &[f64], chosen: &[usize]| chosen.iter().map(|&index| axis[index]).collect();
        Self { xs: of(&self.xs, &columns), ys: of(&self.ys, &rows), values }
    }
}

/// `most` of `count` indices at equal distances, from the first to the last.
fn picked(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    (0..most).map(|k| k * (count - 1) / (most - 1)).collect()
}

/// How values of several grids are told apart: one scale, one set of levels, one set of colours.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    pub scale: Scale,
    /// Rising.
    pub values: Vec<f64>,
}

impl Levels {
    pub fn of<'g>(grids: impl IntoIterator<Item = &'g Grid>) -> Self {
        let mut all: Vec<f64> = grids.into_iter().flat_map(|grid| &grid.values).copied().collect();
        all.retain(|value| value.is_finite());
        let low = all.iter().copied().fold(f64::INFINITY, f64::min);
        let high = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log = low > 0.0 && high / low > 30.0;
        let scale = if low < high { Scale { low, high, log } } else { Scale::linear(all) };
        let values = if scale.log { decades(scale) } else { Vec::new() };
        let even = || scale.ticks(8).into_iter().map(|tick| tick.value).collect();
        let mut values: Vec<f64> = if values.len() < 4 { even() } else { values };
        values.retain(|&level| scale.low < level && level < scale.high);
        Self { scale, values }
    }

    /// Colour of a value, as a hexadecimal number.
    pub fn color(&self, value: f64) -> colorous::Color {
        let share = self.scale.share(value);
        colorous::VIRIDIS.eval_continuous(if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) })
    }

    /// A value in the middle of each band, below the first level to above the last.
    pub fn middles(&self) -> Vec<f64> {
        let mut edges = vec![self.scale.low];
        edges.extend(&self.values);
        edges.push(self.scale.high);
        let middle =
            |low: f64, high: f64| if self.scale.log { (low * high).sqrt() } else { low / 2.0 + high / 2.0 };
        edges.windows(2).map(|pair| middle(pair[0], pair[1])).collect()
    }
}

/// 1, 2, 5; else 1, 3; else 1, times powers of ten: the first of them that are few enough.
fn decades(scale: Scale) -> Vec<f64> {
    let (low, high) = (scale.low.log10().floor() as i32, scale.high.log10().ceil() as i32);
    let stride = ((high - low) as usize).div_ceil(LEVELS).max(1);
    let levels = |parts: &[f64]| -> Vec<f64> {
        let powers = (low..=high).step_by(stride);
        let values = powers.flat_map(|power| parts.iter().map(move |part| part * 10f64.powi(power)));
        values.filter(|value| (scale.low..scale.high).contains(value)).collect()
    };
    let choices = [levels(&[1.0, 2.0, 5.0]), levels(&[1.0, 3.0]), levels(&[1.0])];
    let few = choices.iter().find(|levels| levels.len() <= LEVELS).cloned();
    few.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_suit_the_range() {
        let levels = |values: &[f64]| {
            let grid = Grid::new(vec![0.0, 1.0], vec![0.0, 1.0], values.to_vec()).unwrap();
            Levels::of([&grid]).values
        };
        assert_eq!(levels(&[0.0, 1.0, 2.0, 4.0]), [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]);
        assert_eq!(levels(&[0.09, 1.0, 2.0, 4.0]), [0.1, 0.2, 0.5, 1.0, 2.0]);
        assert_eq!(levels(&[1e-20, 1.0, 1e10, f64::NAN]).len(), 9);
    }

    #[test]
    fn thinning_keeps_the_corners() {
        let axis: Vec<f64> = (0..51).map(f64::from).collect();
        let grid = Grid::new(axis.clone(), axis, (0..51 * 51).map(f64::from).collect()).unwrap();
        let thin = grid.thinned(26);
        assert_eq!((thin.xs.len(), thin.ys[25], thin.at(25, 25), thin.at(0, 0)), (26, 50.0, 2600.0, 0.0));
    }

    #[test]
    fn what_is_no_rectangle_is_no_grid() {
        assert!(Grid::new(vec![0.0, 1.0], vec![0.0, 1.0], vec![0.0; 3]).is_none());
        assert!(Grid::new(vec![1.0, 0.0], vec![0.0, 1.0], vec![0.0; 4]).is_none());
        assert!(Grid::new(vec![0.0, 1.0], vec![0.0, 1.0], vec![f64::NAN; 4]).is_none());
    }
}
