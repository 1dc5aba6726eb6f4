//! Measurements whose numbers would have the same names are told apart by the settings they do not share.

use crate::lang::program::{Measurement, Setting};

/// Notes with each measurement what tells its names from those of the others.
pub(super) fn distinguish(measurements: &mut [Measurement], settings: &[Setting]) {
    let stems: Vec<Option<String>> = measurements.iter().map(|known| known.evaluator.stem()).collect();
    let own: Vec<Vec<(&str, &str)>> = (0..stems.len()).map(|index| parameters(settings, index)).collect();
    for (index, measurement) in measurements.iter_mut().enumerate() {
        let alike = (0..stems.len()).filter(|&other| stems[other].is_some() && stems[other] == stems[index]);
        let others: Vec<usize> = alike.filter(|&other| other != index).collect();
        let differs = |parameter: &&(&str, &str)| others.iter().any(|&other| !own[other].contains(parameter));
        let told: Vec<String> =
            own[index].iter().filter(differs).map(|(name, value)| format!("{name}={value}")).collect();
        measurement.distinction = (!told.is_empty()).then(|| told.join(", "));
    }
}

/// Name and value of each parameter of an evaluator, those of its components under dotted names.
fn parameters(settings: &[Setting], index: usize) -> Vec<(&str, &str)> {
    let prefix = format!("evaluate.{index}.");
    let of_evaluator = settings.iter().filter_map(|setting| {
        let name = setting.path.strip_prefix(&prefix)?;
        (name != "every").then_some((name, setting.value.as_str()))
    });
    of_evaluator.collect()
}
