//! Difficulty over training: quantiles, how far apart samples are, and which of them were kept.

use super::curves::{figure, measured, plot};
use super::{Figure, Section, file_name};
use crate::evaluate::field::Field;
use crate::report::draw::{Point, Raster, Series, lines, raster};
use crate::report::study::{Seed, Study, Variant, band};
use crate::report::table::is_of;

const QUANTILES: [&str; 3] = ["p10", "p50", "p90"];

/// Measures by which samples are ordered, best first.
const ORDER: [&str; 3] = ["adm", "gdm", "loss"];

/// The evaluator.
const NAME: &str = "difficulty";

/// Ranks of samples that are told apart.
const RANKS: usize = 50;

/// Where a quantile of difficulty is recorded.
type Curve<'c> = dyn Fn(&Seed, &str) -> Vec<(f64, f64)> + 'c;

/// Figures of the training table, of the probe set, and of single samples.
pub fn section(study: &Study) -> Section {
    let mut figures =
        quantiles(study, "training", "difficulty in training", &|seed: &Seed, quantile: &str| {
            let metrics = &seed.history.metrics;
            let values = metrics.column(&format!("difficulty_{quantile}")).unwrap_or_default();
            let epochs = metrics.column("epoch").unwrap_or_default();
            epochs.iter().copied().zip(values.iter().copied()).collect()
        });
    let stems = stems(study);
    let several = stems.windows(2).any(|pair| label_of(&pair[0]) != label_of(&pair[1]));
    for stem in &stems {
        // The settings tell probe sets apart where there are several.
        let id = stem.trim_start_matches(if several { NAME } else { label_of(stem) }).trim_start_matches('.');
        let what = format!("difficulty of probes ({id})");
        figures.extend(quantiles(study, id, &what, &|seed: &Seed, quantile: &str| {
            measured(seed, &format!("{stem}.{quantile}"), 1.0)
        }));
    }
    figures.extend(spreads(study));
    let kept = study.variants.iter().filter_map(kept).enumerate();
    figures.extend(kept.map(|(index, figure)| Figure { first: index == 0, ..figure }));
    Section {
        title: "Difficulty",
        note: "Quantiles are over samples: of the curriculum's table in training, of a fixed probe set where an evaluator measured them.",
        figures,
    }
}

/// `difficulty.loss`, `difficulty(samples=64).adm`, as far as they were measured.
fn stems(study: &Study) -> Vec<String> {
    let mut stems: Vec<String> = Vec::new();
    for row in study.all().flat_map(|(_, seed)| &seed.history.measured) {
        let stem = row.name.strip_suffix(".p50").filter(|stem| is_of(stem, NAME));
        if let Some(stem) = stem.filter(|stem| !stems.iter().any(|known| known == stem)) {
            stems.push(stem.to_owned());
        }
    }
    stems
}

/// `difficulty(samples=64)` of `difficulty(samples=64).adm`.
fn label_of(stem: &str) -> &str {
    stem.rsplit_once('.').map_or(stem, |(label, _)| label)
}

/// The quantiles as a band, and their ratio.
fn quantiles(study: &Study, id: &str, what: &str, curve: &Curve<'_>) -> Vec<Figure> {
    let series: Vec<Series> =
        study.variants.iter().filter_map(|variant| quantile_series(variant, curve)).collect();
    if series.is_empty() {
        return Vec::new();
    }
    let count = study.count(|seed| !curve(seed, "p50").is_empty());
    let spread = Figure {
        id: file_name(&["difficulty", id]),
        title: sentence(what),
        caption: format!(
            "Line: median over samples; band: from the 10th to the 90th percentile; means over {count}."
        ),
        drawing: lines(&plot("difficulty", series, study.borders())),
        first: false,
    };
    let ratio = |seed: &Seed| -> Vec<(f64, f64)> {
        let (low, high) = (curve(seed, "p10"), curve(seed, "p90"));
        low.into_iter()
            .zip(high)
            .map(|((x, low), (_, high))| (x, if low > 0.0 { high / low } else { f64::NAN }))
            .collect()
    };
    let caption = "90th over 10th percentile: how well the measure tells hard samples from easy ones.";
    let id = file_name(&["separability", id]);
    let title = format!("Separability of {what}");
    std::iter::once(spread).chain(figure(study, id, title, "p90 / p10", caption, ratio)).collect()
}

