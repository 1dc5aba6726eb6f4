"""The largest eigenvalue of ResNet-18's Hessian over 512 CIFAR-10 images, by Lanczos with full re-orthogonalisation.

    python3 tests/oracles/curvature/resnet18.py CIFAR10 WEIGHTS [--products 12] [--batch 64] [--state FILE]

CIFAR10 is a folder with `data_batch_*.bin`, WEIGHTS the `weights.safetensors` of a run of resnet18.flat beside this file, whose
`hessian.top` is to be compared. The images are 512 of the training images at equal distances; float32 with sums in float64. With
`--state` the basis is kept in a file, and a search that was stopped goes on.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

import networks

MEAN, STD = [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]
SAMPLES = 512


def images(folder):
    rows = np.concatenate([np.fromfile(path, np.uint8).reshape(-1, 3073) for path in sorted(Path(folder).glob("data_batch_*.bin"))])
    rows = rows[[k * len(rows) // SAMPLES for k in range(SAMPLES)]]
    x = torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32)) / 255
    mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (MEAN, STD))
    return (x - mean) / std, torch.from_numpy(rows[:, 0].astype(np.int64))


def product(network, x, y, batch, v):
    """H v of the mean loss, part by part."""
    parameters = list(network.parameters())
    parts = torch.split(v.float(), [p.numel() for p in parameters])
    parts = [part.reshape(p.shape) for part, p in zip(parts, parameters)]
    total = torch.zeros_like(v)
    for first in range(0, len(y), batch):
        loss = F.cross_entropy(network(x[first:first + batch]), y[first:first + batch], reduction="sum") / len(y)
        gradients = torch.autograd.grad(loss, parameters, create_graph=True)
        along = sum((g * part).sum() for g, part in zip(gradients, parts))
        total += torch.cat([h.reshape(-1) for h in torch.autograd.grad(along, parameters)]).double()
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("weights")
    parser.add_argument("--products", type=int, default=12)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--state", type=Path)
    options = parser.parse_args()
    network = networks.ARCHITECTURES["resnet18"]((3, 32, 32), 10)
    network.load_state_dict(load_file(options.weights), strict=True)
    network.eval()
    x, y = images(options.folder)
    torch.manual_seed(0)
    v = torch.randn(sum(p.numel() for p in network.parameters()), dtype=torch.float64)
    basis, alphas, betas, top = [v / v.norm()], [], [], []
    if options.state and options.state.exists():
        basis, alphas, betas, top = torch.load(options.state)
    for step in range(len(alphas), options.products):
        w = product(network, x, y, options.batch, basis[-1])
        alphas.append((w @ basis[-1]).item())
        for _ in range(2):
            for known in basis:
                w -= (w @ known) * known
        betas.append(w.norm().item())
        t = torch.diag(torch.tensor(alphas, dtype=torch.float64))
        for i, beta in enumerate(betas[:-1]):
            t[i, i + 1] = t[i + 1, i] = beta
        values, vectors = torch.linalg.eigh(t)
        best = values.abs().argmax()
        top.append(values[best].item())
        print(step + 1, "products:", top[-1], "residual", betas[-1] * abs(vectors[-1, best].item()), flush=True)
        basis.append(w / w.norm())
        if options.state:
            torch.save((basis, alphas, betas, top), options.state)


if __name__ == "__main__":
    main()
