//! Gradients: one sweep back over a recorded pass.

use std::borrow::Borrow;

use burn::tensor::Tensor;

use super::layer_norm::Normed;
use super::{Gradients, Node, NormNode, Op, Trace, Wants, flat};
use crate::lang::program::Precision;
use crate::model::layers::{Affine, Conv2d, Linear};
use crate::model::layout::Slot;
use crate::model::vit::Embedding;
use crate::ops::{Ops, Vector, stored, wide};
use crate::stop;

/// Gradients of `sum(logits * cotangent)` by the `nodes` of a trace, `needed` or not.
pub(super) fn run<B: Ops, N: Borrow<Node<B>>>(
    trace: &Trace<B>,
    nodes: impl DoubleEndedIterator<Item = N>,
    needed: Vec<bool>,
    cotangent: Tensor<B, 2>,
    wants: Wants<'_>,
) -> Gradients<B> {
    assert!(!needed.is_empty(), "the forward pass was not recorded");
    let [n, classes] = cotangent.dims();
    let mut grads: Vec<_> = needed.iter().map(|_| None).collect();
    let last = stored(cotangent.reshape([n, 1, 1, classes]), trace.precision);
    if let Some(grad) = grads.last_mut() {
        *grad = Some(last);
    }
    let mut sink =
        Sink { precision: trace.precision, wants, needed, grads, weights: vec![None; trace.weights] };
    let mut input = None;
    for node in nodes.rev() {
        stop::point();
        let Some(grad) = sink.grads.pop().flatten() else { continue };
        match &node.borrow().op {
            Op::Input => input = Some(wide(grad)),
            _ => sink.node(node.borrow(), grad),
        }
    }
    let nothing = || Tensor::empty([0], (&trace.logits.device(), trace.logits.dtype()));
    let all = sink.weights.into_iter().map(|grad| grad.unwrap_or_else(nothing));
    let weights = wants.weights.is_some().then(|| Vector(all.collect()));
    Gradients { weights, input: input.filter(|_| wants.input) }
}

/// For every node, whether anything wanted lies there or upstream.
pub(super) fn needed<B: Ops>(nodes: &[Node<B>], wants: Wants<'_>) -> Vec<bool> {
    let mut needed: Vec<bool> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let here = match node.op {
            Op::Input => wants.input,
            _ => node.op.slots().into_iter().flatten().any(|slot| wants.place(slot).is_some()),
        };
        let upstream = node.parents.iter().flatten().any(|&parent| needed[parent]);
        needed.push(here || upstream);
    }
    needed
}

/// Gradients under way.
struct Sink<'a, B: Ops> {
    precision: Precision,
    wants: Wants<'a>,
    needed: Vec<bool>,
    /// As they are stored, of the nodes that have not had their turn.
    grads: Vec<Option<Tensor<B, 4>>>,
    weights: Vec<Option<Tensor<B, 1>>>,
}

