//! Layers: which parameters they read and how they are named, with PyTorch's default initialisation.

use super::layout::{Init, Layout, Norm, Parameter, Role};
use crate::ops::Conv;

/// Collects the layout while an architecture is put together.
#[derive(Default)]
pub struct Builder {
    pub layout: Layout,
}

/// Index of a parameter in the layout.
pub type Slot = usize;

#[derive(Clone, Debug)]
pub struct Conv2d {
    pub weight: Slot,
    pub bias: Option<Slot>,
    pub conv: Conv,
}

#[derive(Clone, Debug)]
pub struct BatchNorm {
    pub scale: Slot,
    pub shift: Slot,
    /// Index of its running statistics.
    pub norm: usize,
}

#[derive(Clone, Debug)]
pub struct Linear {
    pub weight: Slot,
    pub bias: Slot,
}

impl Builder {
    fn parameter(&mut self, name: String, shape: Vec<usize>, role: Role, init: Init) -> Slot {
        self.layout.parameters.push(Parameter { name, shape, role, init });
        self.layout.parameters.len() - 1
    }

    /// Square convolution without bias, `U(±1/sqrt(fan_in))`.
    pub fn conv(&mut self, name: &str, channels: [usize; 2], kernel: usize, conv: Conv) -> Conv2d {
        let [input, output] = channels;
        let bound = 1.0 / ((input * kernel * kernel) as f64).sqrt();
        let shape = vec![output, input, kernel, kernel];
        let weight = self.parameter(format!("{name}.weight"), shape, Role::Weight, Init::Uniform(bound));
        Conv2d { weight, bias: None, conv }
    }

    /// Square convolution with bias; weights He normal in the fan-out, biases `U(±1/sqrt(fan_in))`.
    pub fn conv_he_bias(&mut self, name: &str, channels: [usize; 2], kernel: usize, conv: Conv) -> Conv2d {
        let [input, output] = channels;
        let std = (2.0 / (output * kernel * kernel) as f64).sqrt();
        let bound = 1.0 / ((input * kernel * kernel) as f64).sqrt();
        let shape = vec![output, input, kernel, kernel];
        let weight = self.parameter(format!("{name}.weight"), shape, Role::Weight, Init::Normal(std));
        let bias = self.parameter(format!("{name}.bias"), vec![output], Role::Bias, Init::Uniform(bound));
        Conv2d { weight, bias: Some(bias), conv }
    }

    pub fn batch_norm(&mut self, name: &str, channels: usize) -> BatchNorm {
        let one = Init::Constant(1.0);
        let scale = self.parameter(format!("{name}.weight"), vec![channels], Role::NormScale, one);
        let zero = Init::Constant(0.0);
        let shift = self.parameter(format!("{name}.bias"), vec![channels], Role::NormShift, zero);
        self.layout.norms.push(Norm { name: name.to_owned(), channels });
        BatchNorm { scale, shift, norm: self.layout.norms.len() - 1 }
    }

    /// Affine map, `U(±1/sqrt(fan_in))` for weight and bias.
    pub fn linear(&mut self, name: &str, input: usize, output: usize) -> Linear {
        let init = Init::Uniform(1.0 / (input as f64).sqrt());
        let weight = self.parameter(format!("{name}.weight"), vec![output, input], Role::Weight, init);
        let bias = self.parameter(format!("{name}.bias"), vec![output], Role::Bias, init);
        Linear { weight, bias }
    }
}