fn quantile_series(variant: &Variant, curve: &Curve<'_>) -> Option<Series> {
    let [low, middle, high] =
        QUANTILES.map(|quantile| band(variant.seeds.iter().map(|seed| curve(seed, quantile))));
    let points: Vec<Point> = middle
        .iter()
        .zip(low.iter().zip(&high))
        .map(|(middle, (low, high))| Point { low: low.y, high: high.y, ..*middle })
        .collect();
    let has = points.iter().any(|point| point.y.is_finite());
    has.then(|| Series { style: variant.style, name: variant.name.clone(), points, thin: false })
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Fields with one value per sample, and the epoch they were measured at.
fn moments(seed: &Seed) -> impl Iterator<Item = (f64, &Field)> {
    let history = &seed.history;
    history.moments.iter().flat_map(|moment| {
        let of_samples = moment.fields.iter().filter(|field| field.name == NAME);
        of_samples.map(|field| (history.metrics.epoch(moment.phase, moment.step), field))
    })
}

/// Coefficient of variation of each measure.
fn spreads(study: &Study) -> Vec<Figure> {
    let figures = ["loss", "gdm", "adm"].into_iter().filter_map(|measure| {
        let curve = |seed: &Seed| -> Vec<(f64, f64)> {
            moments(seed)
                .filter_map(|(epoch, field)| Some((epoch, variation(field.column(measure)?))))
                .collect()
        };
        let caption = "Standard deviation over mean of the difficulties of the probe set.";
        let id = file_name(&["variation", measure]);
        figure(
            study,
            id,
            format!("Variation of difficulty ({measure})"),
            "coefficient of variation",
            caption,
            curve,
        )
    });
    figures.collect()
}

fn variation(values: &[f64]) -> f64 {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let n = finite.len() as f64;
    let mean = finite.iter().sum::<f64>() / n;
    (finite.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt() / mean
}

/// Which samples a variant kept, by their rank at the same time; the mean over its seeds.
fn kept(variant: &Variant) -> Option<Figure> {
    let mut columns: Vec<(f64, Vec<Vec<f64>>)> = Vec::new();
    for (epoch, field) in variant.seeds.iter().flat_map(moments) {
        let Some(shares) = kept_by_rank(field) else { continue };
        match columns.iter_mut().find(|(known, _)| *known == epoch) {
            Some((_, all)) => all.push(shares),
            None => columns.push((epoch, vec![shares])),
        }
    }
    columns.sort_by(|one, other| one.0.total_cmp(&other.0));
    if columns.is_empty() {
        return None;
    }
    let drawn = Raster {
        style: variant.style,
        name: variant.name.clone(),
        x: "epoch".into(),
        y: "rank by difficulty (%)".into(),
        columns: columns.into_iter().map(|(epoch, all)| (epoch, mean_columns(&all))).collect(),
    };
    Some(Figure {
        id: file_name(&["kept", &variant.name]),
        title: format!("Samples kept: {}", variant.name),
        caption: "Easy samples below, hard ones above, ordered anew at each evaluation by the measure of the probe set \
            (ADM, else GDM, else the loss); full colour: kept when a step last saw them, empty: dropped."
            .into(),
        drawing: raster(&drawn),
        first: false,
    })
}

/// Share kept among samples of about the same rank, from the easiest.
fn kept_by_rank(field: &Field) -> Option<Vec<f64>> {
    let kept = field.column("kept")?;
    let by = ORDER.into_iter().find_map(|measure| field.column(measure))?;
    let mut order: Vec<usize> = (0..kept.len()).filter(|&index| kept[index].is_finite()).collect();
    order.sort_by(|&one, &other| by[one].total_cmp(&by[other]));
    let ranks = RANKS.min(order.len());
    let share = |rank: usize| {
        let of_rank = &order[rank * order.len() / ranks..(rank + 1) * order.len() / ranks];
        of_rank.iter().map(|&index| kept[index]).sum::<f64>() / of_rank.len() as f64
    };
    (ranks > 0).then(|| (0..ranks).map(share).collect())
}

fn mean_columns(columns: &[Vec<f64>]) -> Vec<f64> {
    let ranks = columns.iter().map(Vec::len).min().unwrap_or(0);
    let mean = |rank: usize| columns.iter().map(|column| column[rank]).sum::<f64>() / columns.len() as f64;
    (0..ranks).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::field::{Axis, Column};

    #[test]
    fn kept_samples_are_ordered_by_difficulty() {
        let axis = Axis::new("sample", vec![0.0, 1.0, 2.0, 3.0]);
        let columns = vec![
            Column::new("loss", vec![3.0, 1.0, 2.0, 0.0]),
            Column::new("kept", vec![0.0, 1.0, f64::NAN, 1.0]),
        ];
        let field = Field::line("difficulty", "difficulty".into(), axis, columns);
        assert_eq!(kept_by_rank(&field), Some(vec![1.0, 1.0, 0.0]));
    }

    #[test]
    fn variation_is_that_of_the_finite_values() {
        assert_eq!(variation(&[1.0, 3.0, f64::NAN]), 0.5);
    }
}
