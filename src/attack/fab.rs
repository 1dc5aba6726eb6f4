//! Targeted FAB (Croce and Hein, "Minimally distorted adversarial examples with a fast adaptive boundary attack",
//! ICML 2020): projections on the linearised boundary to one other class, pulled towards the clean image.

use burn::tensor::{Int, Tensor, TensorData};
use rayon::prelude::*;

use super::GoOn;
use super::criterion::Criterion;
use super::kernel::{read, rows};
use super::plane::move_to_plane;
use super::victim::{Victim, input_gradient, wrong};
use crate::lang::catalog::Norm;
use crate::ops::Ops;

/// How far beyond the boundary a projection aims.
const OVERSHOOT: f64 = 1.05;

/// Largest share of the clean image's projection in an iterate.
const MOST_BIAS: f64 = 0.1;

/// How far back to the clean image a misclassified iterate goes.
const RETURN: f64 = 0.9;

/// So that a point on the boundary has a share.
const TINY: f64 = 1e-8;

/// One attack on one batch.
pub struct Fab<'a, B: Ops> {
    pub victim: Victim<'a, B>,
    /// `[n, h, w, c]`.
    pub x: Tensor<B, 4>,
    /// `[n]`.
    pub labels: Tensor<B, 1, Int>,
    /// The class each sample is driven to, `[n]`.
    pub targets: Tensor<B, 1, Int>,
    pub norm: Norm,
    pub steps: usize,
    /// A sample is done at a perturbation of this size; 0 searches for the smallest.
    pub enough: f64,
}

/// One sample's search, pixels on the host.
struct Search {
    row: usize,
    clean: Vec<f64>,
    x: Vec<f64>,
    /// Of the smallest perturbation that is misclassified.
    radius: f64,
}

impl<B: Ops> Fab<'_, B> {
    /// Size of the smallest perturbation found for each sample; infinite where there is none.
    pub fn radii(&self, go_on: GoOn<'_>) -> Vec<f64> {
        let pixels = pixels(&self.x);
        let search = |(row, x): (usize, Vec<f64>)| Search { row, clean: x.clone(), x, radius: f64::INFINITY };
        let mut searches: Vec<Search> = pixels.into_iter().enumerate().map(search).collect();
        let mut radii = vec![f64::INFINITY; searches.len()];
        for _ in 0..self.steps {
            if searches.is_empty() || !go_on() {
                break;
            }
            self.step(&mut searches);
            searches.iter().for_each(|search| radii[search.row] = search.radius);
            searches.retain(|search| search.radius > self.enough);
        }
        radii
    }

    fn step(&self, searches: &mut [Search]) {
        let kept: Vec<usize> = searches.iter().map(|search| search.row).collect();
        let kept = rows::<B>(&kept, &self.x.device());
        let labels = self.labels.clone().select(0, kept.clone());
        let criterion = Criterion::Toward(self.targets.clone().select(0, kept));
        let trace = self.victim.trace(self.upload(searches));
        let (distances, cotangent) = criterion.at(trace.logits.clone(), &labels);
        let gradients = self::pixels(&input_gradient(&trace, cotangent));
        let distances: Vec<f64> = distances.into_data().convert::<f64>().iter::<f64>().collect();
        searches
            .par_iter_mut()
            .zip(distances.par_iter().zip(&gradients))
            .for_each(|(search, (&distance, gradient))| search.project(self.norm, distance, gradient));
        let fallen = read(wrong(&self.victim.logits(self.upload(searches)), &labels));
        searches
            .iter_mut()
            .zip(fallen)
            .filter(|(_, fallen)| *fallen)
            .for_each(|(search, _)| search.found(self.norm));
    }

    fn upload(&self, searches: &[Search]) -> Tensor<B, 4> {
        let [_, h, w, c] = self.x.dims();
        let values: Vec<f64> = searches.iter().flat_map(|search| search.x.iter().copied()).collect();
        let data = TensorData::new(values, [searches.len(), h, w, c]);
        Tensor::from_data(data, (&self.x.device(), self.x.dtype()))
    }
}

impl Search {
    /// One step: `distance` is `z_t - z_y` here and `gradient` its slope.
    fn project(&mut self, norm: Norm, distance: f64, gradient: &[f64]) {
        let along = |(slope, (x, clean)): (&f64, (&f64, &f64))| slope * (x - clean);
        let moved: f64 = gradient.iter().zip(self.x.iter().zip(&self.clean)).map(along).sum();
        let here = move_to_plane(norm, &self.x, gradient, -distance);
        let from_clean = move_to_plane(norm, &self.clean, gradient, moved - distance);
        let (near, far) = (size(norm, &here).max(TINY), size(norm, &from_clean).max(TINY));
        let bias = (near / (near + far)).min(MOST_BIAS);
        for (k, x) in self.x.iter_mut().enumerate() {
            let aimed = *x + OVERSHOOT * here[k];
            let pulled = self.clean[k] + OVERSHOOT * from_clean[k];
            *x = ((1.0 - bias) * aimed + bias * pulled).clamp(0.0, 1.0);
        }
    }

    /// Notes a misclassified iterate and goes back towards the clean image.
    fn found(&mut self, norm: Norm) {
        let moved: Vec<f64> = self.x.iter().zip(&self.clean).map(|(x, clean)| x - clean).collect();
        self.radius = self.radius.min(size(norm, &moved));
        for (x, (clean, moved)) in self.x.iter_mut().zip(self.clean.iter().zip(moved)) {
            *x = clean + RETURN * moved;
        }
    }
}

fn size(norm: Norm, d: &[f64]) -> f64 {
    match norm {
        Norm::Linf => d.iter().fold(0.0, |most, d| d.abs().max(most)),
        Norm::L2 => d.iter().map(|d| d * d).sum::<f64>().sqrt(),
    }
}

/// The images on the host.
pub(super) fn pixels<B: Ops>(x: &Tensor<B, 4>) -> Vec<Vec<f64>> {
    let [n, h, w, c] = x.dims();
    let values: Vec<f64> = x.to_data().convert::<f64>().iter::<f64>().collect();
    if n == 0 { Vec::new() } else { values.chunks(h * w * c).map(<[f64]>::to_vec).collect() }
}
