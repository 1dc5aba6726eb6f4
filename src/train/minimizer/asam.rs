//! ASAM (Kwon et al., ICML 2021): `e = rho T² g / ‖T g‖` with `T = |w| + eta`.

use burn::tensor::Tensor;

use super::metric::Metric;
use crate::lang::catalog::Scaling;
use crate::model::Parameter;
use crate::ops::{Ops, Subset, Vector};

/// `T²`, tensor by tensor.
pub struct Adaptive {
    eta: f64,
    scales: Vec<Scale>,
}

/// What a tensor is scaled by.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    One,
    /// Every weight by its own size.
    Elements,
    /// Every filter by its norm; the number of filters.
    Filters(usize),
}

impl Adaptive {
    pub fn new(scaling: Scaling, eta: f64, parameters: &[Parameter]) -> Self {
        let scale = |parameter: &Parameter| {
            let weight = parameter.name.contains("weight");
            match (scaling, parameter.shape.as_slice()) {
                (Scaling::All, _) => Scale::Elements,
                (Scaling::Filters, [filters, _, _, _]) if weight => Scale::Filters(*filters),
                _ if weight => Scale::Elements,
                _ => Scale::One,
            }
        };
        Self { eta, scales: parameters.iter().map(scale).collect() }
    }
}

impl<B: Ops> Metric<B> for Adaptive {
    fn map(&self, weights: &Vector<B>, _: &Vector<B>, vector: &Vector<B>, subset: &Subset) -> Vector<B> {
        let part = |(index, &scale): (usize, &Scale)| {
            let (weight, vector) = (&weights.0[index], &vector.0[index]);
            match scale {
                Scale::Elements if subset.holds(index) => {
                    B::scale_by_size(weight.clone(), vector.clone(), self.eta)
                }
                Scale::Filters(filters) if subset.holds(index) => {
                    by_filter(weight, vector, filters, self.eta)
                }
                _ => vector.clone(),
            }
        };
        Vector(self.scales.iter().enumerate().map(part).collect())
    }
}

/// `(‖filter‖ + eta)² · vector`.
fn by_filter<B: Ops>(weight: &Tensor<B, 1>, vector: &Tensor<B, 1>, filters: usize, eta: f64) -> Tensor<B, 1> {
    let [length] = weight.dims();
    let rows = |x: &Tensor<B, 1>| x.clone().reshape([filters, length / filters]);
    let size = (rows(weight) * rows(weight)).sum_dim(1).sqrt() + eta;
    (rows(vector) * (size.clone() * size)).reshape([length])
}
