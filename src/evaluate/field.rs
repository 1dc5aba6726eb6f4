//! Measurements that are more than numbers: spectra, surfaces, one value per sample.

use serde::{Deserialize, Serialize};

/// Version of the stored form.
pub const SCHEMA: u32 = 1;

/// Values over one axis, or over a grid of two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// `spectrum`, `hessian`, `landscape`, `difficulty`; may stand in a file's name.
    pub name: String,
    /// With its settings, as it is printed.
    pub label: String,
    /// One or two.
    pub axes: Vec<Axis>,
    /// Row-major over the axes, the first of which is slowest.
    pub columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    pub name: String,
    pub values: Vec<f64>,
    /// Names of the values, where they have any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    #[serde(with = "finite_or_null")]
    pub values: Vec<f64>,
}

/// The fields that were measured at one moment of a run, as they are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fields {
    pub schema: u32,
    /// From 1.
    pub phase: usize,
    /// Of the phase.
    pub step: u64,
    pub fields: Vec<Field>,
}

impl Axis {
    pub fn new(name: &str, values: Vec<f64>) -> Self {
        Self { name: name.into(), values, labels: Vec::new() }
    }
}

impl Column {
    pub fn new(name: &str, values: Vec<f64>) -> Self {
        Self { name: name.into(), values }
    }
}

impl Field {
    /// Values over one axis.
    pub fn line(name: &str, label: String, axis: Axis, columns: Vec<Column>) -> Self {
        Self { name: name.into(), label, axes: vec![axis], columns }
    }

    pub fn column(&self, name: &str) -> Option<&[f64]> {
        self.columns.iter().find(|column| column.name == name).map(|column| column.values.as_slice())
    }
}

/// JSON has no NaN and no infinity: both are written as null and read back as NaN.
mod finite_or_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        let finite = |value: &f64| Some(*value).filter(|value| value.is_finite());
        values.iter().map(finite).collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let values = Vec::<Option<f64>>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_null_and_labels_stand_where_there_are_any() {
        let axis = Axis::new("x", vec![0.0, 0.1]);
        let column = Column::new("loss", vec![1.5, f64::INFINITY]);
        let field = Field::line("landscape", "landscape(points = 2)".into(), axis, vec![column]);
        let json = serde_json::to_string(&field).unwrap();
        let expected = r#"{"name":"landscape","label":"landscape(points = 2)","axes":[{"name":"x","values":[0.0,0.1]}],"columns":[{"name":"loss","values":[1.5,null]}]}"#;
        assert_eq!(json, expected);
        let read: Field = serde_json::from_str(&json).unwrap();
        assert!(read.column("loss").unwrap()[1].is_nan());
        assert_eq!(read.axes, field.axes);
    }
}
