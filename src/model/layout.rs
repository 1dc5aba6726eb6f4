//! What a model's parameters are called, how they are shaped, and how they begin.

use std::ops::Range;

use burn::tensor::{DType, Tensor, TensorData};

use super::Statistics;
use crate::data::{Generator, Purpose};
use crate::ops::{Ops, Vector};

/// What a parameter does; metrics and masks of the minimizers go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Weight,
    Bias,
    NormScale,
    NormShift,
}

/// Distribution of the initial values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Uniform in ±bound.
    Uniform(f64),
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
    Constant(f64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// PyTorch's name, `layer1.0.conv1.weight`.
    pub name: String,
    pub shape: Vec<usize>,
    pub role: Role,
    pub init: Init,
}

impl Parameter {
    pub fn len(&self) -> usize {
        self.shape.iter().fold(1, |product, &length| product.saturating_mul(length))
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One batch normalisation: `<name>.running_mean`, `<name>.running_var`, `<name>.num_batches_tracked`.
#[derive(Clone, Debug, PartialEq)]
pub struct Norm {
    pub name: String,
    pub channels: usize,
}

/// All parameters and normalisations of a model, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    pub parameters: Vec<Parameter>,
    pub norms: Vec<Norm>,
}

impl Layout {
    /// Modules with parameters, by the names of these, and where their values lie among those of all parameters.
    pub fn modules(&self) -> Vec<(&str, Range<usize>)> {
        let mut all: Vec<(&str, Range<usize>)> = Vec::new();
        let mut first = 0;
        for parameter in &self.parameters {
            let name = parameter.name.rsplit_once('.').map_or(parameter.name.as_str(), |(module, _)| module);
            let end = first + parameter.len();
            match all.last_mut().filter(|(known, _)| *known == name) {
                Some((_, range)) => range.end = end,
                None => all.push((name, first..end)),
            }
            first = end;
        }
        all
    }

    /// Number of trainable values.
    pub fn parameter_count(&self) -> usize {
        self.parameters.iter().map(Parameter::len).fold(0, usize::saturating_add)
    }

    /// Number of running statistics (means and variances).
    pub fn buffer_count(&self) -> usize {
        self.norms.iter().map(|norm| 2 * norm.channels).sum()
    }

    /// Initial weights of the run with `seed`: each parameter draws from its own stream.
    pub fn initial_weights<B: Ops>(&self, seed: u64, device: &B::Device) -> Vector<B> {
        let tensor = |(index, parameter): (usize, &Parameter)| {
            let mut rng = Generator::keyed(Purpose::Weights, &[seed, index as u64]);
            let values = (0..parameter.len()).map(|_| parameter.init.draw(&mut rng)).collect();
            self::tensor(values, device)
        };
        Vector(self.parameters.iter().enumerate().map(tensor).collect())
    }

    /// Running statistics before any batch: mean 0, variance 1.
    pub fn initial_statistics<B: Ops>(&self, device: &B::Device) -> Statistics<B> {
        let pair = |norm: &Norm| [0.0f32, 1.0].map(|v| tensor(vec![v; norm.channels], device));
        Statistics(self.norms.iter().map(pair).collect())
    }
}

impl Init {
    fn draw(self, rng: &mut Generator) -> f32 {
        match self {
            Init::Uniform(bound) => ((2.0 * rng.unit() - 1.0) * bound) as f32,
            Init::Normal(std) => (rng.normal() * std) as f32,
            Init::Constant(value) => value as f32,
        }
    }
}

fn tensor<B: Ops>(values: Vec<f32>, device: &B::Device) -> Tensor<B, 1> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), (device, DType::F32))
}
