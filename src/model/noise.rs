//! Masks of dropout, as a function of a key.

use burn::tensor::{Int, Tensor, TensorData};

use crate::data::Generator;
use crate::ops::Ops;

/// Random numbers of one training pass; a clone gives the same ones.
#[derive(Clone)]
pub struct Noise<B: Ops> {
    generator: Generator,
    /// Where the pass sees a part of a batch: the size of the whole, and the places of the part in it.
    part: Option<(usize, Tensor<B, 1, Int>)>,
}

impl<B: Ops> Noise<B> {
    pub fn new(generator: Generator) -> Self {
        Self { generator, part: None }
    }

    /// The noise of the samples at `places` in a batch of `whole`.
    pub fn select(self, whole: usize, places: Tensor<B, 1, Int>) -> Self {
        Self { part: Some((whole, places)), ..self }
    }

    /// `1 / (1 - rate)` where a value is kept and 0 where it is left out, shaped and stored as `like`.
    pub fn mask(&mut self, rate: f64, like: &Tensor<B, 4>) -> Tensor<B, 4> {
        let [n, h, w, c] = like.dims();
        let rows = self.part.as_ref().map_or(n, |(whole, _)| *whole);
        let keep = 1.0 / (1.0 - rate);
        let drawn: Vec<f32> = (0..rows * h * w * c)
            .map(|_| if self.generator.unit() < rate { 0.0 } else { keep as f32 })
            .collect();
        let options = (&like.device(), like.dtype());
        let mask = Tensor::from_data(TensorData::new(drawn, [rows, h, w, c]), options);
        match &self.part {
            Some((_, places)) => mask.select(0, places.clone()),
            None => mask,
        }
    }
}
