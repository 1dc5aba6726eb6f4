//! Base optimizers: how a gradient moves the weights.

use super::declare::kind;
use super::{FRACTION, Range};
use crate::lang::check::optimizer::{check_adam, check_adamw, check_sgd};
use crate::lang::schedule::Schedule;

kind! {
    /// How the weights follow a gradient.
    Optimizer is Optimizer {
        Sgd(Sgd) "sgd" {
            summary: "Stochastic gradient descent with momentum.",
            rule: "d <- g + weight_decay w\n\
                   v <- momentum v + d\n\
                   w <- w - lr v;  with Nesterov: w <- w - lr (d + momentum v)",
            state: "one momentum buffer per weight",
            source: "as torch.optim.SGD, without dampening",
            notes: "`clip` acts on the direction that a minimizer hands over, as torch.nn.utils.clip_grad_norm_ on the gradient; \
                    the gradient that a perturbation ascends is never clipped, so that a budget keeps its meaning.",
            example: "optimize sgd(lr = cosine(0.05 -> 0), momentum = 0.9, weight_decay = 5e-4)",
        } with {
            lr: Schedule => "learning rate",
                default("cosine(0.05 -> 0)", "ResNet-18 on CIFAR in the LE-SAM paper"), range(Range::POSITIVE), first();
            momentum: f64 => "share of the old direction that is kept", default("0.9", "every paper followed here"),
                range(Range::BELOW_ONE), unit(FRACTION);
            nesterov: bool => "look ahead along the momentum", default("false", "as torch.optim.SGD");
            weight_decay: f64 => "pull toward zero, added to the gradient",
                default("5e-4", "CIFAR in the LE-SAM paper"), range(Range::NOT_NEGATIVE);
            clip: Option<Schedule> => "largest L2 norm of the direction over all weights; a longer one is scaled down",
                default("none", "no clipping, as torch.optim"), range(Range::POSITIVE);
        } => check_sgd;

        Adam(Adam) "adam" {
            summary: "Adam; weight decay is added to the gradient.",
            rule: "d <- g + weight_decay w\n\
                   m <- beta1 m + (1 - beta1) d;  v <- beta2 v + (1 - beta2) d^2\n\
                   w <- w - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)",
            state: "two moments per weight and a step counter",
            source: "Kingma and Ba, ICLR 2015, algorithm 1; as torch.optim.Adam",
            example: "optimize adam(lr = 1e-3)",
        } with {
            lr: Schedule => "learning rate", default("1e-3", "Kingma and Ba 2015"), range(Range::POSITIVE), first();
            beta1: f64 => "decay of the first moment", default("0.9", "Kingma and Ba 2015"), range(Range::BELOW_ONE), unit(FRACTION);
            beta2: f64 => "decay of the second moment", default("0.999", "Kingma and Ba 2015"), range(Range::BELOW_ONE), unit(FRACTION);
            eps: f64 => "added to the denominator", default("1e-8", "Kingma and Ba 2015"), range(Range::POSITIVE);
            weight_decay: f64 => "pull toward zero, added to the gradient", default("0", "as torch.optim.Adam"), range(Range::NOT_NEGATIVE);
            clip: Option<Schedule> => "largest L2 norm of the direction over all weights; a longer one is scaled down",
                default("none", "no clipping, as torch.optim"), range(Range::POSITIVE);
        } => check_adam;

        Adamw(Adamw) "adamw" {
            summary: "Adam with decoupled weight decay.",
            rule: "w <- w - lr weight_decay w\n\
                   then Adam's step on g alone",
            state: "two moments per weight and a step counter",
            source: "Loshchilov and Hutter, ICLR 2019, algorithm 2; as torch.optim.AdamW",
            example: "optimize adamw(lr = 1e-3, weight_decay = 0.01)",
        } with {
            lr: Schedule => "learning rate", default("1e-3", "as torch.optim.AdamW"), range(Range::POSITIVE), first();
            beta1: f64 => "decay of the first moment", default("0.9", "Kingma and Ba 2015"), range(Range::BELOW_ONE), unit(FRACTION);
            beta2: f64 => "decay of the second moment", default("0.999", "Kingma and Ba 2015"), range(Range::BELOW_ONE), unit(FRACTION);
            eps: f64 => "added to the denominator", default("1e-8", "Kingma and Ba 2015"), range(Range::POSITIVE);
            weight_decay: f64 => "pull toward zero, scaled by the learning rate", default("0.01", "as torch.optim.AdamW"), range(Range::NOT_NEGATIVE);
            clip: Option<Schedule> => "largest L2 norm of the direction over all weights; a longer one is scaled down",
                default("none", "no clipping, as torch.optim"), range(Range::POSITIVE);
        } => check_adamw;
    }
}
