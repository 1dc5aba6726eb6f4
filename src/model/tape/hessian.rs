//! Exact Hessian-vector products: the directional derivative of the gradient (Pearlmutter, 1994).
//!
//! One sweep forward carries the tangent of every activation along a direction in weight space, one sweep back
//! the cotangents and their tangents. Everything is made of the operations of a gradient, eight passes of them
//! against its three.

use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor};

use super::{Node, NormNode, Op, Trace, flat};
use crate::model::layers::{Conv2d, Linear};
use crate::ops::{Ops, Vector};

impl<B: Ops> Trace<B> {
    /// `H direction` for the Hessian of `sum(factors * cross-entropy)` in the weights; `factors` is `[n]`.
    ///
    /// # Panics
    /// If the pass was not recorded, or normalised with its own batch statistics.
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

fn matrix<B: Ops, const D: usize>(direction: &Vector<B>, slot: usize, like: &Tensor<B, D>) -> Tensor<B, D> {
    direction.0[slot].clone().reshape(like.dims())
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
            let [a, b] = node.parents.map(|parent| parent.and_then(|parent| tangents[parent].clone()));
            tangents.push(self.node(&node.op, a, b));
        }
        tangents
    }

    /// Tangent of a node, given those of its parents.
    fn node(&self, op: &Op<B>, t: Option<Tensor<B, 4>>, other: Option<Tensor<B, 4>>) -> Option<Tensor<B, 4>> {
        match op {
            Op::Input => None,
            Op::Standardize { factor } => t.map(|t| B::scale_shift(t, factor.clone(), zero(factor), false)),
            Op::Conv { x, weight, layer } => Some(self.conv(t, x, weight, layer)),
            Op::BatchNorm { x, affine, moments, norm } => {
                let parts = Affine::new(x, affine, moments, *norm);
                Some(self.batch_norm(t, x, &parts, *norm))
            }
            Op::Relu { y } => t.map(|t| B::rectify_grad(y.clone(), t)),
            Op::Dropout { mask } => t.map(|t| t * mask.clone()),
            Op::Add => plus::<B>(t, other),
            Op::AddRelu { y } => plus::<B>(t, other).map(|t| B::rectify_grad(y.clone(), t)),
            Op::GlobalAverage { .. } => t.map(B::global_average),
            Op::Flatten { shape: [n, h, w, c] } => {
                t.map(|t| t.permute([0, 3, 1, 2]).reshape([*n, 1, 1, c * h * w]))
            }
            Op::Linear { x, weight, layer } => Some(self.linear(t, x, weight, layer)),
        }
    }

    fn conv(
        &self,
        t: Option<Tensor<B, 4>>,
        x: &Tensor<B, 4>,
        weight: &Tensor<B, 4>,
        layer: &Conv2d,
    ) -> Tensor<B, 4> {
        let along = matrix(self.direction, layer.weight, weight);
        let bias = layer.bias.map(|bias| self.direction.0[bias].clone());
        let own = B::convolve(x.clone(), along, bias, layer.conv);
        match t {
            Some(t) => B::sum_of(own, B::convolve(t, weight.clone(), None, layer.conv)),
            None => own,
        }
    }

    fn batch_norm(
        &self,
        t: Option<Tensor<B, 4>>,
        x: &Tensor<B, 4>,
        parts: &Affine<B>,
        norm: NormNode,
    ) -> Tensor<B, 4> {
        let [scale, shift] = [norm.scale, norm.shift].map(|slot| self.direction.0[slot].clone());
        let factor = scale * parts.rstd.clone();
        let offset = shift - parts.mean.clone() * factor.clone();
        let own = B::scale_shift(x.clone(), factor, offset, false);
        let all = match t {
            Some(t) => B::sum_of(own, parts.times(t, parts.factor.clone())),
            None => own,
        };
        parts.passed(all)
    }

    fn linear(
        &self,
        t: Option<Tensor<B, 4>>,
        x: &Tensor<B, 2>,
        weight: &Tensor<B, 2>,
        layer: &Linear,
    ) -> Tensor<B, 4> {
        let ([n, input], [output, _]) = (x.dims(), weight.dims());
        let along = matrix(self.direction, layer.weight, weight);
        let bias = self.direction.0[layer.bias].clone();
        let own = B::affine(x.clone(), along, bias.clone());
        let all = match t {
            Some(t) => own + B::affine(t.reshape([n, input]), weight.clone(), zero(&bias)),
            None => own,
        };
        all.reshape([n, 1, 1, output])
    }
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
            Op::Input | Op::Standardize { .. } => {}
            Op::Conv { x, weight, layer } => self.conv(index, pair, x, weight, layer),
            Op::BatchNorm { x, affine, moments, norm } => {
                self.batch_norm(index, pair, x, affine, moments, *norm);
            }
            Op::Relu { y } => self.send(parent, || pair.map(|c| B::rectify_grad(y.clone(), c))),
            Op::Dropout { mask } => self.send(parent, || pair.map(|c| c * mask.clone())),
            Op::Add => self.both(node.parents, pair),
            Op::AddRelu { y } => self.both(node.parents, pair.map(|c| B::rectify_grad(y.clone(), c))),
            Op::GlobalAverage { size } => {
                self.send(parent, || pair.map(|c| B::global_average_grad(c, *size)));
            }
            Op::Flatten { shape: [n, h, w, c] } => {
                let shape = [*n, *c, *h, *w];
                self.send(parent, || pair.map(|c| c.reshape(shape).permute([0, 2, 3, 1])));
            }
            Op::Linear { x, weight, layer } => self.linear(index, pair, x, weight, layer),
        }
    }

    fn put(&mut self, slot: usize, parts: [Option<Tensor<B, 1>>; 2]) {
        let [a, b] = parts;
        self.product.0[slot] = match (a, b) {
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
        let along = matrix(self.direction, layer.weight, weight);
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
        let fixed = |grad| B::fixed_norm_grad(x.clone(), grad, affine.clone(), moments.clone(), norm.relu);
        let passed = parts.passed(pair.value.clone());
        let moved = self.tangent(index).map(|t| B::channel_sum(passed.clone() * t) * parts.rstd.clone());
        let bent = pair.tangent.map(fixed);
        let (scale, shift, input) = match bent {
            Some(bent) => (Some(bent.scale), Some(bent.shift), Some(bent.x)),
            None => (None, None, None),
        };
        self.put(norm.scale, [moved, scale]);
        self.put(norm.shift, [shift, None]);
        let turn = self.direction.0[norm.scale].clone() * parts.rstd.clone();
        self.send(index_parent(self.nodes, index), || {
            let turned = Some(parts.times(passed.clone(), turn));
            Pair { value: parts.times(passed, parts.factor.clone()), tangent: plus::<B>(input, turned) }
        });
    }

    fn linear(
        &mut self,
        index: usize,
        pair: Pair<B>,
        x: &Tensor<B, 2>,
        weight: &Tensor<B, 2>,
        layer: &Linear,
    ) {
        let ([n, input], [output, _]) = (x.dims(), weight.dims());
        let rows = |c: Tensor<B, 4>, length| c.reshape([n, length]);
        let value = rows(pair.value, output);
        let bent = pair.tangent.map(|bent| rows(bent, output));
        let moved = self.tangent(index).map(|t| flat(B::affine_weight_grad(rows(t, input), value.clone())));
        let own = bent.clone().map(|bent| flat(B::affine_weight_grad(x.clone(), bent)));
        self.put(layer.weight, [moved, own]);
        self.put(layer.bias, [bent.clone().map(|bent| flat(bent.sum_dim(0))), None]);
        let along = matrix(self.direction, layer.weight, weight);
        self.send(index_parent(self.nodes, index), || {
            let back = |c: Tensor<B, 2>, weight: &Tensor<B, 2>| {
                B::affine_input_grad(c, weight.clone()).reshape([n, 1, 1, input])
            };
            let turned = Some(back(value.clone(), &along));
            Pair {
                tangent: plus::<B>(bent.map(|bent| back(bent, weight)), turned),
                value: back(value, weight),
            }
        });
    }
}

fn index_parent<B: Ops>(nodes: &[Node<B>], index: usize) -> Option<usize> {
    nodes[index].parents[0]
}
