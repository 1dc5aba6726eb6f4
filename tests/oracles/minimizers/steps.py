"""Passes over a network, the base optimizer's move, and the record of a step."""

import math
from contextlib import contextmanager, nullcontext

import torch

import formula
import networks
import record
import rules

CLASSES = 10
WIDTH, SHAPE, BATCH = 4, (1, 8, 8), 8
SGD = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}


class NetworkPasses:
    """The passes of a step. Statistics move in `here`, elsewhere on request; weights come back bit for bit."""

    def __init__(self, network, x, y, normalize, step=0, optimizer=None):
        self.network, self.x, self.y, self.normalize = network, x, y, normalize
        self.step, self.optimizer = step, optimizer
        self.names = [name for name, _ in network.named_parameters()]
        self.weights = list(network.parameters())

    def here(self):
        return self.gradients()

    def at(self, e, statistics_move=False):
        kept = nullcontext() if statistics_move else networks.frozen_statistics(self.network)
        with self.moved(e), kept:
            return self.gradients()

    def losses_at(self, e):
        """Per-sample losses at w + e, without a gradient."""
        with self.moved(e), networks.frozen_statistics(self.network), torch.no_grad():
            return self.per_sample()

    def among(self, samples):
        """The passes over some samples of the batch."""
        rest = (self.normalize, self.step, self.optimizer)
        return NetworkPasses(self.network, self.x[samples], self.y[samples], *rest)

    def parts(self, count):
        """The passes over consecutive micro-batches."""
        return [self.among(samples) for samples in torch.arange(len(self.x)).chunk(count)]

    def hessian_times(self, v):
        """H v of the mean loss at w in evaluation mode."""
        self.network.eval()
        g = torch.autograd.grad(self.per_sample().mean(), self.weights, create_graph=True)
        product = torch.autograd.grad(g, self.weights, grad_outputs=v)
        self.network.train()
        return list(product)

    def momentum(self):
        """The base optimizer's first moment as stored, zero before its first step."""
        states = [self.optimizer.state[w] for w in self.weights]
        buffers = [s.get("momentum_buffer", s.get("exp_avg")) for s in states]
        return [torch.zeros_like(w) if b is None else b.clone() for w, b in zip(self.weights, buffers)]

    @contextmanager
    def moved(self, e):
        weights = [w.detach().clone() for w in self.weights]
        self.assign(w + step for w, step in zip(weights, e))
        yield
        self.assign(weights)

    def assign(self, weights):
        with torch.no_grad():
            for w, value in zip(self.weights, weights):
                w.copy_(value)

    def per_sample(self):
        return networks.losses_at(self.network, self.x, self.y, self.normalize)

    def gradients(self):
        loss = self.per_sample().mean()
        return loss.item(), list(torch.autograd.grad(loss, self.weights))


def filled(network, dtype):
    """A network in training mode with the formula's values."""
    formula.fill_network(network)
    return network.to(dtype).train()


def small_network(dtype):
    return filled(networks.cnn(SHAPE, CLASSES, WIDTH), dtype)


BUFFERS = {"momentum_buffer": "momentum", "exp_avg": "exp_avg", "exp_avg_sq": "exp_avg_sq"}
MEMORIES = {"m": "average", "v": "eigenvector", "q": "gradient", "g_v": "direction"}


def put_network(into, prefix, network, whole=math.inf):
    """Weights and running statistics."""
    record.put_all(into, f"{prefix}weight", dict(network.named_parameters()), whole)
    record.put_all(into, f"{prefix}running", networks.running_statistics(network), whole)


def put_buffers(into, prefix, network, optimizer, whole=math.inf):
    """What the base optimizer keeps per weight."""
    for name, w in network.named_parameters():
        for theirs, ours in BUFFERS.items():
            buffer = optimizer.state[w].get(theirs)
            if buffer is not None:
                record.put(into, f"{prefix}{ours}/{name}", buffer, whole)


def put_memories(into, prefix, passes, state):
    """What a rule keeps per weight."""
    for theirs, ours in MEMORIES.items():
        if theirs in state:
            record.put_all(into, f"{prefix}memory.{ours}", dict(zip(passes.names, state[theirs])))


CHOICES = ("kept", "losses", "raised", "samples")


def put_choices(into, prefix, step):
    """Which tensors and samples a step took."""
    for key in CHOICES:
        if key in step.extra:
            choice = step.extra[key]
            into[f"{prefix}{key}"] = choice.clone() if choice.dtype == torch.int64 else choice.double()


def put_scalars(into, steps, **schedules):
    """One value per step."""
    columns = {
        "loss": [s.loss for s in steps],
        "perturbed_loss": [s.perturbed_loss for s in steps],
        "radius": [s.radius for s in steps],
        "clipped": [float(s.clipped) for s in steps],
        "gradient_norm": [rules.norm(s.gradient).item() for s in steps],
        "perturbed_gradient_norm": [rules.norm(s.perturbed_gradient).item() for s in steps],
        **{key: [s.scalars[key] for s in steps] for key in steps[0].scalars},
        **{name: [schedule(t) for t in range(len(steps))] for name, schedule in schedules.items()},
    }
    into.update({k: torch.tensor(v, dtype=torch.float64) for k, v in columns.items()})


def move(optimizer, lr, passes, direction):
    optimizer.param_groups[0]["lr"] = lr
    for w, d in zip(passes.weights, direction):
        w.grad = d
    optimizer.step()


def move_after(lr, passes, after):
    """w less lr times `after`, apart from the base optimizer."""
    passes.assign(w - lr * d for w, d in zip(passes.weights, after))
