//! Layers: which parameters they read and how they are named and drawn.

use super::layout::{Init, Layout, Norm, Parameter, Role, Slot};
use super::tuning::Tuning;
use crate::ops::Conv;

/// Collects the layout while an architecture is put together.
#[derive(Default)]
pub struct Builder {
    pub layout: Layout,
    tuning: Tuning,
}

#[derive(Clone, Debug)]
pub struct Conv2d {
    pub weight: Slot,
    pub bias: Option<Slot>,
    pub conv: Conv,
}

/// Scale and shift of a normalisation.
#[derive(Clone, Copy, Debug)]
pub struct Affine {
    pub scale: Slot,
    pub shift: Slot,
}

#[derive(Clone, Debug)]
pub struct BatchNorm {
    pub affine: Affine,
    /// Index of its running statistics.
    pub norm: usize,
}

#[derive(Clone, Debug)]
pub struct Linear {
    pub weight: Slot,
    pub bias: Slot,
}

/// How the weights of a layer begin, by the values behind and before each output.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// PyTorch's default, `U(±1/sqrt(fan_in))`.
    Default,
    /// He normal in the fan-out, `N(0, 2/fan_out)`.
    HeFanOut,
    /// Xavier uniform, `U(±sqrt(6/(fan_in + fan_out)))`.
    Xavier,
    /// `N(0, 1/fan_in)`.
    NormalFanIn,
    Zero,
}

impl Start {
    fn init(self, fan_in: usize, fan_out: usize) -> Init {
        let (fan_in, fan_out) = (fan_in as f64, fan_out as f64);
        match self {
            Start::Default => Init::Uniform(fan_in.sqrt().recip()),
            Start::HeFanOut => Init::Normal((2.0 / fan_out).sqrt()),
            Start::Xavier => Init::Uniform((6.0 / (fan_in + fan_out)).sqrt()),
            Start::NormalFanIn => Init::Normal(fan_in.sqrt().recip()),
            Start::Zero => Init::Constant(0.0),
        }
    }
}

impl Builder {
    pub fn new(tuning: Tuning) -> Self {
        Self { layout: Layout::default(), tuning }
    }

    pub fn finish(self) -> (Layout, Tuning) {
        (self.layout, self.tuning)
    }

    pub fn parameter(&mut self, name: String, shape: Vec<usize>, role: Role, init: Init) -> Slot {
        self.layout.add(Parameter { name, shape, role, init, place: 0, head: false }, &self.tuning)
    }

    /// Square convolution without bias, `U(±1/sqrt(fan_in))`.
    pub fn conv(&mut self, name: &str, channels: [usize; 2], kernel: usize, conv: Conv) -> Conv2d {
        self.conv_from(Start::Default, name, channels, kernel, conv)
    }

    /// Square convolution without bias.
    pub fn conv_from(
        &mut self,
        start: Start,
        name: &str,
        [input, output]: [usize; 2],
        kernel: usize,
        conv: Conv,
    ) -> Conv2d {
        let area = kernel * kernel;
        let (shape, init) = (vec![output, input, kernel, kernel], start.init(input * area, output * area));
        let weight = self.parameter(format!("{name}.weight"), shape, Role::Weight, init);
        Conv2d { weight, bias: None, conv }
    }

    /// Square convolution with bias.
    pub fn conv_bias(
        &mut self,
        [weight, bias]: [Start; 2],
        name: &str,
        channels: [usize; 2],
        kernel: usize,
        conv: Conv,
    ) -> Conv2d {
        let mut layer = self.conv_from(weight, name, channels, kernel, conv);
        let [input, output] = channels;
        let init = bias.init(input * kernel * kernel, output);
        layer.bias = Some(self.parameter(format!("{name}.bias"), vec![output], Role::Bias, init));
        layer
    }

    pub fn batch_norm(&mut self, name: &str, channels: usize) -> BatchNorm {
        let affine = self.affine(name, channels);
        let fixed = self.tuning.fixes_norm(name);
        self.layout.norms.push(Norm { name: name.to_owned(), channels, fixed });
        BatchNorm { affine, norm: self.layout.norms.len() - 1 }
    }

    /// Scale 1 and shift 0 per channel, as after a layer normalisation.
    pub fn affine(&mut self, name: &str, channels: usize) -> Affine {
        let one = Init::Constant(1.0);
        let scale = self.parameter(format!("{name}.weight"), vec![channels], Role::NormScale, one);
        let zero = Init::Constant(0.0);
        let shift = self.parameter(format!("{name}.bias"), vec![channels], Role::NormShift, zero);
        Affine { scale, shift }
    }

    /// Affine map, `U(±1/sqrt(fan_in))` for weight and bias.
    pub fn linear(&mut self, name: &str, input: usize, output: usize) -> Linear {
        let init = Start::Default.init(input, output);
        self.linear_from(Start::Default, init, &format!("{name}."), input, output)
    }

    /// Affine map; `prefix` goes before `weight` and `bias`.
    pub fn linear_from(
        &mut self,
        weight: Start,
        bias: Init,
        prefix: &str,
        input: usize,
        output: usize,
    ) -> Linear {
        let init = weight.init(input, output);
        let weight = self.parameter(format!("{prefix}weight"), vec![output, input], Role::Weight, init);
        let bias = self.parameter(format!("{prefix}bias"), vec![output], Role::Bias, bias);
        Linear { weight, bias }
    }

    /// The last layer, with PyTorch's default initialisation.
    pub fn classifier(&mut self, name: &str, input: usize, classes: usize) -> Linear {
        let layer = self.linear(name, input, classes);
        self.head(layer)
    }

    /// Marks the last layer.
    pub fn head(&mut self, layer: Linear) -> Linear {
        for slot in [layer.weight, layer.bias] {
            let parameter = match slot {
                Slot::Trained(index) => &mut self.layout.parameters[index],
                Slot::Frozen(index) => &mut self.layout.frozen[index],
            };
            parameter.head = true;
        }
        layer
    }
}
