//! Recording of a forward pass and its differentiation.
//!
//! One forward pass can be differentiated several times, for the weights, the input image, or both, each time
//! with other cotangents: difficulty by input gradients and the weighted parameter gradient share one pass.
//! A gradient nobody asked for is not computed.

mod hessian;

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor};

use super::Noise;
use super::Statistics;
use super::layers::{BatchNorm, Conv2d, Linear};
use super::layout::Layout;
use crate::ops::{Conv, Ops, Subset, Vector};

/// Whose mean and variance batch normalisation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalization {
    /// The batch's own, as in training.
    Batch,
    /// The running statistics, as in evaluation.
    Running,
}

/// How a forward pass is made.
#[derive(Clone)]
pub struct Mode<B: Ops> {
    pub normalization: Normalization,
    /// Keep what a differentiation needs.
    pub record: bool,
    /// Random numbers for dropout; nothing is left out without.
    pub noise: Option<Noise<B>>,
}

/// An activation, `[n, h, w, c]`, and where the tape recorded it.
#[derive(Clone)]
pub struct Var<B: Backend> {
    value: Tensor<B, 4>,
    node: Option<usize>,
}

/// Mean and biased variance of one batch normalisation's input, with the number of values behind each.
#[derive(Clone)]
pub struct Moments<B: Backend> {
    pub mean: Tensor<B, 1>,
    pub variance: Tensor<B, 1>,
    pub count: usize,
}

/// Multiply-adds and activation values of one pass, as in the tables of reference implementations: outputs of
/// convolutions, normalisations and linear maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    pub multiply_adds: usize,
    pub activations: usize,
}

/// Which gradients a differentiation returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wants<'a> {
    pub weights: Option<&'a Subset>,
    pub input: bool,
}

impl Wants<'_> {
    pub const WEIGHTS: Wants<'static> = Wants { weights: Some(&Subset::All), input: false };
    pub const INPUT: Wants<'static> = Wants { weights: None, input: true };
    pub const BOTH: Wants<'static> = Wants { weights: Some(&Subset::All), input: true };

    fn weight(&self, slot: usize) -> bool {
        self.weights.is_some_and(|subset| subset.holds(slot))
    }
}

/// Gradients of a scalar for what was wanted.
pub struct Gradients<B: Ops> {
    /// Empty tensors for parameters that were not wanted.
    pub weights: Option<Vector<B>>,
    /// `[n, h, w, c]`, for pixels in [0, 1].
    pub input: Option<Tensor<B, 4>>,
}

enum Op<B: Backend> {
    Input,
    Standardize { factor: Tensor<B, 1> },
    Conv { x: Tensor<B, 4>, weight: Tensor<B, 4>, layer: Conv2d },
    BatchNorm { x: Tensor<B, 4>, affine: [Tensor<B, 1>; 2], moments: [Tensor<B, 1>; 2], norm: NormNode },
    Relu { y: Tensor<B, 4> },
    Dropout { mask: Tensor<B, 4> },
    Add,
    AddRelu { y: Tensor<B, 4> },
    GlobalAverage { size: [usize; 2] },
    Flatten { shape: [usize; 4] },
    Linear { x: Tensor<B, 2>, weight: Tensor<B, 2>, layer: Linear },
}

#[derive(Clone, Copy)]
struct NormNode {
    scale: usize,
    shift: usize,
    relu: bool,
    batch: bool,
}

struct Node<B: Backend> {
    op: Op<B>,
    parents: [Option<usize>; 2],
}

impl<B: Backend> Op<B> {
    /// Parameters it reads.
    fn slots(&self) -> [Option<usize>; 2] {
        match self {
            Op::Conv { layer, .. } => [Some(layer.weight), layer.bias],
            Op::BatchNorm { norm, .. } => [Some(norm.scale), Some(norm.shift)],
            Op::Linear { layer, .. } => [Some(layer.weight), Some(layer.bias)],
            _ => [None, None],
        }
    }
}

