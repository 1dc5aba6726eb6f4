//! Everything a report shows: the variants of its runs with what their seeds recorded.

use rayon::prelude::*;

use super::draw::{Point, Style};
use super::history::History;
use super::{Damage, Outcome, RunRecord, SeedRecord, State, Table};

/// Curves have at most so many points; longer ones are averaged over neighbours.
const POINTS: usize = 400;

/// Runs side by side.
#[derive(Clone, Debug)]
pub struct Study {
    pub runs: Vec<RunRecord>,
    pub variants: Vec<Variant>,
}

/// A variant of a run.
#[derive(Clone, Debug)]
pub struct Variant {
    /// With its run, where there are several.
    pub name: String,
    pub style: Style,
    /// Index of its run.
    pub run: usize,
    /// Rising.
    pub seeds: Vec<Seed>,
}

/// A variant under one seed.
#[derive(Clone, Debug)]
pub struct Seed {
    pub record: SeedRecord,
    pub history: History,
}

impl Study {
    /// Reads what the seeds of the runs recorded.
    pub fn read(runs: Vec<RunRecord>) -> Self {
        let mut variants = Vec::new();
        for (run, record) in runs.iter().enumerate() {
            for name in record.variants() {
                let style = Style::of(variants.len());
                variants.push(Variant {
                    name: label(&runs, run, name),
                    style,
                    run,
                    seeds: seeds(record, name),
                });
            }
        }
        Self { runs, variants }
    }

    /// One row per variant.
    pub fn table(&self) -> Table {
        let outcome = |variant: &Variant, seed: &Seed| Outcome {
            variant: variant.name.clone(),
            ..seed.record.outcome()
        };
        Table::new(&self.all().map(|(variant, seed)| outcome(variant, seed)).collect::<Vec<_>>())
    }

    /// How the data of each finished seed came about, under its variant.
    pub fn protocols(&self) -> Vec<(String, Vec<String>)> {
        let finished = self.all().filter(|(_, seed)| seed.record.state == State::Finished);
        finished.map(|(variant, seed)| (variant.name.clone(), seed.record.protocol.clone())).collect()
    }

    /// All seeds with their variants.
    pub fn all(&self) -> impl Iterator<Item = (&Variant, &Seed)> {
        self.variants.iter().flat_map(|variant| variant.seeds.iter().map(move |seed| (variant, seed)))
    }

    pub fn damage(&self) -> impl Iterator<Item = &Damage> {
        let of_runs = self.runs.iter().flat_map(|run| &run.damage);
        of_runs.chain(self.all().flat_map(|(_, seed)| &seed.history.damage))
    }

    /// Which variant is which.
    pub fn legend(&self) -> Vec<(Style, String)> {
        self.variants.iter().map(|variant| (variant.style, variant.name.clone())).collect()
    }

    /// Ends of phases, where all variants agree.
    pub fn borders(&self) -> Vec<f64> {
        let all: Vec<Vec<f64>> = self.all().map(|(_, seed)| seed.history.metrics.borders()).collect();
        let longest = all.iter().max_by_key(|borders| borders.len()).cloned().unwrap_or_default();
        // A run that did not get so far does not disagree.
        if all.iter().all(|borders| longest.starts_with(borders)) { longest } else { Vec::new() }
    }

    /// `n = 3 seeds`, of those for which `has` holds.
    pub fn count(&self, has: impl Fn(&Seed) -> bool) -> String {
        let counts =
            self.variants.iter().map(|variant| variant.seeds.iter().filter(|seed| has(seed)).count());
        let counts: Vec<usize> = counts.filter(|&count| count > 0).collect();
        match (counts.iter().min(), counts.iter().max()) {
            (Some(1), Some(1)) => "one seed".into(),
            (Some(low), Some(high)) if low == high => format!("n = {low} seeds"),
            (Some(low), Some(high)) => format!("n = {low} to {high} seeds"),
            _ => "no seeds".into(),
        }
    }
}

fn seeds(record: &RunRecord, variant: &str) -> Vec<Seed> {
    let of_variant: Vec<&SeedRecord> = record.seeds.iter().filter(|seed| seed.variant == variant).collect();
    let read =
        |record: &&SeedRecord| Seed { record: (*record).clone(), history: History::read(&record.folder) };
    let mut seeds: Vec<Seed> = of_variant.par_iter().map(read).collect();
    seeds.sort_by_key(|seed| seed.record.seed);
    seeds
}

fn label(runs: &[RunRecord], run: usize, variant: &str) -> String {
    if runs.len() > 1 { format!("{}/{variant}", runs[run].name()) } else { variant.to_owned() }
}

/// Mean and band over curves: one standard deviation to both sides, but not past the smallest of positive values,
/// which a logarithmic axis could not show. Values that are not finite do not count; where none counts there is a gap.
pub fn band(curves: impl IntoIterator<Item = Vec<(f64, f64)>>) -> Vec<Point> {
    let mut all: Vec<(f64, f64)> = curves.into_iter().flatten().filter(|(x, _)| x.is_finite()).collect();
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    let points = all.chunk_by(|one, other| one.0 == other.0).map(|same| {
        let values: Vec<f64> = same.iter().map(|(_, y)| *y).filter(|y| y.is_finite()).collect();
        point(same[0].0, &values)
    });
    thinned(points.collect())
}

/// Mean and band of values at one place; NaN without values.
pub fn point(x: f64, values: &[f64]) -> Point {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let std = if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 };
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let low = if mean - std <= 0.0 && smallest > 0.0 { smallest } else { mean - std };
    Point { x, y: mean, low, high: mean + std }
}

fn thinned(points: Vec<Point>) -> Vec<Point> {
    let size = points.len().div_ceil(POINTS).max(1);
    let mean = |chunk: &[Point]| {
        let of = |part: fn(&Point) -> f64| chunk.iter().map(part).sum::<f64>() / chunk.len() as f64;
        Point {
            x: of(|point| point.x),
            y: of(|point| point.y),
            low: of(|point| point.low),
            high: of(|point| point.high),
        }
    };
    points.chunks(size).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_one_standard_deviation_and_skips_what_is_not_finite() {
        let found = band([
            vec![(1.0, 1.0), (2.0, f64::NAN), (3.0, f64::NAN)],
            vec![(1.0, 3.0), (2.0, 5.0), (3.0, f64::INFINITY)],
        ]);
        let std = 2f64.sqrt();
        assert_eq!(found[0], Point { x: 1.0, y: 2.0, low: 2.0 - std, high: 2.0 + std });
        assert_eq!(found[1], Point::bare(2.0, 5.0));
        assert!(found[2].y.is_nan());
    }

    #[test]
    fn a_band_of_positive_values_stays_positive() {
        let found = point(0.0, &[0.1, 0.1, 4.0]);
        assert_eq!(found.low, 0.1);
        assert!(point(0.0, &[-1.0, 0.0, 4.0]).low < 0.0);
    }

    #[test]
    fn long_curves_are_averaged() {
        let curve: Vec<(f64, f64)> = (0..4000).map(|x| (f64::from(x), 1.0)).collect();
        let found = band([curve]);
        assert_eq!((found.len(), found[0].x, found[0].y), (400, 4.5, 1.0));
    }
}
