//! Exact Hessian-vector products: the directional derivative of the gradient (Pearlmutter, 1994).
//!
//! One sweep forward carries the tangent of every activation along a direction in weight space, one sweep back
//! the cotangents and their tangents. Everything is made of the operations of a gradient, eight passes of them
//! against its three.

use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor};

use super::layer_norm::Normed;
use super::{Node, NormNode, Op, Trace, flat};
use crate::lang::program::Precision;
use crate::model::layers::{Affine as Layer, Conv2d, Linear};
use crate::model::layout::Slot;
use crate::model::vit::Embedding;
use crate::ops::{Ops, Vector};
use crate::stop;

impl<B: Ops> Trace<B> {
    /// `H direction` for the Hessian of `sum(factors * cross-entropy)` in the weights; `factors` is `[n]`.
    ///
    /// # Panics
    /// If the pass was not recorded, was made in bf16, or normalised with its own batch statistics.
    pub fn hessian_product(
        &self,
        labels: Tensor<B, 1, Int>,
        factors: &Tensor<B, 1>,
        direction: &Vector<B>,
    ) -> Vector<B> {
        let (_, residual) = self.cross_entropy(labels);
        self.hessian_product_at(residual, factors, direction)
    }

    /// The same for cross-entropies against any targets: `residual`, `[n, classes]`, is the gradient of each for the logits.
    ///
    /// # Panics
    /// As [`Trace::hessian_product`].
    pub fn hessian_product_at(
        &self,
        residual: Tensor<B, 2>,
        factors: &Tensor<B, 1>,
        direction: &Vector<B>,
    ) -> Vector<B> {
        assert!(!self.nodes.is_empty(), "the forward pass was not recorded");
        assert!(self.precision == Precision::F32, "second derivatives are taken in f32");
        let tangents = Forward { nodes: &self.nodes, direction }.run();
        let [n, classes] = self.logits.dims();
        let factors = factors.clone().reshape([n, 1]);
        let logits = tangents.last().and_then(Option::clone);
        let tangent = logits.map(|t| t.reshape([n, classes]));
        let cotangent = residual * factors.clone();
        let bent = tangent.map(|tangent| {
            let p = softmax(self.logits.clone(), 1);
            let mean = (p.clone() * tangent.clone()).sum_dim(1);
            (tangent - mean) * p * factors
        });
        let image = |x: Tensor<B, 2>| x.reshape([n, 1, 1, classes]);
        let last = Pair { value: image(cotangent), tangent: bent.map(image) };
        let backward = Backward {
            nodes: &self.nodes,
            tangents,
            direction,
            pairs: self.nodes.iter().map(|_| None).collect(),
            product: direction.zeros_like(),
        };
        backward.run(last)
    }
}

/// A sum of tangents, either of which may be zero.
fn plus<B: Ops>(a: Option<Tensor<B, 4>>, b: Option<Tensor<B, 4>>) -> Option<Tensor<B, 4>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(B::sum_of(a, b)),
        (a, b) => a.or(b),
    }
}

/// The direction's part in a parameter; zero in one that does not train.
fn along<B: Ops, const D: usize>(direction: &Vector<B>, slot: Slot, like: &Tensor<B, D>) -> Tensor<B, D> {
    match slot {
        Slot::Trained(index) => direction.0[index].clone().reshape(like.dims()),
        Slot::Frozen(_) => like.zeros_like(),
    }
}

fn zero<B: Ops>(like: &Tensor<B, 1>) -> Tensor<B, 1> {
    like.zeros_like()
}

/// The parts of a normalisation with fixed statistics.
struct Affine<B: Ops> {
    /// Output of the normalisation with its ReLU, where it has one: the mask of what passes.
    y: Option<Tensor<B, 4>>,
    mean: Tensor<B, 1>,
    rstd: Tensor<B, 1>,
    /// `scale * rstd`.
    factor: Tensor<B, 1>,
}

