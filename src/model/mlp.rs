//! Multi-layer perceptron, named as `torch.nn.Sequential(Flatten, Linear, ReLU, …, Linear)`.

use super::layers::{Builder, Linear};
use super::tape::{Tape, Var};
use crate::lang::catalog::Mlp as Spec;
use crate::ops::Ops;

#[derive(Clone, Debug)]
pub struct Mlp {
    hidden: Vec<Linear>,
    dropout: f64,
    output: Linear,
}

impl Mlp {
    pub fn new(b: &mut Builder, input: [usize; 3], spec: &Spec, classes: usize) -> Self {
        let mut width = input.iter().product();
        let mut layers = Vec::new();
        for (index, &next) in spec.hidden.iter().enumerate() {
            layers.push(b.linear(&(2 * index + 1).to_string(), width, next));
            width = next;
        }
        let output = b.classifier(&(2 * spec.hidden.len() + 1).to_string(), width, classes);
        Self { hidden: layers, dropout: spec.dropout, output }
    }

    pub fn drops(&self) -> bool {
        self.dropout > 0.0
    }

    pub fn forward<B: Ops>(&self, tape: &mut Tape<'_, B>, x: Var<B>) -> Var<B> {
        let mut x = tape.flatten(x);
        for layer in &self.hidden {
            let z = tape.linear(layer, x);
            let y = tape.relu(z);
            x = tape.dropout(self.dropout, y);
        }
        tape.linear(&self.output, x)
    }
}
