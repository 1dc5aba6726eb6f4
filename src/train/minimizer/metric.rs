//! How far a weight may move, relative to the others.

use super::asam::Adaptive;
use super::fishersam::Fisher;
use crate::lang::catalog::Metric as Spec;
use crate::model::Parameter;
use crate::ops::{Ops, Subset, Vector};

/// A diagonal metric.
pub trait Metric<B: Ops>: Send {
    /// `M vector` in the parameters of `subset`, at these weights and with this gradient there; the others are those
    /// of `vector`.
    fn map(
        &self,
        weights: &Vector<B>,
        gradient: &Vector<B>,
        vector: &Vector<B>,
        subset: &Subset,
    ) -> Vector<B>;
}

/// The metric that a file names; `None` is the Euclidean one.
pub fn of<B: Ops>(spec: Option<Spec>, parameters: &[Parameter]) -> Option<Box<dyn Metric<B>>> {
    match spec? {
        Spec::Adaptive(spec) => Some(Box::new(Adaptive::new(spec.scaling, spec.eta, parameters))),
        Spec::Fisher(spec) => Some(Box::new(Fisher(spec.eta))),
    }
}