impl<B: Ops> Affine<B> {
    fn new(
        x: &Tensor<B, 4>,
        [scale, shift]: &[Tensor<B, 1>; 2],
        [mean, rstd]: &[Tensor<B, 1>; 2],
        norm: NormNode,
    ) -> Self {
        assert!(!norm.batch, "second derivatives take running statistics");
        let factor = scale.clone() * rstd.clone();
        let y = norm.relu.then(|| {
            let offset = shift.clone() - mean.clone() * factor.clone();
            B::scale_shift(x.clone(), factor.clone(), offset, true)
        });
        Self { y, mean: mean.clone(), rstd: rstd.clone(), factor }
    }

    /// `value` where the ReLU passes.
    fn passed(&self, value: Tensor<B, 4>) -> Tensor<B, 4> {
        match &self.y {
            Some(y) => B::rectify_grad(y.clone(), value),
            None => value,
        }
    }

    fn times(&self, x: Tensor<B, 4>, factor: Tensor<B, 1>) -> Tensor<B, 4> {
        let offset = zero(&factor);
        B::scale_shift(x, factor, offset, false)
    }
}

/// Tangents of activations along a direction of the weights.
struct Forward<'a, B: Ops> {
    nodes: &'a [Node<B>],
    direction: &'a Vector<B>,
}

impl<B: Ops> Forward<'_, B> {
    fn run(self) -> Vec<Option<Tensor<B, 4>>> {
        let mut tangents: Vec<Option<Tensor<B, 4>>> = Vec::with_capacity(self.nodes.len());
        for node in self.nodes {
            stop::point();
            let [a, b] = node.parents.map(|parent| parent.and_then(|parent| tangents[parent].clone()));
            tangents.push(self.node(&node.op, a, b));
        }
        tangents
    }

    /// Tangent of a node, given those of its parents.
    fn node(&self, op: &Op<B>, t: Option<Tensor<B, 4>>, other: Option<Tensor<B, 4>>) -> Option<Tensor<B, 4>> {
        if t.is_none() && other.is_none() && !op.trains() {
            return None;
        }
        match op {
            Op::Input => None,
            Op::Map(map) => t.map(|t| map.tangent(t)),
            Op::Conv { x, weight, layer } => plus::<B>(
                op.trains().then(|| self.conv(x, weight, layer)),
                t.map(|t| B::convolve(t, weight.clone(), None, layer.conv)),
            ),
            Op::BatchNorm { x, affine, moments, norm } => {
                let parts = Affine::new(x, affine, moments, *norm);
                let own = op.trains().then(|| self.batch_norm(x, &parts, norm.layer));
                let all = plus::<B>(own, t.map(|t| parts.times(t, parts.factor.clone())));
                all.map(|all| parts.passed(all))
            }
            Op::LayerNorm { normed, layer } => {
                let own = op.trains().then(|| self.layer_norm(normed, *layer));
                plus::<B>(own, t.map(|t| normed.scaled(normed.project(t))))
            }
            Op::Add => plus::<B>(t, other),
            Op::AddRelu { y } => plus::<B>(t, other).map(|t| B::rectify_grad(y.clone(), t)),
            Op::Linear { x, weight, layer, shape } => plus::<B>(
                op.trains().then(|| self.linear(x, weight, layer, *shape)),
                t.map(|t| rows_through::<B>(t, weight, *shape)),
            ),
            Op::Embed { layer, shape } => Some(self.embed(t, x_like(shape, self.direction), layer, *shape)),
        }
    }

    fn conv(&self, x: &Tensor<B, 4>, weight: &Tensor<B, 4>, layer: &Conv2d) -> Tensor<B, 4> {
        let outputs = weight.dims()[0];
        let bias = layer.bias.map(|bias| along(self.direction, bias, &numbers(weight, outputs)));
        B::convolve(x.clone(), along(self.direction, layer.weight, weight), bias, layer.conv)
    }

    fn batch_norm(&self, x: &Tensor<B, 4>, parts: &Affine<B>, layer: Layer) -> Tensor<B, 4> {
        let [scale, shift] = [layer.scale, layer.shift].map(|slot| along(self.direction, slot, &parts.mean));
        let factor = scale * parts.rstd.clone();
        let offset = shift - parts.mean.clone() * factor.clone();
        B::scale_shift(x.clone(), factor, offset, false)
    }

    fn layer_norm(&self, normed: &Normed<B>, layer: Layer) -> Tensor<B, 4> {
        let [scale, shift] =
            [layer.scale, layer.shift].map(|slot| along(self.direction, slot, &normed.scale));
        B::scale_shift(normed.unit.clone(), scale, shift, false)
    }

    fn linear(
        &self,
        x: &Tensor<B, 2>,
        weight: &Tensor<B, 2>,
        layer: &Linear,
        shape: [usize; 4],
    ) -> Tensor<B, 4> {
        let ([n, h, w, _], [output, _]) = (shape, weight.dims());
        let bias = along(self.direction, layer.bias, &numbers(weight, output));
        B::affine(x.clone(), along(self.direction, layer.weight, weight), bias).reshape([n, h, w, output])
    }

    fn embed(
        &self,
        t: Option<Tensor<B, 4>>,
        like: Tensor<B, 4>,
        layer: &Embedding,
        [n, h, w, c]: [usize; 4],
    ) -> Tensor<B, 4> {
        let tokens = 1 + h * w;
        let part = |slot, length: usize| {
            let zero = like.clone().slice([0..1, 0..1, 0..1, 0..1]).expand([1, 1, length, c]);
            along(self.direction, slot, &zero)
        };
        let patches = t.map_or_else(|| like.clone(), |t| t.reshape([n, 1, h * w, c]));
        let token = part(layer.class_token, 1).expand([n, 1, 1, c]);
        Tensor::cat(vec![token, patches], 2) + part(layer.positions, tokens)
    }
}

