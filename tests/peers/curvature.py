"""Eigenvalues, trace and the share of negative eigenvalues: PyHessian and a dense Hessian."""

import numpy as np
import torch
from pyhessian import hessian
from torch.func import functional_call

import common
import networks

SAMPLES = 256

folder, measured = common.run(
    f"""data digits batch 64
model mlp(hidden = [8], normalize = constants(mean = [0.3], std = [0.4]))
optimize sgd(lr = 0.1, momentum = 0.9)
train 10 epochs
under sgd
evaluate hessian(top = 2, samples = {SAMPLES}, iterations = 400, tolerance = 1e-6, error = 1%, probes = 2000), spectrum(samples = {SAMPLES}, steps = 60)
export "w.safetensors"
"""
)
network = common.loaded(networks.mlp((1, 8, 8), 10, hidden=(8,)), folder / "w.safetensors")
victim = common.Normalized(network, [0.3], [0.4]).eval()
(x, y), _ = common.digits()
chosen = [k * len(y) // SAMPLES for k in range(SAMPLES)]
x, y = x[chosen], y[chosen]


def of(evaluator, what):
    return next(number for name, number in measured.items() if name.startswith(evaluator) and name.endswith(f").{what}"))


peer = hessian(victim, torch.nn.CrossEntropyLoss(), data=(x, y), cuda=False)
eigenvalues, _ = peer.eigenvalues(maxIter=1000, tol=1e-6, top_n=1)
common.close("top eigenvalue, PyHessian", of("hessian", "top"), eigenvalues[0], 2e-3 * abs(eigenvalues[0]), "float32 in both")

victim = victim.double()
parameters = dict(victim.named_parameters())
names, shapes = list(parameters), [p.shape for p in parameters.values()]
sizes = [p.numel() for p in parameters.values()]
flat = torch.cat([p.detach().reshape(-1) for p in parameters.values()])


def loss(vector):
    pieces = torch.split(vector, sizes)
    weights = {name: piece.view(shape) for name, piece, shape in zip(names, pieces, shapes)}
    return torch.nn.functional.cross_entropy(functional_call(victim, weights, (x.double(),)), y)


dense = torch.autograd.functional.hessian(loss, flat).numpy()
exact = np.linalg.eigvalsh(dense)


common.close("top eigenvalue, dense", of("hessian", "top"), exact[-1], 1e-3 * exact[-1], "float32 against float64")
common.close("trace", of("hessian", "trace"), exact.sum(), 3 * of("hessian", "trace.error"), "three standard errors")
common.close("spectrum.low", of("spectrum", "low"), exact[0], 0.02 * abs(exact[0]), "a node of 60 steps")
common.close("spectrum.high", of("spectrum", "high"), exact[-1], 1e-3 * exact[-1], "a node of 60 steps")
common.close("spectrum.trace", of("spectrum", "trace"), exact.sum(), 2 * of("spectrum", "trace.error"), "two of its errors")
share = float((exact < 0).mean())
common.close("spectrum.negative", of("spectrum", "negative"), share, of("spectrum", "negative.error"), "its error")
common.end()
