//! Recording: one forward pass, operation by operation.

use burn::tensor::Tensor;

use super::attention::Attention;
use super::layer_norm::Normed;
use super::map::{FirstToken, Flatten, Gelu, GlobalAverage, Halve, Map, Masked, Rectified, Scaled, Widen};
use super::pool::{Picked, Pool};
use super::{Cost, Mode, Moments, Node, NormNode, Normalization, Op, Trace, Var};
use crate::model::Statistics;
use crate::model::layers::{Affine, BatchNorm, Conv2d, Linear};
use crate::model::layout::{Layout, Slot};
use crate::model::vit::Embedding;
use crate::ops::{Ops, Vector, stored, wide};
use crate::stop;

/// Records one forward pass of a network.
pub struct Tape<'a, B: Ops> {
    layout: &'a Layout,
    weights: &'a Vector<B>,
    statistics: &'a Statistics<B>,
    mode: Mode<B>,
    nodes: Vec<Node<B>>,
    moments: Vec<Option<Moments<B>>>,
    cost: Cost,
}

impl<'a, B: Ops> Tape<'a, B> {
    pub fn new(
        layout: &'a Layout,
        weights: &'a Vector<B>,
        statistics: &'a Statistics<B>,
        mode: Mode<B>,
    ) -> Self {
        let moments = layout.norms.iter().map(|_| None).collect();
        Self { layout, weights, statistics, mode, nodes: Vec::new(), moments, cost: Cost::default() }
    }

    /// The image.
    pub fn input(&mut self, x: Tensor<B, 4>) -> Var<B> {
        self.node(x, [None, None], || Op::Input)
    }

    /// `(x - mean) / std` per channel.
    pub fn standardize(&mut self, x: Var<B>, mean: &[f64], std: &[f64]) -> Var<B> {
        let options = (&x.value.device(), x.value.dtype());
        let factor: Vec<f64> = std.iter().map(|std| 1.0 / std).collect();
        let offset: Vec<f64> = mean.iter().zip(std).map(|(mean, std)| -mean / std).collect();
        let factor = Tensor::<B, 1>::from_data(factor.as_slice(), options);
        let offset = Tensor::<B, 1>::from_data(offset.as_slice(), options);
        let y = B::scale_shift(x.value, factor.clone(), offset, false);
        self.map(y, &x.node, || Scaled { factor })
    }

    pub fn conv(&mut self, layer: &Conv2d, x: Var<B>) -> Var<B> {
        let weight = self.stored(self.matrix::<4>(layer.weight));
        let bias = layer.bias.map(|slot| self.stored(self.value(slot)));
        let image = self.stored(x.value);
        let y = B::convolve(image.clone(), weight.clone(), bias, layer.conv);
        let [_, input, kernel, _] = weight.dims();
        self.count(&y, input * kernel * kernel);
        self.push(y, [x.node, None], || Op::Conv { x: image, weight, layer: layer.clone() })
    }

    pub fn batch_norm(&mut self, layer: &BatchNorm, x: Var<B>) -> Var<B> {
        self.normalize(layer, x, false)
    }

    pub fn batch_norm_relu(&mut self, layer: &BatchNorm, x: Var<B>) -> Var<B> {
        self.normalize(layer, x, true)
    }

    fn normalize(&mut self, layer: &BatchNorm, x: Var<B>, relu: bool) -> Var<B> {
        let affine = [layer.affine.scale, layer.affine.shift].map(|slot| self.value(slot));
        let fixed = self.layout.norms[layer.norm].fixed;
        let batch = self.mode.normalization == Normalization::Batch && !fixed;
        let (y, moments) = if batch {
            self.normalize_by_batch(layer, &x, &affine, relu)
        } else {
            self.normalize_by_running(layer, &x, &affine, relu)
        };
        self.count(&y, 0);
        let norm = NormNode { layer: layer.affine, relu, batch };
        self.push(y, [x.node, None], || Op::BatchNorm { x: x.value, affine, moments, norm })
    }

    fn normalize_by_batch(
        &mut self,
        layer: &BatchNorm,
        x: &Var<B>,
        [scale, shift]: &[Tensor<B, 1>; 2],
        relu: bool,
    ) -> (Tensor<B, 4>, [Tensor<B, 1>; 2]) {
        let [n, h, w, _] = x.value.dims();
        let out = B::batch_norm(wide(x.value.clone()), scale.clone(), shift.clone(), relu);
        let moments = Moments { mean: out.mean.clone(), variance: out.variance, count: n * h * w };
        self.moments[layer.norm] = Some(moments);
        (out.y, [out.mean, out.rstd])
    }