/// Zeros, `[length]`.
fn numbers<B: Ops, const D: usize>(like: &Tensor<B, D>, length: usize) -> Tensor<B, 1> {
    Tensor::zeros([length], (&like.device(), like.dtype()))
}

/// Zeros in place of the patches of an embedding, `[n, 1, h w, c]`.
fn x_like<B: Ops>(&[n, h, w, c]: &[usize; 4], direction: &Vector<B>) -> Tensor<B, 4> {
    let kind = &direction.0[0];
    Tensor::zeros([n, 1, h * w, c], (&kind.device(), kind.dtype()))
}

/// The affine map of `[n, h, w, in]` without its shift.
fn rows_through<B: Ops>(t: Tensor<B, 4>, weight: &Tensor<B, 2>, [n, h, w, c]: [usize; 4]) -> Tensor<B, 4> {
    let output = weight.dims()[0];
    let zero = numbers(weight, output);
    B::affine(t.reshape([n * h * w, c]), weight.clone(), zero).reshape([n, h, w, output])
}

/// A cotangent and its tangent, which may be zero.
#[derive(Clone)]
struct Pair<B: Ops> {
    value: Tensor<B, 4>,
    tangent: Option<Tensor<B, 4>>,
}

impl<B: Ops> Pair<B> {
    fn map(self, f: impl Fn(Tensor<B, 4>) -> Tensor<B, 4>) -> Self {
        Self { value: f(self.value), tangent: self.tangent.map(f) }
    }

    fn add(self, other: Self) -> Self {
        Self { value: B::sum_of(self.value, other.value), tangent: plus::<B>(self.tangent, other.tangent) }
    }
}

/// Cotangents and their tangents, from the logits to the image.
struct Backward<'a, B: Ops> {
    nodes: &'a [Node<B>],
    tangents: Vec<Option<Tensor<B, 4>>>,
    direction: &'a Vector<B>,
    pairs: Vec<Option<Pair<B>>>,
    product: Vector<B>,
}