impl<B: Ops> Sink<'_, B> {
    fn stored(&self, grad: Tensor<B, 4>) -> Tensor<B, 4> {
        stored(grad, self.precision)
    }

    fn node(&mut self, node: &Node<B>, grad: Tensor<B, 4>) {
        let parent = node.parents[0];
        match &node.op {
            Op::Input => {}
            Op::Map(map) => self.send(parent, || map.grad(wide(grad))),
            Op::Conv { x, weight, layer } => self.conv(parent, grad, x, weight, layer),
            Op::BatchNorm { x, affine, moments, norm } => {
                self.batch_norm(parent, wide(grad), wide(x.clone()), affine.clone(), moments.clone(), *norm);
            }
            Op::LayerNorm { normed, layer } => self.layer_norm(parent, wide(grad), normed, layer),
            Op::Add => self.both(node.parents, grad),
            Op::AddRelu { y } => self.both(node.parents, B::rectify_grad(wide(y.clone()), wide(grad))),
            Op::Linear { x, weight, layer, shape } => self.linear(parent, grad, x, weight, layer, *shape),
            Op::Embed { layer, shape } => self.embed(parent, wide(grad), layer, *shape),
        }
    }

    /// The gradient of a parameter, where it is wanted.
    fn give(&mut self, slot: Slot, grad: impl FnOnce() -> Tensor<B, 1>) {
        if let Some(index) = self.wants.place(slot) {
            self.weights[index] = Some(grad());
        }
    }

    /// Those of a scale and a shift, where either is wanted.
    fn give_affine(&mut self, layer: &Affine, grads: impl FnOnce() -> [Tensor<B, 1>; 2]) {
        let places = [layer.scale, layer.shift].map(|slot| self.wants.place(slot));
        if places.iter().any(Option::is_some) {
            for (place, grad) in places.into_iter().zip(grads()) {
                if let Some(index) = place {
                    self.weights[index] = Some(grad);
                }
            }
        }
    }

    fn send(&mut self, parent: Option<usize>, grad: impl FnOnce() -> Tensor<B, 4>) {
        let Some(parent) = parent.filter(|&parent| self.needed[parent]) else { return };
        let grad = match self.grads[parent].take() {
            Some(sum) => B::sum_of(wide(sum), wide(grad())),
            None => grad(),
        };
        self.grads[parent] = Some(self.stored(grad));
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
        self.give(layer.weight, || {
            flat(wide(B::convolve_weight_grad(x.clone(), grad.clone(), layer.conv, kernel)))
        });
        if let Some(bias) = layer.bias {
            self.give(bias, || B::channel_sum(wide(grad.clone())));
        }
        self.send(parent, || B::convolve_input_grad(grad, weight.clone(), layer.conv, [height, width]));
    }

    fn batch_norm(
        &mut self,
        parent: Option<usize>,
        grad: Tensor<B, 4>,
        x: Tensor<B, 4>,
        affine: [Tensor<B, 1>; 2],
        moments: [Tensor<B, 1>; 2],
        norm: NormNode,
    ) {
        if norm.batch {
            let d = B::batch_norm_grad(x, grad, affine, moments, norm.relu);
            self.give_affine(&norm.layer, || [d.scale, d.shift]);
            self.send(parent, || d.x);
            return;
        }
        self.give_affine(&norm.layer, || {
            let (affine, moments) = (affine.clone(), moments.clone());
            B::fixed_norm_weight_grad(x.clone(), grad.clone(), affine, moments, norm.relu)
        });
        self.send(parent, || B::fixed_norm_input_grad(x, grad, affine, moments, norm.relu));
    }

    fn layer_norm(&mut self, parent: Option<usize>, grad: Tensor<B, 4>, normed: &Normed<B>, layer: &Affine) {
        let Normed { unit, rstd, scale } = normed;
        self.give_affine(layer, || B::norm_layer_weight_grad(wide(unit.clone()), grad.clone()));
        self.send(parent, || B::norm_layer_input_grad(wide(unit.clone()), rstd.clone(), grad, scale.clone()));
    }

    fn linear(
        &mut self,
        parent: Option<usize>,
        grad: Tensor<B, 4>,
        x: &Tensor<B, 2>,
        weight: &Tensor<B, 2>,
        layer: &Linear,
        shape: [usize; 4],
    ) {
        let rows = x.dims()[0];
        let output = weight.dims()[0];
        let grad = grad.reshape([rows, output]);
        self.give(layer.weight, || flat(wide(B::affine_weight_grad(x.clone(), grad.clone()))));
        self.give(layer.bias, || B::channel_sum(wide(grad.clone()).reshape([1, 1, rows, output])));
        self.send(parent, || B::affine_input_grad(grad, weight.clone()).reshape(shape));
    }

    fn embed(
        &mut self,
        parent: Option<usize>,
        grad: Tensor<B, 4>,
        layer: &Embedding,
        shape @ [n, h, w, c]: [usize; 4],
    ) {
        self.give(layer.positions, || flat(grad.clone().sum_dim(0)));
        self.give(layer.class_token, || flat(grad.clone().slice([0..n, 0..1, 0..1, 0..c]).sum_dim(0)));
        self.send(parent, || B::in_order(grad.slice([0..n, 0..1, 1..1 + h * w, 0..c])).reshape(shape));
    }
}
