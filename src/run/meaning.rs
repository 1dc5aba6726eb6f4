//! What goes into a network and what comes out of it mean: how pixels are normalised, and which class each output is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::data::{Corpus, class_order};
use crate::lang::catalog::Source;
use crate::model::Model;

/// Written to every record that weights are used by: whoever has them must not guess.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Meaning {
    /// The name of each output, from 0; a data set without names has the numbers of its labels.
    #[serde(default)]
    pub classes: Vec<String>,
    /// The rule that put them in this order.
    #[serde(default)]
    pub class_order: String,
    /// Subtracted from pixels in [0, 1] and divided by inside the network; `None` where they stay as they are.
    #[serde(default)]
    pub normalize: Option<Constants>,
}

/// One number per channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constants {
    pub mean: Vec<f64>,
    pub std: Vec<f64>,
}

impl Meaning {
    pub fn of(source: &Source, train: &Corpus, model: &Model) -> Self {
        let classes = match train.class_names.is_empty() {
            true => (0..train.classes).map(|label| label.to_string()).collect(),
            false => train.class_names.to_vec(),
        };
        let normalize =
            model.normalize().map(|[mean, std]| Constants { mean: mean.clone(), std: std.clone() });
        Self { class_order: class_order(source, &classes).to_owned(), classes, normalize }
    }

    /// Entries for a file of weights, each as JSON.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let json = |name: &str, value: serde_json::Value| (name.to_owned(), value.to_string());
        let constants = self.normalize.as_ref().map(|Constants { mean, std }| {
            // Members in this order, whoever reads them.
            serde_json::json!({ "mean": mean, "std": std })
        });
        let classes = serde_json::Value::from(self.classes.clone());
        BTreeMap::from([json("classes", classes), json("normalize", constants.unwrap_or_default())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_are_json() {
        let meaning = Meaning {
            classes: ["a \"b\"", "2"].map(str::to_owned).into(),
            class_order: String::new(),
            normalize: Some(Constants { mean: vec![0.5], std: vec![0.25] }),
        };
        let metadata = meaning.metadata();
        assert_eq!(metadata["classes"], r#"["a \"b\"","2"]"#);
        assert_eq!(metadata["normalize"], r#"{"mean":[0.5],"std":[0.25]}"#);
        assert_eq!(Meaning::default().metadata()["normalize"], "null");
    }
}
