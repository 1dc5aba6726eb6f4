//! Square Attack (Andriushchenko et al., ECCV 2020): random search that changes one square at a time and sees nothing
//! but logits. Windows belong to samples, so that a result does not depend on the batch.

use burn::tensor::{Int, Tensor, TensorData};
use rayon::prelude::*;

use super::GoOn;
use super::criterion::Criterion;
use super::draw::Draws;
use super::fab::pixels;
use super::kernel::{read, rows};
use super::victim::{Victim, wrong};
use crate::data::Generator;
use crate::lang::catalog::Norm;
use crate::ops::Ops;

/// Share of the image that the first squares cover.
const FIRST_SHARE: f64 = 0.8;

/// Queries after which the share halves; the schedule of 10,000 queries, not rescaled.
const HALVINGS: [usize; 9] = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/// One attack on one batch.
pub struct Square<'a, B: Ops> {
    pub victim: Victim<'a, B>,
    /// `[n, h, w, c]`.
    pub x: Tensor<B, 4>,
    /// `[n]`.
    pub labels: Tensor<B, 1, Int>,
    pub norm: Norm,
    pub eps: f64,
    pub queries: usize,
    pub draws: &'a Draws,
}

/// One sample's search, pixels on the host.
struct Search {
    row: usize,
    clean: Vec<f64>,
    /// The worst image so far.
    x: Vec<f64>,
    /// The image that is asked about.
    asked: Vec<f64>,
    margin: f64,
}

/// Height, width and channels of an image whose pixels lie as `[h, w, c]`.
#[derive(Clone, Copy)]
pub(super) struct Canvas {
    pub h: usize,
    pub w: usize,
    pub c: usize,
}

/// What the search found for each sample.
pub struct Searched {
    /// The highest margin, or that of the first misclassified image.
    pub margins: Vec<f64>,
    pub wrong: Vec<bool>,
}

impl<B: Ops> Square<'_, B> {
    /// Asks until the queries are spent; a sample leaves the batch once it is misclassified.
    pub fn search(&self, go_on: GoOn<'_>) -> Searched {
        let canvas = self.canvas();
        let mut searches: Vec<Search> = pixels(&self.x).into_iter().enumerate().map(Search::new).collect();
        let n = searches.len();
        let mut found = Searched { margins: vec![f64::NEG_INFINITY; n], wrong: vec![false; n] };
        for query in 0..=self.queries {
            if searches.is_empty() || !go_on() {
                break;
            }
            searches.par_iter_mut().for_each(|search| self.ask(search, canvas, query));
            let fallen = self.answer(&mut searches);
            for (search, &fallen) in searches.iter().zip(&fallen) {
                (found.margins[search.row], found.wrong[search.row]) = (search.margin, fallen);
            }
            let mut fallen = fallen.into_iter();
            searches.retain(|_| !fallen.next().unwrap_or(false));
        }
        found
    }

    fn canvas(&self) -> Canvas {
        let [_, h, w, c] = self.x.dims();
        Canvas { h, w, c }
    }

    /// Query 0 is the image the search begins at.
    fn ask(&self, search: &mut Search, canvas: Canvas, query: usize) {
        let mut generator = self.draws.generator(self.draws.indices[search.row], query as u64);
        let Search { clean, x, .. } = &*search;
        search.asked = match (query.checked_sub(1), self.norm) {
            (None, Norm::Linf) => stripes(clean, canvas, self.eps, &mut generator),
            (None, Norm::L2) => super::patches::mosaic(clean, canvas, self.eps, &mut generator),
            (Some(query), Norm::Linf) => {
                let side = canvas.side(query, 1);
                let colored = colored(x, canvas, side, 2.0 * self.eps, &mut generator);
                within(clean, &colored, self.eps)
            }
            (Some(query), Norm::L2) => {
                let side = canvas.side(query, 3) | 1;
                super::patches::moved(clean, x, canvas, side, self.eps, &mut generator)
            }
        };
    }

    /// Keeps what raised the margin; whether each sample is misclassified by it.
    fn answer(&self, searches: &mut [Search]) -> Vec<bool> {
        let kept: Vec<usize> = searches.iter().map(|search| search.row).collect();
        let labels = self.labels.clone().select(0, rows::<B>(&kept, &self.x.device()));
        let Canvas { h, w, c } = self.canvas();
        let values: Vec<f64> = searches.iter().flat_map(|search| search.asked.iter().copied()).collect();
        let data = TensorData::new(values, [searches.len(), h, w, c]);
        let asked = Tensor::from_data(data, (&self.x.device(), self.x.dtype()));
        let logits = self.victim.logits(asked);
        let margins = Criterion::Margin.at(logits.clone(), &labels).0;
        let margins = margins.into_data().convert::<f64>();
        let fallen = read(wrong(&logits, &labels));
        for ((search, margin), &fallen) in searches.iter_mut().zip(margins.iter::<f64>()).zip(&fallen) {
            if fallen || margin > search.margin {
                search.margin = margin;
                std::mem::swap(&mut search.x, &mut search.asked);
            }
        }
        fallen
    }
}

