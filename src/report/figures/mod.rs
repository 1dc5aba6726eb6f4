//! From what seeds recorded to figures.

mod columns;
mod curvature;
mod curves;
mod difficulty;
mod landscape;
mod results;

use super::Study;
use super::draw::Drawing;
use super::table::in_percent;

pub use results::results;

/// A drawing with what a reader must know to read it.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Name of its file, without the ending.
    pub id: String,
    pub title: String,
    /// What is shown, of what, in which unit.
    pub caption: String,
    pub drawing: Drawing,
    /// Begins a row of the page.
    pub first: bool,
}

/// Figures of one subject.
#[derive(Clone, Debug)]
pub struct Section {
    pub title: &'static str,
    /// What holds for all its figures.
    pub note: &'static str,
    pub figures: Vec<Figure>,
}

/// Every figure that the records allow; sections without figures are left out.
pub fn sections(study: &Study) -> Vec<Section> {
    let mut sections = curves::sections(study);
    sections.extend([
        difficulty::section(study),
        curves::measurements(study),
        curvature::section(study),
        landscape::section(study),
    ]);
    sections.retain(|section| !section.figures.is_empty());
    number(&mut sections);
    sections
}

/// Names of files are unique.
fn number(sections: &mut [Section]) {
    let mut known = std::collections::BTreeMap::new();
    for figure in sections.iter_mut().flat_map(|section| &mut section.figures) {
        let count: &mut usize = known.entry(figure.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            figure.id = format!("{}-{count}", figure.id);
        }
    }
}

/// Longer names stand in the title alone.
const LABEL: usize = 32;

/// What an axis says of a measurement.
fn axis_label(measurement: &str) -> String {
    match in_percent(measurement) {
        true => "share of samples (%)".into(),
        false if measurement.chars().count() <= LABEL => measurement.into(),
        false => "value".into(),
    }
}

/// Small letters, digits and `-`.
pub fn file_name(parts: &[&str]) -> String {
    let letters = parts.join("-").to_lowercase();
    let safe: String = letters.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let words: Vec<&str> = safe.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-").chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_plain() {
        assert_eq!(file_name(&["landscape", "Loss (pgd)/x", "../sgd"]), "landscape-loss-pgd-x-sgd");
    }
}