impl<B: Ops> Backward<'_, B> {
    fn run(mut self, last: Pair<B>) -> Vector<B> {
        let end = self.nodes.len() - 1;
        self.pairs[end] = Some(last);
        for index in (0..=end).rev() {
            let Some(pair) = self.pairs[index].take() else { continue };
            stop::point();
            self.node(index, pair);
        }
        self.product
    }

    /// Tangent of what node `index` reads.
    fn tangent(&self, index: usize) -> Option<Tensor<B, 4>> {
        self.nodes[index].parents[0].and_then(|parent| self.tangents[parent].clone())
    }

    fn send(&mut self, parent: Option<usize>, pair: impl FnOnce() -> Pair<B>) {
        // No weight lies upstream of a node without a tangent.
        let Some(parent) = parent.filter(|&parent| self.tangents[parent].is_some()) else { return };
        let pair = pair();
        self.pairs[parent] = Some(match self.pairs[parent].take() {
            Some(sum) => sum.add(pair),
            None => pair,
        });
    }

    fn both(&mut self, parents: [Option<usize>; 2], pair: Pair<B>) {
        let other = pair.clone();
        self.send(parents[0], || pair);
        self.send(parents[1], || other);
    }

    fn node(&mut self, index: usize, pair: Pair<B>) {
        let nodes = self.nodes;
        let node = &nodes[index];
        let parent = node.parents[0];
        match &node.op {
            Op::Input => {}
            Op::Map(map) => {
                let t = self.tangent(index);
                self.send(parent, || {
                    let bent = t.and_then(|t| map.bend(&t, &pair.value));
                    let pair = pair.map(|c| map.grad(c));
                    Pair { tangent: plus::<B>(pair.tangent, bent), ..pair }
                });
            }
            Op::Conv { x, weight, layer } => self.conv(index, pair, x, weight, layer),
            Op::BatchNorm { x, affine, moments, norm } => {
                self.batch_norm(index, pair, x, affine, moments, *norm);
            }
            Op::LayerNorm { normed, layer } => self.layer_norm(index, pair, normed, *layer),
            Op::Add => self.both(node.parents, pair),
            Op::AddRelu { y } => self.both(node.parents, pair.map(|c| B::rectify_grad(y.clone(), c))),
            Op::Linear { x, weight, layer, shape } => self.linear(index, pair, x, weight, layer, *shape),
            Op::Embed { layer, shape } => self.embed(parent, pair, layer, *shape),
        }
    }

    fn put(&mut self, slot: Slot, parts: [Option<Tensor<B, 1>>; 2]) {
        let Slot::Trained(index) = slot else { return };
        let [a, b] = parts;
        self.product.0[index] = match (a, b) {
            (Some(a), Some(b)) => a + b,
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return,
        };
    }

    fn conv(&mut self, index: usize, pair: Pair<B>, x: &Tensor<B, 4>, weight: &Tensor<B, 4>, layer: &Conv2d) {
        let [_, height, width, _] = x.dims();
        let kernel = weight.dims()[2];
        let gradient =
            |x: Tensor<B, 4>, c: Tensor<B, 4>| flat(B::convolve_weight_grad(x, c, layer.conv, kernel));
        let moved = self.tangent(index).map(|t| gradient(t, pair.value.clone()));
        let bent = pair.tangent.clone().map(|bent| gradient(x.clone(), bent));
        self.put(layer.weight, [moved, bent]);
        if let Some(bias) = layer.bias {
            self.put(bias, [pair.tangent.clone().map(B::channel_sum), None]);
        }
        let along = along(self.direction, layer.weight, weight);
        self.send(index_parent(self.nodes, index), || {
            let back = |c: Tensor<B, 4>, weight: &Tensor<B, 4>| {
                B::convolve_input_grad(c, weight.clone(), layer.conv, [height, width])
            };
            let turned = Some(back(pair.value.clone(), &along));
            let tangent = plus::<B>(pair.tangent.map(|bent| back(bent, weight)), turned);
            Pair { value: back(pair.value, weight), tangent }
        });
    }

    fn batch_norm(
        &mut self,
        index: usize,
        pair: Pair<B>,
        x: &Tensor<B, 4>,
        affine: &[Tensor<B, 1>; 2],
        moments: &[Tensor<B, 1>; 2],
        norm: NormNode,
    ) {
        let parts = Affine::new(x, affine, moments, norm);
        let at = || (x.clone(), affine.clone(), moments.clone());
        let sums = |bent| {
            let (x, affine, moments) = at();
            B::fixed_norm_weight_grad(x, bent, affine, moments, norm.relu)
        };
        let through = |bent| {
            let (x, affine, moments) = at();
            B::fixed_norm_input_grad(x, bent, affine, moments, norm.relu)
        };
        let passed = parts.passed(pair.value.clone());
        let moved = self.tangent(index).map(|t| B::channel_sum(passed.clone() * t) * parts.rstd.clone());
        let [scale, shift] = pair.tangent.clone().map(sums).map_or([None, None], |sums| sums.map(Some));
        let input = pair.tangent.map(through);
        self.put(norm.layer.scale, [moved, scale]);
        self.put(norm.layer.shift, [shift, None]);
        let turn = along(self.direction, norm.layer.scale, &parts.rstd) * parts.rstd.clone();
        self.send(index_parent(self.nodes, index), || {
            let turned = Some(parts.times(passed.clone(), turn));
            Pair { value: parts.times(passed, parts.factor.clone()), tangent: plus::<B>(input, turned) }
        });
    }

    fn layer_norm(&mut self, index: usize, pair: Pair<B>, normed: &Normed<B>, layer: Layer) {
        let moved = self.tangent(index).map(|t| (normed.project(t.clone()), t));
        let turned = moved.as_ref().map(|(unit, _)| B::channel_sum(pair.value.clone() * unit.clone()));
        let own = pair.tangent.clone().map(|bent| B::channel_sum(bent * normed.unit.clone()));
        self.put(layer.scale, [turned, own]);
        self.put(layer.shift, [pair.tangent.clone().map(B::channel_sum), None]);
        let turn = along(self.direction, layer.scale, &normed.scale);
        self.send(index_parent(self.nodes, index), || {
            let value = normed.scaled(pair.value.clone());
            let bent =
                plus::<B>(pair.tangent.map(|bent| normed.scaled(bent)), Some(normed.times(pair.value, turn)));
            let bend = moved.map(|(unit, t)| normed.bend(&unit, &t, &value));
            let tangent = plus::<B>(bent.map(|bent| normed.project(bent)), bend);
            Pair { value: normed.project(value), tangent }
        });
    }

    fn linear(
        &mut self,
        index: usize,
        pair: Pair<B>,
        x: &Tensor<B, 2>,
        weight: &Tensor<B, 2>,
        layer: &Linear,
        shape: [usize; 4],
    ) {
        let ([n, input], [output, _]) = (x.dims(), weight.dims());
        let rows = |c: Tensor<B, 4>, length| c.reshape([n, length]);
        let value = rows(pair.value, output);
        let bent = pair.tangent.map(|bent| rows(bent, output));
        let moved = self.tangent(index).map(|t| flat(B::affine_weight_grad(rows(t, input), value.clone())));
        let own = bent.clone().map(|bent| flat(B::affine_weight_grad(x.clone(), bent)));
        self.put(layer.weight, [moved, own]);
        self.put(layer.bias, [bent.clone().map(|bent| flat(bent.sum_dim(0))), None]);
        let along = along(self.direction, layer.weight, weight);
        self.send(index_parent(self.nodes, index), || {
            let back = |c: Tensor<B, 2>, weight: &Tensor<B, 2>| {
                B::affine_input_grad(c, weight.clone()).reshape(shape)
            };
            let turned = Some(back(value.clone(), &along));
            Pair {
                tangent: plus::<B>(bent.map(|bent| back(bent, weight)), turned),
                value: back(value, weight),
            }
        });
    }

    fn embed(
        &mut self,
        parent: Option<usize>,
        pair: Pair<B>,
        layer: &Embedding,
        shape @ [n, h, w, c]: [usize; 4],
    ) {
        let first = |x: Tensor<B, 4>| flat(x.slice([0..n, 0..1, 0..1, 0..c]).sum_dim(0));
        self.put(layer.positions, [pair.tangent.clone().map(|bent| flat(bent.sum_dim(0))), None]);
        self.put(layer.class_token, [pair.tangent.clone().map(first), None]);
        let patches = |x: Tensor<B, 4>| x.slice([0..n, 0..1, 1..1 + h * w, 0..c]).reshape(shape);
        self.send(parent, || pair.map(patches));
    }
}

fn index_parent<B: Ops>(nodes: &[Node<B>], index: usize) -> Option<usize> {
    nodes[index].parents[0]
}
