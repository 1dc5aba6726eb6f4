//! Base optimizers and their state.

use burn::tensor::{Bool, DType, Tensor};

use crate::lang::catalog::Optimizer as Spec;
use crate::lang::schedule::{Clock, Progress};
use crate::ops::{AdamRule, Ops, SgdRule, Vector};

/// Added to a norm before a direction is scaled by it, as PyTorch does.
const CLIP_EPSILON: f64 = 1e-6;

/// A base optimizer with its buffers; each is shaped as the weights.
pub struct Optimizer<B: Ops> {
    spec: Spec,
    buffers: Vec<Vector<B>>,
    /// Updates made so far, one f64 element: a skipped step must not count, and is known on the device alone.
    updates: Tensor<B, 1>,
}

impl<B: Ops> Optimizer<B> {
    pub fn new(spec: Spec, weights: &Vector<B>, device: &B::Device) -> Self {
        let count = buffer_names(&spec).len();
        let updates = Tensor::zeros([1], (device, DType::F64));
        Self { spec, buffers: (0..count).map(|_| weights.zeros_like()).collect(), updates }
    }

    /// Learning rate at `clock`.
    pub fn rate(&self, clock: &Clock) -> f64 {
        self.spec.lr().at(clock)
    }

    /// Where the learning rate stands between its extremes in the phase.
    pub fn progress(&self, clock: &Clock) -> Progress {
        self.spec.lr().progress(clock)
    }

    /// First moment: the momentum buffer, or Adam's average of gradients.
    pub fn momentum(&self) -> Option<&Vector<B>> {
        self.buffers.first()
    }

    /// Weight decay that is added to the gradient; 0 where it is decoupled.
    pub fn coupled_decay(&self) -> f64 {
        match &self.spec {
            Spec::Sgd(sgd) => sgd.weight_decay,
            Spec::Adam(adam) => adam.weight_decay,
            Spec::Adamw(_) => 0.0,
        }
    }

    /// The direction, scaled down to the largest norm the file allows; PyTorch's `clip_grad_norm_`.
    fn clipped(&self, direction: Vector<B>, clock: &Clock) -> Vector<B> {
        let clip = match &self.spec {
            Spec::Sgd(sgd) => &sgd.clip,
            Spec::Adam(adam) => &adam.clip,
            Spec::Adamw(adam) => &adam.clip,
        };
        let Some(clip) = clip else { return direction };
        let factor = ((direction.norm() + CLIP_EPSILON).recip() * clip.at(clock)).clamp_max(1.0);
        direction.scale(&factor)
    }

    /// `weights` moved along `-direction`; weights and buffers are unchanged where `skip` is set.
    pub fn step(
        &mut self,
        weights: &Vector<B>,
        direction: Vector<B>,
        clock: &Clock,
        skip: &Tensor<B, 1, Bool>,
    ) -> Vector<B> {
        let direction = self.clipped(direction, clock);
        let counted = self.updates.clone() + 1.0;
        self.updates = counted.mask_where(skip.clone(), self.updates.clone());
        match self.spec.clone() {
            Spec::Sgd(sgd) => {
                let rule = SgdRule {
                    lr: sgd.lr.at(clock),
                    momentum: sgd.momentum,
                    nesterov: sgd.nesterov,
                    weight_decay: sgd.weight_decay,
                };
                self.sgd(weights, direction, rule, skip)
            }
            Spec::Adam(adam) => {
                let betas = [adam.beta1, adam.beta2];
                self.adam(
                    weights,
                    direction,
                    self.rule(betas, adam.eps, adam.weight_decay, false, clock),
                    skip,
                )
            }
            Spec::Adamw(adam) => {
                let betas = [adam.beta1, adam.beta2];
                self.adam(
                    weights,
                    direction,
                    self.rule(betas, adam.eps, adam.weight_decay, true, clock),
                    skip,
                )
            }
        }
    }

    fn sgd(
        &mut self,
        weights: &Vector<B>,
        direction: Vector<B>,
        rule: SgdRule,
        skip: &Tensor<B, 1, Bool>,
    ) -> Vector<B> {
        let mut buffers = self.buffers.pop().map(|buffers| buffers.0.into_iter());
        let mut new_weights = Vec::with_capacity(weights.0.len());
        let mut new_buffers = Vec::new();
        for (weight, direction) in weights.0.iter().zip(direction.0) {
            let buffer = buffers.as_mut().and_then(Iterator::next);
            let (weight, buffer) = B::sgd(weight.clone(), buffer, direction, rule, skip.clone());
            new_weights.push(weight);
            new_buffers.extend(buffer);
        }
        if !new_buffers.is_empty() {
            self.buffers.push(Vector(new_buffers));
        }
        Vector(new_weights)
    }

    fn adam(
        &mut self,
        weights: &Vector<B>,
        direction: Vector<B>,
        rule: AdamRule<B>,
        skip: &Tensor<B, 1, Bool>,
    ) -> Vector<B> {
        let [first, second] = [0, 1].map(|index| self.buffers[index].0.clone());
        self.buffers.clear();
        let mut all: [Vec<Tensor<B, 1>>; 3] = Default::default();
        let moments = first.into_iter().zip(second);
        for ((weight, direction), (m, v)) in weights.0.iter().zip(direction.0).zip(moments) {
            let (weight, [m, v]) = B::adam(weight.clone(), [m, v], direction, rule.clone(), skip.clone());
            all[0].push(weight);
            all[1].push(m);
            all[2].push(v);
        }
        let [weights, first, second] = all.map(Vector);
        self.buffers = vec![first, second];
        weights
    }

    fn rule(
        &self,
        [beta1, beta2]: [f64; 2],
        eps: f64,
        weight_decay: f64,
        decoupled: bool,
        clock: &Clock,
    ) -> AdamRule<B> {
        let correction = [beta1, beta2].map(|beta: f64| {
            let power = (self.updates.clone() * beta.ln()).exp();
            power.ones_like() - power
        });
        AdamRule { lr: self.rate(clock), beta1, beta2, eps, weight_decay, decoupled, correction }
    }

    /// State for a checkpoint: buffers under their names, and the number of updates.
    pub fn state(&self) -> (Vec<(&'static str, &Vector<B>)>, &Tensor<B, 1>) {
        (buffer_names(&self.spec).iter().copied().zip(&self.buffers).collect(), &self.updates)
    }

    /// Takes back what [`Optimizer::state`] gave.
    pub fn restore(&mut self, buffers: Vec<Vector<B>>, updates: Tensor<B, 1>) {
        self.buffers = buffers;
        self.updates = updates;
    }

    pub fn buffer_names(&self) -> &'static [&'static str] {
        buffer_names(&self.spec)
    }
}

/// Buffers a base optimizer keeps, each shaped as the weights.
pub fn buffer_names(spec: &Spec) -> &'static [&'static str] {
    match spec {
        Spec::Sgd(sgd) if sgd.momentum == 0.0 => &[],
        Spec::Sgd(_) => &["momentum"],
        Spec::Adam(_) | Spec::Adamw(_) => &["first_moment", "second_moment"],
    }
}