/// For every node, whether anything wanted lies there or upstream.
fn needed<B: Backend>(nodes: &[Node<B>], wants: Wants<'_>) -> Vec<bool> {
    let mut needed: Vec<bool> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let here = match node.op {
            Op::Input => wants.input,
            _ => node.op.slots().into_iter().flatten().any(|slot| wants.weight(slot)),
        };
        let upstream = node.parents.iter().flatten().any(|&parent| needed[parent]);
        needed.push(here || upstream);
    }
    needed
}

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
        self.push(x, [None, None], || Op::Input)
    }

    /// `(x - mean) / std` per channel.
    pub fn standardize(&mut self, x: Var<B>, mean: &[f64], std: &[f64]) -> Var<B> {
        let options = (&x.value.device(), x.value.dtype());
        let factor: Vec<f64> = std.iter().map(|std| 1.0 / std).collect();
        let offset: Vec<f64> = mean.iter().zip(std).map(|(mean, std)| -mean / std).collect();
        let factor = Tensor::<B, 1>::from_data(factor.as_slice(), options);
        let offset = Tensor::<B, 1>::from_data(offset.as_slice(), options);
        let y = B::scale_shift(x.value, factor.clone(), offset, false);
        self.push(y, [x.node, None], || Op::Standardize { factor })
    }

    pub fn conv(&mut self, layer: &Conv2d, x: Var<B>) -> Var<B> {
        let weight = self.matrix::<4>(layer.weight);
        let bias = layer.bias.map(|slot| self.weights.0[slot].clone());
        let y = B::convolve(x.value.clone(), weight.clone(), bias, layer.conv);
        let [_, input, kernel, _] = weight.dims();
        self.count(&y, input * kernel * kernel);
        self.push(y, [x.node, None], || Op::Conv { x: x.value, weight, layer: layer.clone() })
    }

    pub fn batch_norm(&mut self, layer: &BatchNorm, x: Var<B>) -> Var<B> {
        self.normalize(layer, x, false)
    }

    pub fn batch_norm_relu(&mut self, layer: &BatchNorm, x: Var<B>) -> Var<B> {
        self.normalize(layer, x, true)
    }

    fn normalize(&mut self, layer: &BatchNorm, x: Var<B>, relu: bool) -> Var<B> {
        let affine = [layer.scale, layer.shift].map(|slot| self.weights.0[slot].clone());
        let batch = self.mode.normalization == Normalization::Batch;
        let (y, moments) = if batch {
            self.normalize_by_batch(layer, &x, &affine, relu)
        } else {
            self.normalize_by_running(layer, &x, &affine, relu)
        };
        self.count(&y, 0);
        let norm = NormNode { scale: layer.scale, shift: layer.shift, relu, batch };
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
        let out = B::batch_norm(x.value.clone(), scale.clone(), shift.clone(), relu);
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
        let [mean, variance] = self.statistics.0[layer.norm].clone();
        let rstd = (variance + crate::ops::EPSILON).sqrt().recip();
        let factor = scale.clone() * rstd.clone();
        let offset = shift.clone() - mean.clone() * factor.clone();
        (B::scale_shift(x.value.clone(), factor, offset, relu), [mean, rstd])
    }

    pub fn relu(&mut self, x: Var<B>) -> Var<B> {
        let y = B::rectify(x.value);
        self.push(y.clone(), [x.node, None], || Op::Relu { y })
    }

    /// Leaves out a share of the values and scales the others up, where the pass has noise.
    pub fn dropout(&mut self, rate: f64, x: Var<B>) -> Var<B> {
        let Some(noise) = self.mode.noise.as_mut().filter(|_| rate > 0.0) else { return x };
        let mask = noise.mask(rate, &x.value);
        let y = x.value * mask.clone();
        self.push(y, [x.node, None], || Op::Dropout { mask })
    }

    pub fn add(&mut self, a: Var<B>, b: Var<B>) -> Var<B> {
        let y = B::sum_of(a.value, b.value);
        self.push(y, [a.node, b.node], || Op::Add)
    }

    pub fn add_relu(&mut self, a: Var<B>, b: Var<B>) -> Var<B> {
        let y = B::add_rectify(a.value, b.value);
        self.push(y.clone(), [a.node, b.node], || Op::AddRelu { y })
    }

    /// Mean over height and width: `[n, 1, 1, c]`.
    pub fn global_average(&mut self, x: Var<B>) -> Var<B> {
        let [_, h, w, _] = x.value.dims();
        let y = B::global_average(x.value);
        self.push(y, [x.node, None], || Op::GlobalAverage { size: [h, w] })
    }

    /// All values of a sample in PyTorch's order (channel, row, column): `[n, 1, 1, c·h·w]`.
    pub fn flatten(&mut self, x: Var<B>) -> Var<B> {
        let shape @ [n, h, w, c] = x.value.dims();
        let y = x.value.permute([0, 3, 1, 2]).reshape([n, 1, 1, c * h * w]);
        self.push(y, [x.node, None], || Op::Flatten { shape })
    }

    /// Affine map of the last axis of `[n, 1, 1, features]`.
    pub fn linear(&mut self, layer: &Linear, x: Var<B>) -> Var<B> {
        let weight = self.matrix::<2>(layer.weight);
        let [output, input] = weight.dims();
        let n = x.value.dims()[0];
        let rows = x.value.reshape([n, input]);
        let bias = self.weights.0[layer.bias].clone();
        let y = B::affine(rows.clone(), weight.clone(), bias).reshape([n, 1, 1, output]);
        self.count(&y, input);
        self.push(y, [x.node, None], || Op::Linear { x: rows, weight, layer: layer.clone() })
    }

    /// Ends the pass: `logits` is `[n, 1, 1, classes]`.
    pub fn finish(self, logits: Var<B>) -> Trace<B> {
        let [n, _, _, classes] = logits.value.dims();
        Trace {
            logits: logits.value.reshape([n, classes]),
            nodes: self.nodes,
            weights: self.layout.parameters.len(),
            moments: self.moments.into_iter().flatten().collect(),
            cost: self.cost,
        }
    }

    fn matrix<const D: usize>(&self, slot: usize) -> Tensor<B, D> {
        let shape: [usize; D] = std::array::from_fn(|axis| self.layout.parameters[slot].shape[axis]);
        self.weights.0[slot].clone().reshape(shape)
    }

    fn count(&mut self, y: &Tensor<B, 4>, inner: usize) {
        let outputs = y.shape().num_elements();
        self.cost.activations += outputs;
        self.cost.multiply_adds += outputs * inner;
    }

    fn push(
        &mut self,
        value: Tensor<B, 4>,
        parents: [Option<usize>; 2],
        op: impl FnOnce() -> Op<B>,
    ) -> Var<B> {
        if !self.mode.record {
            return Var { value, node: None };
        }
        self.nodes.push(Node { op: op(), parents });
        Var { value, node: Some(self.nodes.len() - 1) }
    }
}