impl Search {
    fn new((row, x): (usize, Vec<f64>)) -> Self {
        Self { row, clean: x.clone(), asked: Vec::new(), x, margin: f64::NEG_INFINITY }
    }
}

impl Canvas {
    /// Side of the square of a query (from 0).
    pub fn side(self, query: usize, least: usize) -> usize {
        let halved = HALVINGS.iter().filter(|&&after| query > after).count();
        let share = FIRST_SHARE / f64::from(1u32 << halved);
        let side = (share * (self.h * self.w) as f64).sqrt().round_ties_even() as usize;
        side.max(least).min(self.h.min(self.w))
    }

    /// Upper left corner of a window of `side`; as in the authors' code, the last place is never drawn.
    pub fn corner(self, side: usize, generator: &mut Generator) -> (usize, usize) {
        let mut place = |extent: usize| (generator.unit() * (extent - side) as f64) as usize;
        (place(self.h), place(self.w))
    }

    pub fn at(self, row: usize, column: usize, channel: usize) -> usize {
        (row * self.w + column) * self.c + channel
    }
}

/// 1 or -1.
pub(super) fn sign(generator: &mut Generator) -> f64 {
    if generator.unit() < 0.5 { -1.0 } else { 1.0 }
}

/// Vertical stripes: every column of every channel at one end of the ball.
fn stripes(clean: &[f64], canvas: Canvas, eps: f64, generator: &mut Generator) -> Vec<f64> {
    let signs: Vec<f64> = (0..canvas.w * canvas.c).map(|_| sign(generator)).collect();
    let moved = |(k, x): (usize, &f64)| (x + eps * signs[k % signs.len()]).clamp(0.0, 1.0);
    clean.iter().enumerate().map(moved).collect()
}

/// `x` with `length` or its negative added to one window, each channel its own.
fn colored(x: &[f64], canvas: Canvas, side: usize, length: f64, generator: &mut Generator) -> Vec<f64> {
    let (top, left) = canvas.corner(side, generator);
    let colors: Vec<f64> = (0..canvas.c).map(|_| length * sign(generator)).collect();
    let mut moved = x.to_vec();
    for row in top..top + side {
        for column in left..left + side {
            for (channel, color) in colors.iter().enumerate() {
                moved[canvas.at(row, column, channel)] += color;
            }
        }
    }
    moved
}

/// Back into the box around the clean image and into the pixel range.
fn within(clean: &[f64], x: &[f64], eps: f64) -> Vec<f64> {
    clean.iter().zip(x).map(|(clean, x)| x.clamp(clean - eps, clean + eps).clamp(0.0, 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_of_a_cifar_image_are_the_published_ones() {
        let canvas = Canvas { h: 32, w: 32, c: 3 };
        let mut sides: Vec<usize> = (0..5000).map(|query| canvas.side(query, 1)).collect();
        sides.dedup();
        assert_eq!(sides, [29, 20, 14, 10, 7, 5, 4, 3]);
        assert_eq!((canvas.side(10, 1), canvas.side(11, 1)), (29, 20));
    }
}
