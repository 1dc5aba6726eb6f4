//! Random numbers of an attack: functions of the sample, not of the batch it came in.

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use super::ball::{norms, per_sample};
use crate::data::{Generator, Purpose};
use crate::lang::catalog::{Beginning, Norm};
use crate::ops::Ops;

/// Where an attack begins, relative to the clean image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    Clean,
    /// Uniform in the ball, in volume.
    Uniform,
    /// A normal deviate of this standard deviation on every pixel.
    Gaussian(f64),
}

/// Standard deviation of a Gaussian start: the codes of TRADES and MART.
const GAUSSIAN: f64 = 0.001;

/// A shorter direction has none.
const TINY: f64 = 1e-12;

impl Start {
    /// Just off the clean image.
    pub const NEAR: Start = Start::Gaussian(GAUSSIAN);

    /// What a file names.
    pub fn named(beginning: Beginning) -> Self {
        match beginning {
            Beginning::Uniform => Start::Uniform,
            Beginning::Gaussian => Start::NEAR,
            Beginning::Clean => Start::Clean,
        }
    }
}

/// The streams of the samples of one batch.
#[derive(Clone, Debug)]
pub struct Draws {
    /// What the numbers belong to besides the sample: seed, phase, step.
    pub key: Vec<u64>,
    /// Places of the samples in their data set.
    pub indices: Vec<u32>,
}

impl Draws {
    /// The displacement an attack starts with, `[n, h, w, c]`, for balls of `radius` (`[n]`); `draw` tells
    /// restarts apart.
    pub fn start<B: Ops>(
        &self,
        start: Start,
        norm: Norm,
        radius: &Tensor<B, 1>,
        like: &Tensor<B, 4>,
        draw: u64,
    ) -> Option<Tensor<B, 4>> {
        let all: Vec<usize> = (0..self.indices.len()).collect();
        match (start, norm) {
            (Start::Clean, _) => None,
            (Start::Gaussian(deviation), _) => Some(self.normal(&all, like, draw) * deviation),
            (Start::Uniform, Norm::Linf) => Some(self.uniform(&all, like, draw) * per_sample(radius)),
            (Start::Uniform, Norm::L2) => Some(self.inside_sphere(&all, like, draw) * per_sample(radius)),
        }
    }

    /// Standard normal values for the samples at `rows`.
    pub fn normal<B: Ops>(&self, rows: &[usize], like: &Tensor<B, 4>, draw: u64) -> Tensor<B, 4> {
        self.pixels(rows, like, draw, |generator, pixels| {
            pixels.iter_mut().for_each(|pixel| *pixel = generator.normal());
        })
    }

    /// Uniform in [-1, 1).
    fn uniform<B: Ops>(&self, rows: &[usize], like: &Tensor<B, 4>, draw: u64) -> Tensor<B, 4> {
        self.pixels(rows, like, draw, |generator, pixels| {
            pixels.iter_mut().for_each(|pixel| *pixel = 2.0 * generator.unit() - 1.0);
        })
    }

    /// Uniform in the unit ball of `d` dimensions: a normal direction at a length `u^(1/d)`.
    fn inside_sphere<B: Ops>(&self, rows: &[usize], like: &Tensor<B, 4>, draw: u64) -> Tensor<B, 4> {
        let directions = self.pixels(rows, like, draw, |generator, pixels| {
            let length = generator.unit().powf(1.0 / pixels.len() as f64);
            pixels.iter_mut().for_each(|pixel| *pixel = generator.normal());
            let norm = pixels.iter().map(|pixel| pixel * pixel).sum::<f64>().sqrt();
            pixels.iter_mut().for_each(|pixel| *pixel *= length / norm.max(f64::MIN_POSITIVE));
        });
        let lengths = norms(Norm::L2, directions.clone()).clamp_min(1.0);
        directions / per_sample(&lengths)
    }

    /// On the sphere of radius 1, where the attacks of AutoAttack begin: uniform or normal values over their norm.
    pub fn on_sphere<B: Ops>(&self, norm: Norm, like: &Tensor<B, 4>, draw: u64) -> Tensor<B, 4> {
        let all: Vec<usize> = (0..self.indices.len()).collect();
        let values = match norm {
            Norm::Linf => self.uniform(&all, like, draw),
            Norm::L2 => self.normal(&all, like, draw),
        };
        let size = norms(norm, values.clone()).clamp_min(TINY);
        values / per_sample(&size)
    }

    /// One row per sample from Dirichlet(1): normalised exponentials, `[n, classes]`.
    pub fn dirichlet<B: Ops>(&self, like: &Tensor<B, 2>, draw: u64) -> Tensor<B, 2> {
        let [n, classes] = like.dims();
        let mut values = Vec::with_capacity(n * classes);
        for &index in &self.indices {
            let mut generator = self.generator(index, draw);
            let row: Vec<f64> = (0..classes).map(|_| -(1.0 - generator.unit()).ln()).collect();
            let total = row.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            values.extend(row.into_iter().map(|value| value / total));
        }
        Tensor::from_data(TensorData::new(values, [n, classes]), (&like.device(), like.dtype()))
    }

    /// One uniform number in [0, 1) for the whole batch.
    pub fn shared(&self, draw: u64) -> f64 {
        self.generator(u32::MAX, draw).unit()
    }

    fn pixels<B: Ops>(
        &self,
        rows: &[usize],
        like: &Tensor<B, 4>,
        draw: u64,
        fill: impl Fn(&mut Generator, &mut [f64]) + Sync,
    ) -> Tensor<B, 4> {
        let [_, h, w, c] = like.dims();
        let mut values = vec![0.0; rows.len() * h * w * c];
        values.par_chunks_mut(h * w * c).zip(rows).for_each(|(pixels, &row)| {
            fill(&mut self.generator(self.indices[row], draw), pixels);
        });
        Tensor::from_data(TensorData::new(values, [rows.len(), h, w, c]), (&like.device(), like.dtype()))
    }

    /// The generator of the sample at place `index`.
    pub(super) fn generator(&self, index: u32, draw: u64) -> Generator {
        let key: Vec<u64> = self.key.iter().copied().chain([u64::from(index), draw]).collect();
        Generator::keyed(Purpose::Attack, &key)
    }
}