    fn normalize_by_running(
        &mut self,
        layer: &BatchNorm,
        x: &Var<B>,
        [scale, shift]: &[Tensor<B, 1>; 2],
        relu: bool,
    ) -> (Tensor<B, 4>, [Tensor<B, 1>; 2]) {
        let [mean, variance] = self.statistics.running[layer.norm].clone();
        let rstd = (variance + crate::ops::EPSILON).sqrt().recip();
        let factor = scale.clone() * rstd.clone();
        let offset = shift.clone() - mean.clone() * factor.clone();
        (B::scale_shift(wide(x.value.clone()), factor, offset, relu), [mean, rstd])
    }

    pub fn relu(&mut self, x: Var<B>) -> Var<B> {
        let y = self.stored(B::rectify(wide(x.value)));
        self.map(y.clone(), &x.node, || Rectified { y })
    }

    /// Leaves out a share of the values and scales the others up, where the pass has noise.
    pub fn dropout(&mut self, rate: f64, x: Var<B>) -> Var<B> {
        let Some(noise) = self.mode.noise.as_mut().filter(|_| rate > 0.0) else { return x };
        let value = wide(x.value);
        let mask = noise.mask(rate, &value);
        let y = value * mask.clone();
        self.map(y, &x.node, || Masked { mask })
    }

    pub fn add(&mut self, a: Var<B>, b: Var<B>) -> Var<B> {
        let y = B::sum_of(wide(a.value), wide(b.value));
        self.push(y, [a.node, b.node], || Op::Add)
    }

    pub fn add_relu(&mut self, a: Var<B>, b: Var<B>) -> Var<B> {
        let y = self.stored(B::add_rectify(wide(a.value), wide(b.value)));
        self.push(y.clone(), [a.node, b.node], || Op::AddRelu { y })
    }

    /// Mean over height and width: `[n, 1, 1, c]`.
    pub fn global_average(&mut self, x: Var<B>) -> Var<B> {
        let [_, h, w, _] = x.value.dims();
        let y = B::global_average(wide(x.value));
        self.map(y, &x.node, || GlobalAverage { size: [h, w] })
    }

    /// All values of a sample in PyTorch's order (channel, row, column): `[n, 1, 1, c·h·w]`.
    pub fn flatten(&mut self, x: Var<B>) -> Var<B> {
        let flatten = Flatten { shape: x.value.dims() };
        let y = flatten.tangent(x.value);
        self.map(y, &x.node, || flatten)
    }

    /// Affine map of the last axis.
    pub fn linear(&mut self, layer: &Linear, x: Var<B>) -> Var<B> {
        let weight = self.stored(self.matrix::<2>(layer.weight));
        let [output, input] = weight.dims();
        let shape @ [n, h, w, _] = x.value.dims();
        let rows = self.stored(x.value).reshape([n * h * w, input]);
        let bias = self.stored(self.value(layer.bias));
        let y = B::affine(rows.clone(), weight.clone(), bias).reshape([n, h, w, output]);
        self.count(&y, input);
        self.push(y, [x.node, None], || Op::Linear { x: rows, weight, layer: layer.clone(), shape })
    }

    /// Normalisation of each position's channels; see [`crate::ops::LAYER_EPSILON`].
    pub fn layer_norm(&mut self, layer: &Affine, x: Var<B>) -> Var<B> {
        let [scale, shift] = [layer.scale, layer.shift].map(|slot| self.value(slot));
        let out = B::norm_layer(wide(x.value), scale.clone(), shift);
        self.count(&out.y, 0);
        let normed = Normed { unit: self.stored(out.unit), rstd: out.rstd, scale };
        self.push(out.y, [x.node, None], || Op::LayerNorm { normed, layer: *layer })
    }

    /// `x Φ(x)` with the exact normal distribution.
    pub fn gelu(&mut self, x: Var<B>) -> Var<B> {
        let y = B::gelu_gate(wide(x.value.clone()));
        self.map(y, &x.node, || Gelu { x: x.value })
    }

    /// Multi-head attention of `[n, 1, tokens, 3 c]`, queries, keys and values side by side, to `[n, 1, tokens, c]`.
    pub fn attention(&mut self, heads: usize, x: Var<B>) -> Var<B> {
        let (y, attention) = Attention::new(self.stored(x.value), heads);
        let [n, _, tokens, channels] = y.dims();
        self.cost.multiply_adds += 2 * n * tokens * tokens * channels;
        self.cost.activations += n * heads * tokens * tokens + n * tokens * channels;
        self.map(y, &x.node, || attention)
    }

