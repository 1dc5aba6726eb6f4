"""Passes over a network, the base optimizer's move, and the record of a step."""

import math

import torch

import formula
import networks
import record
import rules

CLASSES = 10
WIDTH, SHAPE, BATCH = 4, (1, 8, 8), 8
SGD = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}


class NetworkPasses:
    """The two passes of a step; running statistics move in `here` alone, weights come back bit for bit."""

    def __init__(self, network, x, y, normalize):
        self.network, self.x, self.y, self.normalize = network, x, y, normalize
        self.weights = list(network.parameters())

    def here(self):
        return self.gradients()

    def at(self, e):
        weights = [w.detach().clone() for w in self.weights]
        self.assign(w + step for w, step in zip(weights, e))
        with networks.frozen_statistics(self.network):
            out = self.gradients()
        self.assign(weights)
        return out

    def assign(self, weights):
        with torch.no_grad():
            for w, value in zip(self.weights, weights):
                w.copy_(value)

    def gradients(self):
        loss = networks.losses_at(self.network, self.x, self.y, self.normalize).mean()
        return loss.item(), list(torch.autograd.grad(loss, self.weights))


def filled(network, dtype):
    """A network in training mode with the formula's values."""
    formula.fill_network(network)
    return network.to(dtype).train()


def small_network(dtype):
    return filled(networks.cnn(SHAPE, CLASSES, WIDTH), dtype)


BUFFERS = {"momentum_buffer": "momentum", "exp_avg": "exp_avg", "exp_avg_sq": "exp_avg_sq"}


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


def put_scalars(into, steps, **schedules):
    """One value per step."""
    columns = {
        "loss": [s.loss for s in steps],
        "perturbed_loss": [s.perturbed_loss for s in steps],
        "radius": [s.radius for s in steps],
        "clipped": [float(s.clipped) for s in steps],
        "gradient_norm": [rules.norm(s.gradient).item() for s in steps],
        "perturbed_gradient_norm": [rules.norm(s.perturbed_gradient).item() for s in steps],
        **{name: [schedule(t) for t in range(len(steps))] for name, schedule in schedules.items()},
    }
    into.update({k: torch.tensor(v, dtype=torch.float64) for k, v in columns.items()})


def move(optimizer, lr, passes, direction):
    optimizer.param_groups[0]["lr"] = lr
    for w, d in zip(passes.weights, direction):
        w.grad = d
    optimizer.step()
