//! What distinguishes the variants, and what they share.

use maud::{Markup, html};

use crate::lang::words::counted;
use crate::report::history::Setting;
use crate::report::study::{Study, Variant};
use crate::run::Meaning;
use crate::run::meaning::Constants;

/// Settings that only place a run.
const UNTOLD: [&str; 1] = ["seeds"];

/// A table of settings that differ, and all others folded away.
pub fn settings(study: &Study) -> Markup {
    let paths = paths(study);
    let (same, different): (Vec<&str>, Vec<&str>) = paths.into_iter().partition(|path| is_same(study, path));
    html! {
        h2 #settings { "Settings" }
        @if !different.is_empty() {
            p.note { "What differs between the variants; a dash: it has no such setting." }
            div.table {
                table.settings {
                    thead { tr { th { "setting" } @for variant in &study.variants { th { (variant.name) } } } }
                    tbody {
                        @for path in &different {
                            tr { th { (path) } @for variant in &study.variants { td { (shown(variant, path)) } } }
                        }
                    }
                }
            }
        }
        @if !same.is_empty() {
            details {
                summary { (same.len()) " settings that all variants share" }
                div.table {
                    table.settings {
                        thead { tr { th { "setting" } th { "value" } th { "from" } } }
                        tbody { @for path in &same { (common(study, path)) } }
                    }
                }
            }
        }
        @for (meaning, variants) in meanings(study) { (meant(study, meaning, &variants)) }
    }
}

/// What outputs and inputs mean, each with the variants that share it.
fn meanings(study: &Study) -> Vec<(&Meaning, Vec<&str>)> {
    let mut distinct: Vec<(&Meaning, Vec<&str>)> = Vec::new();
    for variant in &study.variants {
        let Some(seed) = variant.seeds.first() else { continue };
        let meaning = &seed.history.meaning;
        match distinct.iter_mut().find(|(known, _)| *known == meaning) {
            Some((_, variants)) => variants.push(&variant.name),
            None if meaning.classes.is_empty() => {}
            None => distinct.push((meaning, vec![variant.name.as_str()])),
        }
    }
    distinct
}

/// The class of each output, and the constants that pixels are normalised with.
fn meant(study: &Study, meaning: &Meaning, variants: &[&str]) -> Markup {
    let Meaning { classes, class_order, normalize } = meaning;
    html! {
        details {
            summary {
                (counted(classes.len(), "class")) ", " (class_order) "; normalisation"
                @if variants.len() < study.variants.len() { " (" (variants.join(", ")) ")" }
            }
            p {
                @match normalize {
                    Some(Constants { mean, std }) => { "Pixels in [0, 1], minus " (numbers(mean)) ", divided by " (numbers(std)) "." }
                    None => { "Pixels in [0, 1], as they are." }
                }
            }
            div.table {
                table.settings {
                    thead { tr { th { "output" } th { "class" } } }
                    tbody { @for (label, name) in classes.iter().enumerate() { tr { th { (label) } td { (name) } } } }
                }
            }
        }
    }
}

fn numbers(values: &[f64]) -> String {
    values.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
}

fn common(study: &Study, path: &str) -> Markup {
    let found = study.variants.iter().find_map(|variant| setting(variant, path));
    html! {
        @if let Some(Setting { value, origin, .. }) = found { tr { th { (path) } td { (value) } td { (origin) } } }
    }
}

/// In the order in which they appear.
fn paths(study: &Study) -> Vec<&str> {
    let mut paths: Vec<&str> = Vec::new();
    let first_seeds = study.variants.iter().filter_map(|variant| variant.seeds.first());
    for setting in first_seeds.flat_map(|seed| &seed.history.settings) {
        if !paths.contains(&setting.path.as_str()) && !UNTOLD.contains(&setting.path.as_str()) {
            paths.push(&setting.path);
        }
    }
    paths
}

fn setting<'s>(variant: &'s Variant, path: &str) -> Option<&'s Setting> {
    let settings = &variant.seeds.first()?.history.settings;
    settings.iter().find(|setting| setting.path == path)
}

fn is_same(study: &Study, path: &str) -> bool {
    let mut values =
        study.variants.iter().map(|variant| setting(variant, path).map(|setting| &setting.value));
    let first = values.next().flatten();
    values.all(|value| value == first)
}

fn shown(variant: &Variant, path: &str) -> String {
    setting(variant, path).map_or_else(|| "–".into(), |setting| setting.value.clone())
}