/// A finished forward pass.
pub struct Trace<B: Ops> {
    /// `[n, classes]`.
    pub logits: Tensor<B, 2>,
    /// Batch statistics in layout order; empty with running statistics.
    pub moments: Vec<Moments<B>>,
    pub cost: Cost,
    nodes: Vec<Node<B>>,
    weights: usize,
}

impl<B: Ops> Trace<B> {
    /// Per-sample cross-entropy `[n]` and its gradient for the logits `[n, classes]`.
    pub fn cross_entropy(&self, labels: Tensor<B, 1, Int>) -> (Tensor<B, 1>, Tensor<B, 2>) {
        B::cross_entropy(self.logits.clone(), labels)
    }

    /// Gradients of `sum(logits * cotangent)`; may be called again with another cotangent.
    ///
    /// # Panics
    /// If the pass was not recorded.
    pub fn backward(&self, cotangent: Tensor<B, 2>, wants: Wants<'_>) -> Gradients<B> {
        assert!(!self.nodes.is_empty(), "the forward pass was not recorded");
        let [n, classes] = cotangent.dims();
        let mut sink = Sink {
            nodes: &self.nodes,
            wants,
            needed: needed(&self.nodes, wants),
            grads: self.nodes.iter().map(|_| None).collect(),
            weights: vec![None; self.weights],
        };
        let last = self.nodes.len() - 1;
        sink.grads[last] = Some(cotangent.reshape([n, 1, 1, classes]));
        let mut input = None;
        for index in (0..self.nodes.len()).rev() {
            let Some(grad) = sink.grads[index].take() else { continue };
            match self.nodes[index].op {
                Op::Input => input = Some(grad),
                _ => sink.node(index, grad),
            }
        }
        let nothing = || Tensor::empty([0], (&self.logits.device(), self.logits.dtype()));
        let all = sink.weights.into_iter().map(|grad| grad.unwrap_or_else(nothing));
        let weights = wants.weights.is_some().then(|| Vector(all.collect()));
        Gradients { weights, input: input.filter(|_| wants.input) }
    }
}

/// Gradients under way.
struct Sink<'a, B: Ops> {
    nodes: &'a [Node<B>],
    wants: Wants<'a>,
    needed: Vec<bool>,
    grads: Vec<Option<Tensor<B, 4>>>,
    weights: Vec<Option<Tensor<B, 1>>>,
}

