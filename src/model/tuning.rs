//! Which parts of a network train.

use crate::lang::catalog::Tuning as Spec;

/// What `freeze` and `freeze_bn` say, as the network is put together.
#[derive(Clone, Debug, Default)]
pub struct Tuning {
    frozen: Vec<String>,
    fixed_norms: bool,
}

impl Tuning {
    pub fn new(spec: &Spec) -> Self {
        Self { frozen: spec.freeze.clone(), fixed_norms: spec.freeze_bn }
    }

    /// Whether this parameter or layer lies in a frozen layer.
    pub fn freezes(&self, name: &str) -> bool {
        self.frozen.iter().any(|layer| lies_in(name, layer))
    }

    /// Whether a batch normalisation keeps its running statistics and uses them in training too, as one in PyTorch's
    /// evaluation mode.
    pub fn fixes_norm(&self, name: &str) -> bool {
        self.fixed_norms || self.freezes(name)
    }

    /// Frozen layers that none of `parameters` lies in.
    pub fn unknown<'a>(&'a self, parameters: &[&str]) -> Vec<&'a str> {
        let known = |layer: &&String| !parameters.iter().any(|parameter| lies_in(parameter, layer));
        self.frozen.iter().filter(known).map(String::as_str).collect()
    }
}

/// `layer1.0.conv1.weight` lies in `layer1` and in `layer1.0`, not in `layer`.
fn lies_in(parameter: &str, layer: &str) -> bool {
    parameter.strip_prefix(layer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_end_at_a_dot() {
        assert!(lies_in("layer1.0.conv1.weight", "layer1"));
        assert!(lies_in("layer1.0.conv1.weight", "layer1.0.conv1.weight"));
        assert!(!lies_in("layer10.0.conv1.weight", "layer1"));
    }

    #[test]
    fn a_frozen_layer_keeps_its_statistics() {
        let tuning = |frozen: &str, fixed_norms| Tuning { frozen: vec![frozen.to_owned()], fixed_norms };
        assert!(tuning("bn1", false).fixes_norm("bn1"));
        assert!(tuning("layer1", false).fixes_norm("layer1.0.bn1"));
        assert!(tuning("fc", true).fixes_norm("bn1"));
        // One parameter of a layer is not the layer.
        for other in ["bn1.weight", "bn", "bn10", "conv1"] {
            assert!(!tuning(other, false).fixes_norm("bn1"), "{other}");
        }
    }
}