    /// Patches `[n, h, w, c]` as tokens `[n, 1, 1 + h w, c]` behind a class token, each with its position added.
    pub fn embed(&mut self, layer: &Embedding, x: Var<B>) -> Var<B> {
        let shape @ [n, h, w, c] = x.value.dims();
        let token = self.value(layer.class_token).reshape([1, 1, 1, c]).expand([n, 1, 1, c]);
        let tokens = Tensor::cat(vec![token, wide(x.value).reshape([n, 1, h * w, c])], 2);
        // All tokens of an image as the channels of one pixel: for `x * 1 + shift` there is a kernel, for sums that repeat
        // an operand there is none.
        let width = (1 + h * w) * c;
        let positions = self.value(layer.positions);
        let ones = Tensor::ones([width], (&positions.device(), positions.dtype()));
        let y = B::scale_shift(tokens.reshape([n, 1, 1, width]), ones, positions, false);
        let y = y.reshape([n, 1, 1 + h * w, c]);
        self.push(y, [x.node, None], || Op::Embed { layer: *layer, shape })
    }

    /// The class token, `[n, 1, 1, c]`.
    pub fn first_token(&mut self, x: Var<B>) -> Var<B> {
        let [_, _, tokens, _] = x.value.dims();
        let first = FirstToken { tokens };
        let y = first.tangent(x.value);
        self.map(y, &x.node, || first)
    }

    /// Largest value of each window.
    pub fn max_pool(&mut self, pool: Pool, x: Var<B>) -> Var<B> {
        let (y, picked) = Picked::new(wide(x.value), pool);
        self.map(y, &x.node, || picked)
    }

    /// Mean of each 2×2 square, of what is there at an odd edge.
    pub fn halve(&mut self, x: Var<B>) -> Var<B> {
        let halve = Halve { shape: x.value.dims() };
        let y = halve.tangent(wide(x.value));
        self.map(y, &x.node, || halve)
    }

    /// Zero channels after those that are there, up to `channels`.
    pub fn widen(&mut self, x: Var<B>, channels: usize) -> Var<B> {
        if x.channels() >= channels {
            return x;
        }
        let widen = Widen { from: x.channels(), to: channels };
        let y = widen.tangent(x.value);
        self.map(y, &x.node, || widen)
    }

    /// Ends the pass: `logits` is `[n, 1, 1, classes]`.
    pub fn finish(self, logits: Var<B>) -> Trace<B> {
        let [n, _, _, classes] = logits.value.dims();
        Trace {
            logits: wide(logits.value).reshape([n, classes]),
            precision: self.mode.precision,
            nodes: self.nodes,
            weights: self.layout.parameters.len(),
            moments: self.moments,
            cost: self.cost,
        }
    }

    fn value(&self, slot: Slot) -> Tensor<B, 1> {
        match slot {
            Slot::Trained(index) => self.weights.0[index].clone(),
            Slot::Frozen(index) => self.statistics.frozen[index].clone(),
        }
    }

    fn matrix<const D: usize>(&self, slot: Slot) -> Tensor<B, D> {
        let shape = &self.layout.parameter(slot).shape;
        self.value(slot).reshape::<D, [usize; D]>(std::array::from_fn(|axis| shape[axis]))
    }

    fn map<M: Map<B> + 'static>(
        &mut self,
        y: Tensor<B, 4>,
        parent: &Option<usize>,
        map: impl FnOnce() -> M,
    ) -> Var<B> {
        self.push(y, [*parent, None], || Op::Map(Box::new(map())))
    }

    fn count(&mut self, y: &Tensor<B, 4>, inner: usize) {
        let outputs = y.shape().num_elements();
        self.cost.activations += outputs;
        self.cost.multiply_adds += outputs * inner;
    }

    fn stored<const D: usize>(&self, x: Tensor<B, D>) -> Tensor<B, D> {
        stored(x, self.mode.precision)
    }

    fn push(
        &mut self,
        value: Tensor<B, 4>,
        parents: [Option<usize>; 2],
        op: impl FnOnce() -> Op<B>,
    ) -> Var<B> {
        let value = self.stored(value);
        self.node(value, parents, op)
    }

    fn node(
        &mut self,
        value: Tensor<B, 4>,
        parents: [Option<usize>; 2],
        op: impl FnOnce() -> Op<B>,
    ) -> Var<B> {
        stop::point();
        if !self.mode.record {
            return Var { value, node: None };
        }
        self.nodes.push(Node { op: op(), parents });
        Var { value, node: Some(self.nodes.len() - 1) }
    }
}