impl<B: Ops> Sink<'_, B> {
    fn node(&mut self, index: usize, grad: Tensor<B, 4>) {
        let node = &self.nodes[index];
        let parent = node.parents[0];
        match &node.op {
            Op::Input => {}
            Op::Standardize { factor } => {
                let channels = factor.dims()[0];
                self.send(parent, || grad * factor.clone().reshape([1, 1, 1, channels]));
            }
            Op::Conv { x, weight, layer } => self.conv(parent, grad, x, weight, layer),
            Op::BatchNorm { x, affine, moments, norm } => {
                self.batch_norm(parent, grad, x, affine.clone(), moments.clone(), *norm);
            }
            Op::Relu { y } => self.send(parent, || B::rectify_grad(y.clone(), grad)),
            Op::Dropout { mask } => self.send(parent, || grad * mask.clone()),
            Op::Add => self.both(node.parents, grad),
            Op::AddRelu { y } => self.both(node.parents, B::rectify_grad(y.clone(), grad)),
            Op::GlobalAverage { size } => self.send(parent, || B::global_average_grad(grad, *size)),
            Op::Flatten { shape: [n, h, w, c] } => {
                self.send(parent, || grad.reshape([*n, *c, *h, *w]).permute([0, 2, 3, 1]));
            }
            Op::Linear { x, weight, layer } => self.linear(parent, grad, x, weight, layer),
        }
    }

    fn send(&mut self, parent: Option<usize>, grad: impl FnOnce() -> Tensor<B, 4>) {
        let Some(parent) = parent.filter(|&parent| self.needed[parent]) else { return };
        let grad = grad();
        self.grads[parent] = Some(match self.grads[parent].take() {
            Some(sum) => B::sum_of(sum, grad),
            None => grad,
        });
    }

    fn both(&mut self, parents: [Option<usize>; 2], grad: Tensor<B, 4>) {
        let other = grad.clone();
        self.send(parents[0], || grad);
        self.send(parents[1], || other);
    }

    fn conv(
        &mut self,
        parent: Option<usize>,
        grad: Tensor<B, 4>,
        x: &Tensor<B, 4>,
        weight: &Tensor<B, 4>,
        layer: &Conv2d,
    ) {
        let [_, height, width, _] = x.dims();
        let [_, _, kernel, _] = weight.dims();
        if self.wants.weight(layer.weight) {
            let d = B::convolve_weight_grad(x.clone(), grad.clone(), layer.conv, kernel);
            self.weights[layer.weight] = Some(flat(d));
        }
        if let Some(bias) = layer.bias.filter(|&bias| self.wants.weight(bias)) {
            self.weights[bias] = Some(B::channel_sum(grad.clone()));
        }
        let conv: Conv = layer.conv;
        self.send(parent, || B::convolve_input_grad(grad, weight.clone(), conv, [height, width]));
    }

    fn batch_norm(
        &mut self,
        parent: Option<usize>,
        grad: Tensor<B, 4>,
        x: &Tensor<B, 4>,
        affine: [Tensor<B, 1>; 2],
        moments: [Tensor<B, 1>; 2],
        norm: NormNode,
    ) {
        let d = if norm.batch {
            B::batch_norm_grad(x.clone(), grad, affine, moments, norm.relu)
        } else {
            B::fixed_norm_grad(x.clone(), grad, affine, moments, norm.relu)
        };
        for (slot, grad) in [(norm.scale, d.scale), (norm.shift, d.shift)] {
            self.weights[slot] = self.wants.weight(slot).then_some(grad);
        }
        self.send(parent, || d.x);
    }

    fn linear(
        &mut self,
        parent: Option<usize>,
        grad: Tensor<B, 4>,
        x: &Tensor<B, 2>,
        weight: &Tensor<B, 2>,
        layer: &Linear,
    ) {
        let [n, input] = x.dims();
        let output = weight.dims()[0];
        let grad = grad.reshape([n, output]);
        if self.wants.weight(layer.weight) {
            self.weights[layer.weight] = Some(flat(B::affine_weight_grad(x.clone(), grad.clone())));
        }
        if self.wants.weight(layer.bias) {
            self.weights[layer.bias] = Some(flat(grad.clone().sum_dim(0)));
        }
        self.send(parent, || B::affine_input_grad(grad, weight.clone()).reshape([n, 1, 1, input]));
    }
}

fn flat<B: Backend, const D: usize>(x: Tensor<B, D>) -> Tensor<B, 1> {
    let length = x.shape().num_elements();
    x.reshape([length])
}
