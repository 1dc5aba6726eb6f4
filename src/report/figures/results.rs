//! The table of results as dots.

use super::curvature::dot_of;
use super::{Figure, axis_label, file_name};
use crate::report::draw::{Category, Scale, dots};
use crate::report::study::{Study, Variant};
use crate::report::table::{in_percent, is_of};

/// More measurements than this are in the table alone.
const FIGURES: usize = 12;

/// One figure per measurement, difficulties apart, which have curves; none where there is a single value to show.
pub fn results(study: &Study) -> Vec<Figure> {
    if study.all().count() < 2 {
        return Vec::new();
    }
    let names = study.table().measurements;
    let apart = names.iter().filter(|name| !is_of(name, "difficulty"));
    apart.take(FIGURES).filter_map(|name| figure(study, name)).collect()
}

fn figure(study: &Study, name: &str) -> Option<Figure> {
    let category = |variant: &Variant| Category {
        name: variant.name.clone(),
        dots: dot_of(variant, values(variant, name)).into_iter().collect(),
    };
    let categories: Vec<Category> = study.variants.iter().map(category).collect();
    let ends = categories
        .iter()
        .flat_map(|category| &category.dots)
        .flat_map(|dot| dot.values.iter().copied().chain([dot.low, dot.high]));
    let ends: Vec<f64> = ends.collect();
    if ends.is_empty() {
        return None;
    }
    let scale =
        if in_percent(name) { Scale::linear(ends).within(-100.0, 100.0) } else { Scale::covering(ends) };
    Some(Figure {
        id: file_name(&["result", name]),
        title: name.to_owned(),
        caption: "Pale: seeds; full: mean; bar: one standard deviation.".into(),
        drawing: dots(&axis_label(name), &categories, scale, Vec::new()),
        first: false,
    })
}

fn values(variant: &Variant, name: &str) -> Vec<f64> {
    let factor = if in_percent(name) { 100.0 } else { 1.0 };
    let all = variant.seeds.iter().flat_map(|seed| &seed.record.values);
    let of_name = all.filter(|(known, value)| known == name && value.is_finite());
    of_name.map(|(_, value)| value * factor).collect()
}
