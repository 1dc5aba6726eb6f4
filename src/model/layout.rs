//! What a model's parameters are called, how they are shaped, and how they begin.

use std::ops::Range;

use burn::tensor::{DType, Tensor, TensorData};

use super::Statistics;
use super::tuning::Tuning;
use crate::data::{Generator, Purpose};
use crate::ops::{Ops, Vector};

/// What a parameter does; metrics and masks of the minimizers go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Weight,
    Bias,
    NormScale,
    NormShift,
    /// Class token and positions of a transformer.
    Embedding,
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
    /// Place in PyTorch's order, trained or not.
    pub place: usize,
    /// Whether it belongs to the last layer, whose size is the number of classes.
    pub head: bool,
}

/// Where a parameter's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// In the weights that a minimizer moves, at this index of [`Layout::parameters`].
    Trained(usize),
    /// Among those that nothing moves, at this index of [`Layout::frozen`].
    Frozen(usize),
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
    /// Running statistics normalise training passes too, and never move.
    pub fixed: bool,
}

/// All parameters and normalisations of a model, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// What trains. Gradients, optimizers, minimizers and curvature know of no others.
    pub parameters: Vec<Parameter>,
    /// What `freeze` names.
    pub frozen: Vec<Parameter>,
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

    /// Number of values that do not train.
    pub fn frozen_count(&self) -> usize {
        self.frozen.iter().map(Parameter::len).fold(0, usize::saturating_add)
    }

    /// Trained and frozen parameters in PyTorch's order.
    pub fn all(&self) -> Vec<(&Parameter, Slot)> {
        let trained = self.parameters.iter().enumerate().map(|(index, p)| (p, Slot::Trained(index)));
        let frozen = self.frozen.iter().enumerate().map(|(index, p)| (p, Slot::Frozen(index)));
        let mut all: Vec<_> = trained.chain(frozen).collect();
        all.sort_by_key(|(parameter, _)| parameter.place);
        all
    }

    /// First parts of the names, `layer1`, in order.
    pub fn top_layers(&self) -> Vec<String> {
        let mut layers: Vec<String> = Vec::new();
        for (parameter, _) in self.all() {
            let layer = parameter.name.split('.').next().unwrap_or_default();
            if !layers.iter().any(|known| known == layer) {
                layers.push(layer.to_owned());
            }
        }
        layers
    }

    /// Adds a parameter, among the frozen ones where `tuning` says so.
    pub(super) fn add(&mut self, mut parameter: Parameter, tuning: &Tuning) -> Slot {
        parameter.place = self.parameters.len() + self.frozen.len();
        let frozen = tuning.freezes(&parameter.name);
        let list = if frozen { &mut self.frozen } else { &mut self.parameters };
        list.push(parameter);
        let index = list.len() - 1;
        if frozen { Slot::Frozen(index) } else { Slot::Trained(index) }
    }

    pub(super) fn parameter(&self, slot: Slot) -> &Parameter {
        match slot {
            Slot::Trained(index) => &self.parameters[index],
            Slot::Frozen(index) => &self.frozen[index],
        }
    }

    /// Number of running statistics (means and variances).
    pub fn buffer_count(&self) -> usize {
        self.norms.iter().map(|norm| 2 * norm.channels).sum()
    }

    /// Initial weights of the run with `seed`: each parameter draws from its own stream.
    pub fn initial_weights<B: Ops>(&self, seed: u64, device: &B::Device) -> Vector<B> {
        Vector(self.parameters.iter().map(|parameter| parameter.initial(seed, device)).collect())
    }

    /// Running statistics before any batch, mean 0 and variance 1, and the initial values of what does not train.
    pub fn initial_statistics<B: Ops>(&self, seed: u64, device: &B::Device) -> Statistics<B> {
        let pair = |norm: &Norm| [0.0f32, 1.0].map(|v| tensor(vec![v; norm.channels], device));
        let frozen = self.frozen.iter().map(|parameter| parameter.initial(seed, device)).collect();
        Statistics { running: self.norms.iter().map(pair).collect(), frozen }
    }
}

impl Parameter {
    /// Its values at the start of the run with `seed`.
    pub fn initial<B: Ops>(&self, seed: u64, device: &B::Device) -> Tensor<B, 1> {
        let mut rng = Generator::keyed(Purpose::Weights, &[seed, self.place as u64]);
        tensor((0..self.len()).map(|_| self.init.draw(&mut rng)).collect(), device)
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
