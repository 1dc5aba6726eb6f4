//! How numbers of an evaluator are labelled: by its name and every setting that is not the default, so that numbers of
//! different measurements never share a label.

use serde_json::Value;

use super::evaluator::ratio;
use super::{Evaluator, Kind, PIXELS, Parameter, find_in};

impl Evaluator {
    /// `hessian`, `hessian(top=10, samples=512)`, `gap(loss=pgd(linf, eps=8/255, steps=10, restarts=1))`. Numbers of attacks
    /// and of corruptions have labels of their own, which say more.
    pub fn label(&self) -> String {
        if let Evaluator::Pgd(spec) = self {
            return spec.label();
        }
        // A component of plain values has a JSON form.
        let settings = serde_json::to_value(self).unwrap_or_default();
        let parameters = find_in(Kind::Evaluator, self.name()).map_or(&[][..], |entry| &entry.parameters);
        let written: Vec<String> =
            parameters.iter().filter_map(|p| self.setting(p, &settings[p.name])).collect();
        match written.is_empty() {
            true => self.name().to_owned(),
            false => format!("{}({})", self.name(), written.join(", ")),
        }
    }

    /// `name=value`, or `None` for the default.
    fn setting(&self, parameter: &Parameter, value: &Value) -> Option<String> {
        let text = match (parameter.name, self.probing()) {
            ("loss", Some(probing)) => probing.loss.to_string(),
            _ => shown(parameter, value),
        };
        let same = parameter.default.is_some_and(|default| match (number(default), value.as_f64()) {
            (Some(default), Some(value)) => (default - value).abs() <= 1e-12 * default.abs(),
            _ => default == text,
        });
        (!same).then(|| format!("{}={text}", parameter.name))
    }
}

fn shown(parameter: &Parameter, value: &Value) -> String {
    match (value, value.as_f64()) {
        (Value::Null, _) => "none".into(),
        (Value::String(word), _) => word.clone(),
        (_, Some(radius)) if parameter.unit == PIXELS => ratio(radius),
        (Value::Number(number), Some(value)) if number.is_f64() => value.to_string(),
        (other, _) => other.to_string(),
    }
}

/// A default that is a number: `512`, `8/255`, `5%`, `1e-3`.
fn number(text: &str) -> Option<f64> {
    if let Some((above, below)) = text.split_once('/') {
        return Some(above.parse::<f64>().ok()? / below.parse::<f64>().ok()?);
    }
    match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().ok().map(|percent| percent / 100.0),
        None => text.parse().ok(),
    }
}
